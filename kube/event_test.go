package kube_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/kube"
)

// A server that grants other than it was asked, or warns, is told of, once.
func TestEvents(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for _, test := range []struct {
		name              string
		asked, exp, until time.Duration
		warning           string
		want              []string
	}{
		{"as asked for", time.Hour, time.Hour, time.Hour, "", nil},
		{"not asked for", 0, time.Hour, time.Hour, "", nil},
		{"a second less", time.Hour, time.Hour - time.Second, time.Hour - time.Second, "", nil},
		{"two seconds less", time.Hour, time.Hour - 2*time.Second, time.Hour - 2*time.Second, "",
			[]string{"shortened: token of service account ci/builder, good for 59m58s where 1h0m0s was asked for: the server has a maximum"}},
		{"more", time.Hour, 2 * time.Hour, 2 * time.Hour, "", nil},
		{"shortened", 2 * time.Hour, time.Hour, time.Hour, "shortened to 3600 seconds",
			[]string{`shortened: token of service account ci/builder, good for 1h0m0s where 2h0m0s was asked for: the server has a maximum; the server says "shortened to 3600 seconds"`}},
		{"extended", 3607 * time.Second, year, 3607 * time.Second, "beware",
			[]string{`extended: token of service account ci/builder, good for 1h0m7s, which the server would accept for 8760h0m0s; the server says "beware"`}},
		{"cut to the second", time.Hour, time.Hour, time.Hour - time.Second, "", nil},
		{"both", 2 * time.Hour, year, time.Hour, "", []string{
			"shortened: token of service account ci/builder, good for 1h0m0s where 2h0m0s was asked for: the server has a maximum",
			"extended: token of service account ci/builder, good for 1h0m0s, which the server would accept for 8760h0m0s"}},
		{"warned", time.Hour, time.Hour, time.Hour, "deprecated",
			[]string{`warned: token of service account ci/builder, good for 1h0m0s; the server says "deprecated"`}},
	} {
		var got []string
		src := &kube.Source{
			Request: kube.Request{Namespace: "ci", ServiceAccount: "builder", Lifetime: test.asked},
			Client: warning(func(ctx context.Context) *authenticationv1.TokenRequest {
				if test.warning != "" {
					kube.Warnings{}.HandleWarningHeaderWithContext(ctx, 299, "-", test.warning)
				}
				now := time.Now() // once: a second may begin meanwhile
				a := answer(now, test.exp, test.exp, nil)
				a.Status.ExpirationTimestamp = metav1.NewTime(time.Unix(now.Unix(), 0).Add(test.until))
				return a
			}),
			OnEvent: func(e kube.Event) {
				got = append(got, e.String())
				if e.Asked != test.asked || e.Granted != test.until || e.Exp != test.exp || e.Request.ServiceAccount != "builder" {
					t.Errorf("%s: %+v", test.name, e)
				}
			},
		}
		if _, err := src.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if got := kube.Kind(9).String(); got != "Kind(9)" {
		t.Errorf("an unknown kind prints as %s", got)
	}
}

// warning is a TokenCreator that sees the context of the request.
type warning func(ctx context.Context) *authenticationv1.TokenRequest

func (w warning) CreateToken(ctx context.Context, _ string, _ *authenticationv1.TokenRequest, _ metav1.CreateOptions) (*authenticationv1.TokenRequest, error) {
	return w(ctx), nil
}

// next collects the warnings that are not of a token.
type next []string

func (n *next) HandleWarningHeaderWithContext(_ context.Context, code int, agent, text string) {
	*n = append(*n, fmt.Sprint(code, " ", agent, " ", text))
}

// A warning goes to the Source whose request it answers, and to Next if there is
// none that listens. What is kept is bounded.
func TestWarnings(t *testing.T) {
	t.Parallel()
	rest := new(next)
	w := kube.Warnings{Next: rest}
	w.HandleWarningHeaderWithContext(t.Context(), 299, "-", "of no Source")
	var late context.Context
	src := kube.NewSource(warning(func(ctx context.Context) *authenticationv1.TokenRequest {
		late = ctx
		w.HandleWarningHeaderWithContext(ctx, 110, "cache", "stale")
		w.HandleWarningHeaderWithContext(ctx, 299, "-", "")
		w.HandleWarningHeaderWithContext(ctx, 299, "-", "two\nlines, and "+jwt(nil))
		for range 20 {
			w.HandleWarningHeaderWithContext(ctx, 299, "-", strings.Repeat("long ", 100))
		}
		return answer(time.Now(), time.Hour, time.Hour, nil)
	}), "builder")
	var events []kube.Event
	src.OnEvent = func(e kube.Event) { events = append(events, e) }
	if _, err := src.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.HandleWarningHeaderWithContext(late, 299, "-", "late")
	if len(events) != 1 || events[0].Kind != kube.Warned || len(events[0].Warnings) != 10 {
		t.Fatalf("%d events: %v", len(events), events)
	}
	if got := events[0].Warnings[0]; got != "two lines, and [redacted]" {
		t.Errorf("it is repeated as %q", got)
	}
	if n := len(events[0].Warnings[1]); n > 310 {
		t.Errorf("it is repeated in %d bytes", n)
	}
	if diff := cmp.Diff(next{"299 - of no Source", "110 cache stale", "299 - "}, *rest); diff != "" {
		t.Errorf("Next (-want +got):\n%s", diff)
	}

	// Nobody listens.
	*rest, src.OnEvent = nil, nil
	if _, err := src.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(*rest) != 23 {
		t.Errorf("Next got %d warnings of a Source without OnEvent, want 23", len(*rest))
	}
}
