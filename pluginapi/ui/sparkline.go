package ui

import (
	"context"
	"io"
	"math"
	"strconv"

	"github.com/a-h/templ"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Sparkline is a series of numbers as a line of 120 by 32 px, with what it says in words for those who do not see it.
type Sparkline struct {
	Label  string    // what is measured: "Performance"
	Values []float64 // oldest first; NaN is a gap
	Low    float64   // value of the lower edge; with High equal to Low both come from the values
	High   float64   // value of the upper edge
	Tone   Tone      // of the line; neutral is the colour of links
}

var _ pluginapi.Component = Sparkline{}

const (
	sparkWidth  = 120
	sparkHeight = 32
	sparkMargin = 3 // room for the dot and the line's own width
)

// Render writes an svg element, or a dash when there is no value.
func (s Sparkline) Render(ctx context.Context, w io.Writer) error {
	least, most, last, count := math.Inf(1), math.Inf(-1), 0.0, 0
	for _, v := range s.Values {
		if finite(v) {
			least, most, last, count = min(least, v), max(most, v), v, count+1
		}
	}
	if count == 0 {
		return element{`<span class="ui-muted" title="no values">`, "–", `</span>`}.Render(ctx, w)
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
	words := number(last)
	if count > 1 {
		words += ", between " + number(least) + " and " + number(most) + " over " + strconv.Itoa(count) + " values"
	}
	if s.Label != "" {
		words = s.Label + ": " + words
	}
	low, high := s.Low, s.High
	if !(low < high) {
		low, high = least, most
	}
	words = templ.EscapeString(words)
	line, area := make([]byte, 0, 12*len(s.Values)), make([]byte, 0, 14*len(s.Values)+32)
	var x, y float64
	drawing := false
	lift := func() { // the area ends at the lower edge
		if drawing {
			area = append(appendCoordinate(append(area, 'L'), x), " 32Z"...)
		}
		drawing = false
	}
	for i, v := range s.Values {
		if !finite(v) {
			lift()
			continue
		}
		x, y = s.point(i, v, low, high)
		pen := byte('L')
		if !drawing {
			pen, drawing = 'M', true
			area = append(appendCoordinate(append(area, 'M'), x), " 32"...)
		}
		line = appendPoint(append(line, pen), x, y)
		area = appendPoint(append(area, 'L'), x, y)
	}
	lift()
	html := make([]byte, 0, 320+len(line)+len(area))
	html = append(html, `<svg class="ui-spark" data-tone="`+s.Tone.name()+`" width="120" height="32" viewBox="0 0 120 32" role="img" aria-label="`+words+`"><title>`+words+`</title><path d="`...)
	html = append(html, line...)
	html = append(html, `"/><path class="ui-spark-area" d="`...)
	html = append(html, area...)
	html = append(html, `"/><circle r="2.5" cx="`...)
	html = appendCoordinate(html, x)
	html = append(html, `" cy="`...)
	html = appendCoordinate(html, y)
	html = append(html, `"/></svg>`...)
	_, err := w.Write(html)
	return err
}

// point returns where a value lies, in px from the upper left corner.
func (s Sparkline) point(i int, v, low, high float64) (x, y float64) {
	x = sparkWidth - sparkMargin
	if len(s.Values) > 1 {
		x = sparkMargin + float64(i)*(sparkWidth-2*sparkMargin)/float64(len(s.Values)-1)
	}
	y = sparkHeight / 2
	if high > low {
		// Halves, so that the span between the largest floats does not overflow.
		share := (v/2 - low/2) / (high/2 - low/2)
		y = sparkHeight - sparkMargin - min(1, max(0, share))*(sparkHeight-2*sparkMargin)
	}
	return x, y
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func appendPoint(to []byte, x, y float64) []byte {
	return appendCoordinate(append(appendCoordinate(to, x), ' '), y)
}

func appendCoordinate(to []byte, v float64) []byte {
	return strconv.AppendFloat(to, math.Round(v*10)/10, 'f', -1, 64)
}
