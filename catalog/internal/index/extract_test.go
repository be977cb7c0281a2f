package index

import (
	"fmt"
	"hash/maphash"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rowsOf lists the search rows of an entity as "key = value", with the original where it differs, sorted.
func rowsOf(t *testing.T, entity string) (rows, clashes []string) {
	t.Helper()
	x := extraction{seed: maphash.MakeSeed()}
	if err := x.extract([]byte(entity), "the-uid"); err != nil {
		t.Fatal(err)
	}
	for _, r := range x.rows {
		line := fmt.Sprintf("%s = %s", x.text(r.key), x.text(r.lower))
		if r.null {
			line = fmt.Sprintf("%s null", x.text(r.key))
		}
		if original := x.text(r.original); len(original) > 0 {
			line += fmt.Sprintf(" (%s)", original)
		}
		rows = append(rows, line)
	}
	sort.Strings(rows)
	return rows, x.clashes
}

func TestSearchRows(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 201)
	for name, test := range map[string]struct {
		entity  string
		want    []string
		clashes []string
	}{
		"scalars, objects, special fields": {
			entity: `{"apiVersion":"v1","kind":"Component","metadata":{"name":"Web","namespace":"Shop","uid":"U-1","etag":"e","annotations":{"a.b/C":"D"}},
				"spec":{"n":1.50,"big":1e21,"yes":true,"no":false,"empty":"","none":null,"object":{},"list":[]}}`,
			want: []string{
				"apiversion = v1", "kind = component (Component)", "metadata.annotations.a.b/c = d (D)", "metadata.name = web (Web)",
				"metadata.namespace = shop (Shop)", "metadata.uid = u-1 (U-1)", "spec.big = 1e+21", "spec.empty = ", "spec.n = 1.5", "spec.no = false",
				"spec.none null", "spec.yes = true",
			},
		},
		"skipped paths, and only those": {
			entity: `{"attachments":{"a":1},"status":{"items":[1]},"metadata":{"etag":"x"},"spec":{"status":"on","relations":"r","metadata":{"etag":"y"}}}`,
			want:   []string{"metadata.namespace = default", "metadata.uid = the-uid", "spec.metadata.etag = y", "spec.relations = r", "spec.status = on"},
		},
		"arrays": {
			entity: `{"tags":["Java","java","go",1,null,true,["deep"],{"k":"v"}],"links":[{"url":"A"},{"url":"b"},{"url":"a"}]}`,
			want: []string{
				"links.url = a (A)", "links.url = b", "metadata.namespace = default", "metadata.uid = the-uid", "tags = 1", "tags = deep", "tags = go",
				"tags = java (Java)", "tags = true", "tags null", "tags.deep = true", "tags.go = true", "tags.java = true", "tags.k = v",
			},
		},
		"an element's row gives way to a field of that name that came before": {
			entity: `{"a":[{"b":"field"},"B"],"c":["d",{"d":"later"}]}`,
			want:   []string{"a = b (B)", "a.b = field", "c = d", "c.d = later", "c.d = true", "metadata.namespace = default", "metadata.uid = the-uid"},
		},
		"limits": {
			entity: `{"ok":"` + long[1:] + `","long":"` + long + `","` + long + `":1,"wide":"` + strings.Repeat("😀", 101) + `","fits":"` + strings.Repeat("é", 200) + `","list":["` + long + `"]}`,
			want: []string{
				"fits = " + strings.Repeat("é", 200), "list null", "long null", "metadata.namespace = default", "metadata.uid = the-uid", "ok = " + long[1:], "wide null",
			},
		},
		"relations": {
			entity: `{"relations":[{"type":"ownedBy","targetRef":"Group:default/A"},{"type":"ownedBy","targetRef":"group:default/a"},
				{"targetRef":"user:default/u","type":"hasMember"},{"type":"broken"},7]}`,
			want: []string{"metadata.namespace = default", "metadata.uid = the-uid", "relations.hasmember = user:default/u", "relations.ownedby = group:default/a (Group:default/A)"},
		},
		"escapes": {
			entity: `{"metadata":{"namespace":""},"a\"b":"tab\tand \u00c9"}`,
			want:   []string{"a\"b = tab\tand é (tab\tand É)", "metadata.namespace = default", "metadata.uid = the-uid"},
		},
		"keys that differ in case": {
			entity:  `{"metadata":{"annotations":{"Maintainer":"a","maintainer":"b"}}}`,
			want:    []string{"metadata.annotations.maintainer = a", "metadata.annotations.maintainer = b", "metadata.namespace = default", "metadata.uid = the-uid"},
			clashes: []string{"metadata.annotations.maintainer"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, clashes := rowsOf(t, test.entity)
			if diff := cmp.Diff(test.want, rows); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.clashes, clashes); diff != "" {
				t.Errorf("clashes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestManyRowsOfOneEntity(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, `%s"user-%d"`, map[bool]string{true: ","}[i > 0], i)
	}
	rows, _ := rowsOf(t, `{"spec":{"members":[`+b.String()+`,`+b.String()+`]}}`)
	if want := 2*5000 + 2; len(rows) != want {
		t.Errorf("%d rows, want %d", len(rows), want)
	}
}

func TestExtractRefusesWhatIsNoEntity(t *testing.T) {
	t.Parallel()
	for _, entity := range []string{``, `[]`, `7`, `{"a":1`, `{"a":}`, `{} {}`, `{"a":"b}`, `{"metadata":{"name":}}`, strings.Repeat(`{"a":`, 5000)} {
		x := extraction{seed: maphash.MakeSeed()}
		if err := x.extract([]byte(entity), ""); err == nil {
			t.Errorf("%.40s: no error", entity)
		}
	}
}

func FuzzExtract(f *testing.F) {
	f.Add([]byte(`{"metadata":{"name":"a","namespace":null,"uid":1,"tags":["x"]},"relations":[{"type":"t","targetRef":"r"}],"status":{}}`))
	f.Add([]byte(`{"":{"":[]},"a":[["b"]],"relations":{},"metadata":[{"name":["n"]}]}`))
	f.Fuzz(func(t *testing.T, entity []byte) {
		x := extraction{seed: maphash.MakeSeed()}
		if x.extract(entity, "u") != nil {
			return
		}
		seen := map[string]bool{}
		for _, r := range x.rows {
			id := fmt.Sprintf("%q %q %v", x.text(r.key), x.text(r.lower), r.null)
			if seen[id] {
				t.Fatalf("row twice: %s", id)
			}
			seen[id] = true
		}
	})
}
