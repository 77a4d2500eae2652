package kube

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The items of a SecretStore's Secret. The key is there because the name has only its
// hash; expires is missing if the value never does. The format is that of the others.
const (
	formatItem  = "format"
	keyItem     = "key"
	valueItem   = "value"
	expiresItem = "expires"
)

const format = "1"

// manager is who the label app.kubernetes.io/managed-by of a new Secret says made it,
// and who the API server notes as the one that set our items.
const (
	manager        = "tokenlife"
	managedByLabel = "app.kubernetes.io/managed-by"
)

const (
	maxName   = 253 // bytes, of an object's name
	maxPrefix = maxName - 1 - 2*sha256.Size
)

// prefixForm is how a name may begin that goes on with a hyphen.
var prefixForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*-*$`)

func (s *SecretStore) prefix() string {
	if s.Prefix == "" {
		return "tokenlife"
	}
	return s.Prefix
}

// keySum is the SHA-256 of a key in hex, as sha256sum prints it.
func keySum(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// check reports what is wrong with the fields.
func (s *SecretStore) check(name string) error {
	switch {
	case s.Client == nil:
		return misconfigured(secretOp(name), "SecretStore.Client is nil: set it to clientset.CoreV1().Secrets(namespace)")
	case len(s.Prefix) > maxPrefix:
		return misconfigured("SecretStore", fmt.Sprintf("Prefix has %d bytes: it must not have more than %d, so that a name has no more than %d", len(s.Prefix), maxPrefix, maxName))
	case !prefixForm.MatchString(s.prefix()):
		return misconfigured("SecretStore", fmt.Sprintf("Prefix %q is not what the name of a Secret may begin with: use lower case letters, digits, - and dots, a letter or digit first", s.Prefix))
	}
	return nil
}

// valueIn returns the value in the Secret of a key, or nil if it has expired or the
// Secret is being deleted. It is an error if the Secret is not the key's, or could be
// mistaken for another when it is written: an update without a resourceVersion would
// overwrite whatever is there.
func valueIn(secret *corev1.Secret, name, key string) ([]byte, error) {
	if secret == nil || secret.Name != name || secret.ResourceVersion == "" || secret.UID == "" {
		return nil, badAnswer(secretOp(name), "the answer has not its metadata.name, or no metadata.uid or resourceVersion: is the Client one of a Kubernetes API server?")
	}
	value := secret.Data[valueItem]
	switch {
	case !bytes.Equal(secret.Data[keyItem], []byte(key)):
		return nil, notOurs(secret, `its item "key" is another, or missing`)
	case len(value) == 0 || checkValue(value) != nil:
		return nil, notOurs(secret, `its item "value" is missing, empty or too long`)
	}
	if found := secret.Data[formatItem]; string(found) != format {
		return nil, notOurs(secret, fmt.Sprintf(`its item "format" is %.20q, not %q: did a newer version of this library write it?`, found, format))
	}
	if text, expires := secret.Data[expiresItem]; expires {
		milli, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return nil, notOurs(secret, `its item "expires" is not a time in milliseconds`)
		}
		if !time.Now().Before(time.UnixMilli(milli)) {
			return nil, nil
		}
	}
	if secret.DeletionTimestamp != nil {
		return nil, nil
	}
	return bytes.Clone(value), nil
}

// newSecret returns the Secret that is to be made for a key.
func newSecret(name, key string, value []byte, expires time.Time) *corev1.Secret {
	return withValue(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{managedByLabel: manager}},
		Type:       corev1.SecretTypeOpaque,
		Data:       map[string][]byte{formatItem: []byte(format), keyItem: []byte(key)},
	}, value, expires)
}

// withValue returns the Secret with another value. Whatever else is in it stays.
func withValue(secret *corev1.Secret, value []byte, expires time.Time) *corev1.Secret {
	next := *secret
	next.Data = maps.Clone(secret.Data)
	next.Data[valueItem] = bytes.Clone(value) // a client may keep what it was given
	delete(next.Data, expiresItem)
	if !expires.IsZero() {
		next.Data[expiresItem] = strconv.AppendInt(nil, expires.UnixMilli(), 10)
	}
	return &next
}

// checkKey and checkValue hold a SecretStore to the limits of a Store.
func checkKey(key string) error {
	if len(key) < 1 || len(key) > 256 {
		return fmt.Errorf("kube: SecretStore key of %d bytes: it must have 1 to 256", len(key))
	}
	return nil
}

func checkValue(v []byte) error {
	if v != nil && len(v) == 0 {
		return fmt.Errorf("kube: SecretStore value is empty: use nil for none")
	}
	if len(v) > 64<<10 {
		return fmt.Errorf("kube: SecretStore value of %d bytes: it must not have more than 64 KiB", len(v))
	}
	return nil
}
