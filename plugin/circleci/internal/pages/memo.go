package pages

import (
	"context"
	"sync"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

const (
	// drawnFor is how long a view is good once it is drawn. It is what makes many open tabs cheap: all who look within this time get the same bytes.
	drawnFor = time.Second
	// maxDrawn bounds how many views are kept.
	maxDrawn = 256
)

// memo keeps views that are the same for everybody. The zero value is empty. It is safe for concurrent use.
type memo struct {
	mu    sync.Mutex
	views map[string]kept
}

type kept struct {
	drawn
	until time.Time
}

// view returns the view that is kept under a key, or draws it.
func (m *memo) view(ctx context.Context, key string, draw func() drawn) (drawn, error) {
	now := time.Now()
	m.mu.Lock()
	found, ok := m.views[key]
	m.mu.Unlock()
	if ok && now.Before(found.until) {
		return found.drawn, nil
	}
	made := draw()
	html, err := pluginapi.Draw(ctx, made.body)
	if err != nil {
		return made, err
	}
	made.body = pluginapi.Drawn(html)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.views == nil || len(m.views) >= maxDrawn {
		m.views = map[string]kept{}
	}
	m.views[key] = kept{made, time.Now().Add(drawnFor)}
	return made, nil
}
