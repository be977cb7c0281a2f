package shell

import (
	"context"
	"net/http"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// inNavigation reports whether a page is one to go to from anywhere: it is not hidden, and its path needs nothing filled in.
func inNavigation(page pluginapi.Page) bool {
	return !page.Hidden && !strings.Contains(page.Path, "{")
}

// frame draws the navigation for who asks: groups in the order of their first page, pages that may not be opened left out, those whose plugin is down marked.
func (s *Shell) frame(ctx context.Context, r *http.Request) ui.Frame {
	f := ui.Frame{Brand: ui.Brand{Name: s.Title, Href: s.Home + "/"}}
	position := map[string]int{}
	var active *ui.NavItem
	longest := 0
	for _, page := range s.Pages {
		if !inNavigation(page.Spec) || s.allowed(ctx, page.Spec) != nil {
			continue
		}
		i, known := position[page.Spec.Group]
		if !known {
			i = len(f.Nav)
			position[page.Spec.Group] = i
			f.Nav = append(f.Nav, ui.NavGroup{Label: page.Spec.Group})
		}
		item := ui.NavItem{Label: page.Spec.Title, Href: s.Home + page.Spec.Path, Icon: page.Spec.Icon}
		if err := s.Available(page.Plugin); err != nil {
			_, _, item.Down = pluginapi.Describe(err)
		}
		f.Nav[i].Items = append(f.Nav[i].Items, item)
	}
	for g := range f.Nav {
		for i := range f.Nav[g].Items {
			item := &f.Nav[g].Items[i]
			if (r.URL.Path == item.Href || strings.HasPrefix(r.URL.Path, strings.TrimSuffix(item.Href, "/")+"/")) && len(item.Href) > longest {
				active, longest = item, len(item.Href)
			}
		}
	}
	if active != nil {
		active.Active = true
	}
	return f
}
