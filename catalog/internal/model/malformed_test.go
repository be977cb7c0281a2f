package model_test

import (
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor/descriptortest"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"
)

// TestMalformed takes every malformed descriptor through reading and validation: each must be refused, with a position within its own lines.
func TestMalformed(t *testing.T) {
	t.Parallel()
	m := builtin(t)
	invalid := 0
	for _, c := range descriptortest.Malformed() {
		prefix := descriptortest.Good("before") + "---\n"
		first, last := strings.Count(prefix, "\n")+1, strings.Count(prefix+c.Text, "\n")+1
		documents, err := descriptor.Parse([]byte(prefix+c.Text), descriptor.Limits{})
		if err != nil {
			if !c.Unclean {
				t.Errorf("%s: %v", c.Name, err)
			}
			continue
		}
		if problems := check(m, documents[0].Object); len(problems) > 0 {
			t.Errorf("%s: its neighbour is invalid: %v", c.Name, problems)
		}
		refused := false
		for _, document := range documents[1:] {
			if document.Err != nil {
				refused = true
				continue
			}
			for _, problem := range check(m, document.Object) {
				refused = true
				invalid++
				if line, column := document.Position(problem.Pointer); line < first || line > last || column < 1 || problem.Message == "" {
					t.Errorf("%s: %q is at %d:%d, want lines %d to %d", c.Name, problem.Message, line, column, first, last)
				}
			}
		}
		if !refused && len(documents) > 1 {
			t.Errorf("%s is taken for valid:\n%s", c.Name, c.Text)
		}
	}
	if invalid < 200 {
		t.Errorf("only %d problems were found by validation", invalid)
	}
}

// check does what ingestion does with an entity.
func check(m *model.Model, entity map[string]any) []model.Problem {
	if problems := model.Envelope(entity); len(problems) > 0 {
		return problems
	}
	m.Normalize(entity)
	if problems := m.Validate(entity); len(problems) > 0 {
		return problems
	}
	_, problems := m.Relations(entity)
	return problems
}

func builtin(t testing.TB) *model.Model {
	t.Helper()
	m, err := model.New(model.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
