// Package host turns a list of plugins into running objects: it checks the list, plans which extensions there are and in which order, builds everything in one fx graph,
// and hands each point's owner what was added there.
//
// The work has three steps, each of which collects all faults instead of stopping at the first. [Plan] looks at specs and configuration only, and can be done again when configuration
// changes; [Wire] checks that everything that constructors need is there; [Wiring.Construct] calls them.
//
// This is the one package that knows fx.
package host
