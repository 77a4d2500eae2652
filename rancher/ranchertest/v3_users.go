package ranchertest

import (
	"net/http"
	"time"
)

// A v3User is a user as the server keeps it.
type v3User struct {
	id, username, password, name string
	provider                     string // "local"
	principal                    string // "local://user-abcde"
	disabled                     bool
	uuid                         string
	created                      time.Time
}

// AddUser adds a user of the local provider, and returns its id. The first is
// the administrator; the others are standard users.
func (s *V3) AddUser(username, password string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id = "user-" + randomName()
	s.addUser(&v3User{id: id, username: username, password: password, name: username, provider: "local", principal: "local://" + id})
	return id
}

// AddProviderUser adds a user of another provider, such as "activedirectory",
// which is added as well, and returns its id.
func (s *V3) AddProviderUser(provider, username, password string) (id string) {
	s.AddProvider(provider)
	s.mu.Lock()
	defer s.mu.Unlock()
	id = "u-" + randomText(10)
	s.addUser(&v3User{id: id, username: username, password: password, name: username, provider: provider, principal: provider + "_user://" + username})
	return id
}

// AddCode has a provider know an authorization code, or an id_token, which is
// good for one login of one of its users.
func (s *V3) AddCode(code, username string) {
	s.mustFindUser("AddCode", username, func(u *v3User) { s.codes[code] = u })
}

func (s *V3) addUser(u *v3User) {
	u.uuid, u.created = randomUUID(), s.now().UTC().Truncate(time.Second)
	s.users = append(s.users, u)
}

// DisableUser disables a user, or enables it again.
func (s *V3) DisableUser(username string, disabled bool) {
	s.mustFindUser("DisableUser", username, func(u *v3User) {
		u.disabled = disabled
		if disabled && s.is.since(2, 12, 0) {
			s.retireExt(u)
		}
	})
}

// mustFindUser panics if there is no such user: a test that means another one
// than it names shall not pass.
func (s *V3) mustFindUser(call, username string, do func(*v3User)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.users {
		if u.username == username {
			do(u)
			return
		}
	}
	panic("ranchertest: " + call + ": there is no user " + username)
}

// user returns the user of an id, or nil.
func (s *V3) user(id string) *v3User {
	for _, u := range s.users {
		if u.id == id {
			return u
		}
	}
	return nil
}

// isAdmin reports whether u is the administrator.
func (s *V3) isAdmin(u *v3User) bool { return len(s.users) > 0 && s.users[0] == u }

// listUsers answers GET /v3/users, of which ?me=true is what tells who asks. A
// standard user sees nobody else.
func (s *V3) listUsers(c *v3Call) v3Answer {
	var data []object
	for _, u := range s.users {
		if me := u == c.user; me || s.isAdmin(c.user) && c.URL.Query().Get("me") != "true" {
			data = append(data, s.userResource(u, me))
		}
	}
	return s.collection("user", "/v3/users", data)
}

func (s *V3) getUser(c *v3Call) v3Answer {
	u := s.user(c.vars["id"])
	switch {
	case u == nil:
		return normanError(http.StatusNotFound, "NotFound", "")
	case u != c.user && !s.isAdmin(c.user):
		return forbidden(c.user, "get", "users", u.id)
	}
	return inJSON(http.StatusOK, s.userResource(u, u == c.user))
}

func (s *V3) userResource(u *v3User, me bool) object {
	return object{
		"id": u.id, "type": "user", "baseType": "user", "uuid": u.uuid,
		"name": u.name, "username": u.username, "description": "",
		"enabled": !u.disabled, "me": me, "mustChangePassword": false,
		"principalIds": []string{u.principal},
		"created":      u.created.Format(time.RFC3339), "createdTS": u.created.UnixMilli(), "creatorId": nil,
		"state": "active", "transitioning": "no", "transitioningMessage": "",
		"links":   object{"self": s.URL + "/v3/users/" + u.id, "tokens": s.URL + "/v3/tokens?userId=" + u.id},
		"actions": object{},
	}
}

// forbidden is norman's word for Kubernetes' that a user may not do something.
func forbidden(u *v3User, verb, resource, name string) v3Answer {
	return normanError(http.StatusForbidden, "Forbidden", resource+`.management.cattle.io "`+name+`" is forbidden: User "`+u.id+
		`" cannot `+verb+` resource "`+resource+`" in API group "management.cattle.io" at the cluster scope`)
}
