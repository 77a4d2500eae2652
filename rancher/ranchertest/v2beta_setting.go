package ranchertest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// v2betaDefaults are the settings that there are.
var v2betaDefaults = map[string]string{
	"api.auth.jwt.token.expiry":             "57600000",
	"api.auth.provider.configured":          "localAuthConfig",
	"api.auth.restrict.concurrent.sessions": "false",
	"api.host":                              "",
	"api.security.enabled":                  "true",
	"catalog.url":                           "",
	"rancher.server.image":                  "rancher/server",
	"settings.public":                       "api.host,catalog.url,rancher.server.image",
}

// setting returns the value in force.
func (s *V2Beta) setting(name string) string {
	value, _, _ := s.lookup(name)
	return value
}

// lookup returns the value in force, where it is from, and whether there is
// such a setting.
func (s *V2Beta) lookup(name string) (value, source string, ok bool) {
	if v, ok := s.env[name]; ok {
		return v, "Environment Variables", true
	}
	if v, ok := s.db[name]; ok {
		return v, "Database", true
	}
	v, ok := v2betaDefaults[name]
	if name == "api.host" {
		v = s.URL
	}
	return v, "Code Packaged Defaults", ok
}

func (s *V2Beta) handleSettings(c *v2betaCall) *v2betaError {
	switch {
	case c.method == "GET" && c.id == "":
		var all []string
		for _, name := range slices.Sorted(maps.Keys(v2betaDefaults)) {
			if s.visible(c, name) {
				all = append(all, s.showSetting(c, name))
			}
		}
		c.send(200, s.collection(c, "setting", "settings", all...))
		return nil
	case c.method != "GET" && (c.method != "PUT" || c.id == "" || c.who.kind != "admin"):
		return &v2betaError{status: 405}
	case !s.visible(c, c.id):
		return &v2betaError{status: 404}
	case c.method == "PUT":
		value, ok := c.field("value")
		if !ok {
			return &v2betaError{status: 422, code: "MissingRequired", field: "value"}
		}
		put(&s.db, c.id, value)
	}
	c.send(200, s.showSetting(c, c.id))
	return nil
}

// visible reports whether whoever asks may see a setting.
func (s *V2Beta) visible(c *v2betaCall, name string) bool {
	_, _, ok := s.lookup(name)
	return ok && (c.who.kind == "admin" || slices.Contains(strings.Split(s.setting("settings.public"), ","), name))
}

// showSetting returns a setting as JSON. Its value is the one that is stored,
// and its activeValue the one in force.
func (s *V2Beta) showSetting(c *v2betaCall, name string) string {
	active, source, _ := s.lookup(name)
	value, inDB := s.db[name]
	if !inDB {
		value = active
	}
	return fmt.Sprintf(`{"id":%[1]s,"type":"activeSetting","links":{"self":"%[2]s/%[3]s/settings/%[4]s"},"%[5]s":{},"baseType":"setting",`+
		`"name":%[1]s,"activeValue":%[6]s,"inDb":%[7]t,"source":%[8]q,"value":%[9]s}`,
		quote(name), s.URL, c.version, name, c.actions(), quote(active), inDB, source, quote(value))
}

// handleProjects is what a token is good for.
func (s *V2Beta) handleProjects(c *v2betaCall) *v2betaError {
	if c.method != "GET" {
		return &v2betaError{status: 405}
	}
	one := fmt.Sprintf(`{"id":"1a5","type":"project","links":{"self":"%s/%s/projects/1a5"},"%s":{},"baseType":"project",`+
		`"name":"Default","state":"active","description":null,"kind":"project","uuid":"adminProject"}`, s.URL, c.version, c.actions())
	switch c.id {
	case "":
		c.send(200, s.collection(c, "project", "projects", one))
	case "1a5":
		c.send(200, one)
	default:
		return &v2betaError{status: 404}
	}
	return nil
}
