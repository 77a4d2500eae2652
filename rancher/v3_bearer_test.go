package rancher

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
)

func jwtOf(claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + enc([]byte(claims)) + "." + enc([]byte("signature"))
}

func TestParseV3(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]V3Bearer{
		"token-5lwps:" + secret54:                           {Name: "token-5lwps"},
		"ext/token-5lwps:" + secret54:                       {Name: "token-5lwps", Ext: true},
		"kubeconfig-user-abcde.c-m-abcdef12x4p:" + secret54: {Name: "kubeconfig-user-abcde.c-m-abcdef12x4p"},
		"kubeconfig-u-xxxxx:" + secret54:                    {Name: "kubeconfig-u-xxxxx"},
		"agent-1:" + secret54:                               {Name: "agent-1"},
		"compose-token-1:" + secret54:                       {Name: "compose-token-1"},
		jwtOf(`{"iss":"https://rancher.example/oidc","token":"token-5lwps","exp":1}`):  {Name: "token-5lwps", JWT: true},
		jwtOf(`{"iss":"https://rancher.example/oidc","token":"token-5lwps:hunter2"}`):  {JWT: true},
		jwtOf(`{"iss":"https://rancher.example/oidc","token":["a"]}`):                  {JWT: true},
		jwtOf(`{"iss":"` + strings.Repeat("x", 4000) + `","token":"kubeconfig-u-xx"}`): {Name: "kubeconfig-u-xx", JWT: true},
	} {
		got, err := ParseV3(token.NewSecret(text))
		if err != nil || got.Name != want.Name || got.Ext != want.Ext || got.JWT != want.JWT {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if !want.JWT && got.Key.Reveal() != secret54 || want.JWT && !got.Key.IsZero() {
			t.Errorf("%s: key %q", text, got.Key.Reveal())
		}
		if printed := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(printed, secret54) {
			t.Error(printed)
		}
	}
	for text, want := range map[string]string{
		"":                              "it is empty",
		"hunter2":                       "it has no colon between a name and a secret: was it cut off?",
		"token-5lwps":                   "it has no colon between a name and a secret: was it cut off?",
		"token-5lwps:":                  "there is no secret behind the colon: was it cut off?",
		":hunter2":                      "there is no name before the colon",
		"ext/:hunter2":                  "there is no name before the colon",
		"a:token-5lwps:hunter2":         "it has more than one colon: was something put before or behind it?",
		"Bearer token-5lwps:hunter2":    "it begins with the word Bearer, which belongs to the header: leave that off",
		"bearer token-5lwps:hunter2":    "it begins with the word Bearer, which belongs to the header: leave that off",
		"token-5lwps:hunter2\n":         "there is white space in it, perhaps at its end: remove it",
		" token-5lwps:hunter2":          "there is white space in it, perhaps at its end: remove it",
		"token-5lwps:hunter2\x00":       "it has characters in it that no token has",
		"token-5lwps:hunté":             "it has characters in it that no token has",
		"TOKEN:hunter2":                 "what stands before the colon is no name",
		"other/token-5lwps:hunter2":     "what stands before the colon is no name",
		"-a:hunter2":                    "what stands before the colon is no name",
		"token-5lwps:hunter2/hunter2":   "what stands behind the colon has characters in it that no secret has",
		"a:" + strings.Repeat("x", 511): "it has 513 bytes, and none has more than 512",
		strings.Repeat("x", 70_000):     "it is longer than any token",
		"eyJhbGciOiJSUzI1NiJ9.x":        "it has no colon between a name and a secret: was it cut off?",
	} {
		_, err := ParseV3(token.NewSecret(text))
		if err == nil || err.Error() != "rancher: this is no token of Rancher 2.x: "+want {
			t.Errorf("%.80s: %v", text, err)
		}
	}
}

// Nothing that is given out of a token is its secret, and what is taken apart can
// be put together again.
func FuzzParseV3(f *testing.F) {
	for _, text := range []string{"", "token-5lwps:" + secret54, "ext/token-5lwps:" + secret54, "a:b:c", "Bearer a:b", jwtOf(`{"token":"token-5lwps"}`), "ext/ext/a:b", ":", "a:", ":b", "a:b\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := ParseV3(token.NewSecret(text))
		if err != nil {
			if b.Name != "" || !b.Key.IsZero() || b.Ext || b.JWT {
				t.Errorf("%+v with %v", b, err)
			}
			if secret := strings.TrimSpace(text); len(secret) > 30 && strings.Contains(err.Error(), secret[:30]) {
				t.Errorf("the error repeats it: %v", err)
			}
			return
		}
		if b.Name != "" && !isName(b.Name) {
			t.Errorf("%q is no name", b.Name)
		}
		if b.JWT {
			return
		}
		again := b.Name + ":" + b.Key.Reveal()
		if b.Ext {
			again = "ext/" + again
		}
		if again != text {
			t.Errorf("%q became %q", text, again)
		}
	})
}
