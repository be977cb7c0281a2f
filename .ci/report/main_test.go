package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	t.Parallel()
	const pass = `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.01s\n"}
{"Action":"pass","Package":"p"}
`
	tests := []struct {
		name, events, want string
		ok                 bool
	}{
		{"passes", pass, "ok  \tp\t0.01s\n1 passed, 0 failed, 0 skipped\n", true},
		{"nothing ran", "", "0 passed, 0 failed, 0 skipped\n", false},
		{
			"fails",
			pass + `{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:2: wrong\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- FAIL: TestB (0.00s)\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
`,
			"ok  \tp\t0.01s\n    b_test.go:2: wrong\n--- FAIL: TestB (0.00s)\n1 passed, 1 failed, 0 skipped\n", false,
		},
		{
			"skips with a good reason",
			pass + `{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:3: root may read everything\n"}
{"Action":"skip","Package":"p","Test":"TestC"}
`,
			"ok  \tp\t0.01s\nskipped: p TestC\n    c_test.go:3: root may read everything\n1 passed, 0 failed, 1 skipped\n", true,
		},
		{
			"skips for want of a program",
			pass + `{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:3: redis-server is missing; apt-get install redis-server\n"}
{"Action":"skip","Package":"p","Test":"TestC"}
`,
			"ok  \tp\t0.01s\nFAIL: skipped for something that is not installed: p TestC\n    c_test.go:3: redis-server is missing; apt-get install redis-server\n1 passed, 0 failed, 1 skipped\n", false,
		},
		{
			"does not build",
			pass + `{"ImportPath":"q","Action":"build-output","Output":"q.go:1: undefined: x\n"}
{"ImportPath":"q","Action":"build-fail"}
{"Action":"output","Package":"q","Output":"FAIL\tq [build failed]\n"}
{"Action":"fail","Package":"q","FailedBuild":"q"}
`,
			"ok  \tp\t0.01s\nq.go:1: undefined: x\nFAIL\tq [build failed]\n1 passed, 0 failed, 0 skipped\n", false,
		},
		{
			"dies in a test",
			pass + `{"Action":"output","Package":"q","Test":"TestD","Output":"panic: oh\n"}
{"Action":"fail","Package":"q"}
`,
			"ok  \tp\t0.01s\nunfinished: q TestD\npanic: oh\n1 passed, 0 failed, 0 skipped\n", false,
		},
		{"a line of the go command's", "go: no such module\n", "go: no such module\n0 passed, 0 failed, 0 skipped\n", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			ok, err := report(strings.NewReader(test.events), &got)
			if err != nil {
				t.Fatal(err)
			}
			if ok != test.ok || got.String() != test.want {
				t.Errorf("ok is %t, output:\n%s\nwant %t:\n%s", ok, got.String(), test.ok, test.want)
			}
		})
	}
}
