package dashboard_test

import (
	"encoding/json"
	"testing"

	"github.com/tokenlife/tokenlife/session/dashboard"
)

// Of a kubeconfig there is the current context's user, as the Modes allow, and
// nothing else.
func TestKubeconfig(t *testing.T) {
	t.Parallel()
	const notEnabled, nothing, notJSON = "Not enough data to create authenticator.", "Not enough data to create auth info structure.", "the request body is not JSON that can be read in one way"
	const noContext = "Context matching current context not found. Check if your config file is valid."
	const noUser = "User matching current context user not found. Check if your config file is valid."
	both, basic := []string{"token", "basic"}, []string{"basic"}
	const contexts = `"contexts":[{"context":{"cluster":"x","user":"u"},"name":"c"},{"name":"d","context":{"user":"v"}}]`
	users := func(user string) string {
		return `{"apiVersion":"v1","kind":"Config","current-context":"c","clusters":[{"name":"x","cluster":{"server":"https://x"}}],` + contexts +
			`,"users":[{"name":"v","user":{"token":"bad"}},{"name":"u","user":` + user + `}]}`
	}
	for _, test := range []struct {
		name  string
		modes []string
		text  string
		want  string // the credential sealed
		fails string
	}{
		{"token", nil, users(`{"token":"good"}`), `{"LocationOfOrigin":"","token":"good"}`, ""},
		{"blanks before it", nil, "\n " + users(`{"token":"good"}`), `{"LocationOfOrigin":"","token":"good"}`, ""},
		{"a token comes before a name", both, users(`{"token":"good","username":"mira","password":"sesame"}`), `{"LocationOfOrigin":"","token":"good"}`, ""},
		{"unless it is not enabled", basic, users(`{"token":"good","username":"mira","password":"sesame"}`), `{"LocationOfOrigin":"","username":"mira","password":"sesame"}`, ""},
		{"a token that is not enabled", basic, users(`{"token":"good"}`), "", notEnabled},
		{"a name that is not enabled", nil, users(`{"username":"mira","password":"sesame"}`), "", notEnabled},
		{"a name without a password", both, users(`{"username":"mira"}`), "", nothing},
		{"a command", both, users(`{"exec":{"command":"touch","args":["/tmp/x"]}}`), "", nothing},
		{"a file", both, users(`{"tokenFile":"/etc/passwd"}`), "", nothing},
		{"a certificate", both, users(`{"client-certificate-data":"x","client-key-data":"x"}`), "", nothing},
		{"an ID token", both, users(`{"auth-provider":{"name":"oidc","config":{"id-token":"good"}}}`), "", nothing},
		{"nulls", both, users(`{"token":null,"username":null}`), "", nothing},
		{"another case", nil, users(`{"Token":"good"}`), "", nothing},
		{"no such user", nil, `{"current-context":"c",` + contexts + `}`, "", noUser},
		{"no current context", nil, `{` + contexts + `,"users":[{"name":"u","user":{"token":"good"}}]}`, "", noContext},
		{"no such context", nil, `{"current-context":"e",` + contexts + `,"users":[{"name":"","user":{"token":"good"}}]}`, "", noContext},
		{"a context without a user", nil, `{"current-context":"c","contexts":[{"name":"c"}],"users":[{"name":"","user":{"token":"good"}}]}`, "", noContext},
		{"two users of one name", nil, `{"current-context":"c",` + contexts + `,"users":[{"name":"u","user":{"token":"good"}},{"name":"u","user":{"token":"bad"}}]}`, "", notJSON},
		{"two tokens", nil, users(`{"token":"good","token":"bad"}`), "", notJSON},
		{"a token that is no text", nil, users(`{"token":["good"]}`), "", notJSON},
		{"users that are none", nil, `{"current-context":"c","users":{"u":{}}}`, "", notJSON},
		{"cut off", nil, users(`{"token":"good"}`)[:100], "", notJSON},
	} {
		d := newSite(func(s *dashboard.Server) { s.Modes = test.modes })
		body, _ := json.Marshal(map[string]string{"kubeConfig": test.text})
		got := d.login(string(body))
		if test.want != "" {
			same(t, test.name, test.want, opened(t, keyA(), sessionIn(t, got), noon).Credential.Reveal())
			continue
		}
		status := 500
		if test.fails == notJSON {
			status = 400
		}
		d.refusesWith(t, test.name, got, status, test.fails, nil)
	}
}
