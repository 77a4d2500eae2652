package rancher

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/internal/strictjson"
	"github.com/tokenlife/tokenlife/token"
)

// v2betaExpiry is the setting that says how long tokens are good, in
// milliseconds.
const v2betaExpiry = "api.auth.jwt.token.expiry"

// Setting reads a setting (GET /v2-beta/settings/NAME), such as
// "api.auth.jwt.token.expiry", with a token of c.Source. An error that matches
// [ErrNotFound] or [ErrForbidden] says that it is not for this user to see:
// administrators see all, others those that settings.public lists.
func (c *V2Beta) Setting(ctx context.Context, name string) (s Setting, err error) {
	err = withOwn(ctx, "V2Beta", c.Source, settingCall(name), func(tok token.Token) (err error) {
		s, err = c.setting(ctx, name, tok)
		return err
	})
	return s, err
}

// settingCall returns the call that reads a setting, except for the credential.
func settingCall(name string) call {
	return call{
		op:     "read the setting " + foreign.Brief(name, 100),
		method: http.MethodGet,
		path:   "/v2-beta/settings/" + name,
		header: v2betaHeader(),
	}
}

// setting reads a setting with a token.
func (c *V2Beta) setting(ctx context.Context, name string, tok token.Token) (Setting, error) {
	ask := settingCall(name)
	if !isV2BetaName(name) {
		return Setting{}, ask.fail(errors.New("no setting has that name: names have letters, digits, dots, hyphens and underscores"))
	}
	text, err := v2betaText(tok.Value)
	if err != nil {
		return Setting{}, ask.fail(err)
	}
	ask.present = func(r *http.Request) { setV2BetaCookie(r, text) }
	a, err := c.Server.do(ctx, ask)
	if err != nil {
		return Setting{}, err
	}
	if a.status != http.StatusOK {
		return Setting{}, v2betaError(a)
	}
	s, err := parseV2BetaSetting(a, name)
	if err != nil {
		return Setting{}, a.unreadable(err)
	}
	return s, nil
}

// isV2BetaName reports whether a setting can have that name.
func isV2BetaName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("._-", c) >= 0 && i > 0:
		default:
			return false
		}
	}
	return name != "" && len(name) <= 200
}

// parseV2BetaSetting reads the resource setting called name. What is in force is
// its activeValue; its value is what has been asked for.
func parseV2BetaSetting(a *answer, name string) (Setting, error) {
	var kind, id, value, active string
	var isActive bool
	s := Setting{Name: name}
	r := a.reader()
	for member := range r.Object() {
		switch member {
		case "type":
			kind = text(&r)
		case "id", "name":
			if t := text(&r); t != "" {
				id = t
			}
		case "value":
			value = text(&r)
		case "activeValue":
			isActive = r.Kind() == strictjson.String
			active = text(&r)
		case "source":
			s.Source = foreign.Brief(text(&r), 100)
		case "inDb":
			if r.Kind() == strictjson.Bool {
				s.Customized = r.Bool()
			}
		}
	}
	if err := r.End(); err != nil {
		return Setting{}, err
	}
	if kind != "setting" && kind != "activeSetting" || !strings.EqualFold(id, name) {
		return Setting{}, errors.New("it is not the setting that was asked for")
	}
	s.Value = value
	if isActive {
		s.Value = active
	}
	return s, nil
}
