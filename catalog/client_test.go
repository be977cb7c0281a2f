package catalog_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// catalogClient returns the folder of npm's @backstage/catalog-client: CATALOG_CLIENT_PATH, or where npm installs it for all. Without it the test is skipped.
func catalogClient(t *testing.T) (node, folder string) {
	t.Helper()
	node = databasetest.Binary(t, "apt-get install nodejs", "node")
	folder = os.Getenv("CATALOG_CLIENT_PATH")
	if folder == "" {
		root, err := exec.CommandContext(t.Context(), databasetest.Binary(t, "apt-get install npm", "npm"), "root", "--global").Output()
		if err != nil {
			t.Fatalf("ask npm where its packages are: %v", err)
		}
		folder = filepath.Join(strings.TrimSpace(string(root)), "@backstage", "catalog-client")
	}
	if _, err := os.Stat(filepath.Join(folder, "package.json")); err != nil {
		databasetest.Missing(t, "@backstage/catalog-client is not installed; install it with: npm install -g @backstage/catalog-client@1.16.2, or set CATALOG_CLIENT_PATH to the folder of the package")
	}
	return node, folder
}

// clientEntities are twelve components, what they need, and the location that brings them. The file testdata/client.mjs counts on them.
func clientEntities() string {
	const form = "apiVersion: backstage.io/v1alpha1\nkind: %s\nmetadata: {name: %s%s}\nspec: {%s}\n---\n"
	var text strings.Builder
	for i := 1; i <= 12; i++ {
		metadata := map[int]string{1: ", tags: [go], annotations: {example.com/team: Sea}", 2: ", tags: [go], annotations: {example.com/team: Land}", 3: ", title: 'A & B = 100%? #1 ü'", 7: ", tags: [rust]"}[i]
		spec := "type: " + []string{"website", "service"}[i%2] + ", lifecycle: production, owner: sea"
		if i == 5 {
			spec += ", dependsOn: [resource:db]"
		}
		fmt.Fprintf(&text, form, "Component", fmt.Sprintf("c%02d", i), metadata, spec)
	}
	fmt.Fprintf(&text, form, "Resource", "db", "", "type: database, owner: sea")
	fmt.Fprintf(&text, form, "Group", "sea", ", description: The Team Sea", "type: team, children: []")
	fmt.Fprintf(&text, form, "User", "jo", "", "memberOf: [sea]")
	return text.String()
}

// TestBackstageClient has the client that Backstage's front ends and plugins use talk to this catalog.
func TestBackstageClient(t *testing.T) {
	t.Parallel()
	node, folder := catalogClient(t)
	file := served(t, "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: remote}\nspec: {type: service, lifecycle: production, owner: sea}\n")
	config := configuration + "backend: {reading: {allow: [{host: '" + strings.TrimPrefix(file, "http://") + "'}]}}"
	p := plugintest.StartWith(t, plugintest.Options{Config: config}, catalog.Plugin(catalog.Options{Embedded: fstest.MapFS{"all.yaml": {Data: []byte(clientEntities())}}}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if said, err := exec.CommandContext(ctx, node, filepath.Join("testdata", "client.mjs"), folder, p.URL, file+"/catalog-info.yaml").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

// served is the address of a server with one file at every path.
func served(t *testing.T, text string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }))
	t.Cleanup(server.Close)
	return server.URL
}
