// Package proxy is the plugin that passes requests from the portal's pages on to other servers, with their secrets and its users' permissions: what is configured under proxy.endpoints is
// reachable below /api/proxy. Options, defaults and header rules are those of Backstage's proxy, and there are more, see [proxynode.Endpoint].
//
//	proxy:
//	  endpoints:
//	    /jenkins/api:
//	      target: https://jenkins.example.com/api
//	      headers:
//	        Authorization: Basic ${JENKINS_TOKEN}
//	    /weather: https://weather.example.com
//
// Callers have to be signed in unless an endpoint says otherwise. Cookies and the Authorization header never reach the target unless it says so, too. Everything has an end: connecting, waiting for an
// answer, silence within one, the whole. A change of the configuration replaces all endpoints at once, or nothing when it is not valid.
//
// Other plugins add endpoints at [proxynode.Endpoints].
package proxy
