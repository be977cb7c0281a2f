// Package server is the HTTP side of a portal: it routes requests to plugins' routes and to pages, and puts around all of them what no plugin should have to think of.
//
// [New] makes an http.Handler out of [Settings]; it holds no global state, so several portals fit in one process, and works below any path of another server. Every request passes, in this order:
// request id, access log, recovery, security headers, host and path checks, CORS and cross-origin protection, routing, deadline, identity, permission, body limit. Answers are compressed on their way back.
//
// Errors, wherever they come from, are answered in one shape: JSON for programs, a page for people. What they cause in the log carries the request id that the answer carries.
//
// [Config.Open], [Serve] and [Server.Shutdown] are the rest of a server's life, for portals that are not embedded in another one.
package server
