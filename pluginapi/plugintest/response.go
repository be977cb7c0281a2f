package plugintest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
)

// Response is an answer of a portal, read whole. Methods that find something not to be as asked fail the test and go on; those that return a Response can be chained.
type Response struct {
	Status int
	Header http.Header
	Body   []byte

	t        testing.TB
	asked    string
	troubles func() string // of the portal's log
	page     *html.Node
}

func encode(body any) (io.Reader, string, error) {
	switch body := body.(type) {
	case nil:
		return nil, "", nil
	case io.Reader:
		return body, "", nil
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, "", fmt.Errorf("encode request body: %w", err)
	}
	return bytes.NewReader(text), "application/json", nil
}

// Want checks the status, and stops the test if it is another.
func (r *Response) Want(status int) *Response {
	r.t.Helper()
	if r.Status != status {
		r.t.Fatalf("%s: status %d, want %d\n%s", r.asked, r.Status, status, r.gist())
	}
	return r
}

// gist is what a person needs of an answer that is not as expected: of a page what it says, and what the log says.
func (r *Response) gist() string {
	said := string(r.Body)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		for _, main := range r.Find("main") {
			said = main.Text()
		}
	}
	if r.troubles != nil {
		if troubles := r.troubles(); troubles != "" {
			said += "\nthe log says:\n" + troubles
		}
	}
	return said
}

// JSON decodes the body into target.
func (r *Response) JSON(target any) *Response {
	r.t.Helper()
	if err := json.Unmarshal(r.Body, target); err != nil {
		r.t.Fatalf("%s: %v\n%s", r.asked, err, r.Body)
	}
	return r
}

// Find returns the elements of an HTML answer that a CSS selector matches, in document order.
func (r *Response) Find(selector string) []Element {
	r.t.Helper()
	if r.page == nil {
		page, err := html.Parse(bytes.NewReader(r.Body))
		if err != nil {
			r.t.Fatalf("%s: %v", r.asked, err)
		}
		r.page = page
	}
	match, err := cascadia.ParseGroup(selector)
	if err != nil {
		r.t.Fatalf("selector %q: %v", selector, err)
	}
	var found []Element
	for _, node := range cascadia.QueryAll(r.page, match) {
		found = append(found, Element{node})
	}
	return found
}

// Has checks that an element matches the selector.
func (r *Response) Has(selector string) *Response {
	r.t.Helper()
	if len(r.Find(selector)) == 0 {
		r.t.Errorf("%s: nothing matches %q in\n%s", r.asked, selector, r.Body)
	}
	return r
}

// HasNot checks that no element matches the selector.
func (r *Response) HasNot(selector string) *Response {
	r.t.Helper()
	if found := r.Find(selector); len(found) > 0 {
		r.t.Errorf("%s: %d elements match %q; the first says %q", r.asked, len(found), selector, found[0].Text())
	}
	return r
}

// Lacks checks that the body does not contain the text, tags and attributes of HTML included.
func (r *Response) Lacks(text string) *Response {
	r.t.Helper()
	if at := bytes.Index(r.Body, []byte(text)); at >= 0 {
		r.t.Errorf("%s: it says %q: …%s…", r.asked, text, r.Body[max(0, at-100):min(len(r.Body), at+len(text)+100)])
	}
	return r
}

// HasText checks that an element that matches the selector contains text, white space aside.
func (r *Response) HasText(selector, text string) *Response {
	r.t.Helper()
	found := r.Find(selector)
	said := make([]string, 0, len(found))
	for _, element := range found {
		if strings.Contains(element.Text(), text) {
			return r
		}
		said = append(said, element.Text())
	}
	r.t.Errorf("%s: none of the %d elements that match %q says %q; they say %q", r.asked, len(found), selector, text, said)
	return r
}

// Element is an element of a page.
type Element struct{ node *html.Node }

// Text returns the element's text with every run of white space as one blank.
func (e Element) Text() string {
	var text strings.Builder
	for node := range e.node.Descendants() {
		if node.Type == html.TextNode {
			text.WriteString(node.Data)
			text.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

// Attr returns the value of an attribute, or "".
func (e Element) Attr(name string) string {
	for _, attribute := range e.node.Attr {
		if attribute.Key == name {
			return attribute.Val
		}
	}
	return ""
}
