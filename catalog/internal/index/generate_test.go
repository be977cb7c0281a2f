package index_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
)

// company generates the same entities for the same number and seed: kinds in the proportions of a real catalog, owners
// and systems that many share, names and annotations that nobody shares.
type company struct {
	n    int
	rich bool // with links, more annotations and tags: about 50 rows an entity instead of 25
}

var (
	nouns     = strings.Fields("account alert audit basket billing booking cart catalog charge checkout claim contract coupon courier credit customer delivery device discount document export feed fleet forecast fraud gateway geo identity image invoice job ledger license loyalty mail map market media member menu message metric notice offer order outlet parcel partner payment payout permit pricing profile quota quote rating receipt refund region report return reward risk route schedule search session shipment signal stock store stream subscription supplier survey tariff tax ticket token tracking transfer trip usage vehicle vendor vote voucher wallet warehouse webhook")
	suffixes  = strings.Fields("api service worker gateway sync proxy engine portal batch consumer publisher adapter router cache ui")
	planets   = strings.Fields("atlas bravo cobalt delta ember falcon garnet harbor indigo jasper kestrel lunar maple nova onyx polar quartz ridge solar tundra umber vertex willow zephyr")
	tags      = strings.Fields("java go python typescript rust kotlin grpc rest graphql kafka postgres redis batch realtime public internal pci gdpr tier1 tier2 legacy experimental mobile web data ml")
	lifecycle = strings.Fields("production production production experimental deprecated")
	types     = strings.Fields("service service service website library library job")
)

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// kindOf spreads the kinds over the numbers.
func kindOf(i int) string {
	switch m := i % 100; {
	case m < 70:
		return "Component"
	case m < 80:
		return "API"
	case m < 88:
		return "Resource"
	case m < 92:
		return "System"
	case m < 93:
		return "Domain"
	case m < 95:
		return "Group"
	}
	return "User"
}

func (c company) name(i int) string {
	r := rand.New(rand.NewPCG(uint64(i), 7))
	name := fmt.Sprintf("%s-%s-%s-%06d", pick(r, nouns), pick(r, planets), pick(r, suffixes), i)
	if i%50 == 13 {
		name = strings.ToUpper(name[:1]) + name[1:]
	}
	return name
}

func (c company) ref(i int) string {
	return strings.ToLower(kindOf(i) + ":" + c.namespace(i) + "/" + c.name(i))
}

func (c company) namespace(i int) string {
	if i%25 == 11 {
		return "platform"
	}
	return "default"
}

func (c company) uid(i int) string {
	r := rand.New(rand.NewPCG(uint64(i), 99))
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", uint32(a), uint16(a>>32), uint16(a>>48)&0xfff, uint16(b)|0x8000, b>>16)
}

// near returns an entity of a kind, the same for all i of one block.
func (c company) near(kind, i, spread int) int {
	block := (i / 100 / spread) * spread % max(1, c.n/100)
	return block*100 + kind
}

// change makes entity i; generation varies what changes with a new commit.
func (c company) change(i, generation int) index.Change {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	kind, name, uid := kindOf(i), c.name(i), c.uid(i)
	owner, system := c.ref(c.near(93, i, 1+i%3)), c.ref(c.near(88, i, 1))
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"apiVersion":"backstage.io/v1alpha1","kind":%q,"metadata":{"name":%q,"namespace":%q,"uid":%q,"etag":"%040x"`, kind, name, c.namespace(i), uid, r.Uint64())
	if i%3 != 0 {
		fmt.Fprintf(&b, `,"title":"%s %s"`, strings.ToUpper(pick(r, nouns)), pick(r, planets))
	}
	fmt.Fprintf(&b, `,"description":"The %s of the %s %s and the %s that it keeps for the %s."`, name, pick(r, planets), pick(r, nouns), pick(r, nouns), pick(r, nouns))
	fmt.Fprintf(&b, `,"labels":{"example.com/tier":"%s","example.com/cost-center":"cc-%d"}`, []string{"gold", "silver", "bronze"}[r.IntN(3)], 1000+r.IntN(60))
	fmt.Fprintf(&b, `,"annotations":{"example.com/slug":"acme/%s","example.com/build":"%d.%d","backstage.io/managed-by-location":"url:https://git.example.com/acme/%s/catalog-info.yaml"`,
		strings.ToLower(name), r.IntN(9000), generation, strings.ToLower(name))
	if c.rich {
		fmt.Fprintf(&b, `,"example.com/dashboard":"https://dash.example.com/d/%010x/%s","example.com/pager-id":"P%08X","backstage.io/techdocs-ref":"dir:.","backstage.io/managed-by-origin-location":"file:/catalog/all.yaml","notes":"%s"`,
			r.Uint32(), strings.ToLower(name), r.Uint32(), strings.Repeat("long text ", 30))
	}
	b.WriteString(`},"tags":[`)
	ntags := 1 + r.IntN(2)
	if c.rich {
		ntags = 2 + r.IntN(4)
	}
	for t := range ntags {
		if t > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q", tags[(r.IntN(5)+t*5)%len(tags)])
	}
	b.WriteByte(']')
	if c.rich {
		fmt.Fprintf(&b, `,"links":[{"url":"https://wiki.example.com/%s/%06x","title":"%s runbook","icon":"docs"},{"url":"https://logs.example.com/%s/%06x","title":"%s dashboard","icon":"dashboard"}]`,
			strings.ToLower(name), r.Uint32()&0xffffff, pick(r, nouns), strings.ToLower(name), r.Uint32()&0xffffff, pick(r, nouns))
	}
	fmt.Fprintf(&b, `},"spec":{"type":"%s","lifecycle":"%s","owner":%q,"system":%q,"priority":%d,"since":"20%02d-%02d-%02d"`,
		pick(r, types), pick(r, lifecycle), owner, system, r.IntN(1000), 10+r.IntN(15), 1+r.IntN(12), 1+r.IntN(28))
	relations := [][2]string{{"ownedBy", owner}, {"partOf", system}}
	if kind == "Component" && i%4 == 0 {
		api := c.ref(c.near(70+i%10, i, 1))
		fmt.Fprintf(&b, `,"providesApis":[%q]`, api)
		relations = append(relations, [2]string{"providesApi", api})
	}
	b.WriteString(`},"relations":[`)
	for n, relation := range relations {
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":%q,"targetRef":%q}`, relation[0], relation[1])
	}
	b.WriteString(`]}`)
	return index.Change{Ref: c.ref(i), UID: uid, Entity: b.Bytes()}
}

// load makes the whole company known to an index, in batches.
func (c company) load(ix *index.Index) {
	const batch = 5000
	for from := 0; from < c.n; from += batch {
		var changes []index.Change
		for i := from; i < min(c.n, from+batch); i++ {
			changes = append(changes, c.change(i, 0))
		}
		ix.Apply(0, changes)
	}
}
