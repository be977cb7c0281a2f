// Package proxynode is how other plugins add endpoints to the proxy: at the point [Endpoints], with the same options that operators have.
//
//	proxynode.Endpoints.From("sonar", proxynode.Endpoint{Path: "/sonar", Target: "https://sonar.example.com"}, proxynode.AsItIs)
//
// An endpoint with the same path in the section proxy.endpoints of the configuration takes the place of one from code.
package proxynode
