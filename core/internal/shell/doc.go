// Package shell draws the frame around every page: navigation, header, breadcrumbs, error pages. What is in the navigation and where pages are comes from the pages' specs,
// so it is all there while a plugin is not.
package shell
