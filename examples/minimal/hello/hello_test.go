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

func TestGreetings(t *testing.T) {
	t.Parallel()
	p := plugintest.StartWith(t, plugintest.Options{Config: "hello: {greeting: Good day}"}, catalog.Plugin(), hello.Plugin())
	p.Get("/hello").Want(200).HasText("main", "Nobody was greeted yet")
	var answer struct{ Greeting string }
	p.Post("/api/hello/world", nil).Want(200).JSON(&answer)
	if answer.Greeting != "Good day, world" {
		t.Errorf("greeting: %q", answer.Greeting)
	}
	p.Post("/api/hello/world", nil).Want(200)
	p.Get("/hello").Want(200).HasText("td", "world").HasText("td", "2")
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	faults := plugintest.Faults(t, plugintest.Options{Config: "hello: {greting: x, remember: soon}"}, catalog.Plugin(), hello.Plugin())
	if len(faults) != 2 {
		t.Errorf("faults: %q", faults)
	}
}
