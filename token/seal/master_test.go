package seal

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
)

// keptFor returns how many derived keys a Keyring of one key keeps.
func keptFor(k *Keyring) int { return len(k.ring.Load().masters[0].derived) }

func testRing(t *testing.T) *Keyring {
	t.Helper()
	k := &Keyring{Keys: []token.Secret{token.NewSecret("0123456789abcdef0123456789abcdef")}}
	if _, err := k.fixed(); err != nil {
		t.Fatal(err)
	}
	return k
}

// Derived keys are kept for what opens, not for what somebody made up.
func TestDerivedKeys(t *testing.T) {
	t.Parallel()
	k := testRing(t)
	m := k.ring.Load().masters[0]
	sealed, err := testRing(t).Seal(t.Context(), "p", "", nil) // another process
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		id := m.next()
		id[nameSize], id[nameSize+1] = byte(i), byte(i>>8)
		aead, _, err := testRing(t).ring.Load().masters[0].aead(id, "q") // another purpose
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Open(t.Context(), "p", "", encode(aead, id, "", nil)); err == nil {
			t.Fatal("opened")
		}
	}
	if n := keptFor(k); n != 0 {
		t.Errorf("%d kept for 1000 that did not open", n)
	}
	for range 3 {
		if _, err := k.Open(t.Context(), "p", "", sealed); err != nil {
			t.Fatal(err)
		}
	}
	if n := keptFor(k); n != 1 {
		t.Errorf("%d kept for one that opened", n)
	}
	for i := range 2 * maxDerived {
		if _, err := k.Seal(t.Context(), fmt.Sprint("p", i), "", nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := keptFor(k); n != maxDerived {
		t.Errorf("%d kept, want %d", n, maxDerived)
	}
	if _, err := k.Open(t.Context(), "p", "", sealed); err != nil {
		t.Error(err)
	}
}

// A key that is derived is not derived again.
func TestDerivedOnce(t *testing.T) {
	t.Parallel()
	k := testRing(t)
	if _, err := k.Seal(t.Context(), "p", "", nil); err != nil {
		t.Fatal(err)
	}
	m := k.ring.Load().masters[0]
	for purpose, want := range map[string]bool{"p": true, "q": false} {
		if _, known, err := m.aead(m.current, purpose); known != want || err != nil {
			t.Errorf("%s: known %t, %v", purpose, known, err)
		}
	}
}

// Whoever comes second uses the salt of whoever came first.
func TestFirstUse(t *testing.T) {
	t.Parallel()
	k := testRing(t)
	first := k.ring.Load()
	if second, err := k.fixed(); second != first || err != nil {
		t.Errorf("%p, then %p, %v", first, second, err)
	}
}

// A secret that is replaced by another of the same name is replaced.
func TestNewSecretOfOldName(t *testing.T) {
	t.Parallel()
	before := testRing(t).ring.Load()
	same := before.masters[0].secret
	before.masters[0].secret = token.NewSecret("another secret of the same name: 0123456789abcdef")
	r, err := newRing([]token.Secret{same}, before)
	if err != nil || !r.masters[0].secret.Equal(same) {
		t.Errorf("the old secret is still there, %v", err)
	}
}

// No purpose makes a key of which the name, that everybody sees, is the
// beginning. To HMAC a salt of zeros is no salt.
func TestNameIsOfNoKey(t *testing.T) {
	t.Parallel()
	m := testRing(t).ring.Load().masters[0]
	var id keyID // with a salt of zeros
	for _, purpose := range []string{"key id", "name", nameInfo, strings.TrimPrefix(nameInfo, keyInfo)} {
		key, err := m.derive(id, purpose)
		if err != nil || bytes.HasPrefix(key, m.name[:]) {
			t.Errorf("%q: the name begins the key, %v", purpose, err)
		}
	}
}

// A salt that was used often enough is replaced.
func TestSaltIsReplaced(t *testing.T) {
	t.Parallel()
	m := testRing(t).ring.Load().masters[0]
	first := m.next()
	if m.left != 1<<31-1 {
		t.Errorf("%d seals left after the first", m.left)
	}
	m.left = 1
	if m.next() != first {
		t.Error("replaced too early")
	}
	if next := m.next(); next == first || next.name() != first.name() || m.left != 1<<31-1 {
		t.Errorf("%x, then %x, for %d more", first, next, m.left)
	}
}
