package rancher

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every row of the settings of B.6, on each version: where each has its value
// from.
func TestV3Setting(t *testing.T) {
	t.Parallel()
	defaults := map[string]string{ // those of 2.15
		"auth-user-session-ttl-minutes":        "960",
		"auth-user-session-idle-ttl-minutes":   "960",
		"auth-token-max-ttl-minutes":           "129600",
		"kubeconfig-default-token-ttl-minutes": "43200",
		"kubeconfig-generate-token":            "true",
		"auth-user-info-max-age-seconds":       "3600",
		"auth-user-info-resync-cron":           "0 0 * * *",
		"disable-inactive-user-after":          "",
		"delete-inactive-user-after":           "",
		"user-retention-cron":                  "",
		"user-retention-dry-run":               "false",
		"user-last-login-default":              "",
	}
	_, c := newV3("v2.15.0")
	loginV3(t, c)
	for name, value := range defaults {
		t.Run("B.6 "+name, func(t *testing.T) {
			got, err := c.Setting(t.Context(), name)
			if diff := cmp.Diff(Setting{Name: name, Value: value, Default: value, Source: "default"}, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
	t.Run("B.6 kubeconfig-token-ttl-minutes", func(t *testing.T) {
		const name = "kubeconfig-token-ttl-minutes"
		if _, err := c.Setting(t.Context(), name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v, and since 2.8 there is none", err)
		}
		_, c := newV3("v2.4.6")
		loginV3(t, c)
		if got, err := c.Setting(t.Context(), name); err != nil || got.Value != "960" {
			t.Errorf("%+v, %v", got, err)
		}
	})
	for version, max := range map[string]string{"v2.4.6": "1440", "v2.5.0": "0", "v2.8.0": "129600"} {
		fake, c := newV3(version)
		loginV3(t, c)
		const name = "auth-token-max-ttl-minutes"
		check := func(want Setting) {
			t.Helper()
			got, err := c.Setting(t.Context(), name)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Error(version, diff, err)
			}
		}
		check(Setting{Name: name, Value: max, Default: max, Source: "default"})
		fake.Set(name, "60")
		check(Setting{Name: name, Value: "60", Default: max, Source: "db", Customized: true})
		fake.SetEnv(name, "30")
		check(Setting{Name: name, Value: "30", Default: max, Source: "env"})
	}
	_, err := c.Setting(t.Context(), "rancher.auth.token-max-ttl")
	checkV3Error(t, err, ErrNotFound, 404, "rancher: read the setting rancher.auth.token-max-ttl: ")
}

func TestV3SettingUnreadable(t *testing.T) {
	t.Parallel()
	for body, text := range map[string]string{
		`{"id":"other","value":"hunter2"}`: "id: it is another setting's",
		`{"value":"hunter2"}`:              "id: it is another setting's",
		`{"id":"cacerts","value":"hunter2`: "an end in the middle",
	} {
		c, _ := script(t, map[string]http.HandlerFunc{"GET /v3/settings/cacerts": says(200, "true", body)})
		_, err := withToken(c).Setting(t.Context(), "cacerts")
		checkV3Error(t, err, ErrNotRancher, 200, text)
	}
	c, server := script(t, nil)
	for _, name := range []string{"a/../../v3/users", "a?b", ""} {
		if _, err := withToken(c).Setting(t.Context(), name); err == nil || server.asked() != "" {
			t.Error(err)
		}
	}
}
