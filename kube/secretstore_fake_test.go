package kube_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// secrets is a SecretClient that does what an API server does with the Secrets of the
// namespace "ci": every change gives a Secret another resourceVersion, a write with
// another one than it has is a conflict, and so is one with the UID of another.
type secrets struct {
	// before, if not nil, is asked before a request reaches the server, and after
	// when it has done its work; an error of theirs is what the client is told.
	before, after func(verb, name string) error

	mu      sync.Mutex
	all     map[string]*corev1.Secret
	version int
	calls   []string // the verbs
}

func (s *secrets) do(ctx context.Context, verb, name string, work func() error) error {
	s.mu.Lock()
	s.calls = append(s.calls, verb)
	s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.before != nil {
		if err := s.before(verb, name); err != nil {
			return err
		}
	}
	s.mu.Lock()
	if s.all == nil {
		s.all = map[string]*corev1.Secret{}
	}
	err := work()
	s.mu.Unlock()
	if s.after != nil && err == nil {
		err = s.after(verb, name)
	}
	return err
}

var errChanged = errors.New("the object has been modified; please apply your changes to the latest version and try again")

func conflict(name string) error {
	return apierrors.NewConflict(corev1.Resource("secrets"), name, errChanged)
}

func notFound(name string) error { return apierrors.NewNotFound(corev1.Resource("secrets"), name) }

func (s *secrets) Get(ctx context.Context, name string, opts metav1.GetOptions) (got *corev1.Secret, err error) {
	err = s.do(ctx, "get", name, func() error {
		if opts.ResourceVersion != "" {
			return fmt.Errorf("a read of version %q may be old", opts.ResourceVersion)
		}
		found, ok := s.all[name]
		if !ok {
			return notFound(name)
		}
		got = found.DeepCopy()
		return nil
	})
	return got, err
}

func (s *secrets) Create(ctx context.Context, secret *corev1.Secret, _ metav1.CreateOptions) (*corev1.Secret, error) {
	err := s.do(ctx, "create", secret.Name, func() error {
		if _, ok := s.all[secret.Name]; ok {
			return apierrors.NewAlreadyExists(corev1.Resource("secrets"), secret.Name)
		}
		if secret.ResourceVersion != "" {
			return apierrors.NewBadRequest("resourceVersion should not be set on objects to be created")
		}
		made := secret.DeepCopy()
		made.Namespace = "ci"
		s.store(made)
		return nil
	})
	return secret, err
}

func (s *secrets) Update(ctx context.Context, secret *corev1.Secret, _ metav1.UpdateOptions) (*corev1.Secret, error) {
	err := s.do(ctx, "update", secret.Name, func() error {
		found, ok := s.all[secret.Name]
		switch {
		case !ok:
			return notFound(secret.Name)
		case secret.UID == "" || secret.ResourceVersion == "":
			return errors.New("an update that does not say of what")
		case secret.UID != "" && secret.UID != found.UID, secret.ResourceVersion != "" && secret.ResourceVersion != found.ResourceVersion:
			return conflict(secret.Name)
		case found.Immutable != nil && *found.Immutable:
			return apierrors.NewInvalid(corev1.SchemeGroupVersion.WithKind("Secret").GroupKind(), secret.Name, nil)
		}
		next := secret.DeepCopy()
		next.UID = found.UID
		s.store(next)
		return nil
	})
	return secret, err
}

func (s *secrets) Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error {
	return s.do(ctx, "delete", name, func() error {
		found, ok := s.all[name]
		if !ok {
			return notFound(name)
		}
		switch p := opts.Preconditions; {
		case p == nil || p.UID == nil || p.ResourceVersion == nil:
			return errors.New("a deletion that does not say of what")
		case *p.UID != found.UID || *p.ResourceVersion != found.ResourceVersion:
			return conflict(name)
		}
		if len(found.Finalizers) > 0 {
			found.DeletionTimestamp = new(metav1.Now())
			s.store(found)
			return nil
		}
		delete(s.all, name)
		return nil
	})
}

// store puts a Secret in, with another version. The caller holds the lock.
func (s *secrets) store(secret *corev1.Secret) {
	s.version++
	secret.ResourceVersion = strconv.Itoa(s.version)
	if secret.UID == "" {
		secret.UID = types.UID(fmt.Sprintf("uid-%d", s.version))
	}
	s.all[secret.Name] = secret
}

// change has somebody else change, or with another name make, a Secret.
func (s *secrets) change(name string, how func(*corev1.Secret)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*corev1.Secret{}
	}
	next := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ci"}}
	if found, ok := s.all[name]; ok {
		next = found.DeepCopy()
	}
	how(next)
	s.store(next)
}

// forget has somebody else delete a Secret.
func (s *secrets) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, name)
}

// secret returns a Secret as it is.
func (s *secrets) secret(t *testing.T, name string) *corev1.Secret {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.all[name]
	if !ok {
		t.Fatalf("no Secret %s: there are %q", name, slices.Sorted(maps.Keys(s.all)))
	}
	return found.DeepCopy()
}

// counted returns the verbs since the last time.
func (s *secrets) counted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}
