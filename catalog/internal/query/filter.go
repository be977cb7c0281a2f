package query

import "strings"

// ParseFilter reads the values of all "filter" parameters of a request. Each is a set of conditions, separated by
// commas; an entity matches if it satisfies one of the sets. A condition is "key" (there is a row) or "key=value";
// conditions on one key are alternatives, conditions on different keys must all hold. Space around keys and values is
// ignored, and so are empty conditions; a set of nothing else is no set. Without any set the result is nil.
//
// A comma that belongs to a value is written "\,".
func ParseFilter(params []string) (Predicate, error) {
	var sets Any
	terms, size := 0, 0
	for _, param := range params {
		if size += len(param); size > MaxQuery {
			return nil, Errorf("filter has more than %d bytes; ask in several requests", MaxQuery)
		}
		set, err := parseSet(param, &terms)
		if err != nil {
			return nil, err
		}
		if set != nil {
			sets = append(sets, set)
		}
	}
	switch len(sets) {
	case 0:
		return nil, nil
	case 1:
		return sets[0], nil
	}
	return sets, nil
}

func parseSet(param string, terms *int) (Predicate, error) {
	type condition struct {
		key    string
		values []string
	}
	var set []condition
	var position map[string]int // of a key in set; only for sets long enough to need it
	for rest, more := param, true; more; {
		var part string
		part, rest, more = cutComma(rest)
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if *terms++; *terms > MaxTerms {
			return nil, Errorf("filter has more than %d conditions; ask in several requests", MaxTerms)
		}
		key, value, hasValue := strings.Cut(part, "=")
		if key = strings.TrimSpace(key); key == "" {
			return nil, Errorf("filter condition %q has no key; write key, key= or key=value", shorten(part))
		}
		at := -1
		if position != nil {
			if i, ok := position[key]; ok {
				at = i
			}
		} else {
			for i := range set {
				if set[i].key == key {
					at = i
				}
			}
		}
		if at < 0 {
			at = len(set)
			set = append(set, condition{key: key})
			if position != nil {
				position[key] = at
			} else if len(set) > 16 {
				position = make(map[string]int)
				for i := range set {
					position[set[i].key] = i
				}
			}
		}
		if hasValue {
			set[at].values = append(set[at].values, strings.TrimSpace(value))
		}
	}
	if len(set) == 0 {
		return nil, nil
	}
	all := make(All, len(set))
	for i, c := range set {
		if c.values == nil {
			all[i] = Exists{c.key}
		} else {
			all[i] = In{c.key, c.values}
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// cutComma cuts s at the first comma that no backslash precedes, and takes the backslashes away that do precede one.
func cutComma(s string) (part, rest string, found bool) {
	if !strings.Contains(s, `\,`) {
		return strings.Cut(s, ",")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == ',':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == ',':
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), "", false
}

// shorten keeps messages readable when what they quote is not.
func shorten(s string) string {
	if len(s) <= 80 {
		return s
	}
	return strings.ToValidUTF8(s[:80], "") + "…"
}
