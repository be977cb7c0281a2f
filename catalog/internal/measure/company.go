package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// company is a made-up catalog; the same for the same number. Its entities are of about 1.5 kB.
type company struct{ count int }

const perFile = 80

func words(list string) []string { return strings.Fields(list) }

// The vocabulary of names, and of what is filtered by.
func nouns() []string {
	return words("account alert audit basket billing booking cart charge checkout claim contract coupon courier credit customer delivery device discount document export feed fleet forecast fraud gateway image invoice job ledger license loyalty mail map market media member menu message metric notice offer order outlet parcel partner payment payout permit pricing profile quota quote rating receipt refund region report return reward risk route schedule search session shipment signal stock store stream supplier survey tariff tax ticket token tracking transfer trip usage vehicle vendor voucher wallet warehouse")
}
func places() []string {
	return words("atlas bravo cobalt delta ember falcon garnet harbor indigo jasper kestrel lunar maple nova onyx polar quartz ridge solar tundra umber vertex willow zephyr")
}
func roles() []string {
	return words("api service worker sync proxy engine portal batch consumer publisher adapter router cache ui")
}
func tags() []string {
	return words("java go python typescript rust kotlin grpc rest graphql kafka postgres redis batch realtime public internal pci gdpr tier1 tier2 legacy mobile web data ml")
}
func regions() []string    { return words("eu-west eu-north us-east ap-south") }
func types() []string      { return words("service service service website library job") }
func lifecycles() []string { return words("production production experimental deprecated") }

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// entity is what requests have to know of an entity.
type entity struct{ kind, name string }

func (e entity) ref() string { return strings.ToLower(e.kind) + ":default/" + e.name }

func (c company) entity(i int) entity {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	e := entity{kind: "Component"}
	switch m := i % 100; {
	case m < 2:
		return entity{"Group", fmt.Sprintf("team-%05d", i/100*2+m)}
	case m < 6:
		return entity{"System", fmt.Sprintf("system-%05d", i/100*4+m-2)}
	case m < 11:
		e.kind = "User"
	case m < 19:
		e.kind = "Resource"
	case m < 29:
		e.kind = "API"
	}
	e.name = fmt.Sprintf("%s-%s-%s-%06d", pick(r, nouns()), pick(r, places()), pick(r, roles()), i)
	return e
}

// of returns the entities of a kind.
func (c company) of(kind string) []entity {
	var all []entity
	for i := range c.count {
		if e := c.entity(i); e.kind == kind {
			all = append(all, e)
		}
	}
	return all
}

// owning returns how many groups own something, or how many systems have parts.
func (c company) owning(kind string) int {
	names := map[string]bool{}
	for i := range c.count {
		switch owner, system := c.belongs(i); c.entity(i).kind {
		case "Group", "User":
		case "System":
			names["Group"+owner] = true
		default:
			names["Group"+owner], names["System"+system] = true, true
		}
	}
	n := 0
	for name := range names {
		if strings.HasPrefix(name, kind) {
			n++
		}
	}
	return n
}

// belongs returns the group and the system that an entity belongs to, if it belongs to any.
func (c company) belongs(i int) (owner, system string) {
	r, hundreds := rand.New(rand.NewPCG(uint64(i), 3)), (c.count+99)/100
	return fmt.Sprintf("team-%05d", r.IntN(hundreds)*2), fmt.Sprintf("system-%05d", r.IntN(hundreds)*4)
}

// descriptor writes an entity.
func (c company) descriptor(b *strings.Builder, i int) {
	e, r := c.entity(i), rand.New(rand.NewPCG(uint64(i), 2))
	owner, system := c.belongs(i)
	var sentence []string
	for range 20 {
		sentence = append(sentence, pick(r, nouns()))
	}
	fmt.Fprintf(b, "apiVersion: backstage.io/v1alpha1\nkind: %s\nmetadata:\n  name: %s\n  title: %s %s\n  description: Takes care of %s.\n", e.kind, e.name, strings.ToUpper(e.name[:1])+e.name[1:4], pick(r, places()), strings.Join(sentence, " "))
	fmt.Fprintf(b, "  labels:\n    example.com/region: %s\n    example.com/tier: t%d\n    example.com/cost-center: cc-%d\n", pick(r, regions()), r.IntN(4), r.IntN(50))
	fmt.Fprintf(b, "  annotations:\n    example.com/slug: acme/%s\n    example.com/dashboard: https://dash.example.com/d/%x/%s\n    example.com/pager: P%X\n    example.com/build: \"%d.%d\"\n", e.name, r.Uint32(), e.name, r.Uint32(), r.IntN(99), i)
	chosen := []string{pick(r, tags()), pick(r, tags()), pick(r, tags())}
	slices.Sort(chosen)
	fmt.Fprintf(b, "  tags: [%s]\n  links:\n", strings.Join(slices.Compact(chosen), ", "))
	for _, title := range []string{"Dashboard", "Guide", "Source"} {
		fmt.Fprintf(b, "    - {url: 'https://%s.example.com/%s/%x', title: %s, icon: code}\n", strings.ToLower(title), e.name, r.Uint32(), title)
	}
	fmt.Fprintf(b, "spec:\n  type: %s\n", pick(r, types()))
	switch e.kind {
	case "Group":
		b.WriteString("  children: []\n")
	case "User":
		fmt.Fprintf(b, "  memberOf: [%s]\n", owner)
	case "System":
		fmt.Fprintf(b, "  owner: %s\n", owner)
	default:
		fmt.Fprintf(b, "  lifecycle: %s\n  owner: %s\n  system: %s\n", pick(r, lifecycles()), owner, system)
	}
	if e.kind == "API" {
		fmt.Fprintf(b, "  definition: |\n    openapi: 3.0.3\n    info: {title: %s, version: 1.%d.0}\n    paths: {}\n", e.name, r.IntN(99))
	}
}

// write writes the catalog into a new folder: a Location and the files that it names.
func (c company) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root := "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: company}\nspec:\n  targets:\n"
	for from := 0; from < c.count; from += perFile {
		var b strings.Builder
		for i := from; i < min(from+perFile, c.count); i++ {
			b.WriteString("---\n")
			c.descriptor(&b, i)
		}
		name := fmt.Sprintf("part-%05d.yaml", from/perFile)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o644); err != nil {
			return err
		}
		root += "    - ./" + name + "\n"
	}
	return os.WriteFile(filepath.Join(dir, "catalog-info.yaml"), []byte(root), 0o644)
}
