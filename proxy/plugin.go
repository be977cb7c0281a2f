package proxy

import (
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// Plugin describes the proxy.
func Plugin() pluginapi.Plugin {
	return pluginapi.Plugin{
		ID:      "proxy",
		Config:  pluginapi.ConfigOf(gateway.Config{}),
		Provide: []any{gateway.New},
		Exports: []pluginapi.Export{pluginapi.ExportOf[proxynode.Client](gateway.NewClient, proxynode.NewClient)},
		Points:  []pluginapi.AnyPoint{proxynode.Endpoints},
		Extensions: []pluginapi.Extension{
			// Public, because each endpoint says who may call it, and the gateway sees to that. Bodies and times are limited there, too.
			pluginapi.Routes.From("forward", pluginapi.Route{Pattern: "/{path...}", Public: true, Stream: true, MaxBody: -1}, (*gateway.Gateway).Route),
			pluginapi.Workers.From("reload", pluginapi.Worker{}, (*gateway.Gateway).Follow),
		},
	}
}
