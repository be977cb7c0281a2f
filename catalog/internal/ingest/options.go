package ingest

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// optionsOf finds the options of an extension, by its id, its id without the kind, or its name alone.
func optionsOf[O any](options map[string]O, id string) O {
	short := shortID(id)
	for _, name := range []string{id, short, short[strings.LastIndexByte(short, '/')+1:]} {
		if o, ok := options[name]; ok {
			return o
		}
	}
	var none O
	return none
}

// unknownOptions lists the names in options that none of the extensions has.
func unknownOptions[O any](options map[string]O, ids []string) []string {
	known := map[string]bool{}
	for _, id := range ids {
		short := shortID(id)
		known[id], known[short], known[short[strings.LastIndexByte(short, '/')+1:]] = true, true, true
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(options)), func(name string) bool { return known[name] })
}

// reportOptions names the options that have no effect, since their names are those of a JavaScript class, or misspelt.
func (in *Ingest) reportOptions(config Config) {
	var processors, providers []string
	for _, extension := range in.Processors {
		processors = append(processors, extension.ID)
	}
	for _, extension := range in.Providers {
		providers = append(providers, extension.ID)
	}
	if unknown := unknownOptions(config.ProcessorOptions, processors); len(unknown) > 0 {
		in.Logger.Warn("catalog.processorOptions names processors that no plugin of this portal contributes", "unknown", unknown, "known", processors)
	}
	if unknown := unknownOptions(config.ProviderOptions, providers); len(unknown) > 0 {
		in.Logger.Warn("catalog.providerOptions names providers that no plugin of this portal contributes", "unknown", unknown, "known", providers)
	}
}

// reportFixed says which changes of the configuration wait for the next start.
func (in *Ingest) reportFixed(started, now Config) {
	for _, setting := range []struct {
		key         string
		before, now any
	}{
		{"catalog.processorOptions", started.ProcessorOptions, now.ProcessorOptions},
		{"catalog.providerOptions", started.ProviderOptions, now.ProviderOptions},
		{"catalog.orphanProviderStrategy", started.OrphanProviderStrategy, now.OrphanProviderStrategy},
	} {
		if !reflect.DeepEqual(setting.before, setting.now) {
			in.Logger.Warn("this change takes effect at the next start", "key", setting.key)
		}
	}
}

// shortID is an extension's id without its kind.
func shortID(id string) string {
	_, short, _ := strings.Cut(id, ":")
	return short
}
