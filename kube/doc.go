// Package kube gets Kubernetes service account tokens and makes any
// [token.Source] the credential of a client-go configuration.
//
// A [Source] asks for tokens with the TokenRequest API; refresh.New keeps one
// fresh:
//
//	cs, err := kubernetes.NewForConfig(cfg)
//	src := refresh.New(kube.NewSource(cs.CoreV1().ServiceAccounts("ci"), "builder", "vault"))
//
// The token is then sent wherever it is for: with token.Transport to any
// service, or with [Config] to an API server:
//
//	as, err := kubernetes.NewForConfig(kube.Config(cfg, src))
//
// # What the caller needs
//
// Whoever asks needs the verb create on the subresource serviceaccounts/token:
//
//	apiVersion: rbac.authorization.k8s.io/v1
//	kind: Role
//	metadata: {name: token-requester, namespace: ci}
//	rules:
//	- apiGroups: [""]
//	  resources: ["serviceaccounts/token"]
//	  resourceNames: ["builder"]
//	  verbs: ["create"]
//
// # What is linked
//
// The package takes the client-go clients it uses as interfaces of one method,
// so it works with real and fake clientsets of any version and links neither:
// of client-go it imports rest, and the API types.
package kube
