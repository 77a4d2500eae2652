package jwt_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestRemoteKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a", "b", "b", "-none")
		r := s.remote()
		for id, want := range map[string]string{"": "a b b ", "a": "a ", "b": "b b "} {
			wantFound(t, r, id, want)
		}
		wantFetches(t, s, 1)
		// The keys without an ID are there for any.
		if got, _, err := find(t, r, "c"); got != "" || err != nil {
			t.Errorf("an unknown ID: %q, %v", got, err)
		}
		if keys, _ := r.Keys(t.Context(), "c"); len(keys) != 1 {
			t.Errorf("an unknown ID: %d keys, want the one without", len(keys))
		}
	})
}

// What a caller appends to its keys reaches no other caller.
func TestRemoteKeysClipped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newSite("a", "a", "a", "b", "-", "-", "-").remote()
		for _, id := range []string{"", "a", "b"} {
			if keys, err := r.Keys(t.Context(), id); err != nil || cap(keys) != len(keys) {
				t.Errorf("%q: %d keys, room for %d, %v", id, len(keys), cap(keys), err)
			}
		}
		keys, err := r.Keys(t.Context(), "c")
		if err != nil || cap(keys) != len(keys) {
			t.Errorf("%d keys, room for %d, %v", len(keys), cap(keys), err)
		}
	})
}

// Where no key has an ID, a token that names one is no reason to ask again.
func TestRemoteWithoutIDs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("-1", "-2")
		r := s.remote()
		for range 3 {
			keys, err := r.Keys(t.Context(), "a")
			if len(keys) != 2 || err != nil {
				t.Errorf("%d keys, %v", len(keys), err)
			}
		}
		wantFetches(t, s, 1)
		if now := time.Since(s.fetches()[0]); now != 0 {
			t.Errorf("waited %v", now)
		}
	})
}

// Only what is public, and verifies, is taken: with a private key that is
// published anyone can sign, whatever it is for.
func TestRemoteTakesOnlyPublicKeys(t *testing.T) {
	t.Parallel()
	const (
		oct     = `{"kty":"oct","kid":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`
		p256    = `"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`
		private = `{` + p256 + `,"kid":"private","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`
		signing = `{` + p256 + `,"kid":"signing","use":"sig","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`
		ed      = `{"kty":"OKP","crv":"Ed25519","kid":"ed","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`
		enc     = `{` + p256 + `,"kid":"enc","use":"enc"}`
		derive  = `{` + p256 + `,"kid":"derive","key_ops":["deriveKey"]}`
		ecdh    = `{` + p256 + `,"kid":"ecdh","alg":"ECDH-ES"}`
		sig     = `{` + p256 + `,"kid":"sig","use":"sig"}`
	)
	keys := map[string]string{"oct": oct, "private": private, "signing": signing, "ed": ed, "enc": enc, "derive": derive, "ecdh": ecdh}
	m := makerOf(t, "RS256")
	keys["rsa"] = jwkOf(t, m.key, set{"alg": "RS256"}).json(t)
	for _, member := range []string{"p", "q", "dp", "dq", "qi", "k"} {
		keys[member] = jwkOf(t, m.public.Public, set{member: "AQ"}).json(t)
	}
	for name, test := range keys {
		synctest.Test(t, func(t *testing.T) {
			s := newSite()
			s.say(200, nil, `{"keys":[`+test+`,`+sig+`]}`)
			wantFound(t, s.remote(), "", "sig")
			s.say(200, nil, `{"keys":[`+test+`]}`)
			if got, _, err := find(t, s.remote(), ""); err == nil {
				t.Errorf("alone %s: keys %q, no error", name, got)
			}
		})
	}
}

// What is wrong with a set that has no key of use is said.
func TestRemoteNoKeys(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"keys":[]}`:                         "there are none",
		`{"keys":[{"kty":"AKP"}]}`:            "none can be used: key 1: kty: not known here",
		`{"keys":[{"kty":"oct","k":"AAAA"}]}`: "none can be used: key 1: it is published with its secret, so that anyone can sign with it: replace it",
		jwk("a"):                              "no JSON Web Key Set: it has no member keys",
		`{"error":"not found"}`:               "no JSON Web Key Set: it has no member keys",
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite()
			s.say(200, nil, body)
			got, _, err := find(t, s.remote(), "")
			if prefix := "jwt: fetching keys: GET " + siteURL + ": " + want + "; next attempt in "; got != "" || !strings.HasPrefix(fmt.Sprint(err), prefix) {
				t.Errorf("%s: %q, %v", body, got, err)
			}
		})
	}
}

// CVE-2025-22149: what was withdrawn is gone.
func TestRemoteReplaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a", "-1")
		r := s.remote()
		wantFound(t, r, "a", "a ")
		s.publish("b")
		if got, _, err := find(t, r, "b"); got != "b" || err != nil {
			t.Errorf("the new key: %q, %v", got, err)
		}
		if got, _, err := find(t, r, "a"); got != "" || err != nil {
			t.Errorf("the withdrawn key: %q, %v", got, err)
		}
		wantFound(t, r, "", "b")
	})
}

// Nor is it found by a caller that began to wait for it before.
func TestRemoteReplacesForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		r := s.remote()
		r.OnFetch = func(error) {
			if len(s.fetches()) == 1 {
				time.Sleep(time.Minute)
			}
		}
		var callers sync.WaitGroup
		callers.Go(func() {
			if got, took, err := find(t, r, "a"); got != "" || took != time.Minute || err != nil {
				t.Errorf("the withdrawn key: %q after %v, %v", got, took, err)
			}
		})
		time.Sleep(time.Second)
		s.publish("b")
		if err := r.Fetch(t.Context()); err != nil {
			t.Error(err)
		}
		callers.Wait()
	})
}
