package rancher

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// v2betaAnswer returns an answer with a body.
func v2betaAnswer(body string) *answer {
	return &answer{op: "test", from: "GET https://rancher.example", status: 200, header: http.Header{}, body: body}
}

// What a real 1.6 server answered to a login is read, and written again, to the
// same bytes: no member is lost, and none takes the place of another.
func TestV2BetaTokenRoundTrip(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile("testdata/v2beta_login.response.json")
	if err != nil {
		t.Fatal(err)
	}
	tok, err := parseV2BetaToken(v2betaAnswer(string(golden)))
	if err != nil {
		t.Fatal(err)
	}
	var again strings.Builder
	e := json.NewEncoder(&again)
	e.SetEscapeHTML(false)
	if err := e.Encode(tok); err != nil {
		t.Fatal(err)
	}
	// It does not print its secret, not even here.
	got := strings.Replace(strings.TrimSuffix(again.String(), "\n"), `"[redacted]"`, `"`+tok.JWT.Reveal()+`"`, 1)
	if diff := cmp.Diff(string(golden), got); diff != "" {
		t.Errorf("(-golden +again):\n%s", diff)
	}
}

// So is what we sent, which is what the UI sends.
func TestV2BetaLoginBodyRoundTrip(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile("testdata/v2beta_login.request.json")
	if err != nil {
		t.Fatal(err)
	}
	var sent struct{ Code, AuthProvider string }
	if err := json.Unmarshal(golden, &sent); err != nil {
		t.Fatal(err)
	}
	username, password, _ := strings.Cut(sent.Code, ":")
	again, err := v2betaLoginBody(Credentials{Provider: sent.AuthProvider, Username: username, Password: token.NewSecret(password)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(golden), again); diff != "" {
		t.Errorf("(-golden +again):\n%s", diff)
	}
}

// What is wrong in an answer is named by the member, and never by its value.
func TestV2BetaDecodeErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ body, want string }{
		{`{"type":"token","jwt":12345}`, "jwt is not of the kind that it should be"},
		{`{"type":"token","userIdentity":{"login":12345}}`, "userIdentity.login is not of the kind that it should be"},
		{`{"type":"token","security":"12345"}`, "security is not of the kind that it should be"},
		{`{"type":"token","jwt":"[redacted]"}`, "something in it is not of the kind that it should be"},
		{`12345`, "something in it is not of the kind that it should be"},
		{`{"type":"12345"}`, "it is not of the type token"},
		{`{}`, "it is not of the type token"},
		{`{"type":"token","jwt":"a","jwt":"b"}`, "a name that occurs twice in one object, perhaps in another case (byte 26)"},
		{`{"type":"token"`, "an end in the middle (byte 15)"},
	} {
		_, err := parseV2BetaToken(v2betaAnswer(test.body))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %q", test.body, err, test.want)
		}
	}
}
