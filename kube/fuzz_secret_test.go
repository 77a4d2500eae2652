package kube_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/tokenlife/tokenlife/kube"
)

// Whatever is in a Secret, it is the value of the key, nothing, or an error of bounded
// length that shows nothing of it; and what is an error is never written to.
func FuzzSecretStore(f *testing.F) {
	f.Add([]byte("k"), []byte("value"), []byte("4398046511104"), true)
	f.Add([]byte("k"), []byte("value"), []byte("1"), true)
	f.Add([]byte("k"), []byte("value"), []byte("99999999999999999999"), true)
	f.Add([]byte("K"), []byte{}, []byte{}, false)
	f.Fuzz(func(t *testing.T, key, value, expires []byte, has bool) {
		c := new(secrets)
		s := &kube.SecretStore{Client: c}
		c.change(s.Name("k"), func(secret *corev1.Secret) {
			secret.Data = map[string][]byte{"key": key, "value": value, "format": []byte("1")}
			if has {
				secret.Data["expires"] = expires
			}
		})
		got, err := s.Get(t.Context(), "k")
		if got != nil && (!bytes.Equal(got, value) || string(key) != "k" || err != nil) {
			t.Errorf("Get = %q, %v", got, err)
		}
		if err != nil && (len(err.Error()) > 1<<10 || len(value) > 20 && bytes.Contains([]byte(err.Error()), value)) {
			t.Error(err)
		}
		before := c.secret(t, s.Name("k"))
		ok, failure := s.Swap(t.Context(), "k", got, []byte("new"), never)
		if (failure == nil) != (err == nil) || ok != (err == nil) {
			t.Errorf("Get said %v, and Swap %t, %v", err, ok, failure)
		}
		if after := c.secret(t, s.Name("k")); ok == (after.ResourceVersion == before.ResourceVersion) {
			t.Errorf("Swap said %t, and the Secret: %v", ok, after.Data)
		}
	})
}

// Whatever the item is, it is keys that are in it or an error.
func FuzzKeys(f *testing.F) {
	f.Add([]byte(keyLine('a')+"# old\n\n"+keyLine('b')), true)
	f.Add([]byte(keyLine('a')[:43]), true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, text []byte, has bool) {
		c := new(secrets)
		c.keysIs(nil)
		if has {
			c.keysIs(map[string]string{"keys": string(text)})
		}
		keys, err := kube.Keys(c, "session-keys")(t.Context())
		if (err == nil) != (1 <= len(keys) && len(keys) <= 16) || err != nil && len(err.Error()) > 1<<10 {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if line := base64.StdEncoding.EncodeToString([]byte(k.Reveal())); len(k.Reveal()) != 32 || !bytes.Contains(text, []byte(line)) {
				t.Errorf("a key of %d bytes that is not there", len(k.Reveal()))
			}
		}
	})
}
