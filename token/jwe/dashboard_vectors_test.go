package jwe_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A vector is a token of an unmodified Kubernetes Dashboard v2.7.0, and what
// that said of it.
type vector struct {
	Name             string
	PrivateKeyPEM    string `json:"privateKeyPem"`
	OtherKeyPEM      string `json:"encryptedWithPrivateKeyPem"`
	Token, Plaintext string
	AAD              struct{ Exp, Iat string } `json:"aadDecoded"`
	Generated        time.Time                 `json:"generatedAt"`
	Observed         map[string]struct {
		OK     bool
		Error  string
		Status int `json:"loginOrRefreshHttpStatus"`
	} `json:"observedWithPrivateKeyPem"`
}

func vectors(t testing.TB) (all []vector) {
	t.Helper()
	files, err := filepath.Glob("testdata/dashboard/*.json")
	if err != nil || len(files) != 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v vector
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, v)
	}
	return all
}

func parseKeys(t testing.TB, pem ...string) jwt.Keys {
	t.Helper()
	keys, err := jwt.ParseKeys([]byte(strings.Join(pem, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func at(now time.Time) func() time.Time { return func() time.Time { return now } }

// All that the Dashboard said of its tokens, with and without --token-ttl=900,
// when decrypting and when refreshing.
func TestDashboardVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		for observation, said := range v.Observed {
			t.Run(v.Name+"/"+observation, func(t *testing.T) {
				t.Parallel()
				ttl := 900 * time.Second
				if strings.Contains(observation, "ttl 0") {
					ttl = -1
				}
				d := &jwe.Dashboard{Keys: parseKeys(t, v.PrivateKeyPEM), TTL: ttl, Now: at(v.Generated)}
				s, err := d.Open(t.Context(), token.NewSecret(v.Token))

				var want error
				switch said.Error {
				case "":
				case "MSG_TOKEN_EXPIRED_ERROR":
					want = token.ErrExpired
				case "square/go-jose: error in cryptographic primitive":
					want = token.ErrSignature
				default:
					t.Fatalf("what is %q?", said.Error)
				}
				if said.OK != (want == nil) || !errors.Is(err, want) {
					t.Fatalf("%v, want %v", err, want)
				}
				if want != nil {
					if diff := cmp.Diff(jwe.DashboardSession{}, s); diff != "" {
						t.Errorf("beside the error (-want +got):\n%s", diff)
					}
					return
				}
				got := []string{s.Credential.Reveal(), format(s.Expiry), format(s.IssuedAt)}
				if diff := cmp.Diff([]string{v.Plaintext, v.AAD.Exp, v.AAD.Iat}, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				// As refreshed: another token, the same in form and content.
				again, err := d.Seal(t.Context(), s.Credential)
				if err != nil {
					t.Fatal(err)
				}
				if s, err := d.Open(t.Context(), again); err != nil || s.Credential.Reveal() != v.Plaintext {
					t.Errorf("refreshed: %v", err)
				}
			})
		}
	}
}

func format(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// Keys are tried one after the other, as a Dashboard cannot: the token whose key
// was replaced opens with the one before.
func TestDashboardPreviousKey(t *testing.T) {
	t.Parallel()
	v := vectors(t)[4]
	for _, keys := range []jwt.Keys{
		parseKeys(t, v.PrivateKeyPEM, v.OtherKeyPEM),
		parseKeys(t, v.OtherKeyPEM),
	} {
		d := &jwe.Dashboard{Keys: keys, Now: at(v.Generated)}
		if s, err := d.Open(t.Context(), token.NewSecret(v.Token)); err != nil || s.Credential.Reveal() != v.Plaintext {
			t.Errorf("%d keys: %v", len(keys), err)
		}
	}
}

// To the nanosecond, exp is the last moment of a token's life.
func TestDashboardExpiry(t *testing.T) {
	t.Parallel()
	v := vectors(t)[0]
	exp, err := time.Parse(time.RFC3339, v.AAD.Exp)
	if err != nil {
		t.Fatal(err)
	}
	iat := exp.Add(-900 * time.Second)
	const minute = time.Minute
	for _, test := range []struct {
		name           string
		now            time.Time
		leeway, maxAge time.Duration
		want           error
	}{
		{name: "at exp", now: exp},
		{name: "after exp", now: exp.Add(1), want: token.ErrExpired},
		{name: "at exp with leeway", now: exp.Add(minute), leeway: minute},
		{name: "after exp with leeway", now: exp.Add(minute + 1), leeway: minute, want: token.ErrExpired},
		{name: "negative leeway", now: exp, leeway: -minute},
		{name: "at iat", now: iat},
		{name: "by a clock that is a little ahead", now: iat.Add(-30 * time.Second)},
		{name: "by a clock that is ahead", now: iat.Add(-30*time.Second - 1), want: token.ErrNotYetValid},
		{name: "by a clock that is ahead by the leeway", now: iat.Add(-minute), leeway: minute},
		{name: "as old as may be", now: iat.Add(minute), maxAge: minute},
		{name: "too old", now: iat.Add(minute + 1), maxAge: minute, want: token.ErrExpired},
	} {
		d := &jwe.Dashboard{Keys: parseKeys(t, v.PrivateKeyPEM), Leeway: test.leeway, MaxAge: test.maxAge, Now: at(test.now)}
		_, err := d.Open(t.Context(), token.NewSecret(v.Token))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if e, ok := errors.AsType[*token.TimeError](err); ok {
			want := token.TimeError{Claim: "exp", Limit: exp, Now: test.now, Leeway: max(0, test.leeway)}
			switch {
			case test.maxAge > 0:
				want = token.TimeError{Claim: "iat", Limit: iat.Add(test.maxAge), Now: test.now}
			case test.want == token.ErrNotYetValid:
				want = token.TimeError{Claim: "iat", Limit: iat, Now: test.now, Leeway: 30 * time.Second}
			}
			if diff := cmp.Diff(want, *e); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
		} else if test.want != nil {
			t.Errorf("%s: no TimeError: %v", test.name, err)
		}
	}
}

// With a real clock, the token that lives for ten years.
func TestDashboardNow(t *testing.T) {
	t.Parallel()
	v := vectors(t)[5]
	d := &jwe.Dashboard{Keys: parseKeys(t, v.PrivateKeyPEM)}
	_, err := d.Open(t.Context(), token.NewSecret(v.Token))
	if iat := v.Generated.Truncate(time.Second); time.Now().Before(iat.Add(-30 * time.Second)) {
		if !errors.Is(err, token.ErrNotYetValid) {
			t.Errorf("before it was issued: %v", err)
		}
	} else if err != nil && time.Now().Before(iat.AddDate(9, 0, 0)) {
		t.Error(err)
	}
}
