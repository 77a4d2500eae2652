package kube

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/token"
)

// asMetadata asks for what there is to say of an object without the object, which may
// be a Secret. Servers before Kubernetes 1.15 send the whole.
const asMetadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

// An objectState is what has become of something that a token hangs on.
type objectState int

const (
	objectUnknown objectState = iota // it could not be looked at
	objectThere
	objectGone
	objectOther  // of that name there is another
	objectEnding // it is being deleted, for longer than an API server bears with
)

// A looked is what was seen of an object.
type looked struct {
	seen
	state objectState
	meta  metav1.ObjectMeta
	name  string
	want  string // the UID that the token has
}

// lookAt asks for an object that a token has the UID of.
func lookAt(ctx context.Context, a *asker, path, uid string, patience time.Duration) looked {
	l := looked{seen: a.get(ctx, path, asMetadata), name: path[strings.LastIndexByte(path, '/')+1:], want: uid}
	var o metav1.PartialObjectMetadata
	if l.read(&o) {
		l.meta = o.ObjectMeta
	}
	l.judge(patience)
	return l
}

// judge finds out what has become of an object whose metadata has been read.
func (l *looked) judge(patience time.Duration) {
	switch {
	case l.missing():
		l.state = objectGone
	case l.meta.UID == "":
	case l.want != "" && string(l.meta.UID) != l.want:
		l.state = objectOther
	case l.meta.DeletionTimestamp != nil && l.clocks.date.Sub(l.meta.DeletionTimestamp.Time) > patience:
		l.state = objectEnding
	default:
		l.state = objectThere
	}
}

// missing reports whether the server says that there is no such object. It answers 404
// as well where it has no such kind of object, and then names none.
func (l looked) missing() bool {
	return l.said.Code == http.StatusNotFound && l.said.Details != nil && l.said.Details.Name == l.name
}

func (l looked) evidence() token.Evidence {
	now := l.clocks.now()
	switch l.state {
	case objectGone:
		return saw(l.what, "there is none (404)")
	case objectOther:
		return saw(l.what, "uid %s, made %s; the token's is %s", brief(string(l.meta.UID), 64), when(l.meta.CreationTimestamp.Time, now), brief(l.want, 64))
	case objectEnding:
		return saw(l.what, "deletionTimestamp %s", when(l.meta.DeletionTimestamp.Time, now))
	case objectThere:
		return saw(l.what, "it is there, and the one that the token names")
	}
	if l.err == nil && l.status/100 == 2 {
		return saw(l.what, "HTTP status %d, and nothing that can be read", l.status)
	}
	return l.seen.evidence()
}

// bound returns what an API server looks at besides the service account, with its path
// and its UID in the token; an empty kind if there is nothing.
func (f *facts) bound() (kind, path, uid string) {
	a := f.info.ServiceAccount
	in := "/api/v1/namespaces/" + a.Namespace
	var o token.Object
	switch {
	case f.info.Kind != token.KindServiceAccount:
	case a.Secret.Name != "":
		kind, path, o = "Secret", in+"/secrets/", a.Secret
	case a.Pod.Name != "":
		kind, path, o = "Pod", in+"/pods/", a.Pod // its node is only mentioned
	default:
		kind, path, o = "Node", "/api/v1/nodes/", a.Node
	}
	if !isName(o.Name) {
		return "", "", ""
	}
	return kind, path + o.Name, o.UID
}

// A legacySecret is what was seen of the Secret that a legacy token is in.
type legacySecret struct {
	looked
	other   bool   // it holds another token
	invalid string // since when it is marked as invalid
}

// lookAtSecret asks for the Secret of a legacy token.
func lookAtSecret(ctx context.Context, a *asker, path string, text token.Secret) legacySecret {
	l := legacySecret{looked: looked{seen: a.get(ctx, path, asJSON), name: path[strings.LastIndexByte(path, '/')+1:]}}
	var s corev1.Secret
	if l.read(&s) {
		l.meta = s.ObjectMeta
		l.other = !bytes.Equal(s.Data[corev1.ServiceAccountTokenKey], []byte(text.Reveal()))
		l.invalid = s.Labels[labelInvalidSince]
	}
	l.judge(0)
	return l
}

// hung is what has become of what the token hangs on.
func (f *facts) hung() (found []token.Finding) {
	if f.ours == no {
		return nil // what has these names here is none of the token's
	}
	add := func(cause, remedy string, e token.Evidence) {
		t := finding(f.ours == yes, cause, remedy, e)
		if f.accepted() {
			t.Evidence = append(append(t.Evidence, f.words()...), saw("why it is accepted", "an API server goes by what it found out about a token for 10 seconds"))
		}
		found = append(found, t)
	}
	switch e := f.account.evidence(); f.account.state {
	case objectGone, objectEnding:
		add(causeAccountDeleted, f.anewAccount(), e)
	case objectOther:
		add(causeAccountRecreated, f.anew(), e)
	}
	kind, _, _ := f.bound()
	switch e := f.object.evidence(); f.object.state {
	case objectGone:
		add(fmt.Sprintf(causeBoundDeleted, kind), f.anewBound(kind), e)
	case objectEnding:
		add(fmt.Sprintf(causeBoundEnding, kind), f.anewBound(kind), e)
	case objectOther:
		add(fmt.Sprintf(causeBoundRecreated, kind), f.anewBound(kind), e)
	}
	switch e := f.secret.evidence(); {
	case f.secret.state == objectGone, f.secret.state == objectEnding:
		add(causeLegacyDeleted, f.anew(), e)
	case f.secret.state == objectUnknown:
	case f.secret.other:
		add(causeLegacyReplaced, f.reread(), saw(f.secret.what, "its data.token is not this token"))
	case f.secret.invalid != "":
		add(causeLegacyInvalid, f.unmark(), saw(f.secret.what, "the label %s is %s", labelInvalidSince, brief(f.secret.invalid, 63)))
	}
	return found
}
