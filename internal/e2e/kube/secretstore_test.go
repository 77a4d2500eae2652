package kube_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
)

// documentedRole returns the Role that the documentation of SecretStore has.
func documentedRole(t *testing.T) *rbacv1.Role {
	t.Helper()
	source, err := os.ReadFile("../../../kube/secretstore.go")
	if err != nil {
		t.Fatal(err)
	}
	_, manifest, found := strings.Cut(string(source), "//\tapiVersion: rbac")
	manifest, _, ended := strings.Cut("//\tapiVersion: rbac"+manifest, "\n//\n")
	role := new(rbacv1.Role)
	if err := yaml.UnmarshalStrict([]byte(strings.ReplaceAll(manifest, "//\t", "")), role); err != nil || !found || !ended || len(role.Rules) == 0 {
		t.Fatalf("no Role in the documentation: %v:\n%s", err, manifest)
	}
	return role
}

// permit gives a user a Role and no more, and makes its namespace if need be.
func permit(t *testing.T, s *apiserver.Server, role *rbacv1.Role, user string) {
	t.Helper()
	_, err := s.Client().CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: role.Namespace}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	rbac := s.Client().RbacV1()
	if _, err := rbac.Roles(role.Namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := rbac.RoleBindings(role.Namespace).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	last := role.Rules[len(role.Rules)-1]
	s.AwaitAllowed(t, authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{
		Namespace: role.Namespace, Resource: last.Resources[0], Verb: last.Verbs[0], Name: strings.Join(last.ResourceNames, ""),
	}})
}

// anyKey is the documented Role without the limit to one name.
func anyKey(t *testing.T) *rbacv1.Role {
	role := documentedRole(t)
	for i := range role.Rules {
		role.Rules[i].ResourceNames = nil
	}
	return role
}

// secretStore returns a Store with a client of its own.
func secretStore(t *testing.T, config *rest.Config, namespace string) *kube.SecretStore {
	t.Helper()
	cs, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return &kube.SecretStore{Client: cs.CoreV1().Secrets(namespace)}
}

func TestSecretStore(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t)
	permit(t, s, anyKey(t), "alice")
	storetest.Run(t, func(t *testing.T) refresh.Store { return secretStore(t, s.User("alice"), "ci") })
}

// Processes share it, and are killed at any moment.
func TestSecretStoreProcesses(t *testing.T) {
	type place struct {
		URL, Token string
		CA         []byte
	}
	storetest.Processes(t,
		func(t *testing.T) string {
			s := apiserver.Start(t)
			permit(t, s, anyKey(t), "alice")
			at, err := json.Marshal(place{s.URL, s.User("alice").BearerToken, s.CA})
			if err != nil {
				t.Fatal(err)
			}
			return string(at)
		},
		func(t *testing.T, at string) refresh.Store {
			var p place
			if err := json.Unmarshal([]byte(at), &p); err != nil {
				t.Fatal(err)
			}
			return secretStore(t, &rest.Config{Host: p.URL, BearerToken: p.Token, TLSClientConfig: rest.TLSClientConfig{CAData: p.CA}, QPS: -1}, "ci")
		})
}

// storeRefuses fails the test unless err is of a SecretStore, for that reason, with these
// words.
func storeRefuses(t *testing.T, err error, reason kube.Reason, words ...string) {
	t.Helper()
	e, ok := errors.AsType[*kube.Error](err)
	if !ok || e.Reason != reason {
		t.Errorf("got %v, want an *Error with the reason %q", err, reason)
		return
	}
	for _, w := range append(words, "kube: Secret ", "tokenlife-") {
		if !strings.Contains(e.Error(), w) {
			t.Errorf("%q is not in: %v", w, e)
		}
	}
	t.Log(e)
}

var never time.Time

// The documented Role is enough for its key, and for that alone.
func TestSecretStoreRole(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t)
	role := documentedRole(t)
	permit(t, s, role, "alice")
	store := secretStore(t, s.User("alice"), role.Namespace)
	const key = "pair/github"
	one, two := []byte("one"), []byte("two")
	for _, v := range [][2][]byte{{nil, nil}, {nil, one}, {one, two}, {two, nil}, {nil, one}} {
		if ok, err := store.Swap(t.Context(), key, v[0], v[1], never); err != nil || !ok {
			t.Fatalf("Swap(%q, %q) = %t, %v", v[0], v[1], ok, err)
		}
	}
	if v, err := store.Get(t.Context(), key); err != nil || string(v) != "one" {
		t.Errorf("Get = %q, %v", v, err)
	}
	_, err := store.Get(t.Context(), "pair/other")
	storeRefuses(t, err, kube.Forbidden, `User "alice" cannot get resource "secrets"`, `the verb "get"`, store.Name("pair/other"))

	// Without one verb of it, the error names that one.
	for _, verb := range []string{"create", "get", "update", "delete"} {
		less := anyKey(t)
		less.Namespace = "without-" + verb
		for i, rule := range less.Rules {
			var verbs []string
			for _, v := range rule.Verbs {
				if v != verb {
					verbs = append(verbs, v)
				}
			}
			if less.Rules[i].Verbs = verbs; len(verbs) == 0 {
				less.Rules[i].Verbs = []string{"watch"}
			}
		}
		permit(t, s, less, "bob")
		all := secretStore(t, s.Admin(), less.Namespace)
		store := secretStore(t, s.User("bob"), less.Namespace)
		old, new := one, two
		switch verb {
		case "create":
			old = nil
		case "delete":
			new = nil
		}
		if old != nil {
			if ok, err := all.Swap(t.Context(), key, nil, old, never); err != nil || !ok {
				t.Fatal(ok, err)
			}
		}
		_, err := store.Swap(t.Context(), key, old, new, never)
		storeRefuses(t, err, kube.Forbidden, `User "bob" cannot `+verb, `the verb "`+verb+`"`, `"secrets"`)
	}
	store = secretStore(t, s.User("carol"), role.Namespace)
	store.Client = nil
	_, err = store.Get(t.Context(), key)
	storeRefuses(t, err, kube.Misconfigured, "SecretStore.Client")
}

// What a real server has against a write, with what to do about it.
func TestSecretStoreRefusals(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t)
	core := s.Client().CoreV1()
	ctx := t.Context()
	one, two := []byte("one"), []byte("two")
	space := func(name string) *kube.SecretStore {
		t.Helper()
		if _, err := core.Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		return secretStore(t, s.Admin(), name)
	}
	swap := func(store *kube.SecretStore, old, new []byte) {
		t.Helper()
		if ok, err := store.Swap(ctx, "k", old, new, never); err != nil || !ok {
			t.Fatalf("Swap(%q, %q) = %t, %v", old, new, ok, err)
		}
	}
	change := func(store *kube.SecretStore, namespace string, how func(*corev1.Secret)) {
		t.Helper()
		secret, err := core.Secrets(namespace).Get(ctx, store.Name("k"), metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		how(secret)
		if _, err := core.Secrets(namespace).Update(ctx, secret, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}

	_, err := secretStore(t, s.Admin(), "nowhere").Swap(ctx, "k", nil, one, never)
	storeRefuses(t, err, kube.Missing, `namespaces "nowhere" not found`, "create the namespace")

	store := space("immutable")
	swap(store, nil, one)
	change(store, "immutable", func(s *corev1.Secret) { s.Immutable = new(true) })
	_, err = store.Swap(ctx, "k", one, two, never)
	storeRefuses(t, err, kube.Rejected, "immutable/"+store.Name("k"), "made immutable", "delete the Secret")
	// The server's own words, of one that was made immutable a moment ago.
	blind := &kube.SecretStore{Client: mutable{core.Secrets("immutable")}}
	_, err = blind.Swap(ctx, "k", one, two, never)
	storeRefuses(t, err, kube.Rejected, "field is immutable", "delete the Secret")
	swap(store, one, nil)

	store = space("foreign")
	if _, err := core.Secrets("foreign").Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: store.Name("k")}, Data: map[string][]byte{"password": []byte("theirs")},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, v := range [][2][]byte{{nil, one}, {one, two}, {one, nil}, {nil, nil}} {
		_, err = store.Swap(ctx, "k", v[0], v[1], never)
		storeRefuses(t, err, kube.Misconfigured, "foreign/"+store.Name("k"), "SecretStore.Prefix")
	}
	if theirs, err := core.Secrets("foreign").Get(ctx, store.Name("k"), metav1.GetOptions{}); err != nil || len(theirs.Data) != 1 || len(theirs.Labels) != 0 {
		t.Errorf("the Secret of somebody else: %v, %v", theirs, err)
	}

	store = space("quota")
	quota, err := core.ResourceQuotas("quota").Create(ctx, &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "none"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"secrets": resource.MustParse("0")}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: corev1.ResourceList{"secrets": resource.MustParse("0")}}
	if _, err := core.ResourceQuotas("quota").UpdateStatus(ctx, quota, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	err = refusedFor(t, store, "exceeded quota")
	storeRefuses(t, err, kube.Rejected, "exceeded quota", "kubectl describe quota")

	store = space("kept")
	swap(store, nil, one)
	change(store, "kept", func(s *corev1.Secret) {
		s.Finalizers = []string{"example.com/keep"}
		s.Labels["a"] = "b"
		s.Data["note"] = []byte("mine")
	})
	swap(store, one, two)
	change(store, "kept", func(s *corev1.Secret) {
		if s.Labels["a"] != "b" || s.Labels["app.kubernetes.io/managed-by"] != "tokenlife" || string(s.Data["note"]) != "mine" || s.Type != corev1.SecretTypeOpaque {
			t.Errorf("of somebody else's there is: %v", s)
		}
	})
	swap(store, two, nil)
	if v, err := store.Get(ctx, "k"); err != nil || v != nil {
		t.Errorf("Get = %q, %v", v, err)
	}
	_, err = store.Swap(ctx, "k", nil, one, never)
	storeRefuses(t, err, kube.Rejected, "being deleted", "finalizer")
	change(store, "kept", func(s *corev1.Secret) { s.Finalizers = nil })
	swap(store, nil, one)

	store = space("ending")
	swap(store, nil, one)
	if err := core.Namespaces().Delete(ctx, "ending", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	swap(store, one, two) // it is still there
	err = refusedFor(t, store, "being terminated")
	storeRefuses(t, err, kube.Rejected, "being terminated", "namespace is being deleted")

	store = space("policy")
	admission := s.Client().AdmissionregistrationV1()
	if _, err := admission.ValidatingAdmissionPolicies().Create(ctx, &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "no-secrets"},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "policy"}},
				ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{"*"},
					Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}},
				}}},
			},
			Validations: []admissionv1.Validation{{Expression: "false", Message: "not here"}},
		},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := admission.ValidatingAdmissionPolicyBindings().Create(ctx, &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "no-secrets"},
		Spec:       admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: "no-secrets", ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	err = refusedFor(t, store, "not here")
	storeRefuses(t, err, kube.Rejected, "not here", "policy of the cluster")

	// Somebody else of the same name comes between the reading and the writing.
	store = space("remade")
	swap(store, nil, one)
	secrets := core.Secrets("remade")
	for _, next := range [][]byte{two, nil} {
		between := &kube.SecretStore{Client: meanwhile{secrets, func(name string) {
			found, err := secrets.Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			found.Data["value"] = []byte("theirs")
			if err := secrets.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
			found.ObjectMeta = metav1.ObjectMeta{Name: name}
			if _, err := secrets.Create(ctx, found, metav1.CreateOptions{}); err != nil {
				t.Error(err)
			}
		}}}
		if ok, err := between.Swap(ctx, "k", one, next, never); err != nil || ok {
			t.Errorf("Swap(one, %q) = %t, %v, and the Secret was made anew", next, ok, err)
		}
		if v, err := store.Get(ctx, "k"); err != nil || string(v) != "theirs" {
			t.Errorf("Get = %q, %v", v, err)
		}
		swap(store, []byte("theirs"), one)
	}
}

// refusedFor waits until a server refuses what is new in a Store, in these words, and
// returns the error. Each try has a key of its own: what an earlier one has made before
// the server knew better stays, since it may not be deleted any more either. Whatever
// else the server says it says on the way there, as of a quota that it has seen without
// its status.
func refusedFor(t *testing.T, store *kube.SecretStore, words string) (err error) {
	t.Helper()
	tries := 0
	eventually(t, "refused: "+words, func() error {
		tries++
		_, err = store.Swap(t.Context(), fmt.Sprintf("new/%d", tries), nil, []byte("one"), never)
		switch {
		case err == nil:
			return errors.New("it is taken")
		case !strings.Contains(err.Error(), words):
			return err
		}
		return nil
	})
	return err
}

// mutable is a client that does not see that a Secret is immutable.
type mutable struct{ kube.SecretClient }

func (m mutable) Get(ctx context.Context, name string, opts metav1.GetOptions) (*corev1.Secret, error) {
	s, err := m.SecretClient.Get(ctx, name, opts)
	if s != nil {
		s.Immutable = nil
	}
	return s, err
}

// meanwhile is a client before whose writes something else happens.
type meanwhile struct {
	kube.SecretClient
	then func(name string)
}

func (m meanwhile) Update(ctx context.Context, s *corev1.Secret, opts metav1.UpdateOptions) (*corev1.Secret, error) {
	m.then(s.Name)
	return m.SecretClient.Update(ctx, s, opts)
}

func (m meanwhile) Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error {
	m.then(name)
	return m.SecretClient.Delete(ctx, name, opts)
}
