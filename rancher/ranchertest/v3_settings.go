package ranchertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A v3Setting is a setting with its default of a time: of two of one name the
// later one counts that the version has reached.
type v3Setting struct {
	name, value string
	from        v3Version
	until       v3Version // where it is no more; zero if it still is
}

var v3Settings = []v3Setting{
	{"server-url", "", v3Version{2, 0}, v3Version{}},
	{"cacerts", "", v3Version{2, 0}, v3Version{}},
	{"first-login", "true", v3Version{2, 0}, v3Version{}},
	{"ui-pl", "rancher", v3Version{2, 0}, v3Version{}},
	{"server-version", "", v3Version{2, 0}, v3Version{}},

	{"auth-user-info-max-age-seconds", "3600", v3Version{2, 2}, v3Version{}},
	{"auth-user-info-resync-cron", "0 0 * * *", v3Version{2, 2}, v3Version{}},
	{"auth-user-session-ttl-minutes", "960", v3Version{2, 3}, v3Version{}},
	{"auth-token-max-ttl-minutes", "1440", v3Version{2, 4, 6}, v3Version{}},
	{"auth-token-max-ttl-minutes", "0", v3Version{2, 5}, v3Version{}},
	{"auth-token-max-ttl-minutes", "129600", v3Version{2, 8}, v3Version{}},
	{"kubeconfig-generate-token", "true", v3Version{2, 4, 6}, v3Version{}},
	{"kubeconfig-token-ttl-minutes", "960", v3Version{2, 4, 6}, v3Version{2, 8}},
	{"kubeconfig-default-token-ttl-minutes", "0", v3Version{2, 6, 6}, v3Version{}},
	{"kubeconfig-default-token-ttl-minutes", "43200", v3Version{2, 8}, v3Version{}},
	{"disable-inactive-user-after", "", v3Version{2, 9}, v3Version{}},
	{"delete-inactive-user-after", "", v3Version{2, 9}, v3Version{}},
	{"user-retention-cron", "", v3Version{2, 9}, v3Version{}},
	{"user-retention-dry-run", "false", v3Version{2, 9}, v3Version{}},
	{"user-last-login-default", "", v3Version{2, 9}, v3Version{}},
	{"auth-user-session-idle-ttl-minutes", "960", v3Version{2, 11}, v3Version{}},
}

// publicSettings are those that are shown to anybody, by how their names begin.
var publicSettings = []string{"cacerts", "first-login", "ui-"}

// Set gives a setting another value, such as "auth-token-max-ttl-minutes", and
// SetEnv does so by the server's environment, which wins. Neither looks at what
// the value is.
func (s *V3) Set(setting, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings[setting] = value
}

// SetEnv gives a setting a value by the environment.
func (s *V3) SetEnv(setting, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.env[setting] = value
}

// setting returns the default of a setting, the value in force, and where that
// is from; !ok if this version has no such setting.
func (s *V3) setting(name string) (def, value, source string, ok bool) {
	for _, d := range v3Settings {
		if d.name == name && s.is.since(d.from[0], d.from[1], d.from[2]) {
			def, ok = d.value, d.until == v3Version{} || !s.is.since(d.until[0], d.until[1], d.until[2])
		}
	}
	switch name {
	case "server-version":
		def = s.version
	case "server-url":
		def = s.URL
	}
	value, source = def, "default"
	if v := s.settings[name]; v != "" { // what is empty is not set
		value, source = v, "db"
	}
	if v, set := s.env[name]; set {
		value, source = v, "env"
	}
	return def, value, source, ok
}

// lifetime returns the value of a setting that limits tokens which are made with
// others; 0 if this version does not have it. Rancher puts an m behind it and
// takes that for a duration of Go's, so that 0.1 passes, and 1h30. The error is
// what it says of what does not.
func (s *V3) lifetime(name string) (time.Duration, error) {
	_, value, _, ok := s.setting(name)
	if !ok {
		return 0, nil
	}
	d, err := time.ParseDuration(value + "m")
	if err != nil {
		return 0, fmt.Errorf("failed to parse setting '%s': error parsing token ttl: %w", name, err)
	}
	return d, nil
}

// minutes returns the value of a setting that is a whole number of minutes; its
// default, if somebody has made it something else, and 0 if this version does
// not have it.
func (s *V3) minutes(name string) time.Duration {
	def, value, _, _ := s.setting(name)
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		n, _ = strconv.ParseInt(def, 10, 64)
	}
	return time.Duration(n) * time.Minute
}

func (s *V3) listSettings(*v3Call) v3Answer {
	var data []object
	seen := map[string]bool{}
	for _, d := range v3Settings {
		if _, _, _, ok := s.setting(d.name); ok && !seen[d.name] {
			seen[d.name] = true
			data = append(data, s.settingResource(d.name))
		}
	}
	return s.collection("setting", "/v3/settings", data)
}

func (s *V3) getSetting(c *v3Call) v3Answer {
	if _, _, _, ok := s.setting(c.vars["name"]); !ok {
		return noSetting(c.vars["name"])
	}
	return inJSON(http.StatusOK, s.settingResource(c.vars["name"]))
}

func (s *V3) putSetting(c *v3Call) v3Answer {
	name := c.vars["name"]
	_, _, source, ok := s.setting(name)
	var asked struct {
		Value string `json:"value"`
	}
	switch {
	case !ok:
		return noSetting(name)
	case !s.isAdmin(c.user):
		return forbidden(c.user, "update", "settings", name)
	case c.bodyErr != nil || json.Unmarshal(c.body, &asked) != nil:
		return normanError(http.StatusUnprocessableEntity, "InvalidBodyContent", "Failed to parse body")
	case source == "env":
		return normanError(http.StatusMethodNotAllowed, "MethodNotAllow", name+" is readOnly because its value is from environment variable")
	}
	if why := s.checkSetting(name, asked.Value); why != "" {
		return normanError(http.StatusBadRequest, "BadRequest",
			`admission webhook "rancher.cattle.io.settings.management.cattle.io" denied the request: `+name+": "+why)
	}
	s.settings[name] = asked.Value
	return inJSON(http.StatusOK, s.settingResource(name))
}

func noSetting(name string) v3Answer {
	return normanError(http.StatusNotFound, "NotFound", fmt.Sprintf("settings.management.cattle.io %q not found", name))
}

func (s *V3) settingResource(name string) object {
	def, value, source, _ := s.setting(name)
	self := s.URL + "/v3/settings/" + name
	return object{
		"id": name, "name": name, "type": "setting", "baseType": "setting",
		"value": value, "default": def, "customized": source == "db", "source": source,
		"created": "2026-01-01T00:00:00Z", "createdTS": 1767225600000, "creatorId": nil,
		"links": object{"self": self, "update": self, "remove": self}, "actions": object{}, "labels": object{},
	}
}

// isPublicSetting reports whether a request is for a setting that is shown to
// anybody.
func isPublicSetting(c *v3Call) bool {
	return c.Method == http.MethodGet && slices.ContainsFunc(publicSettings, func(prefix string) bool {
		return strings.HasPrefix(c.URL.Path, "/v3/settings/"+prefix)
	})
}

// getSteveSetting answers with the setting as Kubernetes keeps it, which does not
// say what is in force. Those who have not logged in see few.
func (s *V3) getSteveSetting(c *v3Call) v3Answer {
	name := c.vars["name"]
	def, _, source, ok := s.setting(name)
	public := slices.ContainsFunc(publicSettings, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	if !ok || c.token == nil && !public {
		return noSetting(name)
	}
	value := s.settings[name]
	if source == "env" {
		value = s.env[name]
	} else {
		source = ""
	}
	return inJSON(http.StatusOK, object{
		"id": name, "type": "management.cattle.io.setting", "apiVersion": "management.cattle.io/v3", "kind": "Setting",
		"value": value, "default": def, "customized": source == "" && value != "", "source": source,
		"metadata": object{"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
		"links":    object{"self": s.URL + "/v1/management.cattle.io.settings/" + name},
	})
}
