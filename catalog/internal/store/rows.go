package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
)

// rows are values for a statement that takes many of them at once. In the statement's text, {rows} stands for a table of them, named r, with the columns that newRows was given.
// PostgreSQL gets one array per column; SQLite, which has no arrays but also no round trips, gets some rows at a time.
type rows struct {
	names []string
	types []string
	texts [][]*string
	ints  [][]*int64
	n     int
}

// newRows takes columns such as "id bigint" or "title text".
func newRows(columns ...string) *rows {
	r := &rows{}
	for _, column := range columns {
		name, kind, _ := strings.Cut(column, " ")
		r.names, r.types = append(r.names, name), append(r.types, kind)
	}
	r.texts, r.ints = make([][]*string, len(columns)), make([][]*int64, len(columns))
	return r
}

// add appends a row: string, *string, int64, *int64, int or bool values. An empty *string or *int64 is null.
func (r *rows) add(values ...any) {
	for i, value := range values {
		switch v := value.(type) {
		case string:
			r.texts[i] = append(r.texts[i], &v)
		case *string:
			r.texts[i] = append(r.texts[i], v)
		case int64:
			r.ints[i] = append(r.ints[i], &v)
		case *int64:
			r.ints[i] = append(r.ints[i], v)
		case int:
			wide := int64(v)
			r.ints[i] = append(r.ints[i], &wide)
		case bool:
			wide := int64(0)
			if v {
				wide = 1
			}
			r.ints[i] = append(r.ints[i], &wide)
		}
	}
	r.n++
}

// steps are how many rows SQLite gets at once, so that few different texts are prepared.
var steps = [...]int{64, 16, 4, 1}

// exec runs text for all rows, and nothing if there are none.
func (t *tx) exec(text string, r *rows, args ...any) error {
	return t.each(text, r, args, func(text string, args []any) error {
		if _, err := t.ExecContext(t.ctx, text, args...); err != nil {
			return fmt.Errorf("%s: %w", firstWords(text), err)
		}
		return nil
	})
}

// query runs text for all rows, and hands each row of the answer to scan.
func (t *tx) query(text string, r *rows, args []any, scan func(*sqlx.Rows) error) error {
	return t.each(text, r, args, func(text string, args []any) error {
		return t.collect(text, args, scan)
	})
}

// collect runs text and hands each row of the answer to scan.
func (t *tx) collect(text string, args []any, scan func(*sqlx.Rows) error) error {
	return collect(t.ctx, t.Tx, text, args, scan)
}

func collect(ctx context.Context, from sqlx.QueryerContext, text string, args []any, scan func(*sqlx.Rows) error) error {
	found, err := from.QueryxContext(ctx, text, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", firstWords(text), err)
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		if err := scan(found); err != nil {
			return fmt.Errorf("%s: %w", firstWords(text), err)
		}
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("%s: %w", firstWords(text), err)
	}
	return nil
}

// firstWords are enough of a statement to find it in the source.
func firstWords(text string) string {
	words := strings.Fields(text)
	return strings.Join(words[:min(len(words), 4)], " ")
}

// each calls run with the text and arguments for one part of the rows after the other. args are $1, $2 and so on in text.
func (t *tx) each(text string, r *rows, args []any, run func(text string, args []any) error) error {
	if r.n == 0 {
		return nil
	}
	if t.postgres() {
		parts := make([]string, len(r.names))
		all := append([]any{}, args...)
		for i := range r.names {
			all = append(all, r.array(i))
			parts[i] = fmt.Sprintf("$%d::%s[]", len(all), r.types[i])
		}
		table := "unnest(" + strings.Join(parts, ", ") + ") as r(" + strings.Join(r.names, ", ") + ")"
		return run(strings.ReplaceAll(text, "{rows}", table), all)
	}
	from := 0
	for _, step := range steps {
		if r.n-from < step {
			continue
		}
		statement := strings.ReplaceAll(text, "{rows}", r.values(step, len(args)))
		for ; r.n-from >= step; from += step {
			all := make([]any, 0, len(args)+step*len(r.names))
			all = append(all, args...)
			for row := from; row < from+step; row++ {
				for i := range r.names {
					all = append(all, r.value(i, row))
				}
			}
			if err := run(statement, all); err != nil {
				return err
			}
		}
	}
	return nil
}

// array is a column for PostgreSQL.
func (r *rows) array(i int) any {
	if r.types[i] == "text" {
		return r.texts[i]
	}
	return r.ints[i]
}

func (r *rows) value(i, row int) any {
	if r.types[i] == "text" {
		if v := r.texts[i][row]; v != nil {
			return *v
		}
		return nil
	}
	if v := r.ints[i][row]; v != nil {
		return *v
	}
	return nil
}

// values is a table of n rows for SQLite, whose parameters come after args others. Only the first has a number, and the others follow it: SQLite looks up each parameter that has a name among all the others that do.
func (r *rows) values(n, args int) string {
	var b strings.Builder
	b.WriteString("(select ")
	for i, name := range r.names {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "column%d as %s", i+1, name)
	}
	row := strings.Repeat(",?", len(r.names))[1:]
	fmt.Fprintf(&b, " from (values (?%d%s)%s", args+1, row[1:], strings.Repeat(",("+row+")", n-1))
	b.WriteString(")) as r")
	return b.String()
}

// in is a condition: column is one of the values that argument number n stands for, which tx.texts or tx.ids made.
func (t *tx) in(column string, n int) string {
	if t.postgres() {
		return fmt.Sprintf("%s = any($%d)", column, n)
	}
	return fmt.Sprintf("%s in (select value from json_each($%d))", column, n)
}

func (t *tx) texts(values []string) any { return list(t, values) }

func (t *tx) ids(values []int64) any { return list(t, values) }

// list is never null, which would make even "not in" no list untrue.
func list[T any](t *tx, values []T) any {
	switch {
	case !t.postgres():
		return asJSON(values)
	case values == nil:
		return []T{}
	}
	return values
}

func asJSON[T any](values []T) string {
	if values == nil {
		return "[]"
	}
	text, err := json.Marshal(values)
	if err != nil {
		return "[]" // cannot be: texts or numbers
	}
	return string(text)
}
