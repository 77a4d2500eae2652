package dashboard_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/session/dashboard"
)

// Sessions of an unmodified Dashboard v2.7.0 are used and refreshed here as they
// are there, with and without --token-ttl=900; but where that says of a key that it
// does not know "error in cryptographic primitive", and 500, here it is what its
// pages understand.
func TestVectors(t *testing.T) {
	t.Parallel()
	if len(vectors()) != 6 {
		t.Fatalf("%d vectors", len(vectors()))
	}
	for _, v := range vectors() {
		if len(v.Observed) != 4 {
			t.Errorf("%s: %d observations", v.Name, len(v.Observed))
		}
		for observation, said := range v.Observed {
			t.Run(v.Name+"/"+observation, func(t *testing.T) {
				t.Parallel()
				d := newSite(func(s *dashboard.Server) {
					s.Keys = parsed(v.PrivateKeyPEM)
					if s.TTL = 900 * time.Second; strings.Contains(observation, "ttl 0") {
						s.TTL = -1
					}
				})
				d.now = v.Generated
				send := d.use
				if strings.HasPrefix(observation, "refresh") {
					send = d.refresh
				}
				got := send(v.Token)
				switch {
				case said.Error == "square/go-jose: error in cryptographic primitive":
					same(t, "answer", reply{401, "text/plain", "MSG_ENCRYPTION_KEY_CHANGED\n"}, got)
				case !said.OK:
					same(t, "answer", reply{said.Status, "text/plain", said.Error + "\n"}, got)
				case strings.HasPrefix(observation, "refresh"):
					session := sessionIn(t, got)
					if !jweForm.MatchString(session) {
						t.Errorf("refreshed: %s", session)
					}
					s := opened(t, parsed(v.PrivateKeyPEM), session, d.now)
					same(t, "credential", v.Plaintext, s.Credential.Reveal())
					// It was refreshed a moment later than it was generated.
					if withExp := strings.Contains(said.Info.NewAAD, `"exp"`); withExp == s.Expiry.IsZero() {
						t.Errorf("exp %v, where the Dashboard has %s", s.Expiry, said.Info.NewAAD)
					}
				default:
					var headers http.Header
					json.Unmarshal([]byte(got.Body), &headers)
					same(t, "credential", []string{"Bearer " + said.Info.Token}, headers["Authorization"])
				}
			})
		}
	}
}
