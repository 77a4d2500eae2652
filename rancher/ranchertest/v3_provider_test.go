package ranchertest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// live reports whether p's token is good.
func (p person) live() bool {
	p.Helper()
	switch r := p.asks("GET /v3/users?me=true", ""); r.status {
	case 200:
		return true
	case 401:
	default:
		p.Errorf("%d", r.status)
	}
	return false
}

func TestV3Provider(t *testing.T) {
	t.Parallel()
	// What becomes of a session, an API key, a kubeconfig and two ext tokens.
	type life struct{ session, key, kubeconfig, ext, extSession bool }
	for _, tt := range []struct {
		row     string
		version string
		happens func(*ranchertest.V3)
		then    life                  // while it lasts
		undo    func(*ranchertest.V3) // nil: it cannot be
		after   life
		listed  int // tokens that are left of the 5
	}{
		{"no access: sessions deleted, derived disabled", "v2.13.0", func(s *ranchertest.V3) { s.NoAccess("eve") }, life{}, nil, life{}, 3},
		{"disabled user: legacy tokens come back, ext tokens do not", "v2.12.0", func(s *ranchertest.V3) { s.DisableUser("eve", true) }, life{},
			func(s *ranchertest.V3) { s.DisableUser("eve", false) }, life{session: true, key: true, kubeconfig: true}, 4},
		{"deleted user: all deleted", "v2.13.0", func(s *ranchertest.V3) { s.DeleteUser("eve") }, life{}, nil, life{}, 0},
		{"disabled provider: 401, and all come back", "v2.13.0", func(s *ranchertest.V3) { s.DisableProvider("openldap", true) }, life{},
			func(s *ranchertest.V3) { s.DisableProvider("openldap", false) }, life{true, true, true, true, true}, 5},
		{"disabled provider, cleaned up: deleted, and re-enabling restores none", "v2.13.0",
			func(s *ranchertest.V3) { s.DisableProvider("openldap", true); s.CleanUpProvider("openldap") }, life{},
			func(s *ranchertest.V3) { s.DisableProvider("openldap", false) }, life{}, 0},
	} {
		t.Run("B.10 "+tt.row, func(t *testing.T) {
			t.Parallel()
			s, admin, _, _ := noon2x(t, tt.version)
			admin.TB = t
			s.AddCluster("c-m-x")
			login := `{"username":"eve","password":"adam","responseType":"json"}`
			eve := person{t, s, s.AddProviderUser("openldap", "eve", "adam"), ""}
			session := eve.with(eve.text(eve.asks("POST /v3-public/openLdapProviders/openldap?action=login", login), "token"))
			key, ext := session.derives(), session.makesExt()
			extSession := session.with(session.extOf(session.asks("POST "+extTokens, tokenSpec(`"kind":"session"`))))
			session.gets("POST /v3/clusters/c-m-x?action=generateKubeconfig", "", 200, "")
			kubeconfig := session.with(bearerOf(t, s, eve.id))
			lives := func() life {
				return life{session.live(), key.live(), kubeconfig.live(), ext.live(), extSession.live()}
			}
			if all := (life{true, true, true, true, true}); lives() != all {
				t.Fatalf("to begin with: %+v", lives())
			}
			tt.happens(s)
			if got := lives(); got != tt.then {
				t.Errorf("then: %+v, want %+v", got, tt.then)
			}
			if tt.undo != nil {
				tt.undo(s)
			}
			if got := lives(); got != tt.after {
				t.Errorf("after that: %+v, want %+v", got, tt.after)
			}
			listed := 0
			for _, tok := range s.Tokens() {
				if tok.UserID == eve.id {
					listed++
				}
			}
			if listed != tt.listed {
				t.Errorf("%d tokens are there still, want %d", listed, tt.listed)
			}
			if !admin.live() {
				t.Error("another user's token is dead as well")
			}
		})
	}
	t.Run("B.10 disabled provider is not offered", func(t *testing.T) {
		t.Parallel()
		s, admin, _, _ := noon2x(t, "v2.13.0")
		admin.TB = t
		s.AddProvider("openldap")
		s.DisableProvider("openldap", true)
		admin.gets("GET /v1-public/authproviders", "", 200, `{"data":[{"id":"local","type":"localProvider"}]}`)
	})
	t.Run("B.10 what is not there is a panic", func(t *testing.T) {
		t.Parallel()
		s := ranchertest.NewV3("v2.13.0")
		for name, call := range map[string]func(){
			"NoAccess": func() { s.NoAccess("nobody") }, "DeleteUser": func() { s.DeleteUser("nobody") },
			"DisableProvider": func() { s.DisableProvider("ping", true) }, "CleanUpProvider": func() { s.CleanUpProvider("ping") },
			"ForceLogoutAll": func() { s.ForceLogoutAll("ping") }, "SetLogin": func() { s.SetLogin("token-zzzzz", "", "") },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s passes in silence", name)
					}
				}()
				call()
			}()
		}
	})
}

func TestV3Purge(t *testing.T) {
	t.Parallel()
	t.Run("B.6 purge: expired:true before, 404 after", func(t *testing.T) {
		t.Parallel()
		s, admin, alice, clock := noon2x(t, "v2.13.0")
		alice.TB, admin.TB = t, t
		key, ext := alice.derives(), alice.makesExt()
		old := alice
		clock.forward(16 * time.Hour)
		alice = alice.logsIn("alice", "wonder")
		if r := alice.gets("GET /v3/tokens/"+old.name(), "", 200, ""); !strings.Contains(r.body, `"expired":true`) {
			t.Errorf("before: %s", anonymous(r.body, alice.id))
		}
		if r := alice.gets("GET "+extTokens+"/"+ext.name(), "", 200, ""); !strings.Contains(r.body, `"expired":true`) {
			t.Errorf("before: %s", anonymous(r.body, alice.id))
		}
		s.Purge()
		alice.gets("GET /v3/tokens/"+old.name(), "", 404, "")
		alice.gets("GET "+extTokens+"/"+ext.name(), "", 404, "")
		alice.gets("GET /v3/tokens/"+key.name(), "", 200, "") // good for 90 days
	})
}
