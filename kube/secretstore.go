package kube

import (
	"bytes"
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A SecretClient reads and writes the Secrets of a namespace, as
// clientset.CoreV1().Secrets(namespace) does. It must ask the API server: what a
// cache or an informer holds may be old.
type SecretClient interface {
	SecretGetter
	Create(ctx context.Context, secret *corev1.Secret, opts metav1.CreateOptions) (*corev1.Secret, error)
	Update(ctx context.Context, secret *corev1.Secret, opts metav1.UpdateOptions) (*corev1.Secret, error)
	Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error
}

// A SecretStore is a refresh.Store of Kubernetes Secrets, one for each key, so that
// replicas can share a rotating pair with no other infrastructure:
//
//	src := refresh.New(&refresh.Rotator{
//		Exchanger: exchanger,
//		Store:     &kube.SecretStore{Client: cs.CoreV1().Secrets("ci")},
//		Key:       "github",
//	})
//
// It is meant for few values that change seldom: each change is a write to etcd. A
// Get is one request to the API server, and a Swap one, or two if it writes: a
// Rotator's exchange makes five. A Secret that others change at the same moment costs
// two more, each time. The limit that client-go sets itself, five requests a second
// unless rest.Config.QPS says otherwise, holds for them too.
//
// A write is a PUT with the resourceVersion and the UID of the Secret that was read
// just before, with no cache in between, and whose value was the old one; so that of
// two writers one is told to look again. What was written survives the end of the API
// server, as all that etcd holds. There is no lock: a Rotator takes over from a dead
// one after its Lease.
//
// # The Secrets
//
// They must be left alone by others, above all by whatever makes a cluster the way a
// repository says (GitOps), and by what restores backups: a refresh token that was
// spent would come back. Labels, annotations and items that others add stay. A
// Secret that has the name and is not of the key is an error, and never written to.
//
// The items of a Secret are the key, the value, when it expires, in milliseconds
// since 1970 by the clock of the machine that reads it, and the format, which is 1. One that has expired counts as
// absent, and is there until its key is written to again. One that is being deleted
// and kept by a finalizer counts as absent too, and cannot be written to before it is
// gone.
//
// Who can read the Secret can use what is in it, and so can who reads the disks of
// etcd, unless the cluster encrypts its Secrets there; refresh.Sealed encrypts them in
// any case.
//
// # What it needs
//
// This Role is for the key "pair/github", which is that of a Rotator with the Key
// "github". Name tells the name of the Secret: it is the prefix, a hyphen, and what
// "printf pair/github | sha256sum" prints. The verb create cannot be limited to names
// (Kubernetes does not know them yet when it judges).
//
//	apiVersion: rbac.authorization.k8s.io/v1
//	kind: Role
//	metadata: {name: tokenlife, namespace: ci}
//	rules:
//	- apiGroups: [""]
//	  resources: ["secrets"]
//	  verbs: ["create"]
//	- apiGroups: [""]
//	  resources: ["secrets"]
//	  resourceNames: ["tokenlife-e748bf7efeac4364f1e9662582b9093235dd2dfe6c594b6e38bd2727590f24c7"]
//	  verbs: ["get", "update", "delete"]
//
// Its errors are of type [*Error], but for those of a key or a value that no Store
// takes.
type SecretStore struct {
	Client SecretClient // required

	// Prefix is how the Secrets' names begin; empty means "tokenlife". It must be
	// what a name may begin with (RFC 1123): lower case, digits, - and dots, at
	// most 188 of them.
	Prefix string
}

// Name returns the name of the Secret that a key is kept in, for a Role that allows
// this one only.
func (s *SecretStore) Name(key string) string { return s.prefix() + "-" + keySum(key) }

// maxConflicts is how often a write may find that somebody else was faster and left
// the value as it was, as those do who change labels.
const maxConflicts = 10

// Get implements refresh.Store.
func (s *SecretStore) Get(ctx context.Context, key string) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	_, value, err := s.read(ctx, key)
	return value, err
}

// Swap implements refresh.Store.
func (s *SecretStore) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	for _, err := range []error{checkKey(key), checkValue(old), checkValue(new)} {
		if err != nil {
			return false, err
		}
	}
	for range maxConflicts {
		secret, value, err := s.read(ctx, key)
		switch {
		case err != nil:
			return false, err
		case !bytes.Equal(value, old):
			return false, nil
		case old == nil && new == nil:
			return true, nil
		}
		if err := writable(secret); err != nil && new != nil {
			return false, err
		}
		verb, err := s.write(ctx, key, secret, new, expires)
		switch {
		case err == nil:
			return true, nil
		case err == errNotWritten:
			return false, badAnswer(secretOp(s.Name(key)), err.Error())
		case !outrun(err):
			return false, secretFailed(ctx, verb, s.Name(key), withoutValues(err, old, new))
		}
	}
	return false, restless(s.Name(key))
}

// read returns the Secret of a key, nil if there is none, and the value in it, nil if
// that is absent. Without a resourceVersion the API server asks etcd itself.
func (s *SecretStore) read(ctx context.Context, key string) (*corev1.Secret, []byte, error) {
	name := s.Name(key)
	if err := s.check(name); err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, secretFailed(ctx, "get", name, err)
	}
	secret, err := s.Client.Get(ctx, name, metav1.GetOptions{})
	switch {
	case isAbsent(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, secretFailed(ctx, "get", name, err)
	}
	value, err := valueIn(secret, name, key)
	return secret, value, err
}

// write puts new into a Secret as it was read; nil deletes it, and a nil Secret is
// made. If there is another in its place by now, the error is that of having been
// outrun.
func (s *SecretStore) write(ctx context.Context, key string, secret *corev1.Secret, new []byte, expires time.Time) (verb string, err error) {
	switch {
	case new == nil:
		err = s.Client.Delete(ctx, secret.Name, metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: &secret.UID, ResourceVersion: &secret.ResourceVersion},
		})
		return "delete", err
	case secret == nil:
		secret, err = s.Client.Create(ctx, newSecret(s.Name(key), key, new, expires), metav1.CreateOptions{FieldManager: manager})
		verb = "create"
	default:
		secret, err = s.Client.Update(ctx, withValue(secret, new, expires), metav1.UpdateOptions{FieldManager: manager})
		verb = "update"
	}
	if err == nil && (secret == nil || secret.Name != s.Name(key) || !bytes.Equal(secret.Data[valueItem], new)) {
		err = errNotWritten
	}
	return verb, err
}
