package host

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/core/internal/spelling"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Override is one entry of app.extensions.
type Override struct {
	ID     string
	Off    bool   // else it is on, whatever its plugin says
	Config Values // nil: none
	Where  string // file:line:column, for messages
}

// Values is a mapping of configuration that is not decoded yet.
type Values interface {
	// Keys lists the mapping's keys.
	Keys() []string
	// Decode reads the value of one key into target, a pointer. The error says where and what.
	Decode(key string, target any) error
	// Where tells the place of a key, as file:line:column.
	Where(key string) string
	// Report puts their places and paths to the errors that are joined in what a Validate method says about the mapping. See pluginapi.BadConfig.
	Report(err error) error
}

// Blueprint is a list of plugins that fits together, with the extensions that configuration left switched on, in their order.
type Blueprint struct {
	Plugins    []pluginapi.Plugin
	Off        map[string]bool // plugins switched off by configuration
	Extensions []Extension     // of plugins that are on; those switched off included, see Extension.Off
	Absent     []string        // ids in app.extensions of plugins that this portal does not have, or that are off, with their places
	owners     map[pluginapi.AnyPoint]string
	pointless  map[string]bool // ids of extensions of plugins that are on, at points of plugins that are off
}

// Extension is an extension with everything that configuration said about it.
type Extension struct {
	ID     string
	Plugin string
	Off    bool
	Spec   any // the point's spec type, configuration applied
	Config any // the value of its own configuration, or nil
	from   pluginapi.Extension
	where  string // in app.extensions; "" if it is not there
	values Values // what configuration says of it; nil if nothing
}

// Point is where the extension was added.
func (e Extension) Point() pluginapi.AnyPoint { return e.from.Point }

// portal is the owner of the points of pluginapi.
const portal = "the portal"

// isNil reports whether there is no point, or a nil one.
func isNil(point pluginapi.AnyPoint) bool {
	return point == nil || reflect.ValueOf(point).IsNil()
}

// fits reports whether a spec is of the type that its point declares, which only From can make sure of.
func fits(spec any, t reflect.Type) bool {
	return spec != nil && (reflect.TypeOf(spec) == t || t.Kind() == reflect.Interface && reflect.TypeOf(spec).Implements(t))
}

func portalPoints() []pluginapi.AnyPoint {
	return []pluginapi.AnyPoint{
		pluginapi.Routes, pluginapi.Pages, pluginapi.Starts, pluginapi.Stops, pluginapi.Workers, pluginapi.Tasks, pluginapi.HealthChecks, pluginapi.PermissionRules,
	}
}

var (
	idPattern   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(/[a-z0-9-]+)*$`)
)

// Plan checks a list of plugins and applies configuration to their extensions: off names the plugins that are switched off, and why (where); overrides is app.extensions in its order.
// It constructs nothing. The error joins a [Fault] for everything that is wrong; the Blueprint is then still good for further checks.
func Plan(plugins []pluginapi.Plugin, off map[string]string, overrides []Override) (*Blueprint, error) {
	var found faults
	b := &Blueprint{Off: map[string]bool{}, owners: map[pluginapi.AnyPoint]string{}, pointless: map[string]bool{}}
	for _, point := range portalPoints() {
		b.owners[point] = portal
	}
	b.checkPlugins(plugins, off, &found)
	b.collectExtensions(&found)
	b.override(overrides, &found)
	b.checkPaths(&found)
	b.checkRules(&found)
	return b, found.err()
}

func (b *Blueprint) checkPlugins(plugins []pluginapi.Plugin, off map[string]string, found *faults) {
	position := map[string]int{}
	kinds := map[string]string{}
	for _, point := range portalPoints() {
		kinds[point.PointKind()] = portal
	}
	for i, p := range plugins {
		if !idPattern.MatchString(p.ID) {
			found.add(fmt.Sprintf("plugin %q (number %d in the list)", p.ID, i+1), "an id has 1 to 40 lower-case letters, digits and dashes, and starts with a letter")
			continue
		}
		if before, twice := position[p.ID]; twice {
			found.add(p.ID, "two plugins have this id: number %d and number %d in the list; remove one, or give it another id", before+1, i+1)
			continue
		}
		position[p.ID] = i
		if p.ID == "ui" {
			found.add(p.ID, "the portal keeps the components' files under this id; give the plugin another")
		}
		listed := p.Points
		p.Points = nil // those that are its own
		for _, point := range listed {
			if isNil(point) {
				found.add(p.ID, "one of its points is nil; list the variables in which points are declared")
				continue
			}
			if !idPattern.MatchString(point.PointKind()) {
				found.add(p.ID, "point %q: a kind has 1 to 40 lower-case letters, digits and dashes, and starts with a letter", point.PointKind())
			}
			if owner, taken := b.owners[point]; taken {
				found.add(p.ID, "point %q is listed by %s already; a point has one owner", point.PointKind(), owner)
				continue
			}
			if owner, taken := kinds[point.PointKind()]; taken {
				found.add(p.ID, "%s has a point of the kind %q too; choose another kind", owner, point.PointKind())
			}
			kinds[point.PointKind()] = p.ID
			p.Points = append(p.Points, point)
			b.owners[point] = p.ID
		}
		checkSections(p, found)
		if _, is := off[p.ID]; is {
			b.Off[p.ID] = true
			continue
		}
		b.Plugins = append(b.Plugins, p)
	}
	known := make([]string, 0, len(position))
	for id := range position {
		known = append(known, id)
	}
	for id, where := range off {
		if _, is := position[id]; !is {
			found.add(where, "app.plugins.%s: this portal has no such plugin; it has %s", id, list(sorted(known)))
		}
	}
}

// Sections lists a plugin's sections of configuration: its own, if it has one, and those that it shares with others.
func Sections(p pluginapi.Plugin) []*pluginapi.ConfigSection {
	var sections []*pluginapi.ConfigSection
	for _, section := range append([]*pluginapi.ConfigSection{p.Config}, p.Shared...) {
		if section != nil {
			sections = append(sections, section)
		}
	}
	return sections
}

// checkSections finds shared sections that are nowhere, and those that a constructor could not tell apart.
func checkSections(p pluginapi.Plugin, found *faults) {
	types := map[reflect.Type]bool{}
	for _, section := range Sections(p) {
		if types[section.Type()] {
			found.add(p.ID, "two of its sections of configuration have the type %s; give each one of its own", section.Type())
		}
		types[section.Type()] = true
	}
	for _, section := range p.Shared {
		switch {
		case section == nil:
			found.add(p.ID, "one of its shared sections is nil; write pluginapi.ConfigOf(T{}).At(PATH)")
		case section.Key() == "":
			found.add(p.ID, "its shared section of type %s has no path; write pluginapi.ConfigOf(T{}).At(PATH)", section.Type())
		}
	}
}

func (b *Blueprint) collectExtensions(found *faults) {
	ids := map[string]string{}
	for _, p := range b.Plugins {
		for _, e := range p.Extensions {
			if isNil(e.Point) {
				found.add(p.ID, "extension %q has no point; make extensions with a point's From", e.Name)
				continue
			}
			id := e.Point.PointKind() + ":" + p.ID
			if e.Name != "" {
				id += "/" + e.Name
			}
			if e.Name != "" && (len(e.Name) > 80 || !namePattern.MatchString(e.Name)) {
				found.add(p.ID, "extension %s: a name has 1 to 80 lower-case letters, digits and dashes, and slashes between them", id)
			}
			if !fits(e.Spec, e.Point.SpecType()) {
				found.add(p.ID, "extension %s: its spec is a %T and must be a %s; make extensions with a point's From", id, e.Spec, e.Point.SpecType())
				continue
			}
			owner, owned := b.owners[e.Point]
			switch {
			case !owned:
				found.add(p.ID, "%s: no plugin of this portal has the point %q%s", id, e.Point.PointKind(), suggestPlugin(e.Point.SpecType()))
				continue
			case b.Off[owner]: // nothing can be added to what is switched off
				b.pointless[id] = true
				continue
			}
			if _, twice := ids[id]; twice {
				found.add(p.ID, "two extensions have the id %s; give one another name", id)
				continue
			}
			ids[id] = p.ID
			planned := Extension{ID: id, Plugin: p.ID, Off: e.Off, Spec: e.Spec, from: e}
			if e.Config != nil {
				planned.Config = reflect.ValueOf(e.Config.Defaults()).Elem().Interface()
			}
			b.Extensions = append(b.Extensions, planned)
		}
	}
}

// override applies app.extensions: what is named there comes first, in that order, and takes the settings given.
func (b *Blueprint) override(overrides []Override, found *faults) {
	index := make(map[string]int, len(b.Extensions))
	for i, e := range b.Extensions {
		index[e.ID] = i
	}
	var first []Extension
	seen := map[string]string{}
	for _, o := range overrides {
		i, known := index[o.ID]
		if !known {
			switch {
			case b.pointless[o.ID]:
			case b.has(pluginOf(o.ID)):
				found.add(o.Where, "app.extensions: this portal has no extension %s%s", o.ID, nearest(o.ID, index))
			default:
				b.Absent = append(b.Absent, fmt.Sprintf("%s (%s)", o.ID, o.Where))
			}
			continue
		}
		if before, twice := seen[o.ID]; twice {
			found.add(o.Where, "app.extensions: %s is configured at %s already", o.ID, before)
			continue
		}
		seen[o.ID] = o.Where
		e := b.Extensions[i]
		e.Off, e.where, e.values = o.Off, o.Where, o.Config
		if o.Config != nil {
			for _, fault := range parts(e.configure(o.Config)) {
				found.add("", "%s", fault)
			}
		} else {
			e.mustBeValid(found)
		}
		first = append(first, e)
	}
	for _, e := range b.Extensions {
		if _, moved := seen[e.ID]; moved {
			continue
		}
		first = append(first, e)
		e.mustBeValid(found)
	}
	b.Extensions = first
}

// pluginOf returns the plugin part of an extension's id, also where the kind in front is forgotten.
func pluginOf(id string) string {
	rest := id[strings.IndexByte(id, ':')+1:]
	plugin, _, _ := strings.Cut(rest, "/")
	return plugin
}

// has reports whether the plugin is there and on.
func (b *Blueprint) has(plugin string) bool {
	return slices.ContainsFunc(b.Plugins, func(p pluginapi.Plugin) bool { return p.ID == plugin })
}

// configure decodes values into the spec's tagged fields and, for the other keys, into the extension's own configuration.
func (e *Extension) configure(values Values) error {
	var into []reflect.Value // structs that take keys
	spec := reflect.New(reflect.TypeOf(e.Spec)).Elem()
	spec.Set(reflect.ValueOf(e.Spec))
	into = append(into, spec)
	if e.from.Config != nil {
		into = append(into, reflect.ValueOf(e.from.Config.Defaults()).Elem())
	}
	var known []string
	for _, target := range into {
		known = append(known, yamlKeys(target.Type())...)
	}
	var wrong, said []error
	for _, key := range values.Keys() {
		if !slices.Contains(known, key) {
			said = append(said, pluginapi.BadConfig(key, "unknown key; %s", remedyOfKey(key, known)))
			continue
		}
		for _, target := range into {
			if field := fieldOf(target, key); field.IsValid() {
				wrong = append(wrong, values.Decode(key, field.Addr().Interface()))
				break
			}
		}
	}
	if errors.Join(wrong...) == nil { // nothing is validated on top of a fault
		for _, target := range into {
			said = append(said, valid(target.Interface()))
		}
	}
	if err := errors.Join(append(wrong, values.Report(errors.Join(said...)))...); err != nil {
		return err
	}
	e.Spec = spec.Interface()
	if len(into) > 1 {
		e.Config = into[1].Interface()
	}
	return nil
}

// mustBeValid finds out whether an extension's spec is as its point demands, and whether it can do with the defaults of its configuration.
func (e *Extension) mustBeValid(found *faults) {
	if e.Off {
		return
	}
	for _, fault := range parts(valid(e.Spec)) {
		found.add(e.Plugin, "%s: %s", e.ID, fault)
	}
	for _, fault := range parts(valid(e.Config)) {
		found.add(cmp.Or(e.where, e.Plugin), "%s needs configuration under app.extensions: %s", e.ID, fault)
	}
}

// complain finds fault with a field of the spec: where configuration sets it, else with the plugin.
func (e *Extension) complain(found *faults, key, format string, args ...any) {
	owner := e.Plugin
	if e.sets(key) {
		owner = e.values.Where(key)
	}
	found.add(owner, "%s: %s", e.ID, fmt.Sprintf(format, args...))
}

// sets reports whether configuration sets a field of the spec.
func (e *Extension) sets(key string) bool {
	return e.values != nil && slices.Contains(e.values.Keys(), key)
}

// valid asks a value's Validate method, if it has one. The value may be nil.
func valid(value any) error {
	if value == nil {
		return nil
	}
	pointer := reflect.New(reflect.TypeOf(value))
	pointer.Elem().Set(reflect.ValueOf(value))
	if v, ok := pointer.Interface().(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

func remedyOfKey(key string, known []string) string {
	if likely := spelling.Nearest(key, known, strings.ToLower); likely != "" {
		return fmt.Sprintf("did you mean %q?", likely)
	}
	if len(known) == 0 {
		return "this extension has nothing to configure"
	}
	return "this extension has " + list(known)
}

// yamlKeys lists the configuration keys of a struct type.
func yamlKeys(t reflect.Type) []string {
	var keys []string
	for i := 0; t.Kind() == reflect.Struct && i < t.NumField(); i++ {
		if key := yamlKey(t.Field(i)); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

func yamlKey(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return strings.TrimPrefix(key, "-")
}

// fieldOf returns the field of a struct that takes a configuration key.
func fieldOf(target reflect.Value, key string) reflect.Value {
	for i := 0; target.Kind() == reflect.Struct && i < target.NumField(); i++ {
		if yamlKey(target.Type().Field(i)) == key {
			return target.Field(i)
		}
	}
	return reflect.Value{}
}

func sorted(words []string) []string {
	slices.Sort(words)
	return words
}

// suggestPlugin names the plugin whose layer declares t: a type of .../catalog/api belongs to catalog.Plugin().
func suggestPlugin(t reflect.Type) string {
	for _, layer := range []string{"/api", "/common", "/node"} {
		if root, ok := strings.CutSuffix(t.PkgPath(), layer); ok {
			return fmt.Sprintf("; add %s.Plugin()", root[strings.LastIndexByte(root, '/')+1:])
		}
	}
	return ""
}
