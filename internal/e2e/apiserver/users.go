package apiserver

import (
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Users are the names of users that the server knows by a static token and
// that may do nothing until a role says so. Whoever else is needed is a service
// account: [rest.AnonymousClientConfig] of a config and its BearerToken make a
// client of one.
var Users = []string{"alice", "bob", "carol"}

// Admin returns how to reach the server as one who may do everything, and whom
// it never throttles: a client certificate of the group system:masters.
// client-go's own rate limit is off.
func (s *Server) Admin() *rest.Config {
	return &rest.Config{Host: s.URL, TLSClientConfig: s.admin, QPS: -1}
}

// User returns how to reach the server as one of Users, with a static bearer
// token. client-go's own rate limit is off. It panics at any other name.
func (s *Server) User(name string) *rest.Config {
	token, ok := s.userTokens[name]
	if !ok {
		panic(fmt.Sprintf("apiserver: no user %q; there are %q", name, Users))
	}
	config := rest.AnonymousClientConfig(s.Admin())
	config.BearerToken = token
	return config
}

// Client returns a client of the server that may do everything.
func (s *Server) Client() *kubernetes.Clientset {
	return s.adminClient
}
