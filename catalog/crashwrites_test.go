package catalog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// writes writes to a portal that can end at any moment, and remembers what was confirmed.
type writes struct {
	t        *testing.T
	options  database.Options
	config   string // file
	folder   string // of descriptors
	mayFail  bool   // a request may be answered with a failure: the database is what ends
	round    int
	starting time.Duration // that the last start took, from listening to serving
	provided int           // number of the last write that the provider tried

	mu        sync.Mutex
	facts     map[string]*fact
	version   int
	confirmed int
	doubtful  int
}

// fact is what must be true of one thing: the value that was confirmed last, or one that was tried since.
type fact struct {
	sure  string // a version, or "" for that it is not there
	tried []string
}

const (
	teams        = 3
	crashedFiles = 4
	perFile      = 3
)

func newWrites(t *testing.T, o database.Options) *writes {
	t.Helper()
	w := &writes{t: t, options: o, folder: t.TempDir(), facts: map[string]*fact{}}
	groups := ""
	for i := range teams {
		groups += fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: team-%d}\nspec: {type: team, children: []}\n---\n", i)
	}
	// It has a name that can be asked to be read again.
	groups += "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: groups}\nspec: {targets: []}\n"
	w.put("groups.yaml", groups)
	for i := range crashedFiles {
		w.writeFile(i, 0)
		w.fact(fileName(i)).sure = "0"
	}
	w.config = crashConfig(t, o, w.folder)
	return w
}

func (w *writes) fact(name string) *fact {
	f := w.facts[name]
	if f == nil {
		f = &fact{}
		w.facts[name] = f
	}
	return f
}

// try notes that something is about to be written.
func (w *writes) try(name, value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doubtful++
	w.fact(name).tried = append(w.fact(name).tried, value)
}

// confirm notes that it was.
func (w *writes) confirm(name, value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.confirmed++
	w.doubtful--
	*w.fact(name) = fact{sure: value}
}

// check compares what is there with what must be.
func (w *writes) check(name, got string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.fact(name); got != f.sure && !slices.Contains(f.tried, got) {
		w.t.Errorf("%s is %q, but %q was confirmed, and %q tried since", name, got, f.sure, f.tried)
	}
}

func (w *writes) next() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.version++
	return w.version
}

// write has several clients write until the returned function is called, or requests fail.
func (w *writes) write(ctx context.Context, url string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var clients sync.WaitGroup
	for _, client := range []func(context.Context, string) bool{w.writeEntity, w.writeLocation, w.changeFile} {
		clients.Go(func() {
			for ctx.Err() == nil {
				if !client(context.WithoutCancel(ctx), url) && !w.mayFail {
					return
				}
			}
		})
	}
	return func() { cancel(); clients.Wait() }
}

// request returns the status of the answer; 0: there was none.
func (w *writes) request(ctx context.Context, method, url string, body any) (status int) {
	status, _ = w.ask(ctx, method, url, body, nil)
	return status
}

func (w *writes) ask(ctx context.Context, method, url string, body, answer any) (status int, text []byte) {
	var content io.Reader
	if body != nil {
		sent, err := json.Marshal(body)
		if err != nil {
			w.t.Error(err)
			return 0, nil
		}
		content = bytes.NewReader(sent)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		w.t.Error(err)
		return 0, nil
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	if text, err = io.ReadAll(response.Body); err != nil {
		return 0, nil // half an answer is none
	}
	if response.StatusCode >= 500 && !w.mayFail {
		w.t.Errorf("%s %s: %d %s", method, url, response.StatusCode, text)
	}
	if answer != nil && response.StatusCode < 300 {
		if err := json.Unmarshal(text, answer); err != nil {
			w.t.Errorf("%s %s: %v", method, url, err)
		}
	}
	return response.StatusCode, text
}

// versioned is an entity with a number.
func versioned(name string, version int) string {
	return fmt.Sprintf(`{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":%q,"labels":{"version":"%d"}},"spec":{"type":"service","lifecycle":"production","owner":"team-%d"}}`, name, version, version%teams)
}

// writeEntity reads an entity and then writes or removes it.
func (w *writes) writeEntity(ctx context.Context, url string) bool {
	name := fmt.Sprintf("written-%d", rand.IntN(12))
	url += api + "/entities/by-name/component/default/" + name
	var e catalogcommon.Entity
	switch status, _ := w.ask(ctx, http.MethodGet, url, nil, &e); status {
	case 200:
		w.check(name, e.Metadata.Labels["version"])
	case 404:
		w.check(name, "")
	default:
		return false
	}
	version := w.next()
	if version%4 == 0 {
		w.try(name, "")
		status := w.request(ctx, http.MethodDelete, url, nil)
		if status == 204 {
			w.confirm(name, "")
		}
		return status == 204 || status == 404
	}
	w.try(name, strconv.Itoa(version))
	status := w.request(ctx, http.MethodPut, url, json.RawMessage(versioned(name, version)))
	if status == 200 || status == 201 {
		w.confirm(name, strconv.Itoa(version))
		return true
	}
	return false
}

const registered = "there"

// writeLocation registers a location, or removes one.
func (w *writes) writeLocation(ctx context.Context, url string) bool {
	target := fmt.Sprintf("https://git.invalid/acme/shop/blob/main/%d.yaml", rand.IntN(8))
	all := []catalogcommon.LocationItem{}
	if status, _ := w.ask(ctx, http.MethodGet, url+api+"/locations", nil, &all); status != 200 {
		return false
	}
	for _, item := range all {
		if item.Data.Target != target {
			continue
		}
		w.check(target, registered)
		w.try(target, "")
		status := w.request(ctx, http.MethodDelete, url+api+"/locations/"+item.Data.ID, nil)
		if status == 204 {
			w.confirm(target, "")
		}
		return status == 204
	}
	w.check(target, "")
	w.try(target, registered)
	status := w.request(ctx, http.MethodPost, url+api+"/locations", map[string]string{"type": "url", "target": target})
	if status == 201 {
		w.confirm(target, registered)
	}
	return status == 201
}

func fileName(i int) string { return fmt.Sprintf("file-%d.yaml", i) }

// put replaces a file as a whole.
func (w *writes) put(name, text string) {
	path := filepath.Join(w.folder, name)
	err := os.WriteFile(path+".new", []byte(text), 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		w.t.Error(err)
	}
}

// writeFile writes a file of entities, of which not all are there in each version.
func (w *writes) writeFile(i, version int) {
	text := ""
	for n := range perFile {
		if version%5 != n {
			text += versioned(fmt.Sprintf("described-%d-%d", i, n), version) + "\n---\n"
		}
	}
	w.put(fileName(i), strings.TrimSuffix(text, "---\n"))
}

// changeFile changes a file and has it read again.
func (w *writes) changeFile(ctx context.Context, url string) bool {
	i := rand.IntN(crashedFiles)
	version := w.next()
	w.try(fileName(i), strconv.Itoa(version))
	w.writeFile(i, version)
	ref := catalogcommon.LocationRef{Type: "file", Target: filepath.Join(w.folder, fileName(i))}.EntityRef()
	status := w.request(ctx, http.MethodPost, url+api+"/refresh", map[string]string{"entityRef": ref.String()})
	if status == 200 {
		w.confirm(fileName(i), strconv.Itoa(version))
	}
	time.Sleep(rand.N(20 * time.Millisecond))
	return status == 200
}

// provides takes note of what the provider says.
func (w *writes) provides(line string) {
	word, text, _ := strings.Cut(line, " ")
	number, err := strconv.Atoi(text)
	if err != nil {
		return
	}
	name := providedName(number)
	switch word {
	case "tries":
		w.provided = number
		if number%7 == 0 {
			w.mu.Lock()
			w.fact(name).tried = append(w.fact(name).tried, "")
			w.mu.Unlock()
		}
		w.try(name, text)
	case "wrote":
		w.confirm(name, text)
	}
}

// verifyWrites compares everything that was written with what is there.
func (w *writes) verifyWrites(p *plugintest.Portal, entities map[string]*catalogcommon.Entity) {
	t := w.t
	t.Helper()
	version := func(name string) string {
		if e := entities["component:default/"+name]; e != nil {
			if len(e.Targets("ownedBy")) != 1 {
				t.Errorf("%s has relations %v", name, e.Relations)
			}
			return e.Metadata.Labels["version"]
		}
		return ""
	}
	for name := range w.facts {
		if strings.HasPrefix(name, "written-") || strings.HasPrefix(name, "provided-") {
			w.check(name, version(name))
		}
	}
	for i := range crashedFiles {
		for n := range perFile {
			name := fmt.Sprintf("described-%d-%d", i, n)
			e := entities["component:default/"+name]
			if e == nil || e.Annotation(catalogcommon.AnnotationOrphan) == "true" {
				continue // the file's last version, below, tells whether it may be missing
			}
			w.check(fileName(i), version(name))
		}
		last, _ := strconv.Atoi(w.facts[fileName(i)].sure)
		there := 0
		for n := range perFile {
			e := entities[fmt.Sprintf("component:default/described-%d-%d", i, n)]
			if e != nil && e.Annotation(catalogcommon.AnnotationOrphan) == "" {
				there++
			}
		}
		if len(w.facts[fileName(i)].tried) == 0 && there != perFile-number(last%5 < perFile) {
			t.Errorf("%d entities of file %d are there in version %d", there, i, last)
		}
	}
	var all []catalogcommon.LocationItem
	p.Get(api + "/locations").Want(200).JSON(&all)
	there := map[string]bool{}
	for _, item := range all {
		there[item.Data.Target] = true
		if entities[item.Data.EntityRef] == nil {
			t.Errorf("location %s has no entity", item.Data.Target)
		}
	}
	for name := range w.facts {
		if !strings.HasPrefix(name, "https:") {
			continue
		}
		got := ""
		if there[name] {
			got = registered
		}
		w.check(name, got)
		if ref := (catalogcommon.LocationRef{Type: "url", Target: name}).EntityRef().String(); !there[name] && entities[ref] != nil {
			t.Errorf("%s is there, but its location is not", ref)
		}
	}
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
