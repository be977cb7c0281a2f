// Package cache gives each plugin of a portal a cache of its own, in one store: this process' memory, Redis, Valkey, memcached, or one that the app brings.
//
// [Open] makes the caches from configuration, [Caches.For] hands them out as [pluginapi.Cache], [Caches.Close] ends them.
//
// # What holds for every store
//
//   - A plugin's keys have a prefix of their own. Clearing forgets these and nothing else; a server's "flush everything" is never used.
//   - Long or unusual keys are hashed. Values over a limit are refused, lifetimes are shortened by up to a tenth, so that what was stored together does not expire together.
//   - A call to a store that is slow, frozen or gone ends within a budget, as a miss. When calls keep failing the store is left alone and tried once a second, so that a portal runs at the speed
//     of no cache and recovers by itself. A value whose replacement or deletion was lost meanwhile is not read again.
//   - Values are copied in and out.
//
// Several replicas share a store. What one clears another may still read for a second, unless useRedisSets is on; what one deletes is gone at once.
package cache
