package index

import (
	"bytes"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// Direction is which way relations are followed.
type Direction byte

// The directions. Most relations come in pairs (ownedBy, ownerOf), so Out alone reaches both ends of those.
const (
	Out Direction = iota // from an entity to what it relates to
	In                   // from an entity to what relates to it
	Both
)

// Bounds of a [GraphQuery].
const (
	MaxGraphNodes = 10_000
	MaxGraphDepth = 100
	maxGraphEdges = 20 // times the nodes
)

// GraphQuery asks for what is around some entities.
type GraphQuery struct {
	Roots     []string // refs in lower case
	Types     []string // relation types, in any case; none: all
	Direction Direction
	Depth     int // steps from a root; 0: default 1; at most [MaxGraphDepth]
	MaxNodes  int // 0: default 500; at most [MaxGraphNodes]

	// Where limits the answer to entities that match: others are neither shown nor passed through. A ref that no
	// entity has is shown, as there is nothing to hide, unless Where is set.
	Where query.Predicate
}

// Graph is entities and the relations between them.
type Graph struct {
	Nodes     []Node // roots first, then by distance, then as met
	Edges     []Edge // between Nodes, each once, sorted
	Truncated bool   // there was more than MaxNodes, or very many edges
}

// Node is an entity, or a ref to one that is not there.
type Node struct {
	Doc
	Depth   int // steps from the nearest root
	Missing bool
}

// Edge is one relation.
type Edge struct{ Source, Type, Target string }

// Graph walks relations breadth first from the roots.
func (ix *Index) Graph(q GraphQuery) (*Graph, error) {
	if q.Depth == 0 {
		q.Depth = 1
	}
	if q.MaxNodes == 0 {
		q.MaxNodes = 500
	}
	switch {
	case len(q.Roots) == 0:
		return nil, query.Errorf("graph has no root; name at least one entity ref")
	case q.Depth < 0 || q.Depth > MaxGraphDepth:
		return nil, query.Errorf("graph depth is %d; it must be from 1 to %d", q.Depth, MaxGraphDepth)
	case q.MaxNodes < 0 || q.MaxNodes > MaxGraphNodes:
		return nil, query.Errorf("graph node limit is %d; it must be from 1 to %d", q.MaxNodes, MaxGraphNodes)
	case len(q.Types) > 100:
		return nil, query.Errorf("graph has more than 100 relation types")
	}
	ev := ix.reading()
	defer ix.done(ev)
	where, err := ev.compile(q.Where)
	if err != nil {
		return nil, err
	}
	if _, ok := where.(union); !ok && !isEverything(where) {
		where = ev.fix(where)
	}
	w := graphWalk{ev: ev, where: where, query: &q, nodes: map[string]int{}, edges: map[Edge]bool{}, graph: &Graph{}}
	w.keys = ix.relationKeys(q.Types)
	for _, ref := range q.Roots {
		w.reach(ref, 0)
	}
	for i := 0; i < len(w.graph.Nodes); i++ {
		if node := w.graph.Nodes[i]; node.Depth < q.Depth {
			w.expand(node)
		}
	}
	for e := range w.edges {
		w.graph.Edges = append(w.graph.Edges, e)
	}
	slices.SortFunc(w.graph.Edges, compareEdges)
	return w.graph, nil
}

func compareEdges(a, b Edge) int {
	if c := strings.Compare(a.Source, b.Source); c != 0 {
		return c
	}
	if c := strings.Compare(a.Type, b.Type); c != 0 {
		return c
	}
	return strings.Compare(a.Target, b.Target)
}

// relationKeys returns the keys of relations of these types, or of all, in the order of their names.
func (ix *Index) relationKeys(types []string) []uint32 {
	var keys []uint32
	if len(types) == 0 {
		for k := range ix.relations {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b uint32) int { return bytes.Compare(ix.keyName(a), ix.keyName(b)) })
		return keys
	}
	for _, kind := range types {
		k := ix.findKey([]byte(relationPrefix + query.Lower(kind)))
		if k != 0 && ix.relations[k] != "" && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

type graphWalk struct {
	ev    *evaluation
	where node
	query *GraphQuery
	keys  []uint32
	nodes map[string]int // place in graph.Nodes; -1: not to be shown
	edges map[Edge]bool
	graph *Graph
}

// reach tells whether ref is in the graph, taking it in if it may be.
func (w *graphWalk) reach(ref string, depth int) bool {
	if at, known := w.nodes[ref]; known {
		return at >= 0
	}
	if len(w.graph.Nodes) >= w.query.MaxNodes {
		w.graph.Truncated = true
		return false
	}
	node := Node{Doc: Doc{Ref: ref}, Depth: depth, Missing: true}
	doc := w.ev.ix.findRef(ref)
	if doc == 0 && w.query.Where != nil || doc != 0 && !w.where.has(w.ev, doc) {
		w.nodes[ref] = -1
		return false
	}
	if doc != 0 {
		node.Doc, node.Missing = w.ev.ix.name(doc), false
	}
	w.nodes[ref] = len(w.graph.Nodes)
	w.graph.Nodes = append(w.graph.Nodes, node)
	return true
}

func (w *graphWalk) expand(node Node) {
	ix := w.ev.ix
	if w.query.Direction != In && !node.Missing {
		for _, k := range w.keys {
			for _, t := range ix.rowsOf(node.ID, k) {
				if ix.terms.at(t).text != 0 {
					if target := string(ix.lower(t)); w.reach(target, node.Depth+1) {
						w.edge(Edge{node.Ref, ix.relations[k], target})
					}
				}
			}
		}
	}
	if w.query.Direction != Out {
		for _, k := range w.keys {
			w.ev.sources(k, node.Ref, func(doc uint32) bool {
				if source := ix.doc(doc).ref; w.reach(source, node.Depth+1) {
					w.edge(Edge{source, ix.relations[k], node.Ref})
				}
				return !w.graph.Truncated
			})
		}
	}
}

func (w *graphWalk) edge(e Edge) {
	if len(w.edges) >= maxGraphEdges*w.query.MaxNodes {
		w.graph.Truncated = true
		return
	}
	w.edges[e] = true
}

// sources calls visit for the entities that have a relation of key k to ref, until it returns false.
func (ev *evaluation) sources(k uint32, ref string, visit func(doc uint32) bool) {
	ix := ev.ix
	hash := hashText(ix.dictionary.seed, ix.keyName(k))
	var docs []uint32
	for t := ix.findTerm(k, hash, []byte(ref)); t != 0; t = ix.terms.at(t).variant {
		docs = ix.postings.appendTo(docs, ix.terms.at(t).docs)
	}
	for _, doc := range docs {
		if !visit(doc) {
			return
		}
	}
}
