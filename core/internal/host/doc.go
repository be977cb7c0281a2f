// Package host turns a list of plugins into running objects: it checks the list, plans which extensions there are and in which order, builds everything in one fx graph,
// and hands each point's owner what was added there.
//
// The work has two steps. [Plan] looks at specs and configuration only; it finds what is wrong with the list and can be done again when configuration changes.
// [Assemble] checks that every constructor's needs can be met, then constructs. Both collect all faults instead of stopping at the first.
//
// This is the one package that knows fx.
package host
