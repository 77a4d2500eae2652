package rancher

import (
	"context"
	"errors"
	"net/http"

	"github.com/tokenlife/tokenlife/token"
)

// Setting reads a setting, such as "auth-token-max-ttl-minutes" (GET
// /v3/settings/NAME). Any user may.
func (c *V3) Setting(ctx context.Context, name string) (Setting, error) {
	if err := checkName("setting", name); err != nil {
		return Setting{}, call{op: "read a setting"}.fail(err)
	}
	a, err := c.call(ctx, token.Token{}, call{op: "read the setting " + name, method: http.MethodGet, path: "/v3/settings/" + name})
	if err != nil {
		return Setting{}, err
	}
	s, err := readSetting(a)
	if err == nil && s.Name != name {
		err = errors.New("id: it is another setting's")
	}
	if err != nil {
		return Setting{}, a.unreadable(err)
	}
	return s, nil
}

// readSetting reads a setting.
func readSetting(a *answer) (Setting, error) {
	var s Setting
	r := a.reader()
	for name := range r.Object() {
		switch name {
		case "id":
			s.Name = text(&r)
		case "value":
			s.Value = text(&r)
		case "default":
			s.Default = text(&r)
		case "source":
			s.Source = text(&r)
		case "customized":
			s.Customized = boolean(&r, false)
		}
	}
	return s, r.End()
}
