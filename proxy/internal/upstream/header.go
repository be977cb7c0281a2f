package upstream

import (
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// readUsual reads the header of an answer that is of the usual form: whole, of HTTP/1.1, with a body whose length is given once, and with nothing that would need an interpretation. Anything else is nil,
// and for the standard library to read, or to refuse. It takes a third of the standard library's time, since it has not to be ready for anything.
//
// text ends with the empty line. The answer's strings are parts of it.
func readUsual(text string, out *http.Request) *http.Response {
	status, rest, _ := strings.Cut(text, "\r\n")
	const proto = "HTTP/1.1 "
	if out.Method == http.MethodHead || len(status) < len(proto)+3 || status[:len(proto)] != proto || !httpguts.ValidHeaderFieldValue(status) {
		return nil
	}
	status = status[len(proto):]
	code, err := strconv.Atoi(status[:3])
	if err != nil || len(status) > 3 && status[3] != ' ' || code < 200 || code > 599 || code == http.StatusNoContent || code == http.StatusNotModified {
		return nil
	}
	n := strings.Count(rest, "\r\n")
	header, values, length := make(http.Header, n), make([]string, 0, n), int64(-1)
	for {
		var line string
		if line, rest, _ = strings.Cut(rest, "\r\n"); line == "" {
			break
		}
		name, value, found := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil
		}
		name = http.CanonicalHeaderKey(name)
		switch name {
		case "Content-Length":
			if length >= 0 || len(value) > 15 || strings.Trim(value, "0123456789") != "" || value == "" {
				return nil
			}
			length, _ = strconv.ParseInt(value, 10, 64) // it is a number
		case "Connection":
			if value != "keep-alive" {
				return nil
			}
		case "Transfer-Encoding", "Trailer", "Upgrade", "Pragma":
			return nil
		}
		if header[name] != nil {
			header[name] = append(header[name], value)
			continue
		}
		values = append(values, value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	if length < 0 || rest != "" {
		return nil
	}
	return &http.Response{Status: status, StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, ContentLength: length, Body: http.NoBody, Request: out}
}
