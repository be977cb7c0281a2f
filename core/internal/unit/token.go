package unit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// tokenHeader carries who acts from unit to unit.
const tokenHeader = "Proscenium-Unit"

// tokenLife bounds how far the clocks of two units may be apart, and how long a stolen token serves.
const tokenLife = time.Minute

// claims is a token's content. Method and path bind it to one request.
type claims struct {
	Principal pluginapi.Principal `json:"principal"`
	Method    string              `json:"method"`
	Path      string              `json:"path"`
	Expires   int64               `json:"expires"` // seconds since 1970
}

// Keys makes and reads the tokens of one portal. The zero value makes none and believes none.
type Keys struct{ secret []byte }

// NewKeys derives keys from the secret that the portal's units share.
func NewKeys(secret pluginapi.Secret) Keys {
	if secret.IsZero() {
		return Keys{}
	}
	key := sha256.Sum256([]byte("proscenium unit " + secret.Reveal()))
	return Keys{key[:]}
}

func (k Keys) sign(r *http.Request, p pluginapi.Principal) {
	body, err := json.Marshal(claims{Principal: p, Method: r.Method, Path: r.URL.EscapedPath(), Expires: time.Now().Add(tokenLife).Unix()})
	if err != nil {
		return // a principal is plain data
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	r.Header.Set(tokenHeader, text+"."+base64.RawURLEncoding.EncodeToString(k.mac(text)))
}

// Principal returns who acts in a request that another unit made. found is false when the request does not come with a token; a token that is wrong or too old is an error.
func (k Keys) Principal(r *http.Request) (p pluginapi.Principal, found bool, err error) {
	token := r.Header.Get(tokenHeader)
	if token == "" {
		return p, false, nil
	}
	refused := pluginapi.Unauthenticated("the unit token is not valid; do all units have the same backend.unit.secret, and the right time?")
	text, mac, _ := strings.Cut(token, ".")
	sent, err := base64.RawURLEncoding.DecodeString(mac)
	if err != nil || k.secret == nil || !hmac.Equal(sent, k.mac(text)) {
		return p, true, refused
	}
	var c claims
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(body, &c) != nil {
		return p, true, refused
	}
	path, _, _ := strings.Cut(r.RequestURI, "?") // what was sent, wherever in this process' server the portal is mounted
	if c.Method != r.Method || c.Path != path || time.Now().Unix() > c.Expires {
		return p, true, refused
	}
	return c.Principal, true, nil
}

func (k Keys) mac(text string) []byte {
	h := hmac.New(sha256.New, k.secret)
	h.Write([]byte(text))
	return h.Sum(nil)
}
