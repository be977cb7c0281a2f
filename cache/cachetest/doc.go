// Package cachetest is what every cache has to pass, and real servers to test against.
//
// An app that brings its own store tests it in a few lines:
//
//	func TestStore(t *testing.T) {
//		cachetest.Store(t, func(t *testing.T) cache.Store { return newStore(t) })
//	}
package cachetest
