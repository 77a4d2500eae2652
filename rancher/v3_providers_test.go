package rancher

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// Each version says which providers are enabled.
func TestV3Providers(t *testing.T) {
	t.Parallel()
	everyV3(t, func(t *testing.T, fake *ranchertest.V3, c *V3) {
		fake.AddProvider("openldap")
		fake.AddProvider("github")
		fake.AddProvider("okta")
		want := []V3Provider{
			{Name: "local", Type: "localProvider", Kind: ByPassword}, {Name: "openldap", Type: "openLdapProvider", Kind: ByPassword},
			{Name: "github", Type: "githubProvider", Kind: ByCode}, {Name: "okta", Type: "oktaProvider", Kind: BySAML},
		}
		got, err := c.Providers(t.Context())
		for i := range got {
			got[i].RedirectURL = ""
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
		fake.DisableProvider("openldap", true)
		fake.HideLocal(true)
		got, err = c.Providers(t.Context())
		for i := range got {
			got[i].RedirectURL = ""
		}
		if diff := cmp.Diff(want[2:], got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}

// Lists as the versions give them, and what are none.
func TestV3ProviderLists(t *testing.T) {
	t.Parallel()
	const v1, v3 = "GET /v1-public/authproviders", "GET /v3-public/authProviders"
	const collection = `{"type":"collection","resourceType":"authProvider","data":[
		{"actions":{"login":"https://rancher.example/v3-public/githubProviders/github?action=login"},"baseType":"authProvider","id":"github","type":"githubProvider",
			"redirectUrl":"https://github.com/login/oauth/authorize?client_id=a"},
		{"actions":null,"id":"next","type":"nextProvider"},{"id":"not a name","type":"x"},{"id":"a","type":"../x"},{"type":"x"},{"id":"x"}]}`
	want := []V3Provider{
		{Name: "github", Type: "githubProvider", Kind: ByCode, RedirectURL: "https://github.com/login/oauth/authorize?client_id=a"},
		{Name: "next", Type: "nextProvider"},
	}
	for _, test := range []struct {
		name   string
		v1, v3 http.HandlerFunc
		want   []V3Provider
		err    error
		status int
	}{
		{"2.13 and later", says(200, "", collection), nil, want, nil, 0},
		{"2.12 and before", reply(404, "text/plain", "404 page not found"), says(200, "", collection), want, nil, 0},
		{"none", says(200, "", `{"data":[]}`), nil, nil, nil, 0},
		{"null", says(200, "", `{"data":null}`), nil, nil, nil, 0},
		{"no list", says(200, "", `{}`), nil, nil, ErrNotRancher, 200},
		{"of other things", says(200, "", `{"data":[7]}`), nil, nil, ErrNotRancher, 200},
		{"half", says(200, "", `{"data":[{"id":"local","type":"localProvider"}`), nil, nil, ErrNotRancher, 200},
		{"neither", reply(404, "text/plain", "nothing here"), reply(404, "text/plain", "nothing here"), nil, ErrNotRancher, 404},
		{"away", says(503, "", `{}`), nil, nil, ErrUnavailable, 503},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answers := map[string]http.HandlerFunc{v1: test.v1}
			if test.v3 != nil {
				answers[v3] = test.v3
			}
			c, _ := script(t, answers)
			got, err := c.Providers(t.Context())
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if test.err != nil {
				checkV3Error(t, err, test.err, test.status, "rancher: list the providers: ")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
