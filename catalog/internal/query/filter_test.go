package query_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

func in(key string, values ...string) query.In { return query.In{Key: key, Values: values} }

func TestParseFilter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		params []string
		want   query.Predicate
	}{
		"none":                           {nil, nil},
		"blank sets":                     {[]string{"", " , ,"}, nil},
		"a value":                        {[]string{"kind=Component"}, in("kind", "Component")},
		"space":                          {[]string{" kind = a , ,spec.type = b c "}, query.All{in("kind", "a"), in("spec.type", "b c")}},
		"exists":                         {[]string{"spec.type"}, query.Exists{Key: "spec.type"}},
		"empty value":                    {[]string{"spec.type="}, in("spec.type", "")},
		"one key is IN":                  {[]string{"a=1,b=2,a=3"}, query.All{in("a", "1", "3"), in("b", "2")}},
		"exists and value is value":      {[]string{"a,a=1", "b=1,b"}, query.Any{in("a", "1"), in("b", "1")}},
		"sets are alternatives":          {[]string{"a=1", ",", "b=2,c"}, query.Any{in("a", "1"), query.All{in("b", "2"), query.Exists{Key: "c"}}}},
		"further equals signs are value": {[]string{"a=b=c=="}, in("a", "b=c==")},
		"escaped comma":                  {[]string{`a=1\,2,b=x\,`}, query.All{in("a", "1,2"), in("b", "x,")}},
		"other backslashes stay":         {[]string{`a=\1\\,b=\`}, in("a", `\1\,b=\`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := query.ParseFilter(test.params)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseFilterOfManyKeys(t *testing.T) {
	t.Parallel()
	var conditions []string
	for i := range 2000 {
		conditions = append(conditions, "key"+strconv.Itoa(i%1000)+"="+strconv.Itoa(i))
	}
	got, err := query.ParseFilter([]string{strings.Join(conditions, ",")})
	if err != nil {
		t.Fatal(err)
	}
	all := got.(query.All)
	if diff := cmp.Diff(in("key999", "999", "1999"), all[999]); diff != "" || len(all) != 1000 {
		t.Errorf("%d keys (-want +got):\n%s", len(all), diff)
	}
}

func TestParseFilterRefuses(t *testing.T) {
	t.Parallel()
	for param, says := range map[string]string{
		"a=1,=b":                        `"=b" has no key`,
		" = ":                           "has no key",
		strings.Repeat("a=b,", 10_000):  "more than 5000 conditions",
		"=" + strings.Repeat("é", 1000): "…",
	} {
		_, err := query.ParseFilter([]string{param})
		wantFault(t, err, says)
	}
}

func wantFault(t *testing.T, err error, says string) {
	t.Helper()
	var fault *query.Error
	if !errors.As(err, &fault) || fault.StatusCode() != 400 || !strings.Contains(fault.Error(), says) {
		t.Errorf("error %v, want a 400 that says %q", err, says)
	}
	if err != nil && len(err.Error()) > 400 {
		t.Errorf("message of %d bytes", len(err.Error()))
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{"", "kind=component,spec.type", "a=1,a=2,b", `a=x\,y`, "=", ",,=", "metadata.annotations.a.b/c=d=e", " a = b "} {
		f.Add(seed, "kind=api")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		_, err := query.ParseFilter([]string{one, two})
		if err != nil {
			wantFault(t, err, "")
		}
	})
}
