package kube

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func secretOp(name string) string { return "Secret " + name }

// placed names a Secret with its namespace, which only the API server knows.
func placed(s *corev1.Secret) string { return brief(s.Namespace, 63) + "/" + s.Name }

// saidOfSecret returns what the API server said to a request for a Secret, if err is that.
// It is not if a proxy said so in words of its own, nor if the Client had no credential
// to ask with, because of what a server said about that.
func saidOfSecret(err error) (metav1.Status, bool) {
	if _, credential := errors.AsType[*Error](err); credential {
		return metav1.Status{}, false
	}
	status, ok := statusOf(err)
	return status, ok && !unexpected(status)
}

// isAbsent reports whether err says that there is no such Secret.
func isAbsent(err error) bool {
	status, ok := saidOfSecret(err)
	return ok && status.Reason == metav1.StatusReasonNotFound && !isOfNamespace(status)
}

func isOfNamespace(status metav1.Status) bool {
	return status.Details != nil && status.Details.Kind == "namespaces"
}

// outrun reports whether a write was refused because the Secret is not the one that
// was read any more.
func outrun(err error) bool {
	status, ok := saidOfSecret(err)
	return ok && (status.Code == http.StatusConflict || isAbsent(err))
}

// secretFailed returns the error of a request for a Secret, which is that of ctx too if
// it ended, whatever the client says.
func secretFailed(ctx context.Context, verb, name string, err error) error {
	ended := ctx.Err()
	if end, ok := ctx.Deadline(); ok && ended == nil && !time.Now().Before(end) {
		ended = context.DeadlineExceeded // the client's own may be a little sooner
	}
	if ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	e := failed(secretOp(name), err)
	if status, ok := saidOfSecret(err); ok && e.Remedy == "" {
		e.Reason, e.Remedy = whyNot(status, e.Reason, verb, name)
	}
	return e
}

// errNotWritten is the error of a write whose answer does not show what was written.
var errNotWritten = errors.New("the answer has not the metadata.name and the data.value that were written: did something on the way change them, such as a webhook of the cluster?")

// withoutValues returns err without values, or what they are in JSON, in its text:
// a webhook that does not like a Secret may say all that is in it. Values that mean
// anything are long; of short ones the rest of the text might be made.
func withoutValues(err error, values ...[]byte) error {
	var secrets []string
	for _, v := range values {
		if len(v) >= 16 {
			secrets = append(secrets, string(v), base64.StdEncoding.EncodeToString(v))
		}
	}
	return redact(err, secrets...)
}

// whyNot tells the refusals of a Secret apart: lack of rights is but one of those that
// are a 403.
func whyNot(s metav1.Status, reason Reason, verb, name string) (Reason, string) {
	switch {
	case caused(s, corev1.NamespaceTerminatingCause):
		return Rejected, "the namespace is being deleted, and takes nothing new: use another"
	case strings.Contains(s.Message, "exceeded quota"):
		return Rejected, "the namespace may not have more Secrets: kubectl describe quota says how many, and who runs the cluster can raise it"
	case strings.Contains(s.Message, "denied the request"), strings.Contains(s.Message, "denied request"):
		return Rejected, "a policy of the cluster is against it: change that, or what it objects to"
	case strings.Contains(s.Message, "field is immutable when `immutable` is set"):
		return Rejected, immutableRemedy
	case reason == Missing:
		return Missing, "create the namespace, or correct the one that the Client is for"
	case reason == Forbidden && verb == "create":
		return Forbidden, `grant whoever asks the verb "create" on the resource "secrets": the documentation of SecretStore has the Role`
	case reason == Forbidden:
		return Forbidden, fmt.Sprintf(`grant whoever asks the verb %q on the resource "secrets" (resourceNames %q): the documentation of SecretStore has the Role`, verb, name)
	}
	return reason, "the server does not take the Secret, for the reason it gives"
}

const immutableRemedy = "that cannot be undone: delete the Secret, which loses what is in it, and log in again"

// writable reports why another value cannot be put into a Secret, if that can be told
// beforehand; nil is one that is to be made.
func writable(secret *corev1.Secret) error {
	if secret == nil {
		return nil
	}
	op := secretOp(placed(secret))
	switch {
	case secret.DeletionTimestamp != nil:
		return &Error{Op: op, Reason: Rejected, Err: errors.New("it is being deleted, and a finalizer keeps it"),
			Remedy: "wait, or find out who does not do what metadata.finalizers waits for"}
	case secret.Immutable != nil && *secret.Immutable:
		return &Error{Op: op, Reason: Rejected, Err: errors.New("it was made immutable"), Remedy: immutableRemedy}
	}
	return nil
}

// notOurs returns the error of a Secret that is not what a SecretStore made.
func notOurs(secret *corev1.Secret, why string) error {
	return &Error{Op: secretOp(placed(secret)), Reason: Misconfigured,
		Err:    errors.New("it was not made by a SecretStore for this key, or was changed: " + why),
		Remedy: "delete it if nobody needs it, or choose another SecretStore.Prefix"}
}

// restless returns the error of a Secret that changes all the time, but not its value.
func restless(name string) error {
	return &Error{Op: secretOp(name), Reason: Busy,
		Err:    fmt.Errorf("it was changed by somebody else in the middle of each of %d writes, though its value was not", maxConflicts),
		Remedy: "metadata.managedFields says who does so: make them leave it alone"}
}
