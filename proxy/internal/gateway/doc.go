// Package gateway is the proxy: it finds the endpoint of a request, checks who asks and how much, and passes the request on.
package gateway
