package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// params are the query parameters of a request, of which there are few. Those that nobody takes are refused by [params.done].
type params struct {
	names, values []string // of the same length
	taken         []string // names
	err           error
	room          [24]string // for those of most requests
}

func paramsOf(r *http.Request) *params {
	p := &params{}
	p.names, p.values, p.taken = p.room[:0:8], p.room[8:8:16], p.room[16:16]
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if pair == "" {
			continue
		}
		name, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil || strings.Contains(pair, ";") {
			p.err = pluginapi.BadInput("the query of the URL cannot be read at %q: write %% as %%25 and ; as %%3B", pair).Because(err)
			return p
		}
		p.names = append(p.names, strings.TrimSuffix(name, "[]")) // the other way to write a list
		p.values = append(p.values, value)
	}
	return p
}

func (p *params) fail(format string, args ...any) {
	if p.err == nil {
		p.err = pluginapi.BadInput(format, args...)
	}
}

// list returns all values of a parameter that may be repeated.
func (p *params) list(name string) []string {
	p.taken = append(p.taken, name)
	var values []string
	for i, known := range p.names {
		if known != name {
			continue
		}
		if p.values[i] == "" {
			p.fail("Empty value found for query parameter '%s'", name)
		}
		if values == nil {
			values = p.values[i : i+1 : i+1]
		} else {
			values = append(values, p.values[i])
		}
	}
	return values
}

// text returns the value of a parameter that occurs once.
func (p *params) text(name string) string {
	values := p.list(name)
	if len(values) == 0 {
		return ""
	}
	if len(values) > 1 {
		p.fail("request/query/%s must be one value; it is there %d times", name, len(values))
	}
	return values[0]
}

// commas returns the items of a comma list.
func (p *params) commas(name string) []string {
	var items []string
	for _, value := range p.list(name) {
		items = append(items, strings.Split(value, ",")...)
	}
	return items
}

// number returns a whole number, or otherwise if it is not given.
func (p *params) number(name string, least, otherwise int) int {
	if !p.has(name) {
		p.taken = append(p.taken, name)
		return otherwise
	}
	text := p.text(name)
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		p.fail("request/query/%s must be integer", name)
	case n < least:
		p.fail("request/query/%s must be >= %d", name, least)
	}
	return n
}

func (p *params) has(name string) bool { return slices.Contains(p.names, name) }

// done returns what is wrong with the parameters, one that is not known included.
func (p *params) done() error {
	if p.err != nil {
		return p.err
	}
	for _, name := range p.names {
		if !slices.Contains(p.taken, name) {
			return pluginapi.BadInput("Unknown query parameter '%s'", name)
		}
	}
	return nil
}

// noParams refuses any query parameter.
func noParams(r *http.Request) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	return paramsOf(r).done()
}

// readBody reads a JSON object. Without strict, keys that into does not have are skipped.
func readBody(r *http.Request, into any, strict, mayBeEmpty bool) error {
	text, err := bodyOf(r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return pluginapi.BadInput("request entity too large: more than %d bytes", tooLarge.Limit)
	case err != nil:
		return err
	case len(bytes.TrimSpace(text)) == 0 && mayBeEmpty:
		return nil
	}
	const wanted = "application/json"
	if kind := r.Header.Get("Content-Type"); kind != "" && kind != wanted {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != wanted {
			return pluginapi.BadInput("unsupported media type %s", kind)
		}
	}
	if plain, ok := into.(interface{ readPlain(text []byte) bool }); ok && plain.readPlain(text) {
		return nil
	}
	if !strict && json.Unmarshal(text, into) == nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text)) // it tells more about what is wrong
	if strict {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(into); err != nil {
		return pluginapi.BadInput("request/body: %s", bodyFault(err)).Because(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return pluginapi.BadInput("request/body must be one JSON object")
	}
	return nil
}

// bodyOf reads the body, into a buffer of the right size if the client says how long it is.
func bodyOf(r *http.Request) ([]byte, error) {
	const most = 64 << 10 // that is believed
	if r.ContentLength <= 0 || r.ContentLength > most {
		return io.ReadAll(r.Body)
	}
	text := make([]byte, r.ContentLength)
	n, err := io.ReadFull(r.Body, text)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return text[:n], err
}

// bodyFault says what is wrong with a body in words without the Go types.
func bodyFault(err error) string {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong) && wrong.Field == "":
		return "it must be an object"
	case errors.As(err, &wrong):
		return wrong.Field + " must not be " + wrong.Value + " but " + jsonType(wrong.Type)
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is not valid JSON: %s, at byte %d", syntax, syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it is not valid JSON: it ends too early"
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return "must NOT have additional properties: " + name
	}
	return "it is not valid JSON"
}

// jsonType is what a value of a Go type is in JSON.
func jsonType(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "an array"
	}
	return "an object"
}
