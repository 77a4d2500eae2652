package kube

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Two Requests have one key if they differ in the order of their Audiences at
// most, and a key gives the Request back.
func FuzzRequestKey(f *testing.F) {
	f.Add("ci", "builder", "u", "api\nvault", int64(time.Hour), true, "Pod", "p", "vault\napi")
	f.Add("ci", "builder", "", "vault\napi", int64(0), false, "", "", "api")
	f.Add("", "", "", "", int64(0), false, "", "", "1:a")
	f.Add("ci", "builder", "", "1:a\n2:bc", int64(-1), true, "", "", "1:a2:bc")
	f.Add("ci", "builder", "", "\n\n", int64(1), false, "", "", "\n")
	f.Fuzz(func(t *testing.T, namespace, account, uid, audiences string, lifetime int64, bound bool, kind, name, others string) {
		r := Request{
			Namespace: namespace, ServiceAccount: account, UID: types.UID(uid),
			Audiences: list(audiences), Lifetime: time.Duration(lifetime),
		}
		if bound {
			r.BoundTo = &authenticationv1.BoundObjectReference{Kind: kind, Name: name, UID: types.UID(uid), APIVersion: namespace}
		}
		k := r.key()
		want := r
		want.Audiences = slices.Sorted(slices.Values(r.Audiences))
		if diff := cmp.Diff(want, k.request()); diff != "" {
			t.Errorf("the Request came back otherwise (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(list(audiences), r.Audiences); diff != "" {
			t.Errorf("the caller's Audiences were changed (-want +got):\n%s", diff)
		}
		other := r
		other.Audiences = list(others)
		same := slices.Equal(want.Audiences, slices.Sorted(slices.Values(other.Audiences)))
		if (other.key() == k) != same {
			t.Errorf("%q and %q: same key %t, want %t", r.Audiences, other.Audiences, other.key() == k, same)
		}
		slices.Reverse(r.Audiences)
		if r.key() != k {
			t.Errorf("the order of %q made another key", r.Audiences)
		}
		if bound {
			r.BoundTo.Name += "x"
			if k.request().BoundTo.Name != name {
				t.Error("the key changed with the caller's BoundTo")
			}
			r.BoundTo = nil
			if r.key() == k {
				t.Error("bound and not bound have one key")
			}
		}
	})
}

func list(lines string) []string {
	if lines == "" {
		return nil
	}
	return strings.Split(lines, "\n")
}
