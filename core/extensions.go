package core

import (
	"errors"
	"fmt"

	"github.com/proscenium-dev/proscenium/core/internal/config"
	"github.com/proscenium-dev/proscenium/core/internal/host"
)

// overrides reads app.extensions, a list whose items are an id, or an id with true, false or an object of disabled and config. To name an extension at all switches it on.
func overrides(section config.Value) ([]host.Override, error) {
	var items []config.Value
	if err := section.Decode(&items); err != nil {
		return nil, err
	}
	var all []host.Override
	var wrong []error
	for i, item := range items {
		where := item.Position().String()
		switch keys := item.Keys(); {
		case !item.Exists():
			wrong = append(wrong, fmt.Errorf("%s: app.extensions: item %d is empty; name an extension, or remove the dash", where, i+1))
		case len(keys) == 0:
			var id string
			if err := item.Decode(&id); err != nil {
				wrong = append(wrong, err)
				continue
			}
			all = append(all, host.Override{ID: id, Where: where})
		case len(keys) > 1:
			wrong = append(wrong, fmt.Errorf("%s: app.extensions: an item names one extension, here are %d; start each with a dash", where, len(keys)))
		default:
			o, err := override(keys[0], item.Get(keys[0]), where)
			wrong = append(wrong, err)
			all = append(all, o)
		}
	}
	return all, errors.Join(wrong...)
}

func override(id string, value config.Value, where string) (host.Override, error) {
	o := host.Override{ID: id, Where: where}
	if !value.Exists() {
		return o, nil
	}
	if mustBeObject(value) != nil {
		on := true
		err := value.Decode(&on)
		o.Off = !on
		return o, err
	}
	var settings struct {
		Disabled bool         `yaml:"disabled"`
		Config   config.Value `yaml:"config"`
	}
	if err := value.Decode(&settings); err != nil {
		return o, err
	}
	o.Off = settings.Disabled
	if settings.Config.Exists() {
		if err := mustBeObject(settings.Config); err != nil {
			return o, err
		}
		o.Config = values{settings.Config}
	}
	return o, nil
}

// mustBeObject says what a value is, unless it is an object.
func mustBeObject(v config.Value) error {
	var object map[string]config.Value
	return v.Decode(&object)
}

// values lets the host decode configuration of types that only it knows.
type values struct{ config.Value }

var _ host.Values = values{}

// Decode implements host.Values.
func (v values) Decode(key string, target any) error { return v.Get(key).Decode(target) }

// Where implements host.Values.
func (v values) Where(key string) string { return v.Get(key).Position().String() }
