// Package descriptortest has descriptors that are wrong in every way that people and programs make them wrong, for tests of whatever takes descriptors in.
package descriptortest

import (
	"fmt"
	"strings"
)

// Case is one malformed descriptor: the text of a single YAML document, without the line --- before it.
type Case struct {
	Name string
	Text string
	// Unclean says that the text may spoil what stands before or after it in the same file, as a zero byte does.
	Unclean bool
}

// Good is a valid Component with that name, as the text of one document. It makes neighbours that must survive.
func Good(name string) string {
	return strings.ReplaceAll(component, "shop", name)
}

const component = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: shop
  namespace: retail
  title: "The shop"
  description: Sells things; even at night.
  labels:
    example.com/tier: gold
  annotations:
    circleci.com/project-slug: github/acme/shop
  tags:
    - go
    - web
  links:
    - url: https://example.com/shop
      title: Shop
      icon: web
spec:
  type: service
  lifecycle: production
  owner: group:default/shopkeepers
  system: retail
  providesApis:
    - orders
  dependsOn: [resource:orders-db, "component:payments"]
`

// Malformed returns more than 500 cases. None of them is both readable YAML and a valid entity of a kind that the catalog knows.
func Malformed() []Case {
	cases := handmade()
	cases = append(cases, unreadable()...)
	cases = append(cases, wrongValues()...)
	return append(cases, missing()...)
}

func handmade() []Case {
	texts := []string{
		"kind Component\n", "kind: Component: x\n", "- kind: Component\n- metadata: {}\n", "just text\n", "42\n", "true\n", "\"quoted\"\n", "[]\n", "{}\n",
		"kind: &a [*a]\n", "kind: *nowhere\n", "a: &a {b: *a}\n", "? [a, b]\n: c\n", "{a: 1, a: 2}\n", "a: 1\na: 2\n", "a: 1\n'a': 2\n", "!!map [1]\n", "!!seq {a: 1}\n",
		"a: !!int abc\n", "a: !!bool 3\n", "a: !!float x\n", "a: !<bad\n", "a: ! ! b\n", "%TAG ! tag:x,2000:\n---\na: 1\n", "%YAML 3.0\n---\na: 1\n", "%YAML\n---\na: 1\n", "%BAD\n---\na: 1\n",
		"a: |\n b\n  c\n d\n e: [\n", "a: >9\n  b\n", "a: |10\n b\n", "a: |-+\n b\n", "a: 'it's'\n", "a: \"\\q\"\n", "a: \"\\u12\"\n", "a: \"\\ud800\"\n", "a: \"\\U99999999\"\n",
		"a: @b\n", "a: `b`\n", "a: %b\n", "a: ]\n", "a: }\n", "a: ,\n", ",\n", ": : :\n", "? ? ?\n", "- - - -\n a\n", "-\n- \n-- \n", "a:b\nc: d\n", "a:\n- b\n c\n", "a: b\n  c: d\n", "  a: b\n c: d\n",
		"\ta: b\n", "a:\n\tb: c\n", "a: b\n\tc: d\n", "{\n\t\"a\": \n", "{\"a\": 1,,}\n", "{\"a\" 1}\n", "{'a': 'b'\n", "[1, 2\n", "[1 2, {]\n", "{{ template }}\n", "a: {{ value }}\n", "{% if x %}\na: 1\n", "${{ values.x }}: y\n",
		"<<<<<<< HEAD\nkind: Component\n=======\nkind: API\n>>>>>>> branch\n", "<!DOCTYPE html>\n<html><body>404: not found</body></html>\n", "<?xml version=\"1.0\"?>\n<a/>\n", "#!/bin/sh\necho 'hello\n",
		"[section]\nkey = value\n", "kind = \"Component\"\n", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "{\"error\": {\"name\": \"NotFoundError\"}}\n", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec: {}\n",
		"kind: Component\nmetadata:\n  name: x\n", "apiVersion: backstage.io/v1alpha1\nmetadata:\n  name: x\nspec: {}\n", "apiVersion: backstage.io/v1alpha1\nkind: Component\n", "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n",
		"apiVersion: backstage.io/v1alpha1\nkind: component\nmetadata: {name: x}\nspec: {type: a, lifecycle: b, owner: c}\n", "apiVersion: backstage.io/v2\nkind: Component\nmetadata: {name: x}\nspec: {type: a, lifecycle: b, owner: c}\n",
		"apiVersion: backstage.io/v1alpha1\nkind: Robot\nmetadata: {name: x}\nspec: {}\n", "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: x}\n", "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: x}\nspec: {presence: maybe}\n",
		"apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: x}\nspec: {type: team}\n", "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: x}\nspec: {type: team, children: team-b}\n",
		"apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: x}\nspec: {memberOf: team}\n", "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: x}\nspec: {memberOf: [], profile: {email: 1}}\n",
		"apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: x}\nspec: {type: openapi, lifecycle: a, owner: b}\n", "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: x}\nspec: {type: mcp-server, lifecycle: a, owner: b, remotes: []}\n",
		"apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: x}\nspec: {type: openapi, lifecycle: a, owner: b, definition: {openapi: 3.0.0}}\n", "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: x}\nspec: {type: service, steps: [{id: a}]}\n",
		"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: x}\nspec: {type: a, lifecycle: b, owner: c}\nrelations: []\n", "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: x}\nspec: {type: a, lifecycle: b, owner: c}\nextra: 1\n",
		"a: " + strings.Repeat("[", 300) + "\n", strings.Repeat("- ", 300) + "a\n", "a: " + strings.Repeat("{b: ", 120) + "1" + strings.Repeat("}", 120) + "\n", bomb(), "? " + strings.Repeat("k", 2000) + "\n: v\n", "a: \"" + strings.Repeat("x\n", 50),
	}
	var cases []Case
	for i, text := range texts {
		cases = append(cases, Case{Name: fmt.Sprintf("handmade %d", i), Text: text})
	}
	for i, text := range []string{"a: \x00\n", "\x1f\x8b\x08\x00\x00", "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n\x00", "\xff\xfek\x00i\x00"} {
		cases = append(cases, Case{Name: fmt.Sprintf("binary %d", i), Text: text, Unclean: true})
	}
	for i, text := range []string{"a: \xff\n", "a: \x01\n", "a: \x7f\n", "\xe9t\xe9: 1\n", "a: \xed\xa0\x80\n"} {
		cases = append(cases, Case{Name: fmt.Sprintf("bytes %d", i), Text: text})
	}
	return cases
}

// bomb is short and would be a billion values.
func bomb() string {
	var b strings.Builder
	b.WriteString("a: &a [x,x,x,x,x,x,x,x,x,x]\n")
	for c := 'b'; c <= 'j'; c++ {
		fmt.Fprintf(&b, "%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 10), ","))
	}
	return b.String()
}

// unreadable damages a good descriptor in each of its lines in ways that leave no YAML.
func unreadable() []Case {
	lines := strings.SplitAfter(strings.TrimSuffix(component, "\n"), "\n")
	damages := []struct {
		name string
		do   func(line string) string
	}{
		{"an open bracket", func(line string) string { return line + indentOf(line) + "open: [\n" }},
		{"an open quote", func(line string) string { return "\"" + line }},
		{"a stray bracket", func(line string) string { return "]" + line }},
		{"a tab", func(line string) string { return "\t\t" + strings.TrimLeft(line, " ") + "@: \t[\n" }},
		{"a stray anchor", func(line string) string { return line + "*x : *y\n" }},
		{"a key twice", func(line string) string {
			pad := indentOf(line)
			return line + pad + "twice: 1\n" + pad + "twice: 2\n"
		}},
		{"a wrong escape", func(line string) string { return line + "\"\\z\": 1\n" }},
		{"a control character", func(line string) string { return strings.TrimRight(line, "\n") + "\x02\n" }},
		{"wrong bytes", func(line string) string { return strings.TrimRight(line, "\n") + "\xc3\x28\n" }},
	}
	var cases []Case
	for i := range lines {
		for _, damage := range damages {
			text := strings.Join(lines[:i], "") + damage.do(strings.TrimRight(lines[i], "\n")+"\n") + strings.Join(lines[i+1:], "")
			cases = append(cases, Case{Name: fmt.Sprintf("%s in line %d", damage.name, i+1), Text: strings.TrimRight(text, "\n") + "\n"})
		}
	}
	return cases
}

// indentOf returns as much space as stands before the line's text.
func indentOf(line string) string {
	return strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " -")))
}

// wrongValues puts values of the wrong type or form where an entity needs others.
func wrongValues() []Case {
	always := []string{"5", "true", "[1]", "{a: [b]}", "null", `""`}
	wrong := []struct {
		line   string // of the component, which the value replaces
		key    string
		values []string
	}{
		{"apiVersion: backstage.io/v1alpha1", "apiVersion", append([]string{"a/b/c", "-x/v1", "backstage.io/", "1.0"}, always...)},
		{"kind: Component", "kind", append([]string{"Com ponent", "1Component", "Kompönent", strings.Repeat("K", 64)}, always...)},
		{"  name: shop", "  name", append([]string{"a b", "-a", "a-", "ä", "a/b", "'*x'", strings.Repeat("n", 64)}, always...)},
		{"  namespace: retail", "  namespace", []string{"Retail", "a_b", "a.b", "-a", "a-", strings.Repeat("n", 64), "5", "[1]", `""`, "true"}},
		{`  title: "The shop"`, "  title", []string{"5", "true", "[1]", `""`, "{a: b}"}},
		{"  description: Sells things; even at night.", "  description", []string{"5", "[a]", "{a: b}", "false"}},
		{"    example.com/tier: gold", "    example.com/tier", []string{"gold medal", "5", "true", "[a]", "{a: b}", "-x", "null", strings.Repeat("v", 64)}},
		{"    example.com/tier: gold", "    example.com/a/b", []string{"x"}},
		{"    example.com/tier: gold", "    Example.com/tier", []string{"x"}},
		{"    example.com/tier: gold", "    'with space'", []string{"x"}},
		{"    circleci.com/project-slug: github/acme/shop", "    circleci.com/project-slug", []string{"5", "true", "[a]", "{a: b}", "null"}},
		{"    circleci.com/project-slug: github/acme/shop", "    'bad key!'", []string{"x"}},
		{"    - go", "    - Go #", []string{""}},
		{"    - go", "    - snake_case #", []string{""}},
		{"    - go", "    - a--b #", []string{""}},
		{"    - go", "    - 5 #", []string{""}},
		{"    - go", "    - '' #", []string{""}},
		{"    - go", "    - x", []string{"y"}},
		{"    - url: https://example.com/shop", "    - url", []string{"not a url", "5", "/relative", "'https://[bad'", `""`, "null", "[x]"}},
		{"      title: Shop", "      title", []string{`""`, "5", "'  '"}},
		{"      icon: web", "      icon", []string{`""`, "5", "[x]", "'  '"}},
		{"  type: service", "  type", always},
		{"  lifecycle: production", "  lifecycle", always},
		{"  owner: group:default/shopkeepers", "  owner", append([]string{"':x'", "'a:'", "'a:/x'", "'/x'", "'x/'"}, always...)},
		{"  system: retail", "  system", []string{"5", "[a]", "{a: b}", `""`, "true", "':x'", "'s:'"}},
		{"    - orders", "    - 5 #", []string{""}},
		{"    - orders", "    - '' #", []string{""}},
		{"    - orders", "    - a", []string{"b"}},
		{"    - orders", "    - ':b' #", []string{""}},
		{`  dependsOn: [resource:orders-db, "component:payments"]`, "  dependsOn", []string{"resource:orders-db", "[orders-db]", "[':x']", "[{a: b}]", "{a: b}", "5", "[[a]]", "[null]"}},
		{`  dependsOn: [resource:orders-db, "component:payments"]`, "  dependencyOf", []string{"[no-kind]", "['component:']"}},
		{`  dependsOn: [resource:orders-db, "component:payments"]`, "  subcomponentOf", []string{"5", "[a]", `""`, "'a:'"}},
		{`  dependsOn: [resource:orders-db, "component:payments"]`, "  consumesApis", []string{"a", "[1]", "[a, '']", "{b: c}", "['x:']"}},
	}
	var cases []Case
	for _, w := range wrong {
		for _, value := range w.values {
			line := strings.TrimRight(w.key+": "+value, " ")
			if strings.HasSuffix(w.key, "#") {
				line = w.key // a whole line by itself
			}
			cases = append(cases, Case{Name: strings.TrimSpace(line), Text: strings.Replace(component, w.line+"\n", line+"\n", 1)})
		}
	}
	for _, key := range []string{"metadata", "spec"} {
		for _, value := range []string{"5", "text", "[a]", "null", "true", `""`} {
			cases = append(cases, Case{Name: key + ": " + value, Text: without(component, key) + key + ": " + value + "\n"})
		}
	}
	for _, key := range []string{"labels", "annotations", "tags", "links"} {
		for _, value := range []string{"5", "text", "null", "[[a]]", "{a: [b]}", "true"} {
			cases = append(cases, Case{Name: key + ": " + value, Text: strings.Replace(withoutInner(component, key), "metadata:\n", "metadata:\n  "+key+": "+value+"\n", 1)})
		}
	}
	return cases
}

// missing leaves out what an entity must have, in every kind.
func missing() []Case {
	required := map[string]map[string]string{
		"Component": {"type": "service", "lifecycle": "production", "owner": "team"},
		"API":       {"type": "openapi", "lifecycle": "production", "owner": "team", "definition": "text"},
		"Resource":  {"type": "database", "owner": "team"},
		"System":    {"owner": "team"},
		"Domain":    {"owner": "team"},
		"Group":     {"type": "team", "children": "[]"},
		"User":      {"memberOf": "[]"},
		"Template":  {"type": "service", "steps": "[{action: a}]"},
	}
	var cases []Case
	for _, kind := range []string{"Component", "API", "Resource", "System", "Domain", "Group", "User", "Template"} {
		apiVersion := "backstage.io/v1beta1"
		if kind == "Template" {
			apiVersion = "scaffolder.backstage.io/v1beta3"
		}
		head := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: x\n", apiVersion, kind)
		cases = append(cases, Case{Name: kind + " without spec", Text: head}, Case{Name: kind + " with an empty spec", Text: head + "spec: {}\n"})
		for left := range required[kind] {
			for _, how := range []string{"", "null", `""`, "5", "{}"} {
				var b strings.Builder
				b.WriteString(head + "spec:\n  extra: 1\n")
				for key, value := range required[kind] {
					if key != left {
						fmt.Fprintf(&b, "  %s: %s\n", key, value)
					}
				}
				if how != "" {
					fmt.Fprintf(&b, "  %s: %s\n", left, how)
				}
				cases = append(cases, Case{Name: strings.TrimSpace(fmt.Sprintf("%s with %s %s", kind, left, how)), Text: b.String()})
			}
		}
	}
	return cases
}

// without cuts a root key and what is under it.
func without(text, key string) string {
	start := strings.Index(text, key+":\n")
	end := start + len(key) + 2
	for end < len(text) && text[end] == ' ' {
		end += strings.IndexByte(text[end:], '\n') + 1
	}
	return text[:start] + text[end:]
}

// withoutInner cuts a key of metadata and what is under it.
func withoutInner(text, key string) string {
	start := strings.Index(text, "  "+key+":\n")
	end := start + len(key) + 4
	for strings.HasPrefix(text[end:], "    ") {
		end += strings.IndexByte(text[end:], '\n') + 1
	}
	return text[:start] + text[end:]
}
