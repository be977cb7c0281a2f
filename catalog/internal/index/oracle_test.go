package index_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// oracle answers the same questions as an index, by looking at every row of every entity.
type oracle struct{ entities map[string]oracleEntity } // by ref

type oracleEntity struct {
	uid, ref string
	rows     map[string]map[string]string // key to lower-cased value to original
	nulls    map[string]bool
}

func (o *oracle) apply(c index.Change) {
	if c.Entity == nil {
		delete(o.entities, c.Ref)
		return
	}
	var entity map[string]any
	d := json.NewDecoder(bytes.NewReader(c.Entity))
	if err := d.Decode(&entity); err != nil {
		panic(err)
	}
	e := oracleEntity{uid: c.UID, ref: c.Ref, rows: map[string]map[string]string{}, nulls: map[string]bool{}}
	e.visit("", entity)
	meta, _ := entity["metadata"].(map[string]any)
	e.add("metadata.name", meta["name"])
	e.add("metadata.uid", meta["uid"])
	e.add("metadata.namespace", "default")
	if namespace, ok := meta["namespace"].(string); ok {
		delete(e.rows, "metadata.namespace")
		e.add("metadata.namespace", namespace)
	}
	relations, _ := entity["relations"].([]any)
	for _, r := range relations {
		r := r.(map[string]any)
		e.add("relations."+r["type"].(string), r["targetRef"])
	}
	o.entities[c.Ref] = e
}

func (o *oracle) relations() (n int) {
	for _, e := range o.entities {
		for key, values := range e.rows {
			if strings.HasPrefix(key, "relations.") {
				n += len(values)
			}
		}
	}
	return n
}

func (e oracleEntity) add(key string, value any) {
	key = strings.ToLower(key)
	text := ""
	switch v := value.(type) {
	case nil:
		e.nulls[key] = true
		return
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		text = fmt.Sprint(v)
	}
	if len(key) > 200 {
		return
	}
	if len(text) > 200 {
		e.nulls[key] = true
		return
	}
	if e.rows[key] == nil {
		e.rows[key] = map[string]string{}
	}
	if _, known := e.rows[key][strings.ToLower(text)]; !known {
		e.rows[key][strings.ToLower(text)] = text
	}
}

func (e oracleEntity) visit(path string, value any) {
	switch path {
	case "attachments", "relations", "status", "metadata.name", "metadata.namespace", "metadata.uid", "metadata.etag":
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			e.visit(strings.TrimPrefix(path+"."+key, "."), v[key])
		}
	case []any:
		for _, element := range v {
			e.visit(path, element)
			if s, ok := element.(string); ok {
				if key := strings.ToLower(path + "." + s); e.rows[key] == nil && !e.nulls[key] {
					e.add(key, true)
				}
			}
		}
	default:
		e.add(path, value)
	}
}

func (e oracleEntity) matches(p query.Predicate) bool {
	switch p := p.(type) {
	case nil:
		return true
	case query.All:
		for _, part := range p {
			if !e.matches(part) {
				return false
			}
		}
		return true
	case query.Any:
		return slices.ContainsFunc(p, e.matches)
	case query.Not:
		return !e.matches(p.Of)
	case query.In:
		return slices.ContainsFunc(p.Values, func(v string) bool {
			_, found := e.rows[strings.ToLower(p.Key)][strings.ToLower(v)]
			return found
		})
	case query.Exists:
		key := strings.ToLower(p.Key)
		return len(e.rows[key]) > 0 || e.nulls[key]
	case query.Has:
		key := strings.ToLower(p.Key)
		for k := range e.rows {
			if k == key || strings.HasPrefix(k, key+".") {
				return true
			}
		}
		for k := range e.nulls {
			if k == key || strings.HasPrefix(k, key+".") {
				return true
			}
		}
		return false
	case query.Prefix:
		return e.some(p.Key, func(v string) bool { return strings.HasPrefix(v, strings.ToLower(p.Prefix)) })
	case query.Text:
		term := strings.ToLower(strings.TrimSpace(p.Term))
		return slices.ContainsFunc(p.Keys, func(key string) bool {
			return e.some(key, func(v string) bool { return like(v, "%"+term+"%") })
		})
	case query.Compare:
		return e.some(p.Key, func(v string) bool {
			switch {
			case p.Operand.Number != nil:
				f, err := strconv.ParseFloat(v, 64)
				return err == nil && p.Op.Holds(cmp.Compare(f, *p.Operand.Number))
			case p.Operand.Time != nil:
				t, ok := query.ParseTime(v)
				return ok && p.Op.Holds(t.Compare(*p.Operand.Time))
			}
			return p.Op.Holds(strings.Compare(v, strings.ToLower(p.Operand.Text)))
		})
	}
	panic("unknown predicate")
}

func (e oracleEntity) some(key string, test func(string) bool) bool {
	for v := range e.rows[strings.ToLower(key)] {
		if test(v) {
			return true
		}
	}
	return false
}

func like(value, pattern string) bool {
	if pattern == "" {
		return value == ""
	}
	if pattern[0] == '%' {
		for i := 0; i <= len(value); i++ {
			if like(value[i:], pattern[1:]) {
				return true
			}
		}
		return false
	}
	if value == "" {
		return false
	}
	v, p := []rune(value), []rune(pattern)
	return (p[0] == '_' || p[0] == v[0]) && like(string(v[1:]), string(p[1:]))
}

type oracleEntry struct {
	e     oracleEntity
	place []*string
}

// list gives the whole listing in order, and how many entities are in it.
func (o *oracle) list(where query.Predicate, order query.Order) (entries []oracleEntry, total int) {
	for _, e := range o.entities {
		if !e.matches(where) {
			continue
		}
		firsts := [][]*string{{}}
		for i, k := range order.Keys {
			values := slices.Sorted(maps.Keys(e.rows[strings.ToLower(k.Field)]))
			if k.Desc {
				slices.Reverse(values)
			}
			var next [][]*string
			for _, place := range firsts {
				switch {
				case i == 0 && !order.KeepAll:
					for _, v := range values {
						next = append(next, append(slices.Clone(place), &v))
					}
				case len(values) == 0:
					next = append(next, append(slices.Clone(place), nil))
				default:
					next = append(next, append(slices.Clone(place), &values[0]))
				}
			}
			firsts = next
		}
		if len(firsts) > 0 {
			total++
		}
		for _, place := range firsts {
			tie := e.uid
			if len(order.Keys) == 0 && order.ByRef {
				tie = e.ref
			}
			entries = append(entries, oracleEntry{e, append(place, &tie)})
		}
	}
	slices.SortFunc(entries, func(a, b oracleEntry) int {
		for i, k := range order.Keys {
			x, y := a.place[i], b.place[i]
			c := 0
			switch {
			case x == nil && y == nil:
			case x == nil:
				return 1
			case y == nil:
				return -1
			case k.Desc:
				c = strings.Compare(*y, *x)
			default:
				c = strings.Compare(*x, *y)
			}
			if c != 0 {
				return c
			}
		}
		c := strings.Compare(*a.place[len(order.Keys)], *b.place[len(order.Keys)])
		if !order.KeepAll && len(order.Keys) > 0 && order.Keys[0].Desc {
			c = -c
		}
		return c
	})
	return entries, total
}

func (o *oracle) facet(key string, where query.Predicate) []index.FacetValue {
	counts := map[string]int{}
	for _, e := range o.entities {
		if e.matches(where) {
			for _, original := range e.rows[strings.ToLower(key)] {
				counts[original]++
			}
		}
	}
	list := []index.FacetValue{}
	for _, v := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, index.FacetValue{Value: v, Count: counts[v]})
	}
	return list
}

// chance makes random catalogs and questions with few names and values, so that they meet.
type chance struct{ *rand.Rand }

func (c chance) one(list ...string) string { return list[c.IntN(len(list))] }

var words = strings.Fields("alpha Alpha beta Gamma gamma-ray delta delta-alpha x xy XYZ 100% a_b é Ünter 7 10 -3.5 2024-05-01 2024-05-01T10:00:00Z true")

func (c chance) word() string { return words[c.IntN(len(words))] }

func (c chance) key() string {
	return c.one("kind", "metadata.name", "metadata.namespace", "metadata.uid", "metadata.tags", "metadata.tags.alpha", "metadata.labels.a", "metadata.labels.B",
		"spec.type", "spec.n", "spec.list", "spec.deep.one", "spec.deep.two", "spec.deep", "spec.long", "relations.ownedBy", "relations.partOf", "SPEC.TYPE", "nobody.has")
}

func (c chance) ref(n int) string {
	i := c.IntN(n)
	return fmt.Sprintf("%s:default/e%d", []string{"component", "api", "group"}[i%3], i)
}

func (c chance) change(n int) index.Change {
	ref := c.ref(n)
	if c.IntN(5) == 0 {
		return index.Change{Ref: ref}
	}
	kind, name, _ := strings.Cut(ref, ":default/")
	uid := fmt.Sprintf("%08x-%s", fnv(ref), ref)
	if c.IntN(10) == 0 { // registered anew
		uid = fmt.Sprintf("%08x-again-%s", c.IntN(5), ref)
	}
	spec := map[string]any{}
	meta := map[string]any{"name": c.one(name, strings.ToUpper(name)), "uid": uid, "namespace": "default"}
	if c.IntN(2) == 0 {
		spec["type"] = c.word()
	}
	if c.IntN(2) == 0 {
		spec["n"] = c.IntN(30) - 10
	}
	if c.IntN(3) == 0 {
		spec["deep"] = map[string]any{"one": c.word(), "two": nil, "none": map[string]any{}}
	}
	if c.IntN(4) == 0 {
		spec["long"] = strings.Repeat(c.word(), 100)
	}
	list := []any{}
	for range c.IntN(4) {
		list = append(list, c.word())
	}
	spec["list"], meta["tags"] = list, []any{c.one("alpha", "beta", "Gamma")}
	if c.IntN(6) == 0 {
		spec["list"] = []any{nil, 1, true}
	}
	if c.IntN(2) == 0 {
		meta["labels"] = map[string]any{"a": c.word(), "B": c.word()}
	}
	relations := []any{}
	for range c.IntN(3) {
		relations = append(relations, map[string]any{"type": c.one("ownedBy", "partOf", "hasPart"), "targetRef": c.ref(n + 5)})
	}
	entity, err := json.Marshal(map[string]any{"kind": kind, "metadata": meta, "spec": spec, "relations": relations, "status": map[string]any{"items": []any{1}}})
	if err != nil {
		panic(err)
	}
	return index.Change{Ref: ref, UID: uid, Entity: entity}
}

func fnv(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

func (c chance) predicate(depth int) query.Predicate {
	n := 9
	if depth == 0 {
		n = 6
	}
	switch c.IntN(n) {
	case 0, 1:
		values := []string{}
		for range c.IntN(4) {
			values = append(values, c.one(c.word(), "component", "api", "default", c.ref(20), "e3"))
		}
		return query.In{Key: c.key(), Values: values}
	case 2:
		return query.Exists{Key: c.key()}
	case 3:
		if c.IntN(2) == 0 {
			return query.Has{Key: c.one("spec", "spec.deep", "metadata", "metadata.labels", "spec.type", "nobody", "relations")}
		}
		return query.Prefix{Key: c.key(), Prefix: c.one("", "a", "G", "gamma", "e1", "e", "group:", "2024")}
	case 4:
		return query.Text{Keys: []string{c.key(), c.key()}, Term: c.one("a", "lph", "alpha", " ta ", "E1", "default", "a-r", "%", "_", "a%a", "l_h", "é", "ünt", "__", "group:", "_:d%e1")}
	case 5:
		f := float64(c.IntN(20) - 5)
		operand := query.Operand{Number: &f}
		switch c.IntN(3) {
		case 0:
			at, _ := query.ParseTime("2024-05-01")
			operand = query.Operand{Time: &at}
		case 1:
			operand = query.Operand{Text: c.word()}
		}
		return query.Compare{Key: c.key(), Op: query.Op(c.IntN(4)), Operand: operand}
	case 6:
		return query.Not{Of: c.predicate(depth - 1)}
	}
	parts := make([]query.Predicate, c.IntN(4))
	for i := range parts {
		parts[i] = c.predicate(depth - 1)
	}
	if c.IntN(2) == 0 {
		return query.All(parts)
	}
	return query.Any(parts)
}

func (c chance) order() query.Order {
	o := query.Order{KeepAll: c.IntN(2) == 0, ByRef: c.IntN(2) == 0}
	for range c.IntN(4) {
		o.Keys = append(o.Keys, query.SortKey{Field: c.key(), Desc: c.IntN(2) == 0})
	}
	return o
}

// TestAgreesWithOracle changes a random catalog and asks random questions in between.
func TestAgreesWithOracle(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			c := chance{rand.New(rand.NewPCG(seed, 1))}
			n := []int{5, 40, 150, 600}[seed%4]
			opts := index.Options{}
			if seed%3 == 2 {
				opts.Derived = 20_000 // so that things are built, dropped and built again
			}
			ix, o := index.New(opts), &oracle{map[string]oracleEntity{}}
			for round := range 12 {
				var changes []index.Change
				for range c.IntN(n) + 1 {
					changes = append(changes, c.change(n))
				}
				for _, change := range changes {
					o.apply(change)
				}
				for _, p := range ix.Apply(int64(round+1), changes) {
					if p.Err != nil {
						t.Fatal(p.Err)
					}
				}
				if got := ix.Len(); got != len(o.entities) {
					t.Fatalf("%d entities, want %d", got, len(o.entities))
				}
				if got, want := ix.Stats().Relations, o.relations(); got != want {
					t.Fatalf("%d relations, want %d", got, want)
				}
				for range 25 {
					compare(t, c, ix, o)
				}
				if t.Failed() {
					return
				}
			}
			var refs []index.Change
			for ref := range o.entities {
				refs = append(refs, index.Change{Ref: ref})
			}
			ix.Apply(100, refs)
			if s := ix.Stats(); s.Entities != 0 || s.Rows != 0 || s.Keys != 0 || s.Values != 0 || s.Relations != 0 {
				t.Errorf("after everything was removed: %+v", s)
			}
		})
	}
}

func compare(t *testing.T, c chance, ix *index.Index, o *oracle) {
	t.Helper()
	where, order := c.predicate(3), c.order()
	if c.IntN(4) == 0 {
		where = nil
	}
	entries, total := o.list(where, order)
	name := fmt.Sprintf("where %#v order %+v", where, order)

	q := index.Query{Where: where, Order: order, Limit: c.IntN(len(entries)+3) - 1, Total: true}
	from := 0
	var at []*string
	switch c.IntN(3) {
	case 0:
		q.Offset = c.IntN(len(entries) + 2)
		from = min(q.Offset, len(entries))
	case 1:
		if len(entries) > 0 {
			from = c.IntN(len(entries))
			q.After = entries[from].place
			at = q.After
			q.Backward = c.IntN(2) == 0
			if q.Backward {
				slices.Reverse(entries)
				from = len(entries) - 1 - from
			}
			from++
		}
	}
	want := entries[from:]
	more := false
	if q.Limit >= 0 {
		more = q.Limit > 0 && len(want) > q.Limit
		want = want[:min(len(want), q.Limit)]
	}
	if q.Backward {
		want = slices.Clone(want)
		slices.Reverse(want)
	}
	page, err := ix.Query(q)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var got, expected []string
	for _, d := range page.Docs {
		got = append(got, d.Ref)
	}
	for _, e := range want {
		expected = append(expected, e.e.ref)
	}
	if diff := gocmp.Diff(expected, got); diff != "" {
		t.Errorf("%s: limit %d offset %d after %v backward %v (-want +got):\n%s", name, q.Limit, q.Offset, places(at), q.Backward, diff)
		return
	}
	if page.Total != total || page.More != more {
		t.Errorf("%s: limit %d: total %d more %v, want %d %v", name, q.Limit, page.Total, page.More, total, more)
	}
	if len(want) > 0 {
		if diff := gocmp.Diff([][]*string{want[0].place, want[len(want)-1].place}, [][]*string{page.First, page.Last}); diff != "" {
			t.Errorf("%s: places (-want +got):\n%s", name, diff)
		}
	}

	if count, err := ix.Query(index.Query{Where: where, Total: true}); err != nil || count.Total != countOf(o, where) {
		t.Errorf("%s: count %+v, %v; want %d", name, count, err, countOf(o, where))
	}
	key := c.key()
	facets, err := ix.Facets([]string{key, "nobody.has"}, where)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([][]index.FacetValue{o.facet(key, where), {}}, facets); diff != "" {
		t.Errorf("%s: facet %s (-want +got):\n%s", name, key, diff)
	}
	ref := c.ref(50)
	e, known := o.entities[ref]
	docs, err := ix.ByRefs([]string{ref, "x", ref}, where)
	if err != nil || docs[1].Ref != "" || docs[0] != docs[2] {
		t.Fatalf("by refs: %v, %v", docs, err)
	}
	if wantRef := known && e.matches(where); (docs[0].UID == e.uid && docs[0].Ref == ref) != wantRef {
		t.Errorf("%s: by ref %s: %v, want %v", name, ref, docs[0], wantRef)
	}
	if d, ok := ix.ByUID(e.uid); known && (!ok || d.Ref != ref) {
		t.Errorf("by uid %s: %v", e.uid, d)
	}
}

func countOf(o *oracle, where query.Predicate) (n int) {
	for _, e := range o.entities {
		if e.matches(where) {
			n++
		}
	}
	return n
}

func places(at []*string) []string {
	var list []string
	for _, p := range at {
		if p == nil {
			list = append(list, "(none)")
		} else {
			list = append(list, *p)
		}
	}
	return list
}
