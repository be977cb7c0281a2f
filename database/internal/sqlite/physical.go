package sqlite

import (
	"container/list"
	"context"
	"database/sql/driver"
)

// physical is a connection to SQLite together with the statements prepared on it. One goroutine uses it at a time.
type physical struct {
	conn       driver.Conn
	statements map[string]*list.Element // of *statement
	recent     *list.List               // the most recently used first
	readsOnly  bool
	broken     bool // do not use again
}

// statement is prepared on one physical connection.
type statement struct {
	driver.Stmt
	text   string
	cached bool
	busy   bool // rows of it are open
}

const (
	maxStatements    = 128
	maxStatementText = 16 << 10 // a longer text is rarely run twice
)

func newPhysical(c driver.Conn) *physical {
	return &physical{conn: c, statements: map[string]*list.Element{}, recent: list.New()}
}

// prepare returns a statement for text. Whoever gets it gives it back with release.
func (p *physical) prepare(ctx context.Context, text string) (*statement, error) {
	if e, ok := p.statements[text]; ok {
		s := e.Value.(*statement)
		if !s.busy {
			p.recent.MoveToFront(e)
			s.busy = true
			return s, nil
		}
	}
	inner, err := p.conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s := &statement{Stmt: inner, text: text, busy: true}
	if _, taken := p.statements[text]; !taken && len(text) <= maxStatementText {
		s.cached = true
		p.statements[text] = p.recent.PushFront(s)
		p.evict()
	}
	return s, nil
}

func (p *physical) evict() {
	for e := p.recent.Back(); e != nil && p.recent.Len() > maxStatements; {
		older := e.Prev()
		if s := e.Value.(*statement); !s.busy {
			p.recent.Remove(e)
			delete(p.statements, s.text)
			_ = s.Close() // frees memory only
		}
		e = older
	}
}

func (p *physical) release(s *statement) error {
	s.busy = false
	if s.cached {
		return nil
	}
	return s.Close()
}

// valid reports whether the connection can go on being used.
func (p *physical) valid() bool {
	if p.broken {
		return false
	}
	v, ok := p.conn.(driver.Validator)
	return !ok || v.IsValid()
}

func (p *physical) close() error {
	for e := p.recent.Front(); e != nil; e = e.Next() {
		_ = e.Value.(*statement).Close() // the connection goes, and its statements with it
	}
	return p.conn.Close()
}

func (p *physical) exec(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := p.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	result, err := s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	if closeErr := p.release(s); err == nil {
		err = closeErr
	}
	return result, err
}

func (p *physical) query(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, *statement, error) {
	s, err := p.prepare(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		_ = p.release(s) // the first error says more
		return nil, nil, err
	}
	return rows, s, nil
}
