package refresh

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// An AuditKind says what happened in an [Audit].
type AuditKind int

// What an Issuer has to tell.
const (
	// AuditReuse: a refresh token was used before, and its family is ended. If
	// there is an Err it is not, since that could not be written, and whoever
	// presented the token was told nothing.
	AuditReuse AuditKind = iota + 1

	// AuditGrace: a refresh token that was spent came back within Grace, and
	// got the same successor. It is what happens when an answer is lost, and
	// the one thing that a thief could use unseen.
	AuditGrace

	// AuditClient, AuditScope, AuditConfirm: a refresh token was presented by
	// another client, for more than was granted, or without proof of the key
	// that it is bound to. It was refused, and is as good as before.
	AuditClient
	AuditScope
	AuditConfirm

	// AuditStoreLost: a refresh token is newer than the Store knows, so that the
	// Store has lost writes; those of other families too, it may be, and
	// revocations. The client got its new pair.
	AuditStoreLost

	// AuditFailed: whether a refresh token is good, or what became of it, could
	// not be told, for the reason in Err. The client can try again.
	AuditFailed
)

var auditKinds = [...]string{"", "reuse", "grace", "client", "scope", "confirm", "store lost", "failed"}

// String returns k in lower case, such as "reuse".
func (k AuditKind) String() string {
	if k < 1 || int(k) >= len(auditKinds) {
		return fmt.Sprintf("AuditKind(%d)", int(k))
	}
	return auditKinds[k]
}

// An Audit is what an Issuer tells its OnAudit. It holds no secret.
type Audit struct {
	Kind AuditKind

	Session string // the family, as in [Grant]; it is a digest
	Subject string // of the family
	Client  string // who asked

	// Presented is the generation of the refresh token that was presented,
	// Current that of the one which is good; 0 if unknown.
	Presented, Current uint64

	// Err says what failed; nil otherwise.
	Err error
}

// String returns a as one line for people.
func (a Audit) String() string {
	s := a.Kind.String()
	if a.Session != "" {
		s += fmt.Sprintf(": session %s of subject %q", a.Session, a.Subject)
	}
	if a.Client != "" {
		s += fmt.Sprintf(", client %q", a.Client)
	}
	if a.Presented != 0 {
		s += fmt.Sprintf(", generation %d", a.Presented)
	}
	if a.Current != 0 {
		s += fmt.Sprintf(" of %d", a.Current)
	}
	if a.Err != nil {
		s += ": " + a.Err.Error()
	}
	return s
}

// LogValue implements [slog.LogValuer].
func (a Audit) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("kind", a.Kind.String())}
	for _, text := range []struct{ name, value string }{{"session", a.Session}, {"subject", a.Subject}, {"client", a.Client}} {
		if text.value != "" {
			attrs = append(attrs, slog.String(text.name, text.value))
		}
	}
	if a.Presented != 0 {
		attrs = append(attrs, slog.Uint64("presented", a.Presented))
	}
	if a.Current != 0 {
		attrs = append(attrs, slog.Uint64("current", a.Current))
	}
	if a.Err != nil {
		attrs = append(attrs, slog.String("error", a.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// audit tells OnAudit. A panic in it is not the client's fault.
func (i *Issuer) audit(ctx context.Context, a Audit) {
	if i.OnAudit != nil {
		_ = panics.Call("Issuer.OnAudit", func() error { i.OnAudit(ctx, a); return nil })
	}
}

// A ReuseError says that a refresh token was used before. It matches
// [token.ErrRevoked], since its family is revoked; as the answer to a Rotator
// it is [ErrReused].
type ReuseError struct {
	Session            string // as in Grant
	Subject, Client    string
	Presented, Current uint64 // generations
}

// Error says which login it is that is over.
func (e *ReuseError) Error() string {
	return fmt.Sprintf("refresh: session %s is over, since a refresh token of it was used twice, number %d where number %d was current: log in again",
		e.Session, e.Presented, e.Current)
}

// Unwrap returns [token.ErrRevoked].
func (e *ReuseError) Unwrap() error { return token.ErrRevoked }
