package ranchertest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// samlKey returns a key, and the public one as a program sends it.
func samlKey(t testing.TB) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(key.PublicKey)
	if err != nil || !regexp.MustCompile(`^\{"N":\d+,"E":65537\}$`).Match(public) {
		t.Fatalf("a public key of Go's is %s: %v", public, err)
	}
	return key, base64.StdEncoding.EncodeToString(public)
}

func TestV3SAML(t *testing.T) {
	t.Parallel()
	const id = "0123456789abcdefghijklmnopqrstuv"
	key, public := samlKey(t)
	for _, tt := range []struct {
		version, login, poll string
		missing              string
		deleted              int
	}{
		{"v2.13.0", "POST /v1-public/login", "/v1-public/authtokens/" + id, "Not Found\n", 200},
		{"v2.13.0", "POST /v3-public/keyCloakProviders/keycloak?action=login", "/v3-public/authTokens/" + id,
			`{"baseType":"error","code":"NotFound","message":"token ` + id + ` not found","status":404,"type":"error"}` + "\n", 204},
		{"v2.6.0", "POST /v3-public/keyCloakProviders/keycloak?action=login", "/v3-public/authTokens/" + id,
			`{"baseType":"error","code":"NotFound","message":"token ` + id + ` not found","status":404,"type":"error"}` + "\n", 204},
	} {
		t.Run("B.2 SAML: "+tt.version+" "+tt.login, func(t *testing.T) {
			t.Parallel()
			s, _, nobody, clock := noon2x(t, tt.version)
			nobody.TB, nobody.token = t, ""
			s.AddProviderUser("keycloak", "eve", "-")
			body := fmt.Sprintf(`{"type":"keyCloakProvider","finalRedirectUrl":"https://rancher.example/","requestId":%q,"publicKey":%q,"responseType":"kubeconfig"}`, id, public)
			r := nobody.asks(tt.login, body)
			to := nobody.text(r, "idpRedirectUrl")
			if r.status != 200 || nobody.text(r, "type") != "samlLoginOutput" || !strings.HasPrefix(to, "https://keycloak.example/sso?") {
				t.Fatalf("%d %s", r.status, r.body)
			}
			nobody.gets("GET "+tt.poll, "", 404, tt.missing)
			if err := s.LogInSAML(to, "mallory"); err == nil {
				t.Error("the identity provider knows everybody")
			}
			if err := s.LogInSAML(strings.Replace(to, "keycloak.example", "elsewhere.example", 1), "eve"); err == nil {
				t.Error("any identity provider will do")
			}
			if err := s.LogInSAML(to, "eve"); err != nil {
				t.Fatal(err)
			}
			r = nobody.gets("GET "+tt.poll, "", 200, "")
			if got := nobody.text(r, "expiresAt"); tt.version == "v2.13.0" && got != "2026-09-18T16:00:00Z" {
				t.Errorf("it expires at %s", got)
			}
			secret, err := base64.StdEncoding.DecodeString(nobody.text(r, "token"))
			if err != nil {
				t.Fatal(err)
			}
			bearer, err := rsa.DecryptOAEP(sha256.New(), nil, key, secret, nil)
			if err != nil {
				t.Fatal(err)
			}
			eve := nobody.with(string(bearer))
			if r := eve.gets("GET /v3/users?me=true", "", 200, ""); !strings.Contains(r.body, `"username":"eve"`) {
				t.Error("it is somebody else's")
			}
			if !strings.HasPrefix(eve.name(), "kubeconfig-u-") {
				t.Errorf("it is called %s", eve.name())
			}
			nobody.gets("DELETE "+tt.poll, "", tt.deleted, "")
			nobody.gets("GET "+tt.poll, "", 404, tt.missing)
			again := 404
			if tt.deleted == 200 {
				again = 200 // it does not mind
			}
			nobody.gets("DELETE "+tt.poll, "", again, "")

			nobody.asks(tt.login, body)
			if err := s.LogInSAML(to, "eve"); err != nil {
				t.Fatal(err)
			}
			clock.forward(15*time.Minute - time.Second)
			s.Purge()
			nobody.gets("GET "+tt.poll, "", 200, "")
			clock.forward(time.Second)
			s.Purge()
			nobody.gets("GET "+tt.poll, "", 404, tt.missing)
		})
	}
	t.Run("B.2 SAML: by the UI, /login?requestId=..&publicKey=..&cli=true", func(t *testing.T) {
		t.Parallel()
		s, _, nobody, _ := noon2x(t, "v2.13.0")
		nobody.TB, nobody.token = t, ""
		s.AddProviderUser("okta", "eve", "-")
		to := s.URL + "/login?" + url.Values{"requestId": {id}, "publicKey": {public}, "responseType": {"kubeconfig"}, "cli": {"true"}}.Encode()
		for _, bad := range []string{strings.Replace(to, "cli=true", "", 1), strings.Replace(to, "publicKey=", "x=", 1), strings.Replace(to, s.URL, "https://elsewhere.example", 1)} {
			if err := s.LogInSAML(bad, "eve"); err == nil {
				t.Errorf("%s will do", bad)
			}
		}
		if err := s.LogInSAML(to, "alice"); err == nil {
			t.Error("a local user has logged in by okta")
		}
		if err := s.LogInSAML(to, "eve"); err != nil {
			t.Fatal(err)
		}
		secret, _ := base64.StdEncoding.DecodeString(nobody.text(nobody.asks("GET /v1-public/authtokens/"+id, ""), "token"))
		bearer, err := rsa.DecryptOAEP(sha256.New(), nil, key, secret, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !nobody.with(string(bearer)).live() {
			t.Error("the token is dead")
		}
	})
	t.Run("B.2 SAML: what is no key", func(t *testing.T) {
		t.Parallel()
		s, _, nobody, _ := noon2x(t, "v2.13.0")
		nobody.TB, nobody.token = t, ""
		s.AddProvider("keycloak")
		for _, key := range []string{"", "!", "e30=", base64.StdEncoding.EncodeToString([]byte(`{"N":15,"E":3}`)), base64.StdEncoding.EncodeToString([]byte(`{"N":-1,"E":65537}`))} {
			nobody.gets("POST /v1-public/login", `{"type":"keyCloakProvider","requestId":"`+id+`","publicKey":"`+key+`"}`, 500,
				`{"baseType":"error","code":"ServerError","status":500,"type":"error"}`)
		}
	})
	t.Run("B.5 logout: SAML with forced single-logout refuses a plain one", func(t *testing.T) {
		t.Parallel()
		for _, tt := range []struct{ version, path, refused string }{
			{"v2.13.0", "/v1/logout", "Internal Server Error\n"},
			{"v2.13.0", "/v3/tokens?action=logout", "Internal Server Error\n"},
			{"v2.12.0", "/v3/tokens?action=logout", `{"baseType":"error","code":"ServerError","message":"SAML [logout]: Rancher provider resource ` + "`keycloak`" + ` configured for forced SLO, rejecting regular logout","status":500,"type":"error"}`},
		} {
			path := tt.path
			s, _, nobody, _ := noon2x(t, tt.version)
			nobody.TB, nobody.token = t, ""
			s.AddProviderUser("keycloak", "eve", "-")
			s.ForceLogoutAll("keycloak")
			r := nobody.asks("POST /v3-public/keyCloakProviders/keycloak?action=login", fmt.Sprintf(`{"requestId":%q,"publicKey":%q}`, id, public))
			if err := s.LogInSAML(nobody.text(r, "idpRedirectUrl"), "eve"); err != nil {
				t.Fatal(err)
			}
			eve := nobody.with(bearerOf(t, s, "u-"))
			eve.gets("POST "+path, "", 500, tt.refused)
			eve.gets("GET /v3/users?me=true", "", 200, "")
			all := strings.Replace(strings.Replace(path, "action=logout", "action=logoutAll", 1), "/v1/logout", "/v1/logout?all", 1)
			r = eve.gets("POST "+all, "{}", 200, "")
			if eve.text(r, "type") != "authConfigLogoutOutput" || !strings.HasPrefix(eve.text(r, "idpRedirectUrl"), "https://keycloak.example/") {
				t.Errorf("%s: %s", all, r.body)
			}
			eve.gets("GET /v3/users?me=true", "", 401, "")
		}
	})
}

// bearerOf returns the newest token of a user whose id begins so.
func bearerOf(t testing.TB, s *ranchertest.V3, prefix string) (bearer string) {
	t.Helper()
	for _, tok := range s.Tokens() {
		if strings.HasPrefix(tok.UserID, prefix) {
			bearer = tok.Name + ":" + tok.Secret
		}
	}
	if bearer == "" {
		t.Fatal("there is no such token")
	}
	return bearer
}
