package dashboard

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/internal/strictjson"
	"github.com/tokenlife/tokenlife/token"
)

// A kubeconfigUser is what is read of a user in a kubeconfig. Files, certificates,
// commands and clusters are not looked at.
type kubeconfigUser struct {
	token, username, password, accessToken string
}

// readKubeconfig returns the credential of the current context's user. Text must
// be JSON: a parser for YAML is more than a login should stand on.
func (s *Server) readKubeconfig(text string) (Credential, *refusal) {
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return Credential{}, &refusal{http.StatusBadRequest, msgYAML, errors.New("dashboard: a login with a kubeconfig that is not JSON")}
	}
	user, missing, err := currentUser(text)
	if err != nil {
		return Credential{}, &refusal{http.StatusBadRequest, msgNotJSON, err}
	}
	if user.token == "" {
		user.token = user.accessToken
	}
	switch {
	case missing != "":
		return Credential{}, refuseNothing(missing)
	case user.token == "" && (user.username == "" || user.password == ""):
		return Credential{}, refuseNothing(msgNoAuthInfo)
	case user.token != "" && s.enabled(modeToken):
		return Credential{Token: bearerSecret(user.token)}, nil
	case user.username != "" && user.password != "" && s.enabled(modeBasic):
		return Credential{Username: user.username, Password: token.NewSecret(user.password)}, nil
	}
	return Credential{}, refuseNothing(msgNoCredential)
}

// currentUser returns the user of the current context, or what the Dashboard says is
// missing.
func currentUser(text string) (user kubeconfigUser, missing string, err error) {
	var current string
	contexts, users := map[string]string{}, map[string]kubeconfigUser{}
	r := strictjson.NewReader(text, strictjson.Limits{Size: maxBody})
	for name := range r.Object() {
		switch name {
		case "current-context":
			current = readText(&r)
		case "contexts":
			readNamed(&r, "context", func() (user string) {
				for name := range r.Object() {
					if name == "user" {
						user = readText(&r)
					}
				}
				return user
			}, contexts)
		case "users":
			readNamed(&r, "user", func() kubeconfigUser { return readUser(&r) }, users)
		}
	}
	if err := r.End(); err != nil {
		return user, "", errors.New("dashboard: a login with a kubeconfig that cannot be read: " + strictjson.Placed(err, "current-context", "contexts", "users").Error())
	}
	name := contexts[current]
	user, ok := users[name]
	switch {
	case name == "":
		return kubeconfigUser{}, msgNoContext, nil
	case !ok:
		return kubeconfigUser{}, msgNoUser, nil
	}
	return user, "", nil
}

// readNamed reads an array of objects that have a name beside the member called
// what, which read reads.
func readNamed[T any](r *strictjson.Reader, what string, read func() T, into map[string]T) {
	for range r.Array() {
		var name string
		var value T
		for member := range r.Object() {
			switch member {
			case "name":
				name = readText(r)
			case what:
				value = read()
			}
		}
		if _, twice := into[name]; twice {
			r.Fail("a name that is there twice")
		}
		into[name] = value
	}
}

// readUser reads a user.
func readUser(r *strictjson.Reader) (u kubeconfigUser) {
	for name := range r.Object() {
		switch name {
		case "token":
			u.token = readText(r)
		case "username":
			u.username = readText(r)
		case "password":
			u.password = readText(r)
		case "auth-provider":
			for name := range r.Object() {
				if name != "config" {
					continue
				}
				for name := range r.Object() {
					if name == "access-token" {
						u.accessToken = readText(r)
					}
				}
			}
		}
	}
	return u
}
