package apiserver

import (
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CreateServiceAccount creates the service account name, and first its
// namespace if there is none yet.
func (s *Server) CreateServiceAccount(tb testing.TB, namespace, name string) *corev1.ServiceAccount {
	tb.Helper()
	core := s.Client().CoreV1()
	_, err := core.Namespaces().Create(tb.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		tb.Fatalf("creating namespace %q: %v", namespace, err)
	}
	account, err := core.ServiceAccounts(namespace).Create(tb.Context(), &corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}, metav1.CreateOptions{})
	if err != nil {
		tb.Fatalf("creating service account %s/%s: %v", namespace, name, err)
	}
	return account
}

// AllowTokenRequests lets user ask for tokens of the service account name, by a
// Role with the verb create on serviceaccounts/token and a RoleBinding, and waits
// until the server does. A user is one of Users or a service account's full name,
// system:serviceaccount:NAMESPACE:NAME.
func (s *Server) AllowTokenRequests(tb testing.TB, namespace, name, user string) {
	tb.Helper()
	rbac := s.Client().RbacV1()
	role, err := rbac.Roles(namespace).Create(tb.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "token-requests-"},
		Rules: []rbacv1.PolicyRule{{
			APIGroups:     []string{""},
			Resources:     []string{"serviceaccounts/token"},
			ResourceNames: []string{name},
			Verbs:         []string{"create"},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		tb.Fatalf("creating a role for tokens of %s/%s: %v", namespace, name, err)
	}
	_, err = rbac.RoleBindings(namespace).Create(tb.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "token-requests-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}, metav1.CreateOptions{})
	if err != nil {
		tb.Fatalf("letting %q request tokens of %s/%s: %v", user, namespace, name, err)
	}
	s.AwaitAllowed(tb, authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{
		Namespace: namespace, Verb: "create", Resource: "serviceaccounts", Subresource: "token", Name: name,
	}})
}

// AwaitAllowed waits until the server lets somebody do something. It reads roles by
// watches of its own, and refuses what they allow until it has read them, a moment after
// they were made, or later where the machine is busy.
func (s *Server) AwaitAllowed(tb testing.TB, spec authorizationv1.SubjectAccessReviewSpec) {
	tb.Helper()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		review, err := s.Client().AuthorizationV1().SubjectAccessReviews().Create(tb.Context(),
			&authorizationv1.SubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
		switch {
		case err == nil && review.Status.Allowed:
			return
		case time.Since(began) < time.Minute:
		case err != nil:
			tb.Fatalf("waiting until %q may: %v", spec.User, err)
		default:
			tb.Fatalf("after a minute %q still may not: %s", spec.User, review.Status.Reason)
		}
	}
}
