package kube_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// A row is one reason to refuse a token, and what there is to say of it.
type row struct {
	name string

	// make brings a token into that state. What it does to the server's clock it
	// has undone at the end of the test.
	make func(t *testing.T, l *lab) kube.Suspect

	// via, if not nil, changes how the server is reached.
	via func(t *testing.T, l *lab, c *rest.Config)

	// cause is what an admin finds first, and whether that is certain; empty means
	// that nothing is wrong.
	cause   string
	certain bool

	// offline says that the token's text tells it, to one who may look at nothing.
	offline bool

	// proves says that it proves it, too, without anybody's clock.
	proves bool

	// reviewer is what one who may only review tokens finds first, if that is not
	// cause; "-" means nothing.
	reviewer string

	// mends is what the commands of the remedy make good.
	mends mends
}

// mends is what a remedy makes good.
type mends int

const (
	another mends = 1 << iota // each command prints a token that is
	itself                    // once it has run, the token is
)

// What is found more than once.
const (
	expired     = "the token has expired"
	notYet      = "the token is not valid yet"
	audience    = "the token is for another audience"
	keyGone     = "the token is signed by a key that the API server does not have, or no longer has"
	accountGone = "the service account of the token has been deleted"
	clockAhead  = "the API server's clock is ahead of this machine's"
	permission  = "the token is good, and its user may not do this: it is permission that is missing rather than authentication"
)

// rows are all of them.
func rows() []row {
	return []row{
		{name: "nothing is wrong", make: func(t *testing.T, l *lab) kube.Suspect {
			return kube.Suspect{Token: l.mint(t)}
		}},
		{name: "nothing is wrong, for a service", make: func(t *testing.T, l *lab) kube.Suspect {
			return kube.Suspect{Token: l.mint(t, "vault.example"), Audiences: []string{"vault.example"}}
		}},

		// Its text.
		{name: "a header", make: pasted(func(s string) string { return "Bearer " + s }), cause: "this is a header rather than the token in it", certain: true, offline: true, proves: true},
		{name: "a line break", make: pasted(func(s string) string { return s + "\n" }), cause: "there is white space or a line break in the token", certain: true, offline: true, proves: true},
		{name: "quotes", make: pasted(func(s string) string { return `"` + s + `"` }), cause: "there are quotation marks around the token", certain: true, offline: true, proves: true},
		{name: "cut off", make: pasted(func(s string) string { return s[:len(s)-40] }), cause: "this is no whole token", certain: true, offline: true, proves: true},
		{name: "blank", make: pasted(func(string) string { return "  " }), cause: "there is no token: its text is empty", certain: true, offline: true, proves: true},
		{name: "unknown", make: pasted(func(string) string { return "a-static-token-that-nobody-has" }), cause: "the API server does not know the token", certain: true},

		// Its claims, and clocks.
		{name: "expired", make: func(t *testing.T, l *lab) (s kube.Suspect) {
			l.at(t, -15*time.Minute, func() { s.Token = l.mint(t) })
			return s
		}, cause: expired, certain: true, offline: true, mends: another},
		{name: "expired, for a service", make: func(t *testing.T, l *lab) (s kube.Suspect) {
			s.Audiences = []string{"vault.example"}
			l.at(t, -15*time.Minute, func() { s.Token = l.mint(t, "vault.example") })
			return s
		}, cause: expired, certain: true, offline: true, mends: another},
		{name: "not yet valid", make: func(t *testing.T, l *lab) (s kube.Suspect) {
			l.at(t, 5*time.Minute, func() { s.Token = l.mint(t) })
			return s
		}, cause: notYet, certain: true, offline: true},
		{name: "not yet valid by nbf", make: minted(func(now time.Time) map[string]any {
			return map[string]any{"nbf": now.Add(5 * time.Minute).Unix()}
		}), cause: notYet, certain: true, offline: true},
		{name: "issued in the future", make: minted(func(now time.Time) map[string]any {
			return map[string]any{"iat": now.Add(5 * time.Minute).Unix()}
		}), cause: notYet, certain: true, offline: true},
		{name: "the server's clock is behind", make: func(t *testing.T, l *lab) kube.Suspect {
			s := kube.Suspect{Token: l.mint(t)}
			l.SetClock(t, -5*time.Minute)
			return s
		}, cause: notYet, certain: true},
		{name: "the server's clock is ahead", make: func(t *testing.T, l *lab) kube.Suspect {
			s := kube.Suspect{Token: l.mint(t)}
			l.SetClock(t, 15*time.Minute)
			return s
		}, cause: expired, certain: true},
		{name: "the server's clock is off, and the token good", make: func(t *testing.T, l *lab) kube.Suspect {
			s := kube.Suspect{Token: l.mint(t)}
			l.SetClock(t, 5*time.Minute)
			return s
		}, cause: clockAhead},
		{name: "at its end", make: minted(func(now time.Time) map[string]any {
			return map[string]any{"exp": now.Add(-5 * time.Second).Unix()} // for fifty-five more
		}), cause: "the token is at its end, where it is a matter of clocks whether it is still good", offline: true},
		{name: "stale", make: func(t *testing.T, l *lab) (s kube.Suspect) {
			account := l.account(t).Name
			pod := object(t, l.Server, "Pod", "ci", account, account)
			l.at(t, -2*time.Hour, func() {
				s.Token = tokenOf(t, l.Server, kube.Request{ServiceAccount: account, Lifetime: 3607 * time.Second, BoundTo: pod})
			})
			return s
		}, cause: "the token is past the time by which it should have been replaced, which the API server logs, though it takes it until it expires", offline: true},

		// Whom it is for, and whose it is.
		{name: "for a service, at the API server", make: func(t *testing.T, l *lab) kube.Suspect {
			return kube.Suspect{Token: l.mint(t, "vault.example")}
		}, cause: audience, certain: true, mends: another},
		{name: "for the API server, at a service", make: func(t *testing.T, l *lab) kube.Suspect {
			return kube.Suspect{Token: l.mint(t), Audiences: []string{"vault.example"}}
		}, cause: audience, certain: true, offline: true, proves: true, mends: another},
		{name: "another issuer", make: minted(func(time.Time) map[string]any {
			return map[string]any{"iss": "https://issuer.example"}
		}), cause: "the token is from an issuer that the API server does not know", certain: true, mends: another},

		// Its signature.
		{name: "tampered with", make: func(t *testing.T, l *lab) kube.Suspect {
			text := l.mint(t).Reveal()
			other := "A"
			if text[len(text)-10] == 'A' {
				other = "B"
			}
			return kube.Suspect{Token: token.NewSecret(text[:len(text)-10] + other + text[len(text)-9:])}
		}, cause: "the signature of the token is wrong: it was altered, or another cluster has signed it", certain: true},
		{name: "signed by an unknown key", make: func(t *testing.T, l *lab) kube.Suspect {
			return kube.Suspect{Token: signed(t, l.SigningKey, map[string]any{"alg": "ES256", "kid": "another-cluster"}, claimsOf(l.account(t), nil))}
		}, cause: keyGone, certain: true, mends: another},

		// What it depends on.
		{name: "service account deleted", make: func(t *testing.T, l *lab) kube.Suspect {
			account := l.account(t).Name
			return kube.Suspect{Token: l.lose(t, kube.Request{ServiceAccount: account}, func() { deleteAccount(t, l, account) })}
		}, cause: accountGone, certain: true, mends: another},
		{name: "service account made anew", make: func(t *testing.T, l *lab) kube.Suspect {
			account := l.account(t).Name
			return kube.Suspect{Token: l.lose(t, kube.Request{ServiceAccount: account}, func() {
				deleteAccount(t, l, account)
				l.CreateServiceAccount(t, "ci", account)
			})}
		}, cause: "the service account of the token has been deleted and made anew", certain: true, mends: another},
		{name: "service account deleted, and the server still accepts it", make: func(t *testing.T, l *lab) kube.Suspect {
			account := l.account(t).Name
			s := kube.Suspect{Token: tokenOf(t, l.Server, kube.Request{ServiceAccount: account})}
			if st := review(t, l.Server, token.New(s.Token)); !st.Authenticated {
				t.Fatal(st.Error)
			}
			deleteAccount(t, l, account)
			return s
		}, cause: accountGone, certain: true, reviewer: "-", mends: another},
		{name: "Pod deleted", make: boundTo("Pod", false), cause: "the Pod that the token is bound to has been deleted", certain: true, reviewer: "the Pod that the token is bound to has been deleted, or is being deleted for more than a minute", mends: another},
		{name: "Secret deleted", make: boundTo("Secret", false), cause: "the Secret that the token is bound to has been deleted", certain: true, reviewer: "the Secret that the token is bound to has been deleted, or is being deleted for more than a minute", mends: another},
		{name: "Node deleted", make: boundTo("Node", false), cause: "the Node that the token is bound to has been deleted", certain: true, reviewer: "the Node that the token is bound to has been deleted, or is being deleted for more than a minute", mends: another},
		{name: "Pod made anew", make: boundTo("Pod", true), cause: "the Pod that the token is bound to has been deleted and made anew", certain: true, mends: another},
		{name: "Secret made anew", make: boundTo("Secret", true), cause: "the Secret that the token is bound to has been deleted and made anew", certain: true, mends: another},
		{name: "Node made anew", make: boundTo("Node", true), cause: "the Node that the token is bound to has been deleted and made anew", certain: true, mends: another},
		{name: "Pod terminating for long", make: func(t *testing.T, l *lab) (s kube.Suspect) {
			account := l.account(t).Name
			pod := object(t, l.Server, "Pod", "ci", account, account)
			hold := `{"metadata":{"finalizers":["example.com/keep"]}}`
			if _, err := l.Client().CoreV1().Pods("ci").Patch(t.Context(), account, types.MergePatchType, []byte(hold), metav1.PatchOptions{}); err != nil {
				t.Fatal(err)
			}
			l.SetClock(t, -90*time.Second)
			s.Token = l.lose(t, kube.Request{ServiceAccount: account, BoundTo: pod}, func() {
				remove(t, l.Server, "ci", pod)
				l.SetClock(t, 0)
			})
			return s
		}, cause: "the Pod that the token is bound to is being deleted for more than a minute", certain: true, reviewer: "the Pod that the token is bound to has been deleted, or is being deleted for more than a minute", mends: another},

		// Tokens that do not expire.
		{name: "legacy, and nothing is wrong", make: func(t *testing.T, l *lab) kube.Suspect {
			return kube.Suspect{Token: token.NewSecret(string(l.newLegacy(t, usedToday()).Data[corev1.ServiceAccountTokenKey]))}
		}},
		{name: "legacy, its Secret deleted", make: legacyLost(func(t *testing.T, l *lab, s *corev1.Secret) {
			if err := l.Client().CoreV1().Secrets("ci").Delete(t.Context(), s.Name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}), cause: "the Secret that the token is from has been deleted", certain: true, mends: another},
		{name: "legacy, replaced", make: legacyLost(func(t *testing.T, l *lab, s *corev1.Secret) {
			// ECDSA signs anew each time.
			account, err := l.Client().CoreV1().ServiceAccounts("ci").Get(t.Context(), s.Annotations[corev1.ServiceAccountNameKey], metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			s.Data["token"] = legacyToken(t, l.Server, account, s.Name)
			if _, err := l.Client().CoreV1().Secrets("ci").Update(t.Context(), s, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
		}), cause: "the Secret that the token is from holds another token now", certain: true, mends: another},
		{name: "legacy, marked as invalid", make: legacyLost(func(t *testing.T, l *lab, s *corev1.Secret) {
			s.Labels["kubernetes.io/legacy-token-invalid-since"] = "2026-01-02"
			if _, err := l.Client().CoreV1().Secrets("ci").Update(t.Context(), s, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
		}), cause: "the token is marked as invalid, because nobody had used it for a year", certain: true, mends: another | itself},
		{name: "legacy, its service account deleted", make: legacyLost(func(t *testing.T, l *lab, s *corev1.Secret) {
			deleteAccount(t, l, s.Annotations[corev1.ServiceAccountNameKey])
		}), cause: accountGone, certain: true, mends: another},

		// Who it is may not do it.
		{name: "no rights, to a resource", make: forbidden(&kube.Access{Verb: "list", Resource: "pods", Namespace: "ci"}), cause: permission, certain: true, mends: itself},
		{name: "no rights, to a subresource", make: forbidden(&kube.Access{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: "ci", Name: "app-1"}), cause: permission, certain: true, mends: itself},
		{name: "no rights, in a group", make: forbidden(&kube.Access{Verb: "get", Group: "apps", Resource: "deployments", Namespace: "ci", Name: "web"}), cause: permission, certain: true, mends: itself},
		{name: "no rights, of the cluster", make: forbidden(&kube.Access{Verb: "list", Resource: "nodes"}), cause: permission, certain: true, mends: itself},
		{name: "no rights, to a path", make: forbidden(&kube.Access{Verb: "get", Path: "/metrics"}), cause: permission, certain: true, mends: itself},
		{name: "no rights, as a call was told", make: func(t *testing.T, l *lab) kube.Suspect {
			s := kube.Suspect{Token: l.mint(t)}
			cs, err := kubernetes.NewForConfig(bearerConfig(l, s.Token))
			if err != nil {
				t.Fatal(err)
			}
			_, s.Err = cs.CoreV1().Pods("ci").List(t.Context(), metav1.ListOptions{})
			if s.Err == nil {
				t.Fatal("it may list pods")
			}
			return s
		}, cause: permission, certain: true, mends: itself},

		// ID tokens.
		{name: "an ID token, and nothing is wrong", make: idToken(nil)},
		{name: "an ID token, expired", make: idToken(map[string]any{"exp": time.Now().Add(-5 * time.Minute).Unix(), "iat": time.Now().Add(-15 * time.Minute).Unix(), "nbf": time.Now().Add(-15 * time.Minute).Unix()}), cause: expired, certain: true, offline: true},
		{name: "an ID token for another client", make: idToken(map[string]any{"aud": "another"}), cause: audience, certain: true},
		{name: "an ID token of another issuer", make: idToken(map[string]any{"iss": "https://issuer.example"}), cause: "the token is from an issuer that the API server does not know"},

		{name: "an ID token of an issuer that is away", make: idToken(map[string]any{"iss": absentIssuer}),
			cause: "the API server cannot find out whether the token is good, because what it asks about tokens does not answer"},

		// What is between.
		{name: "the certificate is of an unknown authority", make: fine, via: func(t *testing.T, l *lab, c *rest.Config) { c.CAData = nil }, cause: "the certificate of the API server cannot be verified, and the token was not sent", certain: true},
		{name: "the certificate is for another name", make: fine, via: func(t *testing.T, l *lab, c *rest.Config) {
			c.Host = strings.Replace(c.Host, "127.0.0.1", "localhost", 1)
		}, cause: "the certificate of the API server cannot be verified, and the token was not sent", certain: true},
		{name: "a page", make: fine, via: through(func(l *lab) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>Log in")) })
		}), cause: "what answers is not a Kubernetes API server, and the token was not sent", certain: true},
		{name: "no TLS", make: fine, via: func(t *testing.T, l *lab, c *rest.Config) {
			front := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(front.Close)
			c.Host = strings.Replace(front.URL, "http:", "https:", 1)
		}, cause: "what answers is not a Kubernetes API server, and the token was not sent", certain: true},
		{name: "a redirect to a login", make: fine, via: through(func(l *lab) http.Handler {
			return http.RedirectHandler("https://127.0.0.1:1/login", http.StatusFound)
		}), cause: "what answers is not a Kubernetes API server, and the token was not sent", certain: true},
		{name: "a proxy that takes the token off", make: fine, via: through(func(l *lab) http.Handler {
			return proxy(l, func(r *http.Request) { r.Header.Del("Authorization") })
		}), cause: "the call came to the API server without a token", certain: true},
		{name: "a proxy that is in trouble", make: fine, via: through(func(l *lab) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) })
		}), cause: "the API server, or a proxy before it, is in trouble, and the token was not looked at", certain: true},
	}
}

// fine makes a token that nothing is wrong with.
func fine(t *testing.T, l *lab) kube.Suspect { return kube.Suspect{Token: l.mint(t)} }

// pasted makes a token whose text is wrong.
func pasted(change func(string) string) func(*testing.T, *lab) kube.Suspect {
	return func(t *testing.T, l *lab) kube.Suspect {
		return kube.Suspect{Token: token.NewSecret(change(l.mint(t).Reveal()))}
	}
}

// minted makes a token that the server would not make, though with its key.
func minted(change func(now time.Time) map[string]any) func(*testing.T, *lab) kube.Suspect {
	return func(t *testing.T, l *lab) kube.Suspect {
		return kube.Suspect{Token: signed(t, l.SigningKey, map[string]any{"alg": "ES256"}, claimsOf(l.account(t), change(time.Now())))}
	}
}

// boundTo makes a token whose object is gone, or another of its name.
func boundTo(kind string, again bool) func(*testing.T, *lab) kube.Suspect {
	return func(t *testing.T, l *lab) kube.Suspect {
		account := l.account(t).Name
		o := object(t, l.Server, kind, "ci", account, account)
		return kube.Suspect{Token: l.lose(t, kube.Request{ServiceAccount: account, BoundTo: o}, func() {
			remove(t, l.Server, "ci", o)
			if again {
				object(t, l.Server, kind, "ci", account, account)
			}
		})}
	}
}

// newLegacy makes a token that does not expire, and returns its Secret.
func (l *lab) newLegacy(t *testing.T, labels map[string]string) *corev1.Secret {
	t.Helper()
	account := l.account(t)
	name := account.Name + "-token"
	secret, err := l.Client().CoreV1().Secrets("ci").Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{corev1.ServiceAccountNameKey: account.Name}, Labels: labels},
		Type:       corev1.SecretTypeServiceAccountToken, Data: map[string][]byte{corev1.ServiceAccountTokenKey: legacyToken(t, l.Server, account, name)},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// usedToday is the label that the server itself would put on a Secret at the first use of
// its token on a day. That of tomorrow keeps it from doing so at midnight, too.
func usedToday() map[string]string {
	return map[string]string{"kubernetes.io/legacy-token-last-used": time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)}
}

// legacyLost makes a token that does not expire, does something to its Secret for which
// the server refuses it, and waits until the server knows: it learns of it by a watch of
// its own. What it has approved of before, it approves of for ten seconds.
func legacyLost(then func(*testing.T, *lab, *corev1.Secret)) func(*testing.T, *lab) kube.Suspect {
	return func(t *testing.T, l *lab) kube.Suspect {
		secret := l.newLegacy(t, usedToday())
		lost := token.NewSecret(string(secret.Data[corev1.ServiceAccountTokenKey]))
		then(t, l, secret)
		eventually(t, "the server refuses the token", func() error {
			if st := review(t, l.Server, token.New(lost)); st.Authenticated {
				return errors.New("it does not")
			}
			return nil
		})
		return kube.Suspect{Token: lost}
	}
}

// forbidden makes a good token of a service account that may do nothing.
func forbidden(a *kube.Access) func(*testing.T, *lab) kube.Suspect {
	return func(t *testing.T, l *lab) kube.Suspect { return kube.Suspect{Token: l.mint(t), Access: a} }
}

// idToken makes a token of the issuer.
func idToken(change map[string]any) func(*testing.T, *lab) kube.Suspect {
	return func(t *testing.T, l *lab) kube.Suspect {
		claims := map[string]any{"sub": "alice", "aud": "kubernetes"}
		for k, v := range change {
			claims[k] = v
		}
		return kube.Suspect{Token: l.issuer.Mint(claims).Value}
	}
}

func deleteAccount(t *testing.T, l *lab, name string) {
	t.Helper()
	if err := l.Client().CoreV1().ServiceAccounts("ci").Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// through puts something between a client and the server.
func through(what func(*lab) http.Handler) func(*testing.T, *lab, *rest.Config) {
	return func(t *testing.T, l *lab, c *rest.Config) {
		front := httptest.NewTLSServer(what(l))
		t.Cleanup(front.Close)
		c.Host = front.URL
		c.CAData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	}
}

// proxy returns what passes requests on to the server, with changes.
func proxy(l *lab, change func(*http.Request)) http.Handler {
	target, err := url.Parse(l.URL)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(l.CA)
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target); change(r.Out) },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	}
}
