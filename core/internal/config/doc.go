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
// and unknown keys in an owned section are faults.
//
// Values that came from environment variables or from $file are not repeated in messages, because they are often secrets.
package config
