package auditservice

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
)

const (
	defaultUpTimeout = 30 * time.Second
	maxUpTimeout     = 5 * time.Minute
)

// accepted are the settings of Lighthouse that callers may choose, which change how a page is audited and nothing else. Others name files or modules of this machine, or where things are written.
func accepted() []string {
	return []string{
		"formFactor", "screenEmulation", "emulatedUserAgent", "throttling", "throttlingMethod", "onlyCategories", "onlyAudits", "skipAudits", "locale", "maxWaitForFcp", "maxWaitForLoad",
		"pauseAfterFcpMs", "pauseAfterLoadMs", "networkQuietThresholdMs", "cpuQuietThresholdMs", "blockedUrlPatterns", "additionalTraceCategories", "disableFullPageScreenshot",
		"extraHeaders", "disableStorageReset", "clearStorageTypes", "skipAboutBlank", "blankPage", "debugNavigation", "usePassiveGathering", "ignoreStatusCode",
	}
}

// invalid is what is wrong with a request, for whoever sent it.
type invalid string

// Error implements error.
func (i invalid) Error() string { return string(i) }

// upTimeout returns how long to wait for a page.
func upTimeout(o auditapi.Options) (time.Duration, error) {
	if o.UpTimeout == nil {
		return defaultUpTimeout, nil
	}
	wait := time.Duration(*o.UpTimeout * float64(time.Millisecond))
	if wait < 0 || wait > maxUpTimeout {
		return 0, invalid(fmt.Sprintf("options.upTimeout must be from 0 to %d milliseconds", maxUpTimeout.Milliseconds()))
	}
	return wait, nil
}

// checkConfig checks a caller's configuration of Lighthouse and returns what to run, with its form factor. Nothing of it can name an executable, a module or a file.
func checkConfig(text json.RawMessage) (config json.RawMessage, formFactor string, err error) {
	var given struct {
		Extends  *string                    `json:"extends"`
		Settings map[string]json.RawMessage `json:"settings"`
	}
	if len(text) > 0 && !bytes.Equal(text, []byte("null")) {
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(text, &keys); err != nil {
			return nil, "", invalid("options.lighthouseConfig must be an object")
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if key != "extends" && key != "settings" {
				return nil, "", invalid(fmt.Sprintf("options.lighthouseConfig.%s is not accepted; there are extends and settings", key))
			}
		}
		if err := json.Unmarshal(text, &given); err != nil {
			return nil, "", invalid("options.lighthouseConfig.settings must be an object, and extends a text")
		}
	}
	if given.Extends != nil && *given.Extends != "lighthouse:default" {
		return nil, "", invalid("options.lighthouseConfig.extends can only be lighthouse:default")
	}
	settings := given.Settings
	if settings == nil {
		settings = map[string]json.RawMessage{}
	}
	// Clients written for Lighthouse 6 and older name it so.
	if old, ok := settings["emulatedFormFactor"]; ok {
		delete(settings, "emulatedFormFactor")
		if _, ok := settings["formFactor"]; !ok {
			settings["formFactor"] = old
		}
	}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains(accepted(), key) {
			return nil, "", invalid(fmt.Sprintf("options.lighthouseConfig.settings.%s is not accepted; there are %s", key, strings.Join(accepted(), ", ")))
		}
	}
	formFactor = auditapi.Mobile
	if value, ok := settings["formFactor"]; ok {
		if json.Unmarshal(value, &formFactor) != nil || formFactor != auditapi.Mobile && formFactor != auditapi.Desktop {
			return nil, "", invalid("options.lighthouseConfig.settings.formFactor must be mobile or desktop")
		}
	}
	if _, ok := settings["screenEmulation"]; !ok && formFactor == auditapi.Desktop {
		settings["screenEmulation"] = json.RawMessage(`{"mobile":false,"width":1350,"height":940,"deviceScaleFactor":1,"disabled":false}`)
	}
	if _, ok := settings["emulatedUserAgent"]; !ok && formFactor == auditapi.Desktop {
		settings["emulatedUserAgent"] = json.RawMessage(`false`) // the browser's own, which is a desktop's
	}
	config, err = json.Marshal(map[string]any{"extends": "lighthouse:default", "settings": settings})
	return config, formFactor, err
}
