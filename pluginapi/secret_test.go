package pluginapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestSecretDoesNotPrint(t *testing.T) {
	t.Parallel()
	type config struct{ Token pluginapi.Secret }
	c := config{pluginapi.NewSecret("hunter2")}
	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		_, _ = fmt.Fprintf(&printed, verb+" "+verb+" "+verb+"\n", c, &c, c.Token)
	}
	slog.New(slog.NewTextHandler(&printed, nil)).Info("m", "config", c, "token", c.Token)
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("m", "config", c, "token", c.Token)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	printed.Write(text)
	for _, hidden := range []string{"hunter2", "68756e74657232"} {
		if strings.Contains(printed.String(), hidden) {
			t.Errorf("the secret is in:\n%s", &printed)
		}
	}
	if c.Token.Reveal() != "hunter2" || c.Token.IsZero() {
		t.Error("Reveal does not give the text")
	}
}
