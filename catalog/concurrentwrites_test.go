package catalog_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

const kiosk = api + "/entities/by-name/component/default/kiosk"

// together makes requests at the same time, and counts the answers by status.
func together(n int, request func(i int) int) map[int]int {
	var mu sync.Mutex
	statuses := map[int]int{}
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			status := request(i)
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	group.Wait()
	return statuses
}

// TestConditionalWritesTogether has several clients change what all of them have read: one of them may, and the others must hear of it.
func TestConditionalWritesTogether(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	const clients = 6
	put := func(round string, header http.Header) map[int]int {
		return together(clients, func(i int) int { return p.Do(http.MethodPut, kiosk, header, robot(round+strconv.Itoa(i))).Status })
	}
	if got := put("a", http.Header{"If-None-Match": {"*"}}); got[201] != 1 || got[412] != clients-1 {
		t.Errorf("creating: %v", got)
	}
	var entity catalogcommon.Entity
	for _, round := range []string{"b", "c", "d"} { // each client writes what nobody has written before
		p.Get(kiosk).Want(200).JSON(&entity)
		if got := put(round, http.Header{"If-Match": {strconv.Quote(entity.Metadata.ETag)}}); got[200] != 1 || got[412] != clients-1 {
			t.Errorf("changing: %v", got)
		}
	}
}

// TestWritesTogether has several clients write without looking: each of them gets an answer, though all but one are written over.
func TestWritesTogether(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	p.Do(http.MethodPut, kiosk, nil, robot("sea")).Want(201)
	const clients = 6
	for range 3 {
		if got := together(clients, func(i int) int { return p.Do(http.MethodPut, kiosk, nil, robot("team-"+strconv.Itoa(i))).Status }); got[200] != clients {
			t.Fatalf("answers: %v", got)
		}
	}
}

// TestRefusedWriteLeavesNothing writes an entity that belongs to a file.
func TestRefusedWriteLeavesNothing(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	till := api + "/entities/by-name/component/default/till"
	var before, after catalogcommon.Entity
	p.Get(till).Want(200).JSON(&before)
	body := robot("sea")
	body["metadata"] = map[string]any{"name": "till"}
	p.Do(http.MethodPut, till, nil, body).Want(409)
	p.Do(http.MethodPut, kiosk, nil, robot("sea")).Want(201) // what the first queued is put together by now
	p.Get(till).Want(200).JSON(&after)
	if after.Metadata.ETag != before.Metadata.ETag || after.Status != nil {
		t.Errorf("the refused write shows: %+v", after.Status)
	}
}

func TestPreconditionsAreNoWords(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	p.Do(http.MethodPut, kiosk, http.Header{"If-Match": {"none"}}, robot("sea")).Want(412)
	p.Do(http.MethodPut, kiosk, nil, robot("sea")).Want(201)
	p.Do(http.MethodPut, kiosk, http.Header{"If-Match": {`""`}}, robot("land")).Want(412)
	p.Do(http.MethodDelete, kiosk, http.Header{"If-Match": {`""`}}, nil).Want(412)
	p.Do(http.MethodPut, kiosk, http.Header{"If-Match": {""}}, robot("land")).Want(400)
	p.Do(http.MethodPut, kiosk, http.Header{"If-None-Match": {`"*"`}}, robot("land")).Want(400)
}

// TestWritesTellTheirETag goes on from write to write with nothing but the header of the answers, in the forms in which clients and what is between them send it back.
func TestWritesTellTheirETag(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	var entity catalogcommon.Entity
	written := func(answer *plugintest.Response) string {
		t.Helper()
		answer.JSON(&entity)
		tag := answer.Header.Get("ETag")
		if tag != strconv.Quote(entity.Metadata.ETag) || entity.Metadata.ETag == "" {
			t.Fatalf("ETag %s of an entity with %q", tag, entity.Metadata.ETag)
		}
		return tag
	}
	tag := written(p.Do(http.MethodPut, kiosk, nil, robot("sea")).Want(201))
	p.Do(http.MethodPut, kiosk, http.Header{"If-None-Match": {`"other", W/` + tag}}, robot("land")).Want(412)
	old := tag
	tag = written(p.Do(http.MethodPut, kiosk, http.Header{"If-Match": {`"other", W/` + tag}}, robot("land")).Want(200))
	p.Do(http.MethodPut, kiosk, http.Header{"If-Match": {old}}, robot("air")).Want(412)
	tag = written(p.Do(http.MethodPut, kiosk, http.Header{"If-Match": {tag}, "If-None-Match": {old}}, robot("air")).Want(200))
	p.Do(http.MethodDelete, kiosk, http.Header{"If-Match": {old, "W/" + tag}}, nil).Want(204)
}
