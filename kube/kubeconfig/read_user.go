package kubeconfig

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// A userEntry is a user as a file defines it.
type userEntry struct {
	name string
	file *file
	at   mapping // its field user

	token, tokenFile   string
	username, password string
	certFile, keyFile  string
	certData, keyData  []byte
	as, asUID          string
	asGroups           []string
	exec               *execEntry
	provider           *providerEntry
}

// An execEntry is the plugin of a user.
type execEntry struct {
	command, apiVersion, hint, mode string
	args, env                       []string
	provideCluster                  bool
}

// A providerEntry is the auth-provider of a user.
type providerEntry struct {
	name   string
	config map[string]string
}

func (f *file) readUser(name string, m mapping) userEntry {
	u := userEntry{
		name: name,
		file: f,
		at:   m,

		token:     m.get("token").text(),
		tokenFile: f.resolve(m.get("tokenFile").text()),
		username:  m.get("username").text(),
		password:  m.get("password").text(),
		certFile:  f.resolve(m.get("client-certificate").text()),
		certData:  m.get("client-certificate-data").bytes(),
		keyFile:   f.resolve(m.get("client-key").text()),
		keyData:   m.get("client-key-data").bytes(),
		as:        m.get("as").text(),
		asUID:     m.get("as-uid").text(),
		asGroups:  m.get("as-groups").texts(),
	}
	if v := m.get("exec"); v.node != nil {
		u.exec = f.readExec(v.mapping())
	}
	if v := m.get("auth-provider"); v.node != nil {
		u.provider = readProvider(v.mapping())
	}
	return u
}

func (f *file) readExec(m mapping) *execEntry {
	e := &execEntry{
		command:        m.get("command").text(),
		apiVersion:     m.get("apiVersion").text(),
		hint:           m.get("installHint").text(),
		args:           m.get("args").texts(),
		mode:           m.get("interactiveMode").text(),
		provideCluster: m.get("provideClusterInfo").truth(),
	}
	if strings.ContainsRune(e.command, filepath.Separator) { // what has none is looked for in PATH
		e.command = f.resolve(e.command)
	}
	for _, v := range m.get("env").list() {
		pair := v.mapping()
		name := pair.get("name")
		if name.text() == "" {
			name.fault("missing")
		}
		e.env = append(e.env, name.text()+"="+pair.get("value").text())
	}
	return e
}

func readProvider(m mapping) *providerEntry {
	p := &providerEntry{name: m.get("name").text(), config: map[string]string{}}
	config := m.get("config").mapping()
	for _, key := range slices.Sorted(maps.Keys(config.of)) {
		// The key is in no error: nothing says that it is one of ours.
		p.config[key] = config.as(config.field+".*", config.of[key]).text()
	}
	return p
}
