package index

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/bits"
	"unicode/utf8"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
)

// maxText is how many characters (UTF-16 code units, as in every catalog that shares these rules) a key or value may
// have. Longer keys make no row; longer values make a row that exists but equals nothing.
const maxText = 200

// span is a part of extraction.buf.
type span struct{ from, to uint32 }

// row is one search row of an entity.
type row struct {
	key, lower, original span // original is empty if it is the same as lower
	rawKey               span // as written; only of relations
	keyHash, hash        uint64
	rawHash              uint64 // of the key as written
	null                 bool
}

// extraction is what an entity adds to the index. It can be used again.
type extraction struct {
	buf      []byte
	rows     []row
	clashes  []string // keys that occur in several casings
	raw, low []byte   // path being visited, as written and lower-cased

	entity                     []byte
	name, namespace, uid, rels int // offsets of values that get rows of their own at the end; 0 if absent

	byKey, byRow []uint32 // hash tables: number of a row + 1
	seed         maphash.Seed
}

func hashText(seed maphash.Seed, b []byte) uint64 { return maphash.Bytes(seed, b) }

// hashRow combines the hashes of a key and a value.
func hashRow(key, value uint64) uint64 {
	high, low := bits.Mul64(key^0x9e3779b97f4a7c15, value^0xe7037ed1a0b428db)
	return high ^ low
}

func (x *extraction) text(s span) []byte { return x.buf[s.from:s.to] }

// extract reads the search rows of an entity. uid is used if the entity does not tell its own.
func (x *extraction) extract(entity []byte, uid string) error {
	x.entity = entity
	x.buf, x.rows, x.clashes, x.raw, x.low = x.buf[:0], x.rows[:0], nil, x.raw[:0], x.low[:0]
	x.name, x.namespace, x.uid, x.rels = 0, 0, 0, 0
	if len(x.byKey) == 0 || len(x.byKey) > 1024 {
		x.byKey, x.byRow = make([]uint32, 128), make([]uint32, 128)
	} else {
		clear(x.byKey)
		clear(x.byRow)
	}
	start := rawjson.Space(entity, 0)
	if start >= len(entity) || entity[start] != '{' {
		return fmt.Errorf("read entity: it is no JSON object")
	}
	end, err := x.visit(start, 0)
	if err != nil {
		return fmt.Errorf("read entity: %w", err)
	}
	if rest := rawjson.Space(entity, end); rest != len(entity) {
		return fmt.Errorf("read entity: text after the object at byte %d", rest)
	}
	return x.special(uid)
}

// special adds the rows that are made on purpose rather than found.
func (x *extraction) special(uid string) error {
	if x.name != 0 {
		x.setPath("metadata.name")
		if err := x.scalarAt(x.name); err != nil {
			return err
		}
	}
	x.setPath("metadata.namespace")
	if x.namespace != 0 && x.entity[x.namespace] == '"' && x.entity[x.namespace+1] != '"' {
		if err := x.scalarAt(x.namespace); err != nil {
			return err
		}
	} else {
		x.addText("default")
	}
	x.setPath("metadata.uid")
	if x.uid != 0 {
		if err := x.scalarAt(x.uid); err != nil {
			return err
		}
	} else if uid != "" {
		x.addText(uid)
	}
	if x.rels == 0 || x.entity[x.rels] != '[' {
		return nil
	}
	list := rawjson.Array(x.entity, x.rels)
	for list.Next() {
		if x.entity[list.Value] != '{' {
			end, err := rawjson.Value(x.entity, list.Value)
			if err != nil {
				return err
			}
			list.End = end
			continue
		}
		kind, target := 0, 0
		relation := rawjson.Object(x.entity, list.Value)
		for relation.Next() {
			switch string(x.entity[relation.KeyStart:relation.KeyEnd]) {
			case "type":
				kind = relation.Value
			case "targetRef":
				target = relation.Value
			}
			end, err := rawjson.Value(x.entity, relation.Value)
			if err != nil {
				return err
			}
			relation.End = end
		}
		if relation.Err != nil {
			return relation.Err
		}
		list.End = relation.End
		if kind == 0 || target == 0 || x.entity[kind] != '"' || x.entity[target] != '"' {
			continue
		}
		x.setPath(relationPrefix)
		end, escaped, err := rawjson.String(x.entity, kind)
		if err != nil {
			return err
		}
		x.push(x.entity[kind+1:end-1], escaped)
		n := len(x.rows)
		if err := x.scalarAt(target); err != nil {
			return err
		}
		if len(x.rows) > n {
			from := uint32(len(x.buf))
			x.buf = append(x.buf, x.raw...)
			x.rows[n].rawKey = span{from, uint32(len(x.buf))}
		}
	}
	return list.Err
}

const relationPrefix = "relations."

func (x *extraction) setPath(path string) {
	x.raw = append(x.raw[:0], path...)
	x.low = query.AppendLower(x.low[:0], path)
}

// push appends a piece of text from a JSON string to the path.
func (x *extraction) push(inside []byte, escaped bool) {
	if !escaped {
		x.raw = append(x.raw, inside...)
		x.low = query.AppendLower(x.low, inside)
		return
	}
	n := len(x.raw)
	x.raw = rawjson.AppendText(x.raw, inside)
	x.low = query.AppendLower(x.low, x.raw[n:])
}

// visit adds the rows of the value at i, whose path is x.raw, and returns the offset after it.
func (x *extraction) visit(i, depth int) (int, error) {
	if depth > rawjson.MaxDepth {
		return i, fmt.Errorf("nested more than %d deep", rawjson.MaxDepth)
	}
	skip := true
	switch string(x.raw) {
	case "attachments", "status", "metadata.etag":
	case "relations":
		x.rels = i
	case "metadata.name":
		x.name = i
	case "metadata.namespace":
		x.namespace = i
	case "metadata.uid":
		x.uid = i
	default:
		skip = false
	}
	switch {
	case skip:
		return rawjson.Value(x.entity, i)
	case x.entity[i] == '{':
		return x.visitObject(i, depth)
	case x.entity[i] == '[':
		return x.visitArray(i, depth)
	}
	end, err := rawjson.Value(x.entity, i)
	if err != nil {
		return end, err
	}
	return end, x.scalarAt(i)
}

func (x *extraction) visitObject(i, depth int) (int, error) {
	raw, low := len(x.raw), len(x.low)
	members := rawjson.Object(x.entity, i)
	for members.Next() {
		if raw > 0 {
			x.raw, x.low = append(x.raw, '.'), append(x.low, '.')
		}
		x.push(x.entity[members.KeyStart:members.KeyEnd], members.KeyEscaped)
		end, err := x.visit(members.Value, depth+1)
		if err != nil {
			return end, err
		}
		members.End = end
		x.raw, x.low = x.raw[:raw], x.low[:low]
	}
	return members.End, members.Err
}

func (x *extraction) visitArray(i, depth int) (int, error) {
	raw, low := len(x.raw), len(x.low)
	elements := rawjson.Array(x.entity, i)
	for elements.Next() {
		end, err := x.visit(elements.Value, depth+1)
		if err != nil {
			return end, err
		}
		elements.End = end
		if x.entity[elements.Value] != '"' || end-elements.Value > 6*maxText {
			continue
		}
		_, escaped, err := rawjson.String(x.entity, elements.Value)
		if err != nil {
			return end, err
		}
		x.raw, x.low = append(x.raw, '.'), append(x.low, '.')
		x.push(x.entity[elements.Value+1:end-1], escaped)
		if !tooLong(x.low) && x.rowOf(hashText(x.seed, x.low)) < 0 {
			x.addText("true")
		}
		x.raw, x.low = x.raw[:raw], x.low[:low]
	}
	return elements.End, elements.Err
}

// scalarAt adds a row for the string, number, boolean or null at i.
func (x *extraction) scalarAt(i int) error {
	if tooLong(x.low) {
		return nil
	}
	from := uint32(len(x.buf))
	switch c := x.entity[i]; c {
	case 'n':
		x.add(span{}, span{}, true)
		return nil
	case '"':
		end, escaped, err := rawjson.String(x.entity, i)
		if err != nil {
			return err
		}
		inside := x.entity[i+1 : end-1]
		switch {
		case len(inside) > 6*maxText: // an escape is six bytes for one character; nothing is longer
			x.add(span{}, span{}, true)
			return nil
		case escaped:
			x.buf = rawjson.AppendText(x.buf, inside)
		default:
			x.buf = append(x.buf, inside...)
		}
	case '{', '[':
		return nil
	case 't':
		x.buf = append(x.buf, "true"...)
	case 'f':
		x.buf = append(x.buf, "false"...)
	default:
		end, err := rawjson.Value(x.entity, i)
		if err != nil {
			return err
		}
		x.buf = rawjson.AppendNumber(x.buf, x.entity[i:end])
	}
	x.addFrom(from)
	return nil
}

func (x *extraction) addText(value string) {
	from := uint32(len(x.buf))
	x.buf = append(x.buf, value...)
	x.addFrom(from)
}

// addFrom adds a row whose value is the end of buf.
func (x *extraction) addFrom(from uint32) {
	lower := span{from, uint32(len(x.buf))}
	var original span
	if value := x.text(lower); !isLower(value) {
		x.buf = query.AppendLower(x.buf, value)
		lower, original = span{lower.to, uint32(len(x.buf))}, lower
		if bytes.Equal(x.text(lower), x.text(original)) {
			original = span{}
		}
	}
	if tooLong(x.text(lower)) {
		x.buf = x.buf[:from]
		x.add(span{}, span{}, true)
		return
	}
	x.add(lower, original, false)
}

// add adds a row under the current path unless it is there.
func (x *extraction) add(lower, original span, null bool) {
	keyHash, rawHash := hashText(x.seed, x.low), hashText(x.seed, x.raw)
	r := row{lower: lower, original: original, keyHash: keyHash, rawHash: rawHash, null: null}
	if null {
		r.hash = hashRow(keyHash, 0)
	} else {
		r.hash = hashRow(keyHash, hashText(x.seed, x.text(lower)))
	}
	if first := x.rowOf(keyHash); first >= 0 {
		r.key = x.rows[first].key
		if x.rows[first].rawHash != rawHash {
			x.clashes = append(x.clashes, string(x.raw))
		}
		if x.known(&r) {
			return
		}
	} else {
		r.key.from = uint32(len(x.buf))
		x.buf = append(x.buf, x.low...)
		r.key.to = uint32(len(x.buf))
		enter(x.byKey, keyHash, len(x.rows))
	}
	x.rows = append(x.rows, r)
	enter(x.byRow, r.hash, len(x.rows)-1)
	if 4*len(x.rows) > 3*len(x.byRow) {
		x.rehash()
	}
}

// rowOf returns the number of the first row with the current path as key, or -1.
func (x *extraction) rowOf(keyHash uint64) int {
	mask := uint64(len(x.byKey) - 1)
	for i := keyHash & mask; x.byKey[i] != 0; i = (i + 1) & mask {
		n := int(x.byKey[i] - 1)
		if x.rows[n].keyHash == keyHash && bytes.Equal(x.text(x.rows[n].key), x.low) {
			return n
		}
	}
	return -1
}

// known tells whether there is a row of the same key and lower-cased value.
func (x *extraction) known(r *row) bool {
	mask := uint64(len(x.byRow) - 1)
	for i := r.hash & mask; x.byRow[i] != 0; i = (i + 1) & mask {
		o := &x.rows[x.byRow[i]-1]
		if o.hash == r.hash && o.null == r.null && o.key == r.key && bytes.Equal(x.text(o.lower), x.text(r.lower)) {
			return true
		}
	}
	return false
}

func (x *extraction) rehash() {
	size := 2 * len(x.byRow)
	x.byKey, x.byRow = make([]uint32, size), make([]uint32, size)
	last := map[span]bool{}
	for n := range x.rows {
		r := &x.rows[n]
		enter(x.byRow, r.hash, n)
		if !last[r.key] {
			last[r.key] = true
			enter(x.byKey, r.keyHash, n)
		}
	}
}

func enter(table []uint32, hash uint64, n int) {
	mask := uint64(len(table) - 1)
	i := hash & mask
	for table[i] != 0 {
		i = (i + 1) & mask
	}
	table[i] = uint32(n + 1)
}

// isLower tells whether b is ASCII without capitals, as most text here is.
func isLower(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			return false
		}
	}
	return true
}

func tooLong(b []byte) bool {
	if len(b) <= maxText {
		return false
	}
	n := 0
	for _, r := range string(b) {
		if n++; r > 0xffff {
			n++
		}
	}
	return n > maxText
}
