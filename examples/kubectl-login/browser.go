package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// askBrowser goes through the authorization code flow, with PKCE (RFC 7636) and a
// redirect to this machine (RFC 8252).
func (g *getter) askBrowser(ctx context.Context, p oauth2adapt.Provider, config *oauth2.Config) (pair refresh.Pair, err error) {
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	back, err := listen(g.listen, state, p)
	if err != nil {
		return refresh.Pair{}, err
	}
	defer func() { back.close(err == nil) }()
	config.RedirectURL = back.url
	params := append(g.lasting(), oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", nonce))
	g.open(ctx, config.AuthCodeURL(state, params...))
	code, err := back.wait(ctx)
	if err != nil {
		return refresh.Pair{}, err
	}
	tok, err := config.Exchange(g.oauth2(ctx), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return refresh.Pair{}, refusal(err)
	}
	return g.accept(ctx, tok, nonce)
}

// lasting returns the parameters that have an issuer give a refresh token.
func (a account) lasting() []oauth2.AuthCodeOption {
	consent := oauth2.SetAuthURLParam("prompt", "consent")
	switch {
	case slices.Contains(a.Scopes, "offline_access"):
		// OpenID Connect Core 1.0, section 11: without it the scope is ignored.
		return []oauth2.AuthCodeOption{consent}
	case a.Issuer == "https://accounts.google.com": // which has a parameter in place of the scope
		return []oauth2.AuthCodeOption{consent, oauth2.AccessTypeOffline}
	}
	return nil
}

// oauth2 returns ctx with the client that package oauth2 is to use.
func (l *login) oauth2(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, l.client())
}

// open opens url in the user's browser, and says it in case that it does not open.
func (g *getter) open(ctx context.Context, url string) {
	word := ""
	if g.browser || hasBrowser() {
		word = "a browser should open; if it does not, "
		if err := start(url); err != nil {
			word = fmt.Sprintf("no browser could be opened (%v); ", err)
		}
	}
	g.tell(ctx, word, "open this in a browser on this machine: "+url)
}

// start starts a browser.
func start(url string) error {
	cmd := opener(url)
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait()
	return nil
}

// hasBrowser reports whether there is likely to be one.
func hasBrowser() bool {
	switch {
	case os.Getenv("BROWSER") != "", runtime.GOOS == "windows", runtime.GOOS == "darwin":
		return true
	}
	return os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}

// opener returns the command that opens url.
func opener(url string) *exec.Cmd {
	switch browser := os.Getenv("BROWSER"); {
	case browser != "":
		return exec.Command(browser, url)
	case runtime.GOOS == "windows":
		return exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	case runtime.GOOS == "darwin":
		return exec.Command("open", url)
	}
	return exec.Command("xdg-open", url)
}

// refusal returns what the issuer has said, of an error of package oauth2, which may
// quote whole answers.
func refusal(err error) error {
	e, ok := asRetrieveError(err)
	if !ok {
		return err
	}
	said := brief(e.ErrorCode)
	if e.ErrorDescription != "" {
		said += ": " + brief(e.ErrorDescription)
	}
	if said == "" {
		said = "without a reason"
	}
	return fmt.Errorf("the issuer refused with status %d (%s)", e.Response.StatusCode, said)
}
