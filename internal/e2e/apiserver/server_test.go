package apiserver_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/internal/e2e/apiserver/program"
)

// TestServer shares one server, since each costs seconds and 300 MB.
func TestServer(t *testing.T) {
	began := time.Now()
	server := apiserver.Start(t)
	t.Logf("ready after %v", time.Since(began).Round(time.Millisecond))
	server.CreateServiceAccount(t, "ci", "builder")

	t.Run("Version", func(t *testing.T) {
		version, err := server.Client().Discovery().ServerVersion()
		if err != nil {
			t.Fatal(err)
		}
		if version.GitVersion != program.Version {
			t.Errorf("the server says it is %s, want %s", version.GitVersion, program.Version)
		}
	})

	t.Run("RBAC", func(t *testing.T) {
		alice, err := kubernetes.NewForConfig(server.User("alice"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = requestToken(t, alice)
		if !apierrors.IsForbidden(err) {
			t.Errorf("without a role alice gets %v, want forbidden", err)
		}
		server.AllowTokenRequests(t, "ci", "builder", "alice")
		eventually(t, time.Minute, "alice may request tokens", func() bool {
			_, err = requestToken(t, alice)
			return err == nil
		})
	})

	t.Run("Clock", func(t *testing.T) {
		defer server.SetClock(t, 0)
		before := mustRequestToken(t, server)
		wantNear(t, "the first token's iat", before.issued, time.Now())
		wantNear(t, "Date before", date(t, server), time.Now())

		server.SetClock(t, time.Hour)
		later := time.Now().Add(time.Hour)
		after := mustRequestToken(t, server)
		wantNear(t, "Date", date(t, server), later)
		wantNear(t, "iat", after.issued, later)
		wantNear(t, "exp", after.expires, later.Add(10*time.Minute))
		wantNear(t, "status.expirationTimestamp", after.status, later.Add(10*time.Minute))

		// The server has not seen either token yet, so no verdict is cached.
		if why := review(t, server, before.text); !strings.Contains(why, "expired") {
			t.Errorf("an hour on, a token of ten minutes is refused for %q, want expired", why)
		}
		config := rest.AnonymousClientConfig(server.Admin())
		config.BearerToken = before.text
		builder, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := requestToken(t, builder); !apierrors.IsUnauthorized(err) {
			t.Errorf("used as a credential it gets %v, want unauthorized", err)
		}
		if why := review(t, server, after.text); why != "" {
			t.Errorf("a token of the server's present is refused: %s", why)
		}

		server.SetClock(t, 0)
		wantNear(t, "Date when put right", date(t, server), time.Now())
	})

	t.Run("Restart", func(t *testing.T) {
		old := mustRequestToken(t, server)
		url := server.URL
		server.SetClock(t, -20*time.Minute)
		server.Stop()
		if _, err := requestToken(t, server.Client()); err == nil {
			t.Error("a stopped server answers")
		}
		server.SetClock(t, 20*time.Minute) // for a stopped server too
		began := time.Now()
		server.Restart(t)
		t.Logf("back after %v", time.Since(began).Round(time.Millisecond))
		if server.URL != url {
			t.Errorf("it moved from %s to %s", url, server.URL)
		}
		wantNear(t, "Date", date(t, server), time.Now().Add(20*time.Minute))
		server.SetClock(t, 0)
		if why := review(t, server, old.text); why != "" {
			t.Errorf("a token from before the restart is refused: %s", why)
		}
		mustRequestToken(t, server)
		server.Restart(t) // a running one
		mustRequestToken(t, server)
	})
}

// A serviceToken is what a token says of itself, and the answer it came in.
type serviceToken struct {
	text            string
	issued, expires time.Time
	status          time.Time // status.expirationTimestamp
}

func requestToken(t *testing.T, client kubernetes.Interface) (*authenticationv1.TokenRequest, error) {
	seconds := int64(600)
	return client.CoreV1().ServiceAccounts("ci").CreateToken(t.Context(), "builder", &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds},
	}, metav1.CreateOptions{})
}

func mustRequestToken(t *testing.T, server *apiserver.Server) serviceToken {
	t.Helper()
	answer, err := requestToken(t, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(answer.Status.Token, ".")
	if len(parts) != 3 {
		t.Fatalf("the token has %d parts, want 3", len(parts))
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Iat, Exp int64 }
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return serviceToken{
		text:    answer.Status.Token,
		issued:  time.Unix(claims.Iat, 0),
		expires: time.Unix(claims.Exp, 0),
		status:  answer.Status.ExpirationTimestamp.Time,
	}
}

// review returns why the server refuses a token, or "" if it does not.
func review(t *testing.T, server *apiserver.Server, token string) string {
	t.Helper()
	answer, err := server.Client().AuthenticationV1().TokenReviews().Create(t.Context(), &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Status.Authenticated {
		return ""
	}
	return "refused: " + answer.Status.Error
}

// date returns the Date header of an answer, which also shows that CA is the
// authority to trust.
func date(t *testing.T, server *apiserver.Server) time.Time {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server.CA)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(server.URL + "/version")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	when, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// wantNear compares times that were read one after the other, as far apart as some
// requests on a busy machine. The clock is moved by much more.
func wantNear(t *testing.T, what string, got, want time.Time) {
	t.Helper()
	if got.Sub(want).Abs() > 5*time.Minute {
		t.Errorf("%s is %v, want about %v", what, got.UTC().Format(time.RFC3339), want.UTC().Format(time.RFC3339))
	}
}

func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not so: %s", within, what)
		}
	}
}
