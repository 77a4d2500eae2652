package kubeconfig

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A look is a User as it is being made.
type look struct {
	User
	from   *config
	entry  userEntry
	now    time.Time
	fatals []string // the Problems for which no call can succeed
	asides []string // those that are no reason for a refusal
	unsent bool     // whether the id-token is none that kubectl sends, whenever it ends
}

// problem adds one.
func (l *look) problem(format string, args ...any) {
	l.Problems = append(l.Problems, fmt.Sprintf(format, args...))
}

// fatal adds one for which no call of kubectl can succeed, whatever the API server says.
func (l *look) fatal(format string, args ...any) {
	l.problem(format, args...)
	l.fatals = append(l.fatals, l.Problems[len(l.Problems)-1])
}

// aside adds one that is no reason for a refusal.
func (l *look) aside(format string, args ...any) {
	l.problem(format, args...)
	l.asides = append(l.asides, l.Problems[len(l.Problems)-1])
}

// inspect looks at the credential of a user, and what is wrong with it.
func (c *config) inspect(e userEntry) User { return c.look(e).User }

func (c *config) look(e userEntry) *look {
	l := &look{from: c, entry: e, now: time.Now()}
	l.User = User{Name: e.name, File: e.file.path, Kind: e.kind(), As: e.as}
	l.contexts()
	l.choice()
	if e.certFile != "" || len(e.certData) > 0 || e.keyFile != "" || len(e.keyData) > 0 {
		l.certificate()
	}
	if e.token != "" || e.tokenFile != "" {
		l.token()
	}
	if l.Kind == Basic {
		l.fatal("the API server takes no passwords since Kubernetes 1.19; give the user another credential")
	}
	if e.exec != nil {
		l.exec()
	}
	if e.provider != nil {
		l.authProvider()
	}
	l.files()
	return l
}

// nobody returns a user that contexts name, and no file defines.
func (c *config) nobody(name string) User {
	l := &look{from: c, User: User{Name: name}}
	l.contexts()
	l.problem("the context %s is for this user, which no file defines: define it with kubectl config set-credentials %s", show(l.Contexts[0]), argument(name))
	return l.User
}

// kind returns what client-go sends of what e has. A certificate is shown when the
// connection is made, and the API server looks at it before it looks at a token; of a
// token and its file, client-go takes the file as long as it can read it; and a plugin
// is not run, nor an auth-provider asked, if there is something else to send.
func (e userEntry) kind() Kind {
	switch {
	case e.certFile != "" || len(e.certData) > 0:
		return Certificate
	case e.tokenFile != "":
		return TokenFile
	case e.token != "":
		return Token
	case e.username != "" || e.password != "":
		return Basic
	case e.exec != nil:
		return Exec
	case e.provider != nil && e.provider.name == oidcName:
		return OpenID
	case e.provider != nil:
		return AuthProvider
	}
	return None
}

// choice says what becomes of credentials where there is more than one.
func (l *look) choice() {
	e := l.entry
	certificate := l.Kind == Certificate
	token := e.token != "" || e.tokenFile != ""
	basic := e.username != "" || e.password != ""
	if e.token != "" && e.tokenFile != "" {
		l.problem("there is a token and a tokenFile: the file counts, and the token is sent only while that cannot be read; remove one of them")
	}
	if token && basic {
		l.fatal("there is a token and a password: kubectl refuses to choose; remove one of them")
	}
	if certificate && (token || basic || e.provider != nil && e.provider.name == oidcName) {
		l.problem("there is a client certificate and a %s: both are sent, and the API server goes by the certificate as long as it takes that; remove one of them", either(basic, "password", "token"))
	}
	if e.as == "" && (e.asUID != "" || len(e.asGroups) > 0) {
		l.fatal("there is an as-uid or as-groups, and no as: kubectl refuses to go on; add it, or remove them")
	}
	if e.exec != nil && e.provider != nil {
		l.fatal("there is an exec plugin and an auth-provider: kubectl refuses to choose; remove one of them")
	}
	if e.exec != nil && l.Kind != Exec {
		l.problem("the exec plugin is not run, since there is a %s to send; remove one of them", l.Kind)
	}
	if e.provider != nil && (token || basic) {
		l.problem("the auth-provider is not used, since there is a %s to send; remove one of them", either(token, "token", "password"))
	}
}

// contexts finds the contexts of the user, and what is wrong with them.
func (l *look) contexts() {
	for _, c := range l.from.uses[l.Name] {
		l.Contexts = append(l.Contexts, c.name)
		l.Current = l.Current || c.name == l.from.current
		switch cluster := l.from.clusters.get(c.cluster); {
		case c.cluster == "":
			l.problem("the context %s is for no cluster: name one with kubectl config set-context %s --cluster=...", show(c.name), argument(c.name))
		case cluster == nil:
			l.problem("the context %s is for the cluster %s, which no file defines: choose another with kubectl config set-context %s --cluster=...", show(c.name), show(c.cluster), argument(c.name))
		case strings.HasPrefix(strings.ToLower(cluster.server), "http://"):
			l.problem("the context %s is for a cluster at http://, where kubectl sends no credential: is it not at https://?", show(c.name))
		}
	}
	for _, path := range l.from.shadowed[l.Name] {
		l.problem("%s defines this user too, and does not count, since %s comes first: remove one of them", show(path), show(l.File))
	}
}

// cluster returns the cluster that the user is used at: that of the current context if
// it is for the user, or else of the first that is.
func (l *look) cluster() *clusterEntry {
	var name string
	for i, c := range l.from.uses[l.Name] {
		if i == 0 || c.name == l.from.current {
			name = c.cluster
		}
	}
	return l.from.clusters.get(name)
}

// files says which files with secrets in them others can read.
func (l *look) files() {
	e := l.entry
	if e.token != "" || e.password != "" || len(e.keyData) > 0 || e.provider != nil && e.provider.secret() {
		l.private(e.file.path)
	}
	l.private(e.tokenFile)
	l.private(e.keyFile)
}

func (l *look) private(path string) {
	if path == "" || runtime.GOOS == "windows" { // where a mode does not say who can read
		return
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o004 != 0 {
		l.aside("everybody on this machine can read %s, which has a secret in it: chmod go-rwx it", show(path))
	}
}

// secret reports whether there is something in it that must not be read.
func (p *providerEntry) secret() bool {
	for _, key := range append([]string{oidcClientSecret}, tokenKeys...) {
		if p.config[key] != "" {
			return true
		}
	}
	return false
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// show writes what somebody else has named, so that it can be read and not be taken
// for something else.
func show(name string) string {
	quoted := strconv.Quote(cut(name, 200))
	if quoted == `"`+name+`"` && !strings.Contains(name, " ") && name != "" {
		return name
	}
	return quoted
}
