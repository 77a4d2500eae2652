package kube

import (
	"slices"
	"strconv"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A key is a Request that can be compared. It is a string, since thousands are kept
// and the fields would take several times the room: the Request's parts, each behind
// its length. No separator is safe, since an audience may hold any character.
type key string

// bound is the part that says that four more tell to what.
const bound = "bound"

// key returns r as a key. It keeps nothing that the caller may change.
func (r Request) key() key {
	audiences := r.Audiences
	if !slices.IsSorted(audiences) {
		audiences = slices.Sorted(slices.Values(audiences))
	}
	var room [256]byte
	text := appendParts(room[:0], r.Namespace, r.ServiceAccount, string(r.UID), strconv.FormatInt(int64(r.Lifetime), 10))
	if b := r.BoundTo; b != nil {
		text = appendParts(text, bound, b.Kind, b.APIVersion, b.Name, string(b.UID))
	} else {
		text = appendParts(text, "")
	}
	return key(appendParts(text, audiences...))
}

// request returns the Request that k was made from, with its Audiences sorted. It
// is a copy, and the caller's.
func (k key) request() (r Request) {
	text := string(k)
	next := func() (part string) {
		part, text = cutPart(text)
		return part
	}
	r.Namespace, r.ServiceAccount, r.UID = next(), next(), types.UID(next())
	lifetime, _ := strconv.ParseInt(next(), 10, 64)
	r.Lifetime = time.Duration(lifetime)
	if next() == bound {
		r.BoundTo = &authenticationv1.BoundObjectReference{Kind: next(), APIVersion: next(), Name: next(), UID: types.UID(next())}
	}
	for text != "" {
		r.Audiences = append(r.Audiences, next())
	}
	return r
}

func appendParts(text []byte, parts ...string) []byte {
	for _, p := range parts {
		text = strconv.AppendInt(text, int64(len(p)), 10)
		text = append(text, ':')
		text = append(text, p...)
	}
	return text
}

// cutPart undoes appendParts, for what appendParts returned.
func cutPart(text string) (part, rest string) {
	length, rest, _ := strings.Cut(text, ":")
	n, _ := strconv.Atoi(length)
	return rest[:n], rest[n:]
}
