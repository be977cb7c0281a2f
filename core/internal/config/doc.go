// Package config reads a portal's configuration: app-config.yaml and its companions, includes and the environment, merged into one tree by Backstage's rules.
//
// It works in three steps, so that everything that is wrong can be said at once, with its place, before anything is started:
//
//  1. [Load] reads all layers into a [Snapshot], an immutable tree in which every value knows the file, line and column it was written at.
//  2. [Schema.Check] decodes each owned section into the struct of its owner and collects every fault, warning and notice into one [Report].
//  3. [Watcher.Run] repeats both when a file changes, and keeps the last good snapshot when the new one is faulty.
//
// Where the rules differ from Backstage, on purpose: a variable that is not set and has no default is a fault (there the value silently disappears),
// though only in a section that somebody reads, so that a file written for Backstage loads with the variables of absent plugins unset;
// and unknown keys in an owned section are faults. Shared sections are milder, see below.
//
// Values that came from environment variables or from $file are not repeated in messages, because they are often secrets.
//
// # Layers
//
// From low to high: app-config.yaml (or, when there is none, the one that is built into the program), app-config.<env>.yaml for each name in BACKSTAGE_ENV,
// app-config.local.yaml, app-config.<env>.local.yaml; or instead of all of these the files that were named. Above them, APP_CONFIG_a_b=value sets a.b,
// to JSON if the value parses as such and else to text. Objects are merged key by key, lists and scalars are replaced, null hides.
//
// In any text, ${VAR} and ${VAR:-default} stand for a variable, and $${VAR} for itself. An object {$env: VAR}, {$file: path} or {$include: path#a.b}
// is replaced by what it names; paths are relative to the file they are written in.
//
// # Decoding
//
// A struct field has the key of its yaml tag, or its name with a small first letter; "-" leaves it out, ",inline" takes the keys of a struct as one's own,
// or, on a map, all keys that are not fields. Any other key is a fault. What is not written, or null, keeps its default; in a map, null removes it.
// Lists are replaced as a whole, maps are merged with their defaults.
//
// Numbers and booleans are also taken from text, because variables are always text; text is not taken from numbers, because a version 1.10 would lose its zero.
// A [time.Duration] is a text with units ("90s", "2 days", "1h30m", ISO 8601 "PT5M"), a number of milliseconds, or an object ({minutes: 5}).
// A type that implements [encoding.TextUnmarshaler] is given scalars as they were written; if it is a struct, a map or a slice, objects and lists still go to its
// fields and elements, which makes it a union. A field of type any takes what encoding/json would give, [encoding/json.RawMessage] the same as JSON,
// and [Value] whatever is written, to be decoded later.
//
// After a struct is filled without faults, its Validate method is called if it has one, also when nothing was written and it only holds defaults.
// Errors joined with [errors.Join] are reported one by one, and one that has a method ConfigPath() string, as pluginapi.BadConfig makes them, at that path below the struct.
//
// # Shared sections
//
// A section such as integrations belongs to nobody and is read by several, each of whom knows some of its keys. There, a variable that is not set is a warning and the value is left out, as in Backstage, where every
// new app-config.yaml has an integrations.github[0].token that is rarely set; and an unknown key is a warning if it looks like a slip, else nothing. See [Section].
//
// # Visibility
//
// Nothing is visible to the browser but fields tagged visibility:"frontend"; see [Report.Frontend].
package config
