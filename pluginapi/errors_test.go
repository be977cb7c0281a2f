package pluginapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection to 10.0.0.7 refused")
	for name, test := range map[string]struct {
		err     error
		status  int
		name    string
		message string
	}{
		"plain":       {cause, 500, "Error", "an internal error occurred"},
		"not found":   {pluginapi.NotFound("no entity %s", "x").Because(cause), 404, "NotFoundError", "no entity x"},
		"wrapped":     {fmt.Errorf("page:a/b: %w", pluginapi.BadInput("limit must be a number")), 400, "InputError", "limit must be a number"},
		"unavailable": {&pluginapi.UnavailableError{Plugin: "a", State: "starting", Err: cause}, 503, "ServiceUnavailableError", "plugin a is starting"},
		"odd status":  {&pluginapi.Error{Status: 42, Message: "m"}, 500, "Error", "m"},
	} {
		status, wire, message := pluginapi.Describe(test.err)
		if status != test.status || wire != test.name || message != test.message {
			t.Errorf("%s: %d %s %q", name, status, wire, message)
		}
	}
}

func TestErrorsCrossAProcessBoundary(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	w.WriteHeader(http.StatusConflict)
	_, _ = w.WriteString(`{"error": {"name": "ConflictError", "message": "taken"}, "response": {"statusCode": 409}}`)
	got := pluginapi.ErrorFrom(w.Result())
	if got.Status != http.StatusConflict || got.Name != "ConflictError" || got.Message != "taken" || got.Cause != nil {
		t.Errorf("%+v", got)
	}
}

func TestCauseStaysInTheChain(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	err := pluginapi.Unavailable("later").Because(cause)
	if !errors.Is(err, cause) || err.Error() != "later: cause" || err.SafeMessage() != "later" {
		t.Errorf("%v", err)
	}
}
