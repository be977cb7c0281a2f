// Package core is the portal: it takes a list of plugins and a configuration and makes one running program of them.
//
//	func main() {
//		core.Main(core.Options{}, catalog.Plugin(), proxy.Plugin(), hello.Plugin())
//	}
//
// [Main] is for programs that are nothing but a portal; it is the only function that ends the process. [Run] is the same for programs with more to do.
// [New] makes a [Portal], which is an http.Handler and can live inside another server; several can live in one process and share nothing.
//
// What is wrong with the list or the configuration is reported before anything listens, all of it at once. What fails later concerns one plugin: the portal goes on and tries that plugin again.
package core
