package core

import (
	"errors"
	"fmt"

	"github.com/proscenium-dev/proscenium/core/internal/config"
	"github.com/proscenium-dev/proscenium/core/internal/host"
)

// overrides reads app.extensions, a list whose items are an id, or an id with true, false or an object of disabled and config.
func overrides(section config.Value) ([]host.Override, error) {
	var items []config.Value
	if err := section.Decode(&items); err != nil {
		return nil, err
	}
	var all []host.Override
	var wrong []error
	for _, item := range items {
		where := item.Position().String()
		var id string
		if len(item.Keys()) == 0 {
			if err := item.Decode(&id); err != nil {
				wrong = append(wrong, err)
				continue
			}
			on := false
			all = append(all, host.Override{ID: id, Disabled: &on, Where: where})
			continue
		}
		if n := len(item.Keys()); n != 1 {
			wrong = append(wrong, fmt.Errorf("%s: app.extensions: an item names one extension, here are %d; start each with a dash", where, n))
			continue
		}
		id = item.Keys()[0]
		o, err := override(id, item.Get(id), where)
		wrong = append(wrong, err)
		all = append(all, o)
	}
	return all, errors.Join(wrong...)
}

func override(id string, value config.Value, where string) (host.Override, error) {
	o := host.Override{ID: id, Where: where}
	if len(value.Keys()) == 0 {
		on := true
		if value.Exists() {
			if err := value.Decode(&on); err != nil {
				return o, err
			}
		}
		off := !on
		o.Disabled = &off
		return o, nil
	}
	var settings struct {
		Disabled *bool        `yaml:"disabled"`
		Config   config.Value `yaml:"config"`
	}
	if err := value.Decode(&settings); err != nil {
		return o, err
	}
	o.Disabled = settings.Disabled
	if settings.Config.Exists() {
		o.Config = values{settings.Config}
	}
	return o, nil
}

// values lets the host decode configuration of types that only it knows.
type values struct{ config.Value }

var _ host.Values = values{}

// Decode implements host.Values.
func (v values) Decode(key string, target any) error { return v.Get(key).Decode(target) }
