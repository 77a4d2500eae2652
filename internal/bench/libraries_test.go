package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// All libraries are set up to check the same, or their times say nothing.
func TestVerifiersCheck(t *testing.T) {
	t.Parallel()
	good := claims()
	changed := func(old, new string) []byte {
		c := bytes.Replace(good, []byte(old), []byte(new), 1)
		if bytes.Equal(c, good) {
			t.Fatalf("no %s in the claims", old)
		}
		return c
	}
	for i, a := range algorithms() {
		token := a.token(keyID, good)
		other := a.token(keyID, changed("builder", "bvilder"))
		another := algorithms()[(i+1)%len(algorithms())]
		for _, l := range libraries() {
			verify := l.verifier(a)
			if err := verify(token); err != nil {
				t.Errorf("%s, %s: refused: %v", l.name, a.name, err)
			}
			for which, token := range map[string]string{
				"of another issuer":         a.token(keyID, changed(`"iss":"https`, `"iss":"http`)),
				"for another audience":      a.token(keyID, changed(audience+`"]`, `https://other"]`)),
				"that has expired":          a.token(keyID, changed(`"exp":`, `"exp":1,"was":`)),
				"without exp":               a.token(keyID, changed(`"exp":`, `"was":`)),
				"that is not yet valid":     a.token(keyID, changed(`"nbf":`, `"nbf":9`)),
				"with other claims":         withSegment(token, 1, strings.Split(other, ".")[1]),
				"without signature":         withSegment(token, 2, ""),
				"with another algorithm":    another.token(keyID, good),
				"with alg none":             withSegment(token, 0, encode([]byte(`{"alg":"none"}`))),
				"with a header not covered": withSegment(token, 0, encode(a.header("other"))),
			} {
				if verify(token) == nil {
					t.Errorf("%s, %s: a token %s is accepted", l.name, a.name, which)
				}
			}
		}
	}
}

func TestJudgesCheck(t *testing.T) {
	t.Parallel()
	good := claims()
	for _, l := range libraries() {
		if l.judge == nil {
			continue
		}
		for _, test := range []struct{ which, old, new string }{
			{"that is good", "", ""},
			{"of another issuer", `"iss":"https`, `"iss":"http`},
			{"for another audience", audience + `"]`, `https://other"]`},
			{"that has expired", `"exp":`, `"exp":1,"was":`},
			{"without exp", `"exp":`, `"was":`},
			{"that is not yet valid", `"nbf":`, `"nbf":9`},
		} {
			b, err := boxed(bytes.Replace(good, []byte(test.old), []byte(test.new), 1))
			if err != nil {
				t.Fatal(err)
			}
			if err := l.judge(b)(); (err == nil) != (test.old == "") {
				t.Errorf("%s: a token %s: %v", l.name, test.which, err)
			}
		}
	}
}

// withSegment returns a compact token with another segment.
func withSegment(token string, i int, segment string) string {
	segments := strings.Split(token, ".")
	segments[i] = segment
	return strings.Join(segments, ".")
}

func TestExpiryIsRead(t *testing.T) {
	t.Parallel()
	want := time.Unix(1763820925, 0)
	text := rs256().token(keyID, bytes.Replace(claims(), []byte(`"exp":`), []byte(`"exp":1763820925,"was":`), 1))
	for _, l := range libraries() {
		if exp, err := l.expiry(text); err != nil || !exp.Equal(want) {
			t.Errorf("%s: %v, %v, want %v", l.name, exp, err, want)
		}
	}
}
