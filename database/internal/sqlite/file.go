// Package sqlite gives many callers one SQLite database: readers that nobody blocks, and one writer at a time.
//
// What database/sql sees as connections are light: they hold nothing between statements. A statement that may write waits, with its caller's context, for the file's one writing connection;
// any other runs on one of several reading connections, which refuse to write. So readers never wait for a writer, writers queue in Go, where a deadline is kept, and nobody in this process meets SQLITE_BUSY.
// Other processes on the same file are waited for, five seconds at most.
package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"modernc.org/sqlite"

	"github.com/proscenium-dev/proscenium/database/internal/fault"
	"github.com/proscenium-dev/proscenium/database/internal/sqltext"
)

// ErrClosed is returned once the file was closed.
var ErrClosed = errors.New("database is closed")

// maxWait bounds the wait of a caller whose context does not.
const maxWait = 30 * time.Second

// busyTimeout is how long to wait for another process that writes to the same file.
const busyTimeout = 5 * time.Second

// Options say which database a [File] is.
type Options struct {
	// Path is the file. Empty means in memory: the content lives as long as the [File], and readers see what a writer has not yet committed.
	Path string
	// Create lets the folder of Path be made when it is missing.
	Create bool
}

// File is one SQLite database, opened on first use. Its methods may be called from many goroutines.
type File struct {
	path    string
	name    string // for messages
	create  bool
	writing driver.Connector
	reading driver.Connector

	writeLock chan struct{} // holds a token while somebody writes
	readSlots chan struct{} // holds a token for each reading connection in use
	texts     *sqltext.Cache[sqltext.Access]

	writer *physical // guarded by writeLock

	mu     sync.Mutex
	ready  bool        // the file exists, in WAL mode
	idle   []*physical // reading connections nobody uses, the warmest last
	closed bool
}

// New describes a database. It does no I/O.
func New(o Options) (*File, error) {
	f := &File{
		path:      o.Path,
		name:      o.Path,
		create:    o.Create,
		writeLock: make(chan struct{}, 1),
		readSlots: make(chan struct{}, max(16, 4*runtime.GOMAXPROCS(0))),
		texts:     sqltext.NewCache(sqltext.AccessOf),
	}
	query := url.Values{
		// Short, because a wait inside SQLite does not see the context; waiting goes on in retry.
		"_busy_timeout": {"100"},
		"_txlock":       {"immediate"},
		// One zone and one format, so that stored times sort as they are ordered.
		"_time_format": {"sqlite"},
		"_timezone":    {"UTC"},
		"_pragma":      {"foreign_keys(1)"},
	}
	var source string
	if f.path == "" {
		f.name = "memory"
		// The address makes the name this File's own; shared between its connections, and with nobody else.
		source = fmt.Sprintf("file:proscenium-%p", f)
		query.Set("mode", "memory")
		query.Set("cache", "shared")
	} else {
		source = "file:" + (&url.URL{Path: f.path}).EscapedPath()
		query.Add("_pragma", "journal_mode(WAL)")
		query.Add("_pragma", "synchronous(NORMAL)")
	}
	var err error
	if f.writing, err = sqlite.NewConnector(source + "?" + query.Encode()); err != nil {
		return nil, fmt.Errorf("describe database %s: %w", f.name, err)
	}
	query.Set("_query_only", "1")
	if f.path == "" {
		// A shared cache locks tables, not the file: without this a reader would wait for the writer, and the writer for a reader's open rows.
		query.Add("_pragma", "read_uncommitted(1)")
	}
	if f.reading, err = sqlite.NewConnector(source + "?" + query.Encode()); err != nil {
		return nil, fmt.Errorf("describe database %s: %w", f.name, err)
	}
	return f, nil
}

// Path returns the file, or nothing for a database in memory.
func (f *File) Path() string { return f.path }

// Prepare makes the folder and the file, if they are not there.
func (f *File) Prepare(ctx context.Context) error {
	w, err := f.lockWriter(ctx)
	if err != nil {
		return err
	}
	f.unlockWriter(w)
	return nil
}

// Close waits until nobody uses the database, or ctx ends, and closes it. Content in memory is gone.
func (f *File) Close(ctx context.Context) error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil
	}
	f.closed = true
	f.mu.Unlock()
	var errs []error
	select {
	case f.writeLock <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("close %s: somebody still writes: %w", f.name, ctx.Err())
	}
	defer func() { <-f.writeLock }()
	for range cap(f.readSlots) {
		select {
		case f.readSlots <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("close %s: somebody still reads: %w", f.name, ctx.Err())
		}
	}
	f.mu.Lock()
	idle := f.idle
	f.idle = nil
	f.mu.Unlock()
	for _, p := range idle {
		errs = append(errs, p.close())
	}
	if f.writer != nil {
		// The writer goes last: the last connection to a file folds its log back into it, which a reading one may not.
		errs = append(errs, f.writer.close())
		f.writer = nil
	}
	return errors.Join(errs...)
}

// Use tells how many connections read now, and whether one writes.
func (f *File) Use() (reading, writing int) { return len(f.readSlots), len(f.writeLock) }

// lockWriter waits for the writing connection. Whoever gets it gives it back with unlockWriter.
func (f *File) lockWriter(ctx context.Context) (*physical, error) {
	select {
	case f.writeLock <- struct{}{}:
	default:
		late := time.NewTimer(maxWait)
		defer late.Stop()
		select {
		case f.writeLock <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait to write to %s: %w", f.name, ctx.Err())
		case <-late.C:
			return nil, fault.Unavailable(fmt.Sprintf("somebody has been writing to %s for %v; look for a transaction that is not ended, or that waits for another on the same file", f.name, maxWait), context.DeadlineExceeded)
		}
	}
	if f.isClosed() {
		<-f.writeLock
		return nil, ErrClosed
	}
	if f.writer == nil {
		w, err := f.open(ctx, f.writing)
		if err != nil {
			<-f.writeLock
			return nil, err
		}
		f.writer = w
		f.mu.Lock()
		f.ready = true
		f.mu.Unlock()
	}
	return f.writer, nil
}

func (f *File) unlockWriter(w *physical) {
	// A database in memory goes with its last connection, so the writer stays.
	if !w.valid() && f.path != "" {
		_ = w.close() // broken already; the next writer opens a new one
		f.writer = nil
	}
	<-f.writeLock
}

// takeReader waits for a reading connection. Whoever gets it gives it back with putReader.
func (f *File) takeReader(ctx context.Context) (*physical, error) {
	select {
	case f.readSlots <- struct{}{}:
	default:
		late := time.NewTimer(maxWait)
		defer late.Stop()
		select {
		case f.readSlots <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait to read from %s: all %d readers are busy: %w", f.name, cap(f.readSlots), ctx.Err())
		case <-late.C:
			return nil, fault.Unavailable(fmt.Sprintf("all %d readers of %s have been busy for %v; look for rows that are not closed", cap(f.readSlots), f.name, maxWait), context.DeadlineExceeded)
		}
	}
	p, err := f.reader(ctx)
	if err != nil {
		<-f.readSlots
	}
	return p, err
}

func (f *File) reader(ctx context.Context) (*physical, error) {
	f.mu.Lock()
	closed, ready := f.closed, f.ready
	if n := len(f.idle); n > 0 && !closed {
		p := f.idle[n-1]
		f.idle = f.idle[:n-1]
		f.mu.Unlock()
		return p, nil
	}
	f.mu.Unlock()
	switch {
	case closed:
		return nil, ErrClosed
	case !ready:
		// Only a writing connection makes the file, and only once it is in WAL mode do readers and writers leave each other alone.
		if err := f.Prepare(ctx); err != nil {
			return nil, err
		}
	}
	return f.open(ctx, f.reading)
}

func (f *File) putReader(p *physical) {
	f.mu.Lock()
	keep := !f.closed && p.valid() && len(f.idle) < max(4, 2*runtime.GOMAXPROCS(0))
	if keep {
		f.idle = append(f.idle, p)
	}
	f.mu.Unlock()
	if !keep {
		_ = p.close() // it read only
	}
	<-f.readSlots
}

func (f *File) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// open makes a connection.
func (f *File) open(ctx context.Context, c driver.Connector) (*physical, error) {
	if f.path != "" && f.create {
		if err := os.MkdirAll(filepath.Dir(f.path), 0o750); err != nil {
			return nil, fault.Unavailable(fmt.Sprintf("make folder %s for the database", filepath.Dir(f.path)), err)
		}
	}
	var conn driver.Conn
	err := f.retry(ctx, func() (err error) {
		conn, err = c.Connect(ctx)
		return err
	})
	if err != nil {
		return nil, f.explain(err)
	}
	p := newPhysical(conn)
	p.readsOnly = c == f.reading
	return p, nil
}

// explainOn is explain for an error that came from p.
func (f *File) explainOn(p *physical, err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok && p.readsOnly && e.Code()&0xff == codeReadOnly {
		return fmt.Errorf("this statement writes where only reading was asked for: %w", err)
	}
	return f.explain(err)
}

// explain puts what a person can do in front of an error that means the database as a whole is in trouble; any other error stays as it is.
func (f *File) explain(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	folder := filepath.Dir(f.path)
	switch e.Code() & 0xff {
	case codeBusy:
		return fault.Unavailable(fmt.Sprintf("%s is held by another process for more than %v; run one process on a file, or use PostgreSQL", f.name, busyTimeout), err)
	case codeFull:
		return fault.Unavailable(fmt.Sprintf("no space left to write to %s; make room in %s", f.name, folder), err)
	case codeReadOnly:
		return fault.Unavailable(fmt.Sprintf("%s cannot be written to; make the file and the folder %s writable for user id %d", f.name, folder, os.Getuid()), err)
	case codeCantOpen:
		if info, statErr := os.Stat(folder); statErr != nil || !info.IsDir() {
			return fault.Unavailable(fmt.Sprintf("folder %s of the database does not exist; create it, or let it be made with ensureExists", folder), err)
		}
		return fault.Unavailable(fmt.Sprintf("%s cannot be opened; make the folder %s and the file readable and writable for user id %d", f.name, folder, os.Getuid()), err)
	case codeIOErr:
		return fault.Unavailable(fmt.Sprintf("reading or writing %s failed; look at the disk under %s", f.name, folder), err)
	case codeCorrupt, codeNotADB:
		return fault.Unavailable(fmt.Sprintf("%s is damaged or no SQLite database; restore it, or move it away to start anew", f.name), err)
	}
	return err
}

// SQLite's primary result codes; see https://www.sqlite.org/rescode.html.
const (
	codeBusy     = 5
	codeLocked   = 6
	codeReadOnly = 8
	codeIOErr    = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26
)

// retry runs try until it meets no other process's lock, up to the busy timeout or the end of ctx. What try does must be safe to repeat after it met a lock.
func (f *File) retry(ctx context.Context, try func() error) error {
	err := try()
	if !f.locked(err) {
		return err
	}
	deadline := time.Now().Add(busyTimeout)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for wait := time.Millisecond; f.locked(err) && time.Now().Before(deadline); wait = min(2*wait, 50*time.Millisecond) {
		pause.Reset(wait)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for another process to leave %s: %w", f.name, ctx.Err())
		}
		err = try()
	}
	return err
}

func (f *File) locked(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	code := e.Code() & 0xff
	return code == codeBusy || f.path == "" && code == codeLocked
}
