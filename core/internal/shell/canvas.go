package shell

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

const (
	maxPage = 4 << 20 // bytes that a page, or what a plugin draws of it, may have
	maxKept = 1 << 20 // bytes of a canvas that is used again
)

// canvas is memory to draw a page into: nothing is sent before all is drawn, so that an error has a status and a page of its own. As a component it is what was drawn.
type canvas struct{ drawn bytes.Buffer }

var (
	_ pluginapi.Component = (*canvas)(nil)
	_ io.StringWriter     = (*canvas)(nil)
)

// canvas returns an empty one, to be given back.
func (s *Shell) canvas() *canvas {
	if c, ok := s.canvases.Get().(*canvas); ok {
		return c
	}
	return new(canvas)
}

func (s *Shell) giveBack(c *canvas) {
	if c.drawn.Cap() > maxKept {
		return
	}
	c.drawn.Reset()
	s.canvases.Put(c)
}

// Write implements [io.Writer].
func (c *canvas) Write(p []byte) (int, error) {
	if err := c.check(len(p)); err != nil {
		return 0, err
	}
	return c.drawn.Write(p)
}

// WriteString implements [io.StringWriter].
func (c *canvas) WriteString(p string) (int, error) {
	if err := c.check(len(p)); err != nil {
		return 0, err
	}
	return c.drawn.WriteString(p)
}

func (c *canvas) check(more int) error {
	if c.drawn.Len()+more > maxPage {
		return fmt.Errorf("draw page: more than %d bytes", maxPage)
	}
	return nil
}

// Render implements [pluginapi.Component].
func (c *canvas) Render(_ context.Context, w io.Writer) error {
	_, err := w.Write(c.drawn.Bytes())
	return err
}
