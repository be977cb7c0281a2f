// Package circleci is the plugin that shows what CircleCI builds: a tab with pipelines, workflows, jobs and logs on the page of every entity with the annotation circleci.com/project-slug,
// and a page over all of them.
//
// It is an example of a plugin that is backed by a third party: it goes through the portal's proxy, keeps answers so that any number of readers cost the third party one request per interval,
// and has something to say when the third party fails. See the README beside it.
//
//	circleci:
//	  token: ${CIRCLECI_AUTH_TOKEN}
//
// The token is a personal API token; it stays in the back end. An endpoint /circleci/api in proxy.endpoints, with the header Circle-Token, takes the place of the plugin's own.
package circleci
