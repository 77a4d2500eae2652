package rancher

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

func TestV3Probe(t *testing.T) {
	t.Parallel()
	tok := token.NewSecret("token-a:hunter2")
	const users, cluster = "GET /v3/users?me=true", "GET /v3/clusters/c-m-abcde"
	const forbidden = `{"baseType":"error","code":"Forbidden","status":403,"type":"error"}`
	const gone = `{"baseType":"error","code":"NotFound","status":404,"type":"error"}`
	user := func(principals string) string {
		return `{"type":"collection","data":[{"id":"user-abcde","username":"admin","name":"Default Admin","enabled":true,"me":true,"principalIds":` + principals + `}]}`
	}
	for _, test := range []struct {
		name, cluster string
		answer        http.HandlerFunc
		want          Probe
		err           error
	}{
		{"live", "", says(200, "true", user(`["local://user-abcde"]`)),
			Probe{Live: true, User: User{ID: "user-abcde", Login: "admin", Name: "Default Admin", Principal: "local://user-abcde", Provider: "local"}}, nil},
		{"the principal of the provider is told first", "", says(200, "true", user(`["local://user-abcde","openldap_user://uid=jane,dc=example","system://x"]`)),
			Probe{Live: true, User: User{ID: "user-abcde", Login: "admin", Name: "Default Admin", Principal: "openldap_user://uid=jane,dc=example", Provider: "openldap"}}, nil},
		{"without principals", "", says(200, "true", user(`null`)),
			Probe{Live: true, User: User{ID: "user-abcde", Login: "admin", Name: "Default Admin"}}, nil},
		{"with odd ones", "", says(200, "true", user(`[7,"x","A B://c","://"]`)),
			Probe{Live: true, User: User{ID: "user-abcde", Login: "admin", Name: "Default Admin"}}, nil},
		{"B.7 refused", "", says(401, "false", mustAuthenticate), Probe{Err: ErrNotAuthenticated}, nil},
		{"B.7 refused, 403", "", says(403, "false", forbidden), Probe{Err: ErrNotAuthenticated}, nil},
		{"B.7 good, and may not see that", "", says(403, "true", forbidden), Probe{Live: true}, nil},
		{"B.7 good, and does not see that", "", says(404, "true", gone), Probe{Live: true}, nil},
		{"may not, says one that does not say more", "", says(403, "", forbidden), Probe{}, ErrForbidden},
		{"nobody", "", says(200, "true", `{"data":[]}`), Probe{}, ErrNotRancher},
		{"null", "", says(200, "true", `{"data":null}`), Probe{}, ErrNotRancher},
		{"a list of other things", "", says(200, "true", `{"data":[7]}`), Probe{}, ErrNotRancher},
		{"nothing", "", says(200, "true", `{}`), Probe{}, ErrNotRancher},
		{"a page", "", reply(200, "text/html", "<html></html>"), Probe{}, ErrNotRancher},
		{"a proxy's", "", says(401, "", `{}`), Probe{}, ErrNotRancher},
		{"away", "", reply(502, "text/html", "<html></html>"), Probe{}, ErrUnavailable},

		{"confined", "c-m-abcde", says(200, "true", `{"id":"c-m-abcde","type":"cluster"}`), Probe{Live: true}, nil},
		{"confined: another one", "c-m-abcde", says(200, "true", `{"id":"local","type":"cluster"}`), Probe{}, ErrNotRancher},
		{"confined: not one", "c-m-abcde", says(200, "true", `[`), Probe{}, ErrNotRancher},
		{"confined: B.7 refused", "c-m-abcde", says(401, "false", mustAuthenticate), Probe{Err: ErrNotAuthenticated}, nil},
		{"confined: B.7 may not see it", "c-m-abcde", says(403, "true", forbidden), Probe{Live: true}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := users
			if test.cluster != "" {
				path = cluster
			}
			c, _ := script(t, map[string]http.HandlerFunc{path: test.answer})
			got, err := c.probe(t.Context(), tok, test.cluster)
			if diff := cmp.Diff(test.want, got, cmp.Comparer(func(a, b error) bool { return a == b })); diff != "" {
				t.Error(diff)
			}
			if test.err == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			checkV3Error(t, err, test.err, err.(*Error).Status, "rancher: probe a token: ")
		})
	}
}

// Without a token it says that there is none that is live.
func TestV3ProbeNothing(t *testing.T) {
	t.Parallel()
	c, server := script(t, map[string]http.HandlerFunc{"GET /v3/users?me=true": says(401, "false", mustAuthenticate)})
	if probe, err := c.Probe(t.Context(), token.Secret{}); err != nil || probe.Live || probe.Err != ErrNotAuthenticated || server.header[0].Get("Authorization") != "" {
		t.Errorf("%+v, %v", probe, err)
	}
	for _, cluster := range []string{"../users", "a?b"} {
		if _, err := c.probe(t.Context(), token.NewSecret("token-a:b"), cluster); err == nil || len(server.calls) != 1 {
			t.Error(err)
		}
	}
	if _, err := c.Probe(t.Context(), token.NewSecret("token-a:b\r\n")); err == nil || len(server.calls) != 1 {
		t.Error(err)
	}
}
