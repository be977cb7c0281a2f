package circlecifake

import "fmt"

const (
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

func spinUp() []stepPlan {
	return []stepPlan{
		{"Spin up environment", "", 0.08, []string{"Build-agent version 1.0.254431", "Creating a dedicated VM with ubuntu-2404:current", "  using image cimg/go@sha256:3f1c4fcf9d5e1f5ac2b4", "Time to upload agent and config: 411.3ms", "Time to start containers: 355.8ms"}},
		{"Preparing environment variables", "", 0.01, []string{"Using build environment variables:", "  BASH_ENV=/tmp/.bash_env", "  CI=true", "  CIRCLECI=true", "", "The redacted variables listed above will be masked in run step output."}},
		{"Checkout code", "", 0.06, []string{"Cloning git repository", "Cloning into '.'...", "HEAD is now at " + bold + "3f2a1c9" + reset}},
	}
}

func lintSteps() []stepPlan {
	return append(spinUp(), stepPlan{"Run the linter", "#!/bin/bash -eo pipefail\ngolangci-lint run ./...", 0.85, []string{"level=info msg=\"[config_reader] Used config file .golangci.yml\"", green + "0 issues." + reset}})
}

func testSteps(p *project, fails bool) []stepPlan {
	var lines []string
	for i := range 220 {
		name := fmt.Sprintf("%s%d", []string{"Settle", "Refund", "Import", "Export", "Tariff", "Ledger"}[i%6], i/6+1)
		lines = append(lines, fmt.Sprintf("%s=== RUN%s   Test%s", yellow, reset, name))
		if fails && i == 137 {
			lines = append(lines,
				fmt.Sprintf("%s--- FAIL: Test%s (0.31s)%s", red, name, reset),
				"    refund_test.go:88: refund of 1250 EUR-cents was settled twice:",
				"        first  at 2026-11-20T01:12:08Z, batch 4711",
				"        second at 2026-11-20T01:12:09Z, batch 4711")
			continue
		}
		lines = append(lines, fmt.Sprintf("%s--- PASS: Test%s%s (%.2fs)", green, name, reset, float64(seed(p.Slug, name)%90)/100))
	}
	if fails {
		lines = append(lines, red+"FAIL"+reset, "FAIL\texample.com/payments/settle\t12.401s", "", "Exited with code exit status 1")
	} else {
		lines = append(lines, green+"PASS"+reset, "ok  \texample.com/payments/settle\t12.210s")
	}
	steps := append(spinUp(),
		stepPlan{"Restore module cache", "", 0.05, []string{"Found a cache from build 4012 at go-mod-v2-", "Size: 214 MiB", "Cached paths:", "  * /home/circleci/go/pkg/mod"}},
		stepPlan{"Run unit tests", "#!/bin/bash -eo pipefail\ngotestsum --junitfile results/unit.xml -- -race ./...", 0.76, lines})
	return append(steps, stepPlan{"Uploading test results", "", 0.04, []string{"Archiving the following test results", "  * /home/circleci/project/results", "", "Uploaded"}})
}

func integrationSteps() []stepPlan {
	return append(spinUp(),
		stepPlan{"Wait for the database", "#!/bin/bash -eo pipefail\ndockerize -wait tcp://localhost:5432 -timeout 1m", 0.1, []string{"Waiting for: tcp://localhost:5432", "Connected to tcp://localhost:5432"}},
		stepPlan{"Run integration tests", "#!/bin/bash -eo pipefail\nmake integration", 0.75, []string{"go test -tags integration ./...", "ok  \texample.com/payments/ledger\t41.302s", "ok  \texample.com/payments/acquirer\t18.772s"}})
}

func imageSteps() []stepPlan {
	return append(spinUp(),
		stepPlan{"Build image", "#!/bin/bash -eo pipefail\ndocker build -t payments .", 0.7, []string{"#1 [internal] load build definition from Dockerfile", "#5 [build 2/4] COPY go.mod go.sum ./", "#8 exporting to image", "#8 DONE 3.1s"}},
		stepPlan{"Uploading artifacts", "", 0.15, []string{"Uploading /home/circleci/project/dist to dist", "  Uploading dist/payments-linux-amd64 (18 MB): DONE", "  Uploading dist/sbom.json (212 kB): DONE"}})
}

func deploySteps() []stepPlan {
	return append(spinUp(), stepPlan{"Deploy", "#!/bin/bash -eo pipefail\nhelm upgrade --install payments chart", 0.85, []string{"Release \"payments\" has been upgraded. Happy Helming!", "STATUS: deployed", "REVISION: 88"}})
}
