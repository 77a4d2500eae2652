package kube_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// keyLine is the key made of one byte as a Secret has it.
func keyLine(b byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) + "\n"
}

// keysIs makes "session-keys" a Secret with these items.
func (s *secrets) keysIs(items map[string]string) {
	s.change("session-keys", func(secret *corev1.Secret) {
		secret.Data = map[string][]byte{}
		for item, text := range items {
			secret.Data[item] = []byte(text)
		}
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	c := new(secrets)
	c.keysIs(map[string]string{"keys": "# new\n" + keyLine('a') + keyLine('b')})
	load := kube.Keys(c, "session-keys")
	got, err := load(t.Context())
	if err != nil || len(got) != 2 || got[0].Reveal() != strings.Repeat("a", 32) || got[1].Reveal() != strings.Repeat("b", 32) {
		t.Fatalf("%d keys, %v", len(got), err)
	}
	if calls := c.counted(); len(calls) != 1 {
		t.Errorf("it made the requests %q", calls)
	}
	sealed, err := (&seal.Keyring{Load: load}).Seal(t.Context(), "p", "", []byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	// Another replica, after the keys were put in another order.
	c.keysIs(map[string]string{"keys": keyLine('c') + keyLine('a')})
	if text, err := (&seal.Keyring{Load: load}).Open(t.Context(), "p", "", sealed); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestKeysErrors: an error names the Secret, the item, the line, and a command, and
// shows nothing of what is in it.
func TestKeysErrors(t *testing.T) {
	t.Parallel()
	secret := keyLine('s')[:30]
	for _, test := range []struct {
		name   string
		items  map[string]string // nil: there is no Secret
		err    error
		reason kube.Reason
		words  []string
	}{
		{"missing", nil, nil, kube.Missing, []string{`kubectl create secret generic session-keys --from-literal=keys="$(openssl rand -base64 32)"`}},
		{"forbidden", nil, status(403, metav1.StatusReasonForbidden, "secrets", `secrets "session-keys" is forbidden: User "alice" cannot get resource "secrets" in API group "" in the namespace "web"`),
			kube.Forbidden, []string{`namespace "web"`, "kubectl create role session-keys --verb=get --resource=secrets --resource-name=session-keys"}},
		{"no item", map[string]string{"key": secret}, nil, kube.Missing, []string{"ci/session-keys", `no item "keys"`, "kubectl -n ci patch secret session-keys -p"}},
		{"empty", map[string]string{"keys": ""}, nil, kube.Misconfigured, []string{"ci/session-keys", `item "keys"`, "there is no key", "openssl rand -base64 32"}},
		{"cut off", map[string]string{"keys": keyLine('a') + secret}, nil, kube.Misconfigured, []string{"ci/session-keys", `item "keys"`, "line 2", "kubectl -n ci get secret session-keys"}},
		{"too many", map[string]string{"keys": strings.Repeat(keyLine('s'), 17)}, nil, kube.Misconfigured, []string{"line 17"}},
		{"long", map[string]string{"keys": strings.Repeat(keyLine('s'), 3000)}, nil, kube.Misconfigured, []string{"longer than 65536"}},
		{"credential missing", nil, &kube.Error{Op: "token of service account ci/x", Err: notFound("x")}, kube.Away, []string{"ci/x"}},
		{"refused", nil, token.ErrExpired, kube.Unauthenticated, nil},
		{"away", nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}, kube.Away, []string{"connection refused"}},
	} {
		c := new(secrets)
		if test.items != nil {
			c.keysIs(test.items)
		}
		c.before = func(string, string) error { return test.err }
		keys, err := kube.Keys(c, "session-keys")(t.Context())
		storeError(t, err, test.reason, append(test.words, "kube: keys in Secret ")...)
		if keys != nil || strings.Contains(err.Error(), secret[:10]) || errors.Is(err, token.ErrInvalid) || len(err.Error()) > 1<<10 {
			t.Errorf("%s: %d keys, %v", test.name, len(keys), err)
		}
		// So it is through a Keyring.
		_, err = (&seal.Keyring{Load: kube.Keys(c, "session-keys")}).Seal(t.Context(), "p", "", []byte("text"))
		storeError(t, err, test.reason, append(test.words, "seal: no keys from Load")[:len(test.words)]...)
	}

	_, err := kube.Keys(nil, "session-keys")(t.Context())
	storeError(t, err, kube.Misconfigured, "SecretGetter")
	_, err = kube.Keys(new(secrets), "")(t.Context())
	storeError(t, err, kube.Misconfigured, "name")
	for _, answer := range []*corev1.Secret{nil, {}} {
		_, err = kube.Keys(spoiled{withKeys(), func(*corev1.Secret) *corev1.Secret { return answer }}, "session-keys")(t.Context())
		storeError(t, err, kube.BadAnswer, "metadata.name")
	}
	_, err = kube.Keys(spoiled{withKeys(), func(s *corev1.Secret) *corev1.Secret {
		s.Namespace, s.Data = strings.Repeat("\n", 1<<20), nil
		return s
	}}, "session-keys")(t.Context())
	storeError(t, err, kube.Missing)
	if len(err.Error()) > 1<<10 || strings.Contains(err.Error(), "\n") {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := withKeys()
	if _, err := kube.Keys(c, "session-keys")(ctx); !errors.Is(err, context.Canceled) || len(c.counted()) > 0 {
		t.Error(err)
	}
}

func withKeys() *secrets {
	c := new(secrets)
	c.keysIs(map[string]string{"keys": keyLine('a')})
	return c
}

// TestKeysRotated replaces a key as the documentation says, step by step, while two
// replicas seal and open all the while: there is nothing that one sealed in the last
// hour and the other cannot open.
func TestKeysRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := withKeys()
		load := kube.Keys(c, "session-keys")
		replicas := []*seal.Keyring{{Load: load}, {Load: load}}
		const life, step = time.Hour, 6 * time.Minute
		var sealed []string // at most life ago, one every half minute
		work := func(span time.Duration) {
			for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(30 * time.Second) {
				for i, k := range replicas {
					text, err := k.Seal(t.Context(), "p", "", []byte("text"))
					if err != nil {
						t.Fatal(err)
					}
					sealed = append(sealed, text)
					if many := 2 * int(life/(30*time.Second)); len(sealed) > many {
						sealed = sealed[len(sealed)-many:]
					}
					for _, text := range sealed {
						if _, err := k.Open(t.Context(), "p", "", text); err != nil {
							t.Fatalf("replica %d: %v", i, err)
						}
					}
				}
				synctest.Wait()
			}
		}
		work(step + time.Minute)
		c.keysIs(map[string]string{"keys": keyLine('a') + keyLine('b')})
		work(step)
		c.keysIs(map[string]string{"keys": keyLine('b') + keyLine('a')})
		replicas = append(replicas, &seal.Keyring{Load: load}) // starts now, and seals with the new one
		work(step + life)
		c.keysIs(map[string]string{"keys": keyLine('b')})
		replicas = append(replicas, &seal.Keyring{Load: load})
		work(step)
		if calls := c.counted(); len(calls) > 4*25 {
			t.Errorf("%d requests in two hours", len(calls))
		}
	})
}
