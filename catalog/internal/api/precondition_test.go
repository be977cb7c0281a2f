package api

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEntityTags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values []string
		want   []string // nil: refused, but for no header at all
	}{
		{nil, nil},
		{[]string{`"a"`}, []string{"a"}},
		{[]string{`W/"a"`}, []string{"a"}},
		{[]string{`a`}, []string{"a"}},
		{[]string{`*`}, []string{"*"}},
		{[]string{` * `}, []string{"*"}},
		{[]string{`"a", W/"b" ,"c"`}, []string{"a", "b", "c"}},
		{[]string{`"a"`, `"b"`}, []string{"a", "b"}},
		{[]string{`,, "a,b" , ""`}, []string{"a,b", ""}},
		{[]string{``}, nil},
		{[]string{` , `}, nil},
		{[]string{`"a`}, nil},
		{[]string{`a"b`}, nil},
		{[]string{`"a"b`}, nil},
		{[]string{`"*"`}, nil},
		{[]string{`"a", *`}, nil},
	} {
		got, err := entityTags(http.Header{"If-Match": test.values}, "If-Match")
		if diff := cmp.Diff(test.want, got); diff != "" || (err != nil) != (test.want == nil && test.values != nil) {
			t.Errorf("%q: %q, %v", test.values, got, err)
		}
	}
}
