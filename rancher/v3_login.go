package rancher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// Login logs in by the provider that c names: with a user and a password, or,
// where it is OAuth, with the authorization code. For SAML there is [V3.SAML].
//
// The token lives as long as the server's setting auth-user-session-ttl-minutes
// says, 16 hours if nobody has changed it; ExpiresIn is zero, and so is Expiry,
// if that is for ever.
func (c *V3) Login(ctx context.Context, cr Credentials) (Login, error) {
	const op = "log in"
	description, err := describe(cr.Description)
	if err != nil {
		return Login{}, call{op: op}.fail(err)
	}
	p, err := c.provider(ctx, op, cr.Provider)
	if err != nil {
		return Login{}, err
	}
	body, err := loginBody(p, cr, description)
	if err != nil {
		return Login{}, call{op: op}.fail(err)
	}
	a, err := c.public(func(old bool) (*answer, error) {
		path := "/v1-public/login"
		if old {
			path = c.loginPath(ctx, op, p)
		}
		return c.Server.do(ctx, call{op: op, method: http.MethodPost, path: path, body: body})
	})
	if err != nil {
		return Login{}, err
	}
	if err := v3LoginCheck(a, p); err != nil {
		return Login{}, err
	}
	return c.loggedIn(ctx, a, p)
}

// A loginRequest is the body of a login. The server throws a ttl away.
type loginRequest struct {
	Type         string `json:"type"`
	Username     string `json:"username,omitempty"`
	Password     string `json:"password,omitempty"`
	Code         string `json:"code,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	ResponseType string `json:"responseType"`
	Description  string `json:"description"`
}

func loginBody(p V3Provider, cr Credentials, description string) (string, error) {
	b := loginRequest{Type: p.Type, ResponseType: "json", Description: description}
	byCode := p.Kind == ByCode || p.Kind == "" && !(cr.Code.IsZero() && cr.IDToken.IsZero())
	switch {
	case p.Kind == BySAML:
		return "", fmt.Errorf("the provider %s wants a browser: use V3.SAML", p.Name)
	case byCode && cr.Code.IsZero() && cr.IDToken.IsZero():
		return "", fmt.Errorf("the provider %s wants an authorization code: set Credentials.Code", p.Name)
	case byCode:
		b.Code, b.IDToken = cr.Code.Reveal(), cr.IDToken.Reveal()
	case cr.Username == "":
		return "", errors.New("Credentials.Username is empty: set it")
	case cr.Password.IsZero():
		return "", errors.New("Credentials.Password is empty: set it")
	default:
		b.Username, b.Password = cr.Username, cr.Password.Reveal()
	}
	body, err := json.Marshal(b)
	if err != nil {
		return "", errors.New("the credentials cannot be written as JSON")
	}
	return string(body), nil
}

// longestDescription is what anybody would look at.
const longestDescription = 512

// describe returns the description for a token that is asked for with one.
func describe(description string) (string, error) {
	switch {
	case description == "":
		return "tokenlife", nil
	case len(description) > longestDescription:
		return "", fmt.Errorf("the Description has %d bytes: %d is the most", len(description), longestDescription)
	case !utf8.ValidString(description):
		return "", errors.New("the Description is not UTF-8")
	}
	return description, nil
}

// v3LoginCheck returns what the answer to a login means.
func v3LoginCheck(a *answer, p V3Provider) error {
	said := read(a)
	if !said.isError || said.code == "InvalidCSRFToken" {
		return v3Check(a)
	}
	switch a.status {
	case http.StatusUnauthorized:
		return a.failed(ErrCredentials, "correct the user, the password or the code; that of a user who is not known is refused alike")
	case http.StatusForbidden:
		return a.failed(ErrNoAccess, "have the user enabled (Users & Authentication, Users), or admitted by the provider's site access")
	case http.StatusNotFound:
		return a.failed(ErrProvider, fmt.Sprintf("the provider %s is disabled, hidden, or not one of this server's: Providers lists those that are", p.Name))
	case http.StatusInternalServerError:
		return a.failed(ErrUnavailable, fmt.Sprintf("can the server reach the provider %s? The log of Rancher says", p.Name))
	}
	return v3Check(a)
}

// readLogin reads the answer to a login. That is, from 2.13 on, a short one, and
// before that all that the server keeps of the token. Rancher is about to make the
// tokens of logins ones of ext.cattle.io, and then it is all of such a one
// (rancher/rancher#55988).
func readLogin(a *answer) (v3Record, error) {
	r := a.reader()
	if strings.HasPrefix(member(&r, "apiVersion"), "ext.cattle.io/") {
		return parseExt(a)
	}
	return readToken(a)
}

// loggedIn returns the token that a login brought.
func (c *V3) loggedIn(ctx context.Context, a *answer, p V3Provider) (Login, error) {
	t, err := readLogin(a)
	if err != nil {
		return Login{}, a.unreadable(err)
	}
	if t.secret.IsZero() {
		return Login{}, a.unreadable(errors.New("token: missing"))
	}
	if t.Provider == "" {
		t.Provider = p.Name
	}
	login := Login{Name: t.Name, User: User{ID: t.UserID, Provider: t.Provider}, Token: t.token(a)}
	login.User.addPrincipal(t.principal)
	if t.hasLifetime || !t.ExpiresAt.IsZero() {
		return login, nil
	}
	// The short answer says that it is for ever.
	return c.completed(ctx, login), nil
}

// completed returns a login with what the server keeps of its token. If that
// cannot be had, the login is one all the same.
func (c *V3) completed(ctx context.Context, l Login) Login {
	if t, err := c.get(ctx, l.Token, l.Name); err == nil {
		l.User.ID = t.UserID
		l.Token.IssuedAt, l.Token.Expiry, l.Token.ExpiresIn = t.Created, t.ExpiresAt, t.ExpiresIn
	}
	return l
}
