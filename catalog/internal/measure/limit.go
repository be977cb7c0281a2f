package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// startLimit starts this program as a server that gives the answers of another one from memory.
func startLimit(ctx context.Context, origin string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.Command(program, "-limit", origin), address: listener.Addr().String()}
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	p.command.ExtraFiles, p.command.Stderr = []*os.File{file}, os.Stderr
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	return p, listener.Close()
}

// serveLimit is the whole of that server: it asks the origin each different request once.
func serveLimit(origin string) error {
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	type answer struct {
		contentType []string
		body        []byte
	}
	var answers sync.Map
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := ""
		if r.Method != http.MethodGet {
			text, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			asked = string(text)
		}
		key := r.Method + r.RequestURI + asked
		found, ok := answers.Load(key)
		if !ok {
			header, body, err := fetch(r, origin, asked)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			found, _ = answers.LoadOrStore(key, &answer{header["Content-Type"], body})
		}
		a := found.(*answer)
		w.Header()["Content-Type"] = a.contentType
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(a.body))}
		_, _ = w.Write(a.body)
	})}
	return server.Serve(listener)
}

func fetch(r *http.Request, origin, body string) (http.Header, []byte, error) {
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+origin+r.RequestURI, strings.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	again.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(again)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", res.StatusCode, text)
	}
	return res.Header, text, err
}
