package host

import (
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Settings is what [Wire] needs to know.
type Settings struct {
	Blueprint *Blueprint

	// Configs holds each plugin's decoded configuration, by id: a value for each of its [Sections], of the type that the plugin declared. A plugin that is not in it has the defaults.
	Configs map[string][]any

	// Services returns what the portal gives the plugin of that id. It is called once for each plugin that runs here.
	Services func(plugin string) Services

	// Authorizer is every plugin's.
	Authorizer pluginapi.Authorizer

	// Remote tells where a plugin runs when it does not run in this process; nil means here. A nil Remote means that all do.
	Remote func(plugin string) *Remote

	// Relays gives points relays that they do not bring along; the portal's own points get theirs this way.
	Relays map[pluginapi.AnyPoint]pluginapi.AnyPoint

	// Enter is asked before each call of a plugin's behaviour, and the function it returns is called after it. An error, which matches pluginapi.ErrUnavailable, is the call's answer.
	Enter func(plugin string) (leave func(), err error)

	// Timeout bounds construction as a whole; zero means 10 seconds.
	Timeout time.Duration
}

// Services is what the portal gives one plugin.
type Services struct {
	Logger   *slog.Logger
	Database *sqlx.DB
	Cache    pluginapi.Cache
	Signals  pluginapi.Signals
	Leases   pluginapi.Leases
	Self     pluginapi.Self
	Metrics  prometheus.Registerer
}

// Remote is where a plugin runs, when that is another process.
type Remote struct {
	BaseURL   string // of the plugin's API there
	Client    *http.Client
	Transport func(extension string) http.RoundTripper // reaches the relay of one extension
}

// Graph is a portal's plugins, constructed.
type Graph struct {
	slots     map[string]*slot
	points    map[pluginapi.AnyPoint]*gathering
	configs   map[string][]func(any) // of each plugin's sections
	taken     map[taking]bool
	databases map[string]bool
	remote    map[string]bool
	relays    map[pluginapi.AnyPoint]pluginapi.AnyPoint
}

// taking is that a function of a plugin asks for what the portal gives: what it takes as a value stays as it was at the start.
type taking struct {
	plugin string
	typ    reflect.Type
}

// gathering is what was added at one point, as its owner sees it.
type gathering struct {
	live any
	set  func([]pluginapi.Contribution)
	last []pluginapi.Contribution
	list taking // by its owner, as a value
}

// Wiring is a blueprint whose functions and their needs fit together.
type Wiring struct {
	Settings
	graph   *Graph
	found   faults
	plugins map[string]*wiring // those that run here
	exports map[reflect.Type]*exported
	nodes   []*node
	all     []*slot
}

// wiring is what one plugin's functions can ask for, and how it is made.
type wiring struct {
	plugin    pluginapi.Plugin
	given     map[reflect.Type]reflect.Value // from the portal
	made      map[reflect.Type]*node         // by the plugin's constructors
	exporting []*exported
}

// exported is an interface that a plugin offers to others.
type exported struct {
	plugin string
	typ    reflect.Type
	node   *node            // its constructor, when the plugin runs here
	twin   pluginapi.Export // else
}

// Wire checks that the needs of every constructor and extension of a blueprint can be met. It calls none of them. The error joins a [Fault] for everything that is wrong.
func Wire(s Settings) (*Wiring, error) {
	if s.Timeout <= 0 {
		s.Timeout = 10 * time.Second
	}
	a := &Wiring{
		Settings: s,
		graph: &Graph{
			slots: map[string]*slot{}, points: map[pluginapi.AnyPoint]*gathering{}, configs: map[string][]func(any){}, taken: map[taking]bool{},
			databases: map[string]bool{}, remote: map[string]bool{}, relays: s.Relays,
		},
		plugins: map[string]*wiring{},
		exports: map[reflect.Type]*exported{},
	}
	a.prepare()
	a.gather()
	for _, p := range s.Blueprint.Plugins {
		if w := a.plugins[p.ID]; w != nil {
			a.readConstructors(w)
		}
	}
	a.readExtensions()
	for _, n := range a.nodes {
		a.resolve(n)
	}
	a.findCycles()
	return a, a.found.err()
}

// Construct calls the constructors of the plugins that run in this process, once. Nothing is started by it. The error joins a [Fault] for each that fails.
func (a *Wiring) Construct() (*Graph, error) {
	a.construct()
	return a.graph, a.found.err()
}

// prepare decides where each plugin runs and what the portal gives to those that run here.
func (a *Wiring) prepare() {
	for _, p := range a.Blueprint.Plugins {
		if a.Remote != nil && a.Remote(p.ID) != nil {
			a.graph.remote[p.ID] = true
		} else {
			a.plugins[p.ID] = a.newWiring(p)
		}
		if p.Migrations != nil && !a.graph.remote[p.ID] {
			a.graph.databases[p.ID] = true
		}
		for _, e := range p.Exports {
			if e.Type() == nil {
				a.found.add(p.ID, "an export names no interface; make exports with pluginapi.ExportOf")
				continue
			}
			if !exportLayer(e.Type()) {
				a.found.add(p.ID, "it exports %s; an export is an interface declared in a common, api or node layer", e.Type())
				continue
			}
			if other, taken := a.exports[e.Type()]; taken {
				a.found.add(p.ID, "it exports %s, as %s does; one of them must go", e.Type(), other.plugin)
				continue
			}
			x := &exported{plugin: p.ID, typ: e.Type(), twin: e}
			a.exports[e.Type()] = x
			if w := a.plugins[p.ID]; w != nil {
				w.exporting = append(w.exporting, x)
			}
		}
	}
}

func (a *Wiring) newWiring(p pluginapi.Plugin) *wiring {
	services := a.Services(p.ID)
	w := &wiring{plugin: p, given: map[reflect.Type]reflect.Value{}, made: map[reflect.Type]*node{}}
	give := func(t reflect.Type, v any) {
		if v != nil {
			w.given[t] = reflect.ValueOf(v)
		}
	}
	give(loggerType, services.Logger)
	give(cacheType, services.Cache)
	give(signalsType, services.Signals)
	give(leasesType, services.Leases)
	give(selfType, services.Self)
	give(metricsType, services.Metrics)
	give(authorizerType, a.Authorizer)
	if services.Database != nil {
		give(databaseType, services.Database)
	}
	for i, section := range Sections(p) {
		var value any
		if values := a.Configs[p.ID]; values != nil {
			value = values[i]
		} else {
			value = reflect.ValueOf(section.Defaults()).Elem().Interface()
		}
		live, set := section.Live(value)
		give(section.Type(), value)
		give(reflect.TypeOf(live), live)
		a.graph.configs[p.ID] = append(a.graph.configs[p.ID], set)
	}
	return w
}

// gather makes, for each point, the list that its owner receives.
func (a *Wiring) gather() {
	for _, e := range a.Blueprint.Extensions {
		s := &slot{id: e.ID, plugin: e.Plugin, point: e.Point(), spec: e.Spec, enter: a.Enter}
		a.all = append(a.all, s)
		a.graph.slots[e.ID] = s
	}
	give := func(point pluginapi.AnyPoint, w *wiring) {
		added := a.graph.contributions(a.Blueprint, point)
		live, set := point.Live(added)
		gathered := &gathering{live: live, set: set, last: added}
		a.graph.points[point] = gathered
		if w == nil {
			return
		}
		gathered.list = taking{w.plugin.ID, point.ListType()}
		if _, taken := w.given[point.LiveType()]; taken {
			a.found.add(w.plugin.ID, "two of its points share the types %s; give one types of its own", point.ListType())
			return
		}
		w.given[point.LiveType()] = reflect.ValueOf(live)
		w.given[point.ListType()] = reflect.ValueOf(live).MethodByName("Get").Call(nil)[0]
	}
	for _, point := range portalPoints() {
		give(point, nil)
	}
	for _, w := range a.plugins {
		for _, point := range w.plugin.Points {
			give(point, w)
		}
	}
}

func (a *Wiring) readConstructors(w *wiring) {
	id := w.plugin.ID
	provide := func(fn any) *node {
		n, err := constructorNode(id, fn)
		if err != nil {
			a.found.add(id, "%s", err)
			return nil
		}
		if _, taken := w.given[n.makes]; taken {
			a.found.add(id, "%s makes a %s, which the portal provides already", n.name, n.makes)
			return nil
		}
		if other, taken := w.made[n.makes]; taken {
			a.found.add(id, "%s and %s both make a %s", other.name, n.name, n.makes)
			return nil
		}
		w.made[n.makes] = n
		a.nodes = append(a.nodes, n)
		return n
	}
	for _, fn := range w.plugin.Provide {
		provide(fn)
	}
	for _, x := range w.exporting {
		// The same constructor may stand under Provide and Exports, or two exports may share one.
		if n, err := constructorNode(id, x.twin.Constructor()); err == nil {
			if there, ok := w.made[n.makes]; ok && there.fn.Pointer() == n.fn.Pointer() {
				x.node = there
			}
		}
		if x.node == nil {
			x.node = provide(x.twin.Constructor())
		}
		if x.node != nil && !x.node.makes.AssignableTo(x.typ) {
			a.found.add(id, "%s makes a %s, which is not the exported %s", x.node.name, x.node.makes, x.typ)
		}
	}
}

func (a *Wiring) readExtensions() {
	for i, e := range a.Blueprint.Extensions {
		s := a.all[i]
		owner := a.Blueprint.owners[e.Point()]
		contributorHere, ownerHere := !a.graph.remote[e.Plugin], owner == portal || !a.graph.remote[owner]
		relay := a.graph.relay(e.Point())
		switch {
		case contributorHere:
			if !ownerHere && !relay.HasRelay() && !e.Off {
				a.found.add(e.Plugin, "%s: %s runs in another process, and a point of the kind %q does not reach across; run both in one unit", e.ID, owner, e.Point().PointKind())
			}
			s.read(a, e)
		case !ownerHere:
		case relay.HasRelay():
			s.behaviour = relay.RelayRemote(e.Spec, a.Remote(e.Plugin).Transport(e.ID))
			s.enter = nil
		case owner != portal && !e.Off:
			a.found.add(e.Plugin, "%s: it runs in another process than %s, and a point of the kind %q does not reach across; run both in one unit", e.ID, owner, e.Point().PointKind())
		}
	}
}

// resolve finds what each of n's needs is made by.
func (a *Wiring) resolve(n *node) {
	w := a.plugins[n.plugin]
	for _, need := range n.needs {
		if _, ok := w.given[need]; ok {
			a.graph.taken[taking{n.plugin, need}] = true
			if need == databaseType {
				a.graph.databases[n.plugin] = true
			}
			continue
		}
		if made, ok := w.made[need]; ok {
			n.deps = append(n.deps, made)
			continue
		}
		x, ok := a.exports[need]
		switch {
		case !ok:
			a.found.add(n.plugin, "%s needs %s%s", n.name, need, a.remedy(w, need))
		case x.node != nil:
			n.deps = append(n.deps, x.node)
		case a.graph.remote[x.plugin] && !x.twin.HasRemote():
			a.found.add(n.plugin, "%s needs %s, which %s offers only within its own process; run both in one unit", n.name, need, x.plugin)
		}
	}
}

// remedy says how a need that nobody provides could be met.
func (a *Wiring) remedy(w *wiring, need reflect.Type) string {
	for id := range a.Blueprint.Off {
		if suggestPlugin(need) == "; add "+id+".Plugin()" {
			return fmt.Sprintf(", but %s is switched off (app.plugins.%s)", id, id)
		}
	}
	if suggestion := suggestPlugin(need); suggestion != "" {
		return suggestion
	}
	sections := Sections(w.plugin)
	for _, section := range sections {
		if need.Kind() == reflect.Pointer && need.Elem() == section.Type() {
			return fmt.Sprintf("; ask for %s, or for *pluginapi.Live of it", section.Type())
		}
	}
	if need.Kind() == reflect.Pointer && need.Elem().PkgPath() == liveType.PkgPath() && strings.HasPrefix(need.Elem().Name(), "Live[") && len(sections) == 0 {
		return "; declare the plugin's configuration: Config: pluginapi.ConfigOf(...)"
	}
	if made, ok := w.made[reflect.PointerTo(need)]; ok {
		return fmt.Sprintf("; did you mean *%s, which %s makes?", need, made.name)
	}
	for _, other := range a.Blueprint.Plugins {
		if other.Config != nil && other.Config.Type() == need {
			return fmt.Sprintf(", which is the configuration of %s and private to it", other.ID)
		}
		for _, section := range other.Shared {
			if section != nil && section.Type() == need {
				return fmt.Sprintf(", which is a shared section of %s; declare it under Shared of %s, too", other.ID, w.plugin.ID)
			}
		}
	}
	for _, point := range w.plugin.Points {
		if need == point.SpecType() {
			return fmt.Sprintf("; ask for %s", point.ListType())
		}
	}
	for point, owner := range a.Blueprint.owners {
		if need == point.ListType() || need == point.LiveType() {
			return fmt.Sprintf(", which only %s can ask for, since the point is its own", owner)
		}
	}
	return fmt.Sprintf(", which nothing provides; list a constructor of it under Provide of %s", w.plugin.ID)
}

// findCycles reports each circle of constructors once.
func (a *Wiring) findCycles() {
	const unseen, onPath, done = 0, 1, 2
	mark := map[*node]int{}
	var path []*node
	var visit func(*node)
	visit = func(n *node) {
		mark[n] = onPath
		path = append(path, n)
		for _, dep := range n.deps {
			switch mark[dep] {
			case unseen:
				visit(dep)
			case onPath:
				a.reportCycle(path, dep)
			}
		}
		path = path[:len(path)-1]
		mark[n] = done
	}
	for _, n := range a.nodes {
		if mark[n] == unseen {
			visit(n)
		}
	}
}

func (a *Wiring) reportCycle(path []*node, back *node) {
	from := len(path) - 1
	for path[from] != back {
		from--
	}
	text := ""
	for _, n := range path[from:] {
		text += fmt.Sprintf("%s of %s needs ", n.name, n.plugin)
	}
	a.found.add(back.plugin, "constructors need each other in a circle: %s%s again; let one of them ask later, in a start hook", text, back.name)
}
