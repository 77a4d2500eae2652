package rancher

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

const (
	v3Text      = "token-7d9xk:bcdfghjklmnpqrstvwxz2456789bcdfghjklmnpqrstvwxz2456789"
	v2betaWhole = "V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr"
)

// jwtText returns a JWT that says this of itself, and is signed by nobody.
func jwtText(claims string) string {
	b := base64.RawURLEncoding
	return b.EncodeToString([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + b.EncodeToString([]byte(claims)) + "." + b.EncodeToString([]byte("signature"))
}

func TestV3Form(t *testing.T) {
	t.Parallel()
	key := v3Text[len("token-7d9xk:"):]
	for _, test := range []struct {
		name, text string
		fault      string // the beginning of the cause; empty if it can be a token
		is         form
	}{
		{"whole", v3Text, "", form{name: "token-7d9xk"}},
		{"of ext.cattle.io", "ext/" + v3Text, "", form{name: "token-7d9xk", ext: true}},
		{"of a kubeconfig", "kubeconfig-u-abc12.c-m-x7:" + key, "", form{name: "kubeconfig-u-abc12.c-m-x7"}},
		{"of a name that somebody has given", "ci.deploy:" + key, "", form{name: "ci.deploy"}},
		{"short", v3Text[:40], "", form{name: "token-7d9xk", odd: "the secret is shorter than those that Rancher makes"}},
		{"long", v3Text + "b", "", form{name: "token-7d9xk", odd: "the secret is longer than those that Rancher makes"}},
		{"mistyped", "token-7d9xk:a" + key[1:], "", form{name: "token-7d9xk", odd: "the secret has characters in it that those that Rancher makes do not have"}},
		{"perhaps a user and a password", "hunter2:correct", "", form{odd: "the secret is shorter than those that Rancher makes"}},
		{"empty", "", "there is no token", form{}},
		{"a header's value", "Bearer " + v3Text, "this is a header", form{}},
		{"a header's value in another case", "bearer " + v3Text, "this is a header", form{}},
		{"a whole header", "Authorization: Bearer " + v3Text, "this is a header", form{}},
		{"a header's value that is encoded", "Basic " + base64.StdEncoding.EncodeToString([]byte(v3Text)), "this is a header", form{}},
		{"a cookie", "R_SESS=" + v3Text, "this is a header or a cookie", form{}},
		{"a line break behind it", v3Text + "\n", "there is white space", form{}},
		{"a space in it", "token-7d9xk: " + key, "there is white space", form{}},
		{"quoted", `"` + v3Text + `"`, "there are quotation marks", form{}},
		{"encoded", base64.StdEncoding.EncodeToString([]byte(v3Text)), "this is a token in base64", form{}},
		{"encoded, with the line break", base64.StdEncoding.EncodeToString([]byte(v3Text + "\n")), "this is a token in base64", form{}},
		{"without the name", key, "this is no whole token of Rancher 2.x", form{}},
		{"without the secret", "token-7d9xk", "this is the name of a token without its secret", form{}},
		{"cut off behind the colon", "token-7d9xk:", "the token is cut off", form{}},
		{"no colon", "Hunter2", "this is no token of Rancher 2.x: there is no colon", form{}},
		{"two colons", v3Text + ":x", "this is no token of Rancher 2.x: there is more than one", form{}},
		{"a name that is none", "Token_7:" + key, "this is no token of Rancher 2.x: what stands before", form{}},
		{"ext/ twice", "ext/ext/" + v3Text, "this is no token of Rancher 2.x: what stands before", form{}},
		{"of 1.6", v2betaWhole, "this is no token of Rancher 2.x: there is no colon in it, and it has the form", form{}},
		{"an API key of 1.6", "0123456789ABCDEF0123:" + v2betaWhole, "this has the form of an API key of Rancher 1.6", form{}},
		{"a JWT of somebody else", jwtText(`{"iss":"https://idp.example","exp":1790000000}`), "this is a JSON Web Token that no Rancher has", form{}},
		{"a JWT that is broken", "eyJhbGciOiJSUzI1NiJ9.e30", "this begins as a JSON Web Token", form{}},
		{"a JWT of Rancher's own", jwtText(`{"iss":"https://rancher.example/oidc","iat":1790000000,"exp":1790003600,"token":"token-7d9xk"}`), "",
			form{name: "token-7d9xk", life: life{created: time.Unix(1790000000, 0).UTC(), granted: time.Hour, from: "the claims iat and exp"}}},
		{"a JWT that names what can be none", jwtText(`{"iss":"https://rancher.example/oidc","iat":1790000000,"exp":1790003600,"token":"../hunter2"}`), "",
			form{life: life{created: time.Unix(1790000000, 0).UTC(), granted: time.Hour, from: "the claims iat and exp"}}},
		{"too long", strings.Repeat("x", 2<<20), "this is no token", form{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := v3Form(token.NewSecret(test.text), "https://rancher.example")
			checkForm(t, got, test.is, test.fault)
		})
	}
}

func TestV2BetaForm(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text, fault string
		is                form
	}{
		{"whole", v2betaWhole, "", form{}},
		{"mistyped", "0" + v2betaWhole[1:], "", form{odd: "it has characters in it that those that Rancher gives out do not have"}},
		{"empty", "", "there is no token", form{}},
		{"a header's value", "Bearer " + v2betaWhole, "this is a header", form{}},
		{"a cookie", "token=" + v2betaWhole, "this is a header or a cookie", form{}},
		{"a line break behind it", v2betaWhole + "\r\n", "there is white space", form{}},
		{"short", v2betaWhole[:39], "this is no whole token of Rancher 1.6", form{}},
		{"long", v2betaWhole + "x", "this is no token of Rancher 1.6: those have 40", form{}},
		{"of 2.x", v3Text, "this has the form of a token of Rancher 2.x", form{}},
		{"of ext.cattle.io", "ext/" + v3Text, "this has the form of a token of Rancher 2.x", form{}},
		{"an API key", "0123456789ABCDEF0123:" + v2betaWhole, "this has the form of an API key", form{}},
		{"a JWT", jwtText(`{"sub":"hostUuid"}`), "this is a JSON Web Token", form{}},
		{"what no cookie carries", "V1dMyPArix5nN1jxiA6Ddzsqd;itDJhZuBR3vZNr", "this is no token of Rancher 1.6: it has characters", form{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			checkForm(t, v2betaForm(token.NewSecret(test.text)), test.is, test.fault)
		})
	}
}

func checkForm(t *testing.T, got, want form, fault string) {
	t.Helper()
	switch {
	case got.fault == nil && fault != "":
		t.Errorf("nothing is wrong with it, want %q", fault)
	case got.fault != nil && (fault == "" || !strings.HasPrefix(got.fault.Cause, fault)):
		t.Errorf("%q, want %q", got.fault.Cause, fault)
	case got.fault != nil && (!got.fault.Certain || got.fault.Remedy == "" || len(got.fault.Evidence) == 0):
		t.Errorf("%+v: want it certain, with a remedy and evidence", got.fault)
	}
	got.fault = nil
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// FuzzForms looks for texts that something panics at, or that are repeated.
func FuzzForms(f *testing.F) {
	for _, seed := range []string{"", v3Text, "ext/" + v3Text, v2betaWhole, "Bearer " + v3Text, "token-7d9xk:short", "a:b:c", "\x00", jwtText(`{"iss":"https://rancher.example/oidc","exp":1}`), "hunter2:correct"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		secret := token.NewSecret(text)
		for _, got := range []form{v3Form(secret, "https://rancher.example"), v2betaForm(secret)} {
			if got.name != "" && (!isName(got.name) || got.odd != "" && !isGenerated(got.name)) {
				t.Errorf("%q is taken for a name", got.name)
			}
			if got.fault == nil {
				continue
			}
			// A JWT's issuer is repeated, and that is no secret.
			if said := fmt.Sprint(got.fault.Cause, got.fault.Remedy, got.fault.Evidence[0].What, got.fault.Evidence[0].Value); !isJWT(secret) && len(text) > 24 && !strings.Contains(said, text[:12]) && strings.Contains(said, text[12:]) {
				t.Errorf("%q repeats what it is about", said)
			}
			if len(got.fault.Evidence[0].Value) > 200 {
				t.Error("what is said is longer than anybody reads")
			}
		}
	})
}
