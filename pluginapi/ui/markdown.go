package ui

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strconv"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// MarkdownOptions say how Markdown fits into the page around it.
type MarkdownOptions struct {
	// Shift is how many levels headings move down, so that they continue the page's outline; zero means 2: a first-level heading becomes an h3, right below a [Card]'s title. No heading goes
	// below h6.
	Shift int
	// Resolve returns the address that a link (or an image, when image is true) of the text leads to: for text whose addresses are relative to where it came from. Nil leaves them as they are.
	// Its result is checked as any other address.
	Resolve func(address string, image bool) string
}

// Markdown draws text in GitHub's flavour of Markdown: tables, task lists, strikethrough, bare addresses. HTML in the text is left out, addresses that [SafeURL] would refuse lose their link,
// and ids of headings start with "md-". Text that someone else wrote is safe to draw.
//
// The text is converted here, not when drawn, so the returned component is worth keeping; it may be drawn any number of times, by several goroutines.
func Markdown(source string, options MarkdownOptions) pluginapi.Component {
	if options.Shift == 0 {
		options.Shift = 2
	}
	var body, html bytes.Buffer
	state := parser.NewContext(parser.WithIDs(&markdownState{options: options, taken: map[string]bool{}}))
	if err := markdownParser().Convert([]byte(source), &body, parser.WithContext(state)); err != nil {
		return Paragraph(source) // not reached: the renderers do not fail on a buffer
	}
	html.WriteString(`<div class="ui-markdown">`)
	checked := markdownPolicy().SanitizeBytes(body.Bytes())
	// The boxes of task lists have no label that assistive technology would find. No other input gets past the policy.
	checked = bytes.ReplaceAll(checked, []byte(`<input checked=""`), []byte(`<input aria-label="done" checked=""`))
	html.Write(bytes.ReplaceAll(checked, []byte(`<input disabled=""`), []byte(`<input aria-label="not done" disabled=""`)))
	html.WriteString(`</div>`)
	return drawn(html.Bytes())
}

// drawn is HTML that this package made and checked.
type drawn []byte

// Render writes it.
func (d drawn) Render(_ context.Context, w io.Writer) error {
	_, err := w.Write(d)
	return err
}

// The converter and the policy are built at first use and never changed: building a policy costs more than converting a description.
var (
	markdownParser = sync.OnceValue(newMarkdownParser)
	markdownPolicy = sync.OnceValue(newMarkdownPolicy)
)

func newMarkdownParser() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(
			extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), // a style attribute would meet the Content-Security-Policy
			extension.Strikethrough, extension.Linkify, extension.TaskList,
		),
		goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(markdownFit{}, 500))),
	)
}

func newMarkdownPolicy() *bluemonday.Policy {
	policy := bluemonday.NewPolicy()
	policy.AllowElements("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "li", "em", "strong", "del", "code", "pre", "table", "thead", "tbody", "tr")
	policy.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	policy.AllowElements("ol")
	policy.AllowAttrs("align").Matching(bluemonday.CellAlign).OnElements("th", "td")
	policy.AllowElements("th", "td")
	policy.AllowAttrs("id").Matching(regexp.MustCompile(`^md-[a-z0-9-]+$`)).OnElements("h1", "h2", "h3", "h4", "h5", "h6")
	policy.AllowAttrs("type").Matching(regexp.MustCompile(`^checkbox$`)).OnElements("input")
	policy.AllowAttrs("checked", "disabled").Matching(regexp.MustCompile(`^$`)).OnElements("input")
	policy.AllowAttrs("href", "title").OnElements("a")
	policy.AllowAttrs("src", "alt", "title").OnElements("img")
	policy.AllowURLSchemes("http", "https", "mailto")
	policy.AllowRelativeURLs(true)
	policy.RequireParseableURLs(true)
	policy.RequireNoFollowOnLinks(false)
	policy.RequireNoReferrerOnFullyQualifiedLinks(true)
	return policy
}

// markdownFit moves headings down and resolves addresses.
type markdownFit struct{}

// Transform changes the document in place.
func (markdownFit) Transform(document *ast.Document, _ text.Reader, state parser.Context) {
	options := state.IDs().(*markdownState).options // Markdown gives each call one
	// Walk fails only when its function does.
	_ = ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.Heading:
			node.Level = min(6, max(1, node.Level+options.Shift))
		case *ast.Link:
			node.Destination = resolveAddress(node.Destination, false, options)
		case *ast.Image:
			node.Destination = resolveAddress(node.Destination, true, options)
		}
		return ast.WalkContinue, nil
	})
}

func resolveAddress(raw []byte, image bool, options MarkdownOptions) []byte {
	address := string(raw)
	if options.Resolve != nil {
		address = options.Resolve(address, image)
	}
	check := SafeURL
	if image {
		check = imageURL
	}
	address, _ = check(address)
	return []byte(address)
}

// markdownState belongs to one call of Markdown. It makes ids of headings that cannot meet the page's own, such as "main", and carries the options to the transformer: the parser's
// context has keys for that, but they come from a counter shared by the whole process without a lock.
type markdownState struct {
	options MarkdownOptions
	taken   map[string]bool
}

var _ parser.IDs = (*markdownState)(nil)

// Generate returns an id made of the heading's letters and digits that is not taken yet.
func (m *markdownState) Generate(value []byte, _ ast.NodeKind) []byte {
	slug := []byte("md-")
	for _, c := range bytes.ToLower(value) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			slug = append(slug, c)
		case slug[len(slug)-1] != '-':
			slug = append(slug, '-')
		}
	}
	base := string(bytes.TrimRight(slug, "-"))
	if base == "md" {
		base = "md-section"
	}
	id := base
	for n := 2; m.taken[id]; n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	m.taken[id] = true
	return []byte(id)
}

// Put records an id written in the text; attributes are not read, so there are none.
func (m *markdownState) Put(value []byte) { m.taken[string(value)] = true }
