package ranchertest_test

import (
	"strconv"
	"strings"
	"testing"
)

// Which settings there are in which version, and with what defaults.
func TestV3SettingDefaults(t *testing.T) {
	t.Parallel()
	const missing = "-"
	for name, want := range map[string]map[string]string{
		"auth-user-info-max-age-seconds":       {"v2.1.0": missing, "v2.2.0": "3600", "v2.15.0": "3600"},
		"auth-user-info-resync-cron":           {"v2.1.0": missing, "v2.2.0": "0 0 * * *", "v2.15.0": "0 0 * * *"},
		"auth-user-session-ttl-minutes":        {"v2.2.9": missing, "v2.3.0": "960", "v2.15.0": "960"},
		maxTTL:                                 {"v2.4.5": missing, "v2.4.6": "1440", "v2.4.17": "1440", "v2.5.0": "0", "v2.7.12": "0", "v2.8.0": "129600", "v2.15.0": "129600"},
		"kubeconfig-generate-token":            {"v2.4.5": missing, "v2.4.6": "true", "v2.15.0": "true"},
		"kubeconfig-token-ttl-minutes":         {"v2.4.5": missing, "v2.4.6": "960", "v2.7.12": "960", "v2.8.0": missing, "v2.15.0": missing},
		"kubeconfig-default-token-ttl-minutes": {"v2.6.5": missing, "v2.6.6": "0", "v2.7.0": "0", "v2.8.0": "43200", "v2.15.0": "43200"},
		"disable-inactive-user-after":          {"v2.8.0": missing, "v2.9.0": "", "v2.15.0": ""},
		"delete-inactive-user-after":           {"v2.8.0": missing, "v2.9.0": "", "v2.15.0": ""},
		"user-retention-cron":                  {"v2.8.0": missing, "v2.9.0": ""},
		"user-retention-dry-run":               {"v2.8.0": missing, "v2.9.0": "false"},
		"user-last-login-default":              {"v2.8.0": missing, "v2.9.0": ""},
		"auth-user-session-idle-ttl-minutes":   {"v2.10.0": missing, "v2.11.0": "960", "v2.15.0": "960"},
		"server-version":                       {"v2.8.0": "v2.8.0"},
		"no-such-setting":                      {"v2.8.0": missing},
	} {
		for version, want := range want {
			t.Run("B.6 "+name+" "+version, func(t *testing.T) {
				t.Parallel()
				s, _ := newV3(version)
				_, session := loginV3(t, s, `{"username":"admin","password":"s3cret","ttl":57600000}`)
				r := askV3(t, s, "GET /v3/settings/"+name, "", session)
				if want == missing {
					r.want(t, 404, `{"baseType":"error","code":"NotFound","message":"settings.management.cattle.io \"`+name+`\" not found","status":404,"type":"error"}`)
					return
				}
				for field, want := range map[string]string{"value": want, "default": want, "customized": "false", "source": "default", "id": name, "name": name, "type": "setting", "baseType": "setting"} {
					if got := r.field(t, field); r.status != 200 || got != want {
						t.Errorf("%d, %s is %q, want %q", r.status, field, got, want)
					}
				}
			})
		}
	}
}

// Where the value of a setting is from.
func TestV3SettingSource(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	_, admin := loginV3(t, s, asAdmin)
	_, bob := loginV3(t, s, asBob)
	check := func(value, customized, source string) {
		t.Helper()
		r := askV3(t, s, "GET /v3/settings/"+maxTTL, "", bob) // any user may read
		for field, want := range map[string]string{"value": value, "default": "129600", "customized": customized, "source": source} {
			if got := r.field(t, field); r.status != 200 || got != want {
				t.Errorf("%d, %s is %q, want %q", r.status, field, got, want)
			}
		}
	}
	t.Run("B.6 default", func(t *testing.T) { check("129600", "false", "default") })
	t.Run("B.6 PUT", func(t *testing.T) {
		r := askV3(t, s, "PUT /v3/settings/"+maxTTL, `{"value":"60"}`, admin)
		if r.status != 200 || r.field(t, "value") != "60" || r.field(t, "source") != "db" {
			t.Errorf("%d %s", r.status, r.body)
		}
		check("60", "true", "db")
	})
	t.Run("B.6 PUT by a standard user", func(t *testing.T) {
		r := askV3(t, s, "PUT /v3/settings/"+maxTTL, `{"value":"0"}`, bob)
		if r.status != 403 || r.field(t, "code") != "Forbidden" {
			t.Errorf("%d %s", r.status, r.body)
		}
		check("60", "true", "db")
	})
	t.Run("B.6 PUT of what there is not", func(t *testing.T) {
		if r := askV3(t, s, "PUT /v3/settings/no-such", `{"value":"0"}`, admin); r.status != 404 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if r := askV3(t, s, "PUT /v3/settings/"+maxTTL, `{"value":0`, admin); r.status != 422 || r.field(t, "code") != "InvalidBodyContent" {
			t.Errorf("%d %s", r.status, r.body)
		}
		check("60", "true", "db")
	})
	t.Run("B.6 PUT of nothing is the default again", func(t *testing.T) {
		if r := askV3(t, s, "PUT /v3/settings/"+maxTTL, `{"value":""}`, admin); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
		check("129600", "false", "default")
	})
	t.Run("B.6 env", func(t *testing.T) {
		s.SetEnv(maxTTL, "30")
		check("30", "false", "env")
		if r := askV3(t, s, "PUT /v3/settings/"+maxTTL, `{"value":"0"}`, admin); r.status != 405 || r.field(t, "code") != "MethodNotAllow" {
			t.Errorf("PUT: %d %s", r.status, r.body)
		}
		s.Set(maxTTL, "120")
		check("30", "false", "env")
		createV3(t, s, admin, `{}`)
		if got := s.Tokens()[2].TTL.Minutes(); got != 30 {
			t.Errorf("a token lives %v minutes, want 30", got)
		}
	})
	t.Run("B.6 list", func(t *testing.T) {
		r := askV3(t, s, "GET /v3/settings", "", bob)
		if r.status != 200 || r.field(t, "resourceType") != "setting" || r.field(t, "pagination") != `{"limit":1000}` || strings.Count(r.body, `"id":"`+maxTTL+`"`) != 1 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if strings.Contains(r.body, "kubeconfig-token-ttl-minutes") {
			t.Error("a setting of older versions is listed")
		}
	})
}

// What the webhook looks at, and what it lets pass.
func TestV3SettingChecks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, value string
		other       string // a setting with a value, from before
		want        int
	}{
		{"auth-user-session-ttl-minutes", "0", "", 200},
		{"auth-user-session-ttl-minutes", "-1", "", 400},
		{"auth-user-session-ttl-minutes", "16h", "", 400},
		{"auth-user-session-ttl-minutes", "61", "disable-inactive-user-after=1h", 400},
		{"auth-user-session-ttl-minutes", "60", "disable-inactive-user-after=1h", 200},
		{"auth-user-session-ttl-minutes", "20161", "delete-inactive-user-after=336h", 400},
		{"auth-user-session-idle-ttl-minutes", "0", "", 400},
		{"auth-user-session-idle-ttl-minutes", "ten", "", 400},
		{"auth-user-session-idle-ttl-minutes", "1", "", 200},
		{"auth-user-session-idle-ttl-minutes", "960", "", 200},
		{"auth-user-session-idle-ttl-minutes", "961", "", 400},
		{"disable-inactive-user-after", "16h", "", 200},
		{"disable-inactive-user-after", "15h59m", "", 400},
		{"disable-inactive-user-after", "", "", 200},
		{"disable-inactive-user-after", "soon", "", 400},
		{"delete-inactive-user-after", "336h", "", 200},
		{"delete-inactive-user-after", "335h", "", 400},
		{"auth-user-info-max-age-seconds", "0", "", 200},
		{"auth-user-info-max-age-seconds", "1h", "", 400},
		{"auth-user-info-resync-cron", "0 0 * * *", "", 200},
		{"auth-user-info-resync-cron", "", "", 200},
		{"auth-user-info-resync-cron", "@hourly please", "", 400},
		{maxTTL, "90d", "", 200},
		{"kubeconfig-default-token-ttl-minutes", "a month", "", 200},
	} {
		t.Run("B.6 "+tt.name+" "+tt.value+" "+tt.other, func(t *testing.T) {
			t.Parallel()
			s, _ := newV3("v2.13.1")
			if name, value, ok := strings.Cut(tt.other, "="); ok {
				s.Set(name, value)
			}
			_, admin := loginV3(t, s, asAdmin)
			r := askV3(t, s, "PUT /v3/settings/"+tt.name, `{"value":"`+tt.value+`"}`, admin)
			if r.status != tt.want || tt.want == 400 && r.field(t, "code") != "BadRequest" {
				t.Errorf("%d %s, want %d", r.status, r.body, tt.want)
			}
			customized := tt.want == 200 && tt.value != ""
			if got := askV3(t, s, "GET /v3/settings/"+tt.name, "", admin).field(t, "customized"); got != strconv.FormatBool(customized) {
				t.Errorf("customized is %s", got)
			}
		})
	}
	t.Run("B.6 before 2.9", func(t *testing.T) {
		s, _ := newV3("v2.8.0")
		_, admin := loginV3(t, s, asAdmin)
		if r := askV3(t, s, "PUT /v3/settings/auth-user-session-ttl-minutes", `{"value":"16h"}`, admin); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}

// Some settings are for anybody.
func TestV3PublicSettings(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	for request, want := range map[string]int{
		"GET /v3/settings/cacerts":                        200,
		"GET /v3/settings/first-login":                    200,
		"GET /v3/settings/ui-pl":                          200,
		"GET /v3/settings/cacerts?_method=PUT":            200,
		"PUT /v3/settings/cacerts":                        401,
		"GET /v3/settings/" + maxTTL:                      401,
		"GET /v3/settings":                                401,
		"GET /v1/management.cattle.io.settings/ui-pl":     200,
		"GET /v1/management.cattle.io.settings/" + maxTTL: 404,
		"PUT /v1/management.cattle.io.settings/ui-pl":     405,
	} {
		t.Run("B.6 anybody: "+request, func(t *testing.T) {
			if r := askV3(t, s, request, ""); r.status != want {
				t.Errorf("%d %s, want %d", r.status, r.body, want)
			}
		})
	}
}

// The same settings by steve.
func TestV3SteveSettings(t *testing.T) {
	t.Parallel()
	s, _ := newV3("v2.13.1")
	_, session := loginV3(t, s, asBob)
	for _, tt := range []struct{ value, env, source, customized string }{
		{"", "", "", "false"}, {"60", "", "", "true"}, {"30", "30", "env", "false"},
	} {
		switch {
		case tt.env != "":
			s.SetEnv(maxTTL, tt.env)
		case tt.value != "":
			s.Set(maxTTL, tt.value)
		}
		t.Run("B.6 steve's twin: "+tt.value+" "+tt.source, func(t *testing.T) {
			r := askV3(t, s, "GET /v1/management.cattle.io.settings/"+maxTTL, "", session)
			for field, want := range map[string]string{"id": maxTTL, "type": "management.cattle.io.setting", "default": "129600", "value": tt.value, "source": tt.source, "customized": tt.customized} {
				if got := r.field(t, field); r.status != 200 || got != want {
					t.Errorf("%d, %s is %q, want %q", r.status, field, got, want)
				}
			}
		})
	}
}
