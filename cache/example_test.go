package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// A portal opens the caches once and hands each plugin its own.
func Example() {
	ctx := context.Background()
	caches, err := cache.Open(cache.Options{Config: cache.Config{Store: "memory"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = caches.Close(ctx) }()

	hello := caches.For("hello")
	for range 2 {
		greeting, err := pluginapi.Cached(ctx, hello, "greeting", time.Minute, func(context.Context) (string, error) {
			fmt.Println("asking somewhere slow")
			return "Hello", nil
		})
		fmt.Println(greeting, err)
	}
	_, ok := caches.For("another").Get(ctx, "greeting")
	fmt.Println(ok)
	// Output:
	// asking somewhere slow
	// Hello <nil>
	// Hello <nil>
	// false
}
