package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// parseJSON reads one JSON value with the places of its parts. file has no line when there is none to tell, as in a variable.
func parseJSON(name string, data []byte) (*node, Faults) {
	p := jsonParser{file: name, data: data, decoder: json.NewDecoder(bytes.NewReader(data))}
	p.decoder.UseNumber()
	root, err := p.value(nil, 0)
	if err == nil {
		if _, err = p.decoder.Token(); errors.Is(err, io.EOF) {
			return root, p.faults
		}
		if err == nil {
			err = errors.New("there is more after the end of the value")
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends before the value does")
	}
	return nil, append(p.faults, Fault{p.position(int(p.decoder.InputOffset())), "", "not valid JSON: " + err.Error()})
}

type jsonParser struct {
	file    string
	data    []byte
	decoder *json.Decoder
	faults  Faults

	// The place that was asked for last, from which the next one is counted: places are asked for in order.
	offset, line, lineStart int
}

func (p *jsonParser) position(offset int) Position {
	offset = min(offset, len(p.data))
	for ; p.offset < offset; p.offset++ {
		if p.data[p.offset] == '\n' {
			p.line, p.lineStart = p.line+1, p.offset+1
		}
	}
	return Position{p.file, p.line + 1, utf8.RuneCount(p.data[min(p.lineStart, offset):offset]) + 1}
}

// next returns the next token and where it starts.
func (p *jsonParser) next() (json.Token, Position, error) {
	start := int(p.decoder.InputOffset())
	for start < len(p.data) && bytes.IndexByte([]byte(" \t\r\n,:"), p.data[start]) >= 0 {
		start++
	}
	pos := p.position(start)
	token, err := p.decoder.Token()
	return token, pos, err
}

func (p *jsonParser) value(at *keyPath, depth int) (*node, error) {
	token, pos, err := p.next()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return nil, fmt.Errorf("values are nested more than %d deep", maxDepth)
		}
		if token == '[' {
			return p.list(pos, at, depth)
		}
		return p.object(pos, at, depth)
	case string:
		return &node{kind: kindText, text: token, pos: pos}, nil
	case json.Number:
		return &node{kind: kindNumber, text: token.String(), pos: pos}, nil
	case bool:
		return &node{kind: kindBool, text: strconv.FormatBool(token), pos: pos}, nil
	default:
		return &node{kind: kindNull, pos: pos}, nil
	}
}

func (p *jsonParser) list(pos Position, at *keyPath, depth int) (*node, error) {
	list := &node{kind: kindList, pos: pos, items: []*node{}}
	for p.decoder.More() {
		item, err := p.value(at.item(len(list.items)), depth+1)
		if err != nil {
			return nil, err
		}
		list.items = append(list.items, item)
	}
	_, err := p.decoder.Token()
	return list, err
}

func (p *jsonParser) object(pos Position, at *keyPath, depth int) (*node, error) {
	var entries []entry
	first := map[string]int{}
	for p.decoder.More() {
		token, keyPos, err := p.next()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		value, err := p.value(at.child(key), depth+1)
		if err != nil {
			return nil, err
		}
		if line, again := first[key]; again && enough(p.faults) {
			continue
		} else if again {
			p.faults = append(p.faults, Fault{keyPos, at.child(key).String(), fmt.Sprintf("duplicate key; it is already set at line %d", line)})
			continue
		}
		first[key] = keyPos.Line
		entries = append(entries, entry{key, keyPos, value})
	}
	if _, err := p.decoder.Token(); err != nil {
		return nil, err
	}
	return object(pos, entries), nil
}
