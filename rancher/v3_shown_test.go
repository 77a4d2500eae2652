package rancher

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
)

// What a server says for people to see does nothing to a terminal, and no URL is
// anything but that of a page.
func TestV3Shown(t *testing.T) {
	t.Parallel()
	const esc = `\u001b]0;x\u0007`
	for _, url := range []string{"javascript:alert(1)", "https://idp.example/" + esc, "file:///etc/passwd", "/login"} {
		body := fmt.Sprintf(`{"data":[{"id":"github","type":"githubProvider","redirectUrl":"%s"}],"idpRedirectUrl":"%[1]s"}`, url)
		c, _ := script(t, map[string]http.HandlerFunc{
			"GET /v1-public/authproviders": says(200, "", body),
			"POST /v1/logout?all":          says(200, "true", body),
		})
		if list, err := c.Providers(t.Context()); err != nil || len(list) != 1 || list[0].RedirectURL != "" {
			t.Errorf("%+v, %v", list, err)
		}
		to, err := c.LogoutAll(t.Context(), token.NewSecret("token-a:a"))
		checkV3Error(t, err, ErrNotRancher, 200, "idpRedirectUrl: no URL of a page")
		if to != "" {
			t.Errorf("%q", to)
		}
	}
	c, _ := script(t, map[string]http.HandlerFunc{
		"GET /v3/users?me=true": says(200, "true", `{"data":[{"id":"user-abcde","username":"`+esc+`","name":"`+esc+`"}]}`),
	})
	p, err := c.Probe(t.Context(), token.NewSecret("token-a:a"))
	if err != nil || !p.Live || strings.ContainsAny(p.User.Login+p.User.Name, "\x1b\x07") {
		t.Errorf("%+q, %v", p.User, err)
	}
}

// A list that goes on is given up before it fills the memory.
func TestV3TokensTooMuch(t *testing.T) {
	t.Parallel()
	page := func(next string) http.HandlerFunc {
		return says(200, "true", `{"data":[{"id":"token-a","description":"`+strings.Repeat("x", longestList/4)+`"}],"pagination":{"next":"https://rancher.example/v3/tokens?`+next+`"}}`)
	}
	answers := map[string]http.HandlerFunc{"GET /v3/tokens": page("p=0")}
	for i := range 9 {
		answers[fmt.Sprint("GET /v3/tokens?p=", i)] = page(fmt.Sprint("p=", i+1))
	}
	c, server := script(t, answers)
	c.Server.Timeout = -1 // that much takes long on a busy machine
	c.Source = token.Static(token.New(token.NewSecret("token-a:a")))
	_, err := c.Tokens(t.Context())
	checkV3Error(t, err, ErrNotRancher, 200, "the list is too long")
	if len(server.calls) > 5 {
		t.Errorf("asked %d times", len(server.calls))
	}
}
