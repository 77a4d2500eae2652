package ranchertest_test

import (
	"strings"
	"testing"
	"time"
)

func TestV3Activity(t *testing.T) {
	t.Parallel()
	const (
		touch    = `{"apiVersion":"ext.cattle.io/v1","kind":"UserActivity","metadata":{"name":"NAME"},"spec":{}}`
		meta     = `{"apiVersion":"ext.cattle.io/v1","kind":"UserActivity","metadata":{"creationTimestamp":"2026-08-19T16:00:00Z","name":"token-7d9xk","resourceVersion":"1","uid":"<uuid>"},`
		untimed  = meta + `"spec":{},"status":{"expiresAt":""}}`
		recorded = meta + `"spec":{"seenAt":"2026-08-19T17:00:00Z"},"status":{"expiresAt":"2026-08-20T09:00:00Z"}}`
	)
	body := func(name string) string { return strings.Replace(touch, "NAME", name, 1) }
	seen := func(name, at string) string {
		return strings.Replace(body(name), `"spec":{}`, `"spec":{"seenAt":"`+at+`"}`, 1)
	}
	forbidden := func(why string) string {
		return `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"useractivities.ext.cattle.io \"token-7d9xk\" is forbidden: ` + why +
			`","reason":"Forbidden","details":{"group":"ext.cattle.io","kind":"useractivities","name":"token-7d9xk"},"code":403}`
	}

	t.Run("B.8 UserActivity: GET, PUT, PATCH", func(t *testing.T) {
		t.Parallel()
		_, _, alice, clock := noon2x(t, "v2.11.0")
		alice.TB = t
		at := extActivities + alice.name()
		alice.gets("GET "+at, "", 200, untimed)
		clock.forward(time.Hour)
		alice.gets("PUT "+at, body(alice.name()), 200, recorded)
		alice.gets("GET "+at, "", 200, recorded)
		alice.gets("PUT "+at, seen(alice.name(), "2027-01-01T00:00:00Z"), 200, recorded) // the future is now
		alice.gets("PUT "+at, seen(alice.name(), "2026-08-19T16:30:00Z"), 200, recorded) // the past is ignored
		clock.forward(time.Minute)
		alice.gets("PATCH "+at, `{"spec":{"seenAt":"2026-08-19T17:00:30Z"}}`, 200,
			meta+`"spec":{"seenAt":"2026-08-19T17:00:30Z"},"status":{"expiresAt":"2026-08-20T09:00:30Z"}}`)
		alice.gets("PUT "+at, body("token-other"), 400, badRequest("the name of the object (token-other) does not match the name on the URL (token-7d9xk)"))
		if r := alice.asks("GET /v3/tokens/"+alice.name(), ""); !strings.Contains(r.body, `"activityLastSeenAt":"2026-08-19T17:00:30Z"`) {
			t.Errorf("the token does not show it: %s", anonymous(r.body, alice.id))
		}
	})
	t.Run("B.8 UserActivity: unknown token, GET 400 and PUT 404", func(t *testing.T) {
		t.Parallel()
		_, _, alice, _ := noon2x(t, "v2.13.1")
		alice.TB = t
		alice.gets("GET "+extActivities+"token-zzzzz", "", 400, badRequest(`token not found token-7d9xk: tokens.ext.cattle.io \"token-7d9xk\" not found`))
		alice.gets("PUT "+extActivities+"token-zzzzz", body("token-zzzzz"), 404,
			`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"useractivities.ext.cattle.io \"token-7d9xk\" not found",`+
				`"reason":"NotFound","details":{"group":"ext.cattle.io","kind":"useractivities","name":"token-7d9xk"},"code":404}`)
	})
	type story func(t *testing.T) (asks person, about string)
	for why, happens := range map[string]story{
		"users don't match": func(t *testing.T) (person, string) {
			_, admin, alice, _ := noon2x(t, "v2.13.1")
			return admin, alice.name()
		},
		"auth providers don't match": func(t *testing.T) (person, string) {
			s, _, alice, _ := noon2x(t, "v2.13.1")
			s.SetLogin(alice.name(), "openldap", "")
			return alice.logsIn("alice", "wonder"), alice.name()
		},
		"user principals don't match": func(t *testing.T) (person, string) {
			s, _, alice, _ := noon2x(t, "v2.13.1")
			s.SetLogin(alice.name(), "", "local://another")
			return alice.logsIn("alice", "wonder"), alice.name()
		},
		"not a session token": func(t *testing.T) (person, string) {
			_, _, alice, _ := noon2x(t, "v2.13.1")
			return alice, alice.derives().name()
		},
		"token is disabled": func(t *testing.T) (person, string) {
			s, _, alice, _ := noon2x(t, "v2.13.1")
			s.DisableToken(alice.name())
			return alice.logsIn("alice", "wonder"), alice.name()
		},
		"token is expired": func(t *testing.T) (person, string) {
			_, _, alice, clock := noon2x(t, "v2.13.1")
			clock.forward(16 * time.Hour)
			return alice.logsIn("alice", "wonder"), alice.name()
		},
		"session idle timeout expired": func(t *testing.T) (person, string) {
			s, _, alice, clock := noon2x(t, "v2.13.1")
			s.Set("auth-user-session-idle-ttl-minutes", "30")
			alice.gets("PUT "+extActivities+alice.name(), body(alice.name()), 200, "")
			clock.forward(30 * time.Minute)
			alice.gets("GET /v3/users?me=true", "", 200, "")
			clock.forward(time.Second)
			alice.gets("GET /v3/users?me=true", "", 401, "")
			return alice.logsIn("alice", "wonder"), alice.name()
		},
	} {
		t.Run("B.8 UserActivity: "+why, func(t *testing.T) {
			t.Parallel()
			asks, about := happens(t)
			asks.TB = t
			asks.gets("GET "+extActivities+about, "", 403, forbidden(why))
			asks.gets("PUT "+extActivities+about, body(about), 403, forbidden(why))
			asks.gets("GET "+extActivities+about, "", 403, forbidden(why)) // nothing was revived
		})
	}
	t.Run("B.6 idle: never-set means no idle check, and calls are no activity", func(t *testing.T) {
		t.Parallel()
		s, _, alice, clock := noon2x(t, "v2.13.1")
		alice.TB = t
		s.Set("auth-user-session-idle-ttl-minutes", "1")
		other := alice.logsIn("alice", "wonder")
		other.gets("PUT "+extActivities+other.name(), body(other.name()), 200, "")
		for range 90 {
			clock.forward(time.Second)
			other.asks("GET /v3/users?me=true", "")
		}
		alice.gets("GET /v3/users?me=true", "", 200, "")
		other.gets("GET /v3/users?me=true", "", 401, "")
		s.Set("auth-user-session-idle-ttl-minutes", "0") // off
		other.gets("GET /v3/users?me=true", "", 200, "")
	})
}
