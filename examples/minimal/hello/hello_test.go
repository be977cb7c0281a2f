package hello_test

import (
	"testing"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/examples/minimal/hello"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

func TestCheck(t *testing.T) {
	plugintest.Check(t, plugintest.Options{}, hello.Plugin(), catalog.Plugin())
}

// TestGreetings runs on both engines, since the plugin writes its own statements.
func TestGreetings(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		testGreetings(t, "")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		testGreetings(t, plugintest.Postgres(t))
	})
}

func testGreetings(t *testing.T, config string) {
	p := plugintest.StartWith(t, plugintest.Options{Config: config + "hello: {greeting: Good day}"}, catalog.Plugin(), hello.Plugin())
	p.Get("/hello").Want(200).HasText("main", "Nobody was greeted yet")
	var answer struct{ Greeting string }
	p.Post("/api/hello/world", nil).Want(200).JSON(&answer)
	if answer.Greeting != "Good day, world" {
		t.Errorf("greeting: %q", answer.Greeting)
	}
	p.Post("/api/hello/world", nil).Want(200)
	p.Get("/hello").Want(200).HasText("td", "world").HasText("td", "2")
	p.Do("PUT", "/api/catalog/entities/by-name/user/default/world", nil, map[string]any{"apiVersion": "backstage.io/v1alpha1", "kind": "User", "metadata": map[string]any{"name": "world"}, "spec": map[string]any{"memberOf": []string{}}}).Want(201)
	p.Get("/catalog/default/user/world").Want(200).HasText("main", "greeted 2 times")
	p.Get("/catalog?kind=user").Want(200).HasText("th", "Greeted").HasText("td", "just now")
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	faults := plugintest.Faults(t, plugintest.Options{Config: "hello: {greting: x, remember: soon}"}, catalog.Plugin(), hello.Plugin())
	if len(faults) != 2 {
		t.Errorf("faults: %q", faults)
	}
}
