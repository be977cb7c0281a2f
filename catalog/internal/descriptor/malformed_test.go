package descriptor_test

import (
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor/descriptortest"
)

// TestMalformed puts each malformed descriptor between two good ones: whatever is wrong with it, they must be read, and what cannot be read must say where.
func TestMalformed(t *testing.T) {
	t.Parallel()
	cases := descriptortest.Malformed()
	if len(cases) < 500 {
		t.Errorf("the corpus has shrunk to %d cases", len(cases))
	}
	unreadable := 0
	for _, c := range cases {
		before, after := descriptortest.Good("before"), descriptortest.Good("after")
		text := before + "---\n" + c.Text + "\n---\n" + after
		documents, err := descriptor.Parse([]byte(text), descriptor.Limits{})
		if err != nil {
			if !c.Unclean {
				t.Errorf("%s: the whole file is refused: %v", c.Name, err)
			}
			continue
		}
		first, last := documents[0], documents[len(documents)-1]
		if first.Object == nil || last.Object == nil || !strings.Contains(string(first.JSON()), `"name":"before"`) || !strings.Contains(string(last.JSON()), `"name":"after"`) {
			t.Errorf("%s: a neighbour is lost: %v", c.Name, describe(documents))
		}
		firstLine, lastLine := strings.Count(before, "\n")+2, strings.Count(text, "\n")-strings.Count(after, "\n")
		for _, document := range documents[1 : len(documents)-1] {
			if document.Err == nil {
				continue
			}
			unreadable++
			if e := document.Err; e.Line < firstLine-1 || e.Line > lastLine || e.Column < 1 || e.Reason == "" {
				t.Errorf("%s: error %v, want one within lines %d to %d", c.Name, e, firstLine, lastLine)
			}
		}
	}
	if unreadable < 200 {
		t.Errorf("only %d cases were unreadable; the corpus has lost its teeth", unreadable)
	}
	t.Logf("%d cases, %d of them unreadable", len(cases), unreadable)
}

func FuzzParse(f *testing.F) {
	for _, c := range descriptortest.Malformed() {
		f.Add([]byte(c.Text))
	}
	f.Add([]byte(descriptortest.Good("a") + "---\n" + descriptortest.Good("b")))
	f.Fuzz(func(t *testing.T, text []byte) {
		documents, err := descriptor.Parse(text, descriptor.Limits{FileBytes: 1 << 16, Nodes: 10000})
		if err != nil {
			return
		}
		lines := strings.Count(string(text), "\n") + strings.Count(string(text), "\r") + strings.Count(string(text), "\u2028") + strings.Count(string(text), "\u2029") + strings.Count(string(text), "\u0085") + 2
		for _, document := range documents {
			if (document.Object == nil) == (document.Err == nil) {
				t.Fatalf("document %d has object %v and error %v", document.Index, document.Object, document.Err)
			}
			if document.Err != nil && (document.Err.Line < 1 || document.Err.Line > lines || document.Err.Column < 1) {
				t.Fatalf("error %v is outside of the %d lines", document.Err, lines)
			}
			if document.Err == nil {
				again, err := descriptor.Value(document.JSON(), descriptor.Limits{})
				if err != nil {
					t.Fatalf("its own JSON %s is not read: %v", document.JSON(), err)
				}
				_ = again
			}
			document.Position("/metadata/name")
		}
	})
}
