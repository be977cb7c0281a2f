package pipeline_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor/descriptortest"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// Every malformed descriptor goes through ingestion, in a file with a good one, or beside one where it spoils its file. None stops it, none takes its neighbour along, and of each there is a record that says where it is.
func TestMalformed(t *testing.T) {
	t.Parallel()
	c := newCatalog(t, databasetest.New(t, databasetest.SQLite))
	c.start()
	cases := descriptortest.Malformed()
	targets := make([]string, 0, len(cases))
	for i, m := range cases {
		// Each is about an entity of its own, so that the faults are its own, too, and not that there are two.
		text := strings.NewReplacer("name: shop\n", fmt.Sprintf("name: shop-%d\n", i), "{name: x}", fmt.Sprintf("{name: x-%d}", i), "name: x\n", fmt.Sprintf("name: x-%d\n", i)).Replace(m.Text)
		good := descriptortest.Good(fmt.Sprint("neighbour-", i))
		if m.Unclean {
			c.write(fmt.Sprintf("good-%d.yaml", i), good)
			c.write(fmt.Sprintf("case-%d.yaml", i), text)
			targets = append(targets, fmt.Sprintf("./good-%d.yaml", i))
		} else {
			c.write(fmt.Sprintf("case-%d.yaml", i), text+"\n---\n"+good)
		}
		targets = append(targets, fmt.Sprintf("./case-%d.yaml", i))
	}
	list, err := json.Marshal(targets)
	if err != nil {
		t.Fatal(err)
	}
	c.register(c.write("catalog-info.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: root\nspec:\n  targets: "+string(list)+"\n"))

	problems, err := c.store.Problems(t.Context(), 100_000)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string][]catalogcommon.ErrorInfo{}
	for _, problem := range problems {
		var infos []catalogcommon.ErrorInfo
		if err := json.Unmarshal([]byte(problem.Errors), &infos); err != nil {
			t.Errorf("%+v: %v", problem, err)
		}
		for _, info := range infos {
			if info.At == nil || info.Message == "" {
				t.Errorf("a problem without a place or a message: %+v", info)
				continue
			}
			told[info.At.Source] = append(told[info.At.Source], info)
		}
	}
	status := map[string]bool{}
	for _, item := range c.must("location:default/root").Status.Items {
		status[item.Error.At.Source] = true
	}
	atLocation := 0
	for i, m := range cases {
		ref := fmt.Sprintf("component:retail/neighbour-%d", i)
		neighbour := c.entity(ref)
		if neighbour == nil {
			t.Errorf("%s: its neighbour is lost", m.Name)
			continue
		}
		if neighbour.Status != nil || len(neighbour.Targets("ownedBy")) != 1 {
			t.Errorf("%s: its neighbour has status %+v and relations %v", m.Name, neighbour.Status, neighbour.Relations)
		}
		if m.Name == "annotations: null" { // ingestion adds its own to none
			if c.entity(fmt.Sprintf("component:retail/shop-%d", i)) == nil {
				t.Errorf("%s: it is not there", m.Name)
			}
			continue
		}
		file := "file:" + c.dir + fmt.Sprintf("/case-%d.yaml", i)
		if len(told[file]) == 0 {
			t.Errorf("%s: nothing tells of it\n%s", m.Name, m.Text)
			continue
		}
		for _, info := range told[file] {
			if info.At.Line < 1 || info.At.Column < 1 {
				t.Errorf("%s: the place is %s, without a line or a column: %s", m.Name, info.At, info.Message)
			}
		}
		if status[file] {
			atLocation++
		}
	}
	if len(status) < 200 {
		t.Errorf("only %d files are in the status of the Location", len(status))
	}
	t.Logf("%d cases: %d in the status of their Location, %d in the record of their entity", len(cases), atLocation, len(cases)-atLocation)
	if found, err := c.store.Reconcile(t.Context()); err != nil || found != 0 {
		t.Errorf("%d entities were lost between stages, %v", found, err)
	}
}
