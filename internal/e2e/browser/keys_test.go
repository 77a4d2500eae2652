package browser

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testKeys shows that keys are replaced, and the old ones removed, and nobody is
// logged out by it. The replicas of a site learn of a new key as they are started
// again, one after the other, or when another's cookie has it.
func testKeys(t testing.TB, w world) {
	const (
		access = 3 * time.Second
		again  = 10 * time.Second // how long a Keyring does not look for more keys
	)
	idle := 30 * time.Second * w.patience // much more than again, for slow machines
	due := idle/10 + 100*time.Millisecond // when a request has the cookie written again
	dir := t.TempDir()
	file := filepath.Join(dir, "webapp.keys")
	shared := []string{"-store", filepath.Join(dir, "webapp.db"), "-keys", file, "-idle", idle.String(), "-access", access.String()}
	old, new := newKey(), newKey()
	writeKeys(t, file, old)
	one := w.site(t, shared...)
	profile := w.Profile(t)
	page := one.login(profile, "alice", "/orders")
	first := keyName(t, profile)
	before := w.Profile(t) // a browser whose cookie is never written again
	before.Steal(profile)
	pass(page, again)
	page.Answers()

	writeKeys(t, file, new, old)
	two := w.site(t, shared...)
	two.in(page, "/settings") // knows both
	second := keyName(t, profile)
	if second == first {
		t.Error("a replica that has the new key writes cookies with the old one")
	}
	one.in(page, "/settings") // reads the file again
	pass(page, due)
	one.in(page, "/settings")
	if got := keyName(t, profile); got != second {
		t.Error("a replica that has read the new key writes cookies with the old one")
	}
	one.in(page, "/orders") // has the pair exchanged, and so sealed with the new one
	page.Screenshot("rotated")

	writeKeys(t, file, new)
	three := w.site(t, shared...)
	three.in(page, "/orders")
	for _, a := range page.Answers() {
		if a.Status != http.StatusOK || strings.Contains(a.URL, "/login") {
			t.Errorf("the rotation was noticed: %v", a)
		}
	}
	// A cookie under a key that is gone is nothing to be alarmed at.
	three.out(before.Page(), "session_invalid")
}

func newKey() string {
	key := make([]byte, 32)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

// writeKeys puts a file with keys, the first of which seals, in the place of the
// one before.
func writeKeys(t testing.TB, path string, keys ...string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(strings.Join(keys, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// keyName returns the name of the key that the session's cookie is sealed under:
// the first 6 bytes of its kid, which are 8 letters.
func keyName(t testing.TB, p *Profile) string {
	t.Helper()
	text, _, _ := strings.Cut(cookie(t, p), ".")
	header, err := base64.RawURLEncoding.DecodeString(text)
	var h struct{ Kid string }
	if err == nil {
		err = json.Unmarshal(header, &h)
	}
	if err != nil || len(h.Kid) < 8 {
		t.Fatalf("the cookie has no kid (%v)", err)
	}
	return h.Kid[:8]
}
