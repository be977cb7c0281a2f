package core_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing/fstest"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func greetings() pluginapi.Plugin {
	return pluginapi.Plugin{ID: "greetings", Extensions: []pluginapi.Extension{
		pluginapi.Routes.From("greet", pluginapi.Route{Pattern: "GET /{name}"}, func(w http.ResponseWriter, r *http.Request) error {
			_, err := fmt.Fprintf(w, "Hello, %s", r.PathValue("name"))
			return err
		}),
	}}
}

// quiet is configuration for a portal that keeps nothing and says little.
func quiet(more string) core.Options {
	return core.Options{
		Defaults: fstest.MapFS{"app-config.yaml": {Data: []byte("backend: {listen: '127.0.0.1:0', logger: {level: error}, database: {client: better-sqlite3, connection: ':memory:'}}\n" + more)}},
		Environ:  []string{},
	}
}

// A portal as one handler of a server that has others.
func ExampleNew() {
	portal, err := core.New(quiet("app: {baseUrl: 'http://localhost/portal'}"), greetings())
	if err != nil {
		fmt.Println(err)
		return
	}
	portal.Start(context.Background())
	<-portal.Settled()

	mux := http.NewServeMux()
	mux.Handle("/portal/", portal) // as it is: the portal knows its path
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "something else") })
	server := httptest.NewServer(mux)
	for _, path := range []string{"/portal/api/greetings/world", "/other"} {
		res, err := http.Get(server.URL + path)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		fmt.Println(string(body))
	}

	server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := portal.Stop(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Hello, world
	// something else
}

// A portal until a context ends, in a program that has more to do.
func ExampleRun() {
	ctx, cancel := context.WithCancel(context.Background())
	once := pluginapi.Plugin{ID: "once", Extensions: []pluginapi.Extension{
		pluginapi.Workers.From("work", pluginapi.Worker{}, func(ctx context.Context) error {
			fmt.Println("working as", pluginapi.PrincipalFrom(ctx).Ref)
			cancel()
			<-ctx.Done()
			return nil
		}),
	}}
	fmt.Println(core.Run(ctx, quiet(""), once))
	// Output:
	// working as plugin:once
	// <nil>
}

// What is wrong with a list of plugins is told at once, and nothing starts.
func ExampleNew_faults() {
	needy := pluginapi.Plugin{ID: "needy", Provide: []any{newReport}}
	_, err := core.New(quiet(""), greetings(), greetings(), needy)
	fmt.Println(err)
	// Output:
	// greetings: two plugins have this id: number 1 and number 2 in the list; remove one, or give it another id
	// needy: newReport needs catalogcommon.Client; add catalog.Plugin()
}

type report struct{ catalog catalogcommon.Client }

func newReport(c catalogcommon.Client) *report { return &report{c} }
