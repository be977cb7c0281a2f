package config_test

import (
	"fmt"
	"testing/fstest"

	"github.com/proscenium-dev/proscenium/core/internal/config"
)

func ExampleSchema_Check() {
	type greeter struct {
		Greeting string   `yaml:"greeting" visibility:"frontend"`
		Names    []string `yaml:"names"`
	}
	schema := config.Schema{Sections: []config.Section{
		{Path: "hello", Owner: "plugin hello", New: func() any { return &greeter{Greeting: "Hello"} }},
	}}
	defaults := fstest.MapFS{"app-config.yaml": {Data: []byte("hello:\n  names: ${NAME}\n  greting: Hi\nhelo: {}\n")}}

	snapshot, err := config.Load(config.Options{Dir: "testdata", Defaults: defaults, Environ: []string{"NAME=Ann"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	report := schema.Check(snapshot)
	fmt.Println(report.Err())
	fmt.Println(report.Warnings)
	// Output:
	// embedded:app-config.yaml:2:10: hello.names: expected a list but found text (from the variable NAME); write it as a list: [...]
	// embedded:app-config.yaml:3:3: hello.greting: unknown key; did you mean "greeting"?
	// embedded:app-config.yaml:4:1: helo: nothing in this portal reads this section; did you mean "hello"?
}
