package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/token"
)

// A SecretGetter reads the Secrets of a namespace, as
// clientset.CoreV1().Secrets(namespace) does.
type SecretGetter interface {
	Get(ctx context.Context, name string, opts metav1.GetOptions) (*corev1.Secret, error)
}

// A Legacy reads a service account token that does not expire from the Secret of
// type kubernetes.io/service-account-token that it lives in. It is a
// [token.Source], for those who cannot use [Source] yet. Its tokens ask to be looked
// at again every ten minutes: they end when somebody deletes the Secret, or when
// Kubernetes finds that nobody has used them for a year.
//
// Whoever asks needs the verb get on the resource secrets, with the Secret's name
// among the resourceNames. Its errors are of type [*Error].
type Legacy struct {
	Client SecretGetter // required
	Secret string       // the Secret's name; required
}

// A LegacyToken is what a Secret says of the token in it.
type LegacyToken struct {
	Token          token.Token
	ServiceAccount string // as annotated

	// LastUsed is the day of its last use, as the API server noted it in the label
	// kubernetes.io/legacy-token-last-used; zero if it never was used, or before
	// Kubernetes 1.26.
	LastUsed time.Time

	// InvalidSince is the day since which the API server refuses it, by the label
	// kubernetes.io/legacy-token-invalid-since; zero if it does not. A year later the
	// Secret is deleted.
	InvalidSince time.Time

	// Deleted is since when the Secret is being deleted, which makes the API server
	// refuse its token although the Secret is still there; zero if it is not.
	Deleted time.Time
}

const (
	labelLastUsed     = "kubernetes.io/legacy-token-last-used"
	labelInvalidSince = "kubernetes.io/legacy-token-invalid-since"

	lookAtLegacyAgain = 10 * time.Minute
)

// Read returns what the Secret holds, also if it is known to be refused.
func (l *Legacy) Read(ctx context.Context) (LegacyToken, error) {
	switch {
	case l.Client == nil:
		return LegacyToken{}, misconfigured(l.op(), "Legacy.Client is nil: set it to clientset.CoreV1().Secrets(namespace)")
	case l.Secret == "":
		return LegacyToken{}, misconfigured(l.op(), "Legacy.Secret is empty: set it to the name of the Secret that the token is in")
	case !isName(l.Secret):
		return LegacyToken{}, misconfigured(l.op(), fmt.Sprintf("Legacy.Secret is %q, which is no name of a Secret: its namespace is that of Legacy.Client", brief(l.Secret, 100)))
	}
	secret, err := l.Client.Get(ctx, l.Secret, metav1.GetOptions{})
	if err != nil {
		return LegacyToken{}, l.failed(err)
	}
	if secret == nil {
		return LegacyToken{}, badAnswer(l.op(), "the answer has no Secret: is this a Kubernetes API server?")
	}
	return l.parse(secret)
}

// Token implements [token.Source]. A token that is marked as invalid is an error
// that matches [token.ErrRefused] and says since when, and what brings it back.
func (l *Legacy) Token(ctx context.Context) (token.Token, error) {
	t, err := l.Read(ctx)
	switch {
	case err != nil:
		return token.Token{}, err
	case !t.Deleted.IsZero():
		return token.Token{}, l.refused(
			"the Secret is being deleted since "+t.Deleted.UTC().Format(time.RFC3339)+", and the API server refuses its token",
			"ask for tokens with kube.Source, or make another Secret")
	case !t.InvalidSince.IsZero():
		return token.Token{}, l.refused(
			"the API server refuses the token since "+t.InvalidSince.Format(time.DateOnly)+", because nobody had used it for a year",
			"ask for tokens with kube.Source; kubectl label secret "+l.Secret+" "+labelInvalidSince+"- brings this one back")
	}
	return t.Token, nil
}

// parse returns what secret holds.
func (l *Legacy) parse(secret *corev1.Secret) (t LegacyToken, err error) {
	switch {
	case secret.Name != "" && secret.Name != l.Secret:
		return t, badAnswer(l.op(), fmt.Sprintf("metadata.name of the answer is %q", brief(secret.Name, 100)))
	case secret.Type == "":
		return t, badAnswer(l.op(), "the answer has no type, which each Secret has: is this a Kubernetes API server?")
	case secret.Type != corev1.SecretTypeServiceAccountToken:
		return t, misconfigured(l.op(), fmt.Sprintf("the Secret is of type %q and not %q: name another in Legacy.Secret", brief(string(secret.Type), 100), corev1.SecretTypeServiceAccountToken))
	}
	t.ServiceAccount = secret.Annotations[corev1.ServiceAccountNameKey]
	text := secret.Data[corev1.ServiceAccountTokenKey]
	if len(text) == 0 {
		return t, &Error{
			Op:     l.op(),
			Reason: Missing,
			Err:    errors.New("the Secret has no data.token yet"),
			Remedy: fmt.Sprintf("the controller-manager writes it if there is a service account %q, as the annotation %s says", brief(t.ServiceAccount, 253), corev1.ServiceAccountNameKey),
		}
	}
	// The API server compares byte by byte, so nothing may be trimmed.
	value := token.NewSecret(string(text))
	if _, _, err := wholeJWT(value); err != nil {
		return t, badAnswer(l.op(), "data.token of the Secret is no whole service account token: "+err.Error())
	}
	t.Token = token.New(value)
	t.Token.RefreshIn = lookAtLegacyAgain
	if d := secret.DeletionTimestamp; d != nil {
		t.Deleted = d.Time
	}
	if since := secret.Labels[labelInvalidSince]; since != "" {
		// To the API server any text is reason enough to refuse.
		if t.InvalidSince, err = time.Parse(time.DateOnly, since); err != nil || t.InvalidSince.IsZero() {
			return LegacyToken{}, badAnswer(l.op(), fmt.Sprintf("the label %s of the Secret is %q and not a day, and the API server refuses the token for it: kubectl label secret %s %[1]s- takes it away", labelInvalidSince, brief(since, 63), l.Secret))
		}
	}
	// Of use to people only: any other text is as good as none.
	t.LastUsed, _ = time.Parse(time.DateOnly, secret.Labels[labelLastUsed])
	return t, nil
}

// op names what is read in errors.
func (l *Legacy) op() string {
	if l.Secret == "" {
		return "token in a Secret"
	}
	return "token in Secret " + brief(l.Secret, 253)
}

// failed returns why the Secret could not be read.
func (l *Legacy) failed(err error) error {
	e := failed(l.op(), err)
	switch {
	case e.Remedy != "":
	case e.Reason == Forbidden:
		e.Remedy = fmt.Sprintf(`grant whoever asks the verb "get" on the resource "secrets" (resourceNames %q) in that namespace`, l.Secret)
	case e.Reason == Missing:
		e.Remedy = "correct Legacy.Secret or the namespace of Legacy.Client; or, if it was deleted and its token with it, ask for tokens with kube.Source"
	}
	return e
}

// refused returns the error of a token that the Secret says is no good.
func (l *Legacy) refused(why, remedy string) error {
	return &Error{Op: l.op(), Reason: Unauthenticated, Err: token.Refused(errors.New(why)), Remedy: remedy}
}
