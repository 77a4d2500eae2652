// Package kube gets Kubernetes service account tokens, judges them, and makes any
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
// # Which token
//
//   - A pod that is itself the service account has a file: [Projected]. So
//     kube.Config(cfg, refresh.New(kube.Projected(""))) is what rest.InClusterConfig
//     would be if a token that is refused were read again at once.
//   - A program that acts for one account asks: [Source]. A [Request] says for whom
//     the token is, for how long, and with which pod, Secret or node it dies.
//   - One that acts for many, such as a controller or a CSI driver, has [Tokens].
//   - What is left of the tokens that never expire is in Secrets: [Legacy].
//
// # Which verdict
//
//   - [Reviewer] asks the API server (TokenReview) about every token, and learns of
//     accounts, pods and secrets that are gone.
//   - A jwt.Policy of package token/jwt, with the keys of the cluster, asks nobody,
//     and takes a token to the end of its life whatever became of the account.
//   - [Both] is that before the other: made-up tokens cost the API server nothing,
//     and an account that is gone is let in for no longer than Both.Bound and the ten
//     seconds for which the server itself remembers. It is for service accounts; a
//     Reviewer alone also knows the people whom the server knows by OpenID Connect or
//     a webhook.
//
// The keys of the cluster are at the API server. In a pod, this is how to get them:
//
//	cfg = kube.Config(cfg, refresh.New(kube.Projected("")))
//	client, err := rest.HTTPClientFor(cfg) // trusts the server, and has the token
//	keys := &jwt.Remote{URL: cfg.Host + "/openid/v1/jwks", Client: client}
//
// Where the issuer is a public URL, as that of a managed cluster may be, jwt.Discover
// finds them without a token. The discovery document of https://kubernetes.default.svc
// names another origin, where no token is sent: it takes the lines above.
//
// # Why it is refused
//
// To whoever presents a token an API server says 401 and never why. [Diagnose] finds out:
//
//	d := kube.Diagnose(ctx, kube.Suspect{Token: token.NewSecret(text)}, cfg)
//	fmt.Println(d)
//
// # What replicas share
//
// [SecretStore] keeps a rotating pair, or whatever else wants a refresh.Store, in
// Secrets, and [Keys] reads the keys that sessions are sealed with from one.
//
// # What the caller needs
//
// These are the rights of whoever asks, not of the service accounts whose tokens
// they are.
//
//   - Source and Tokens: create on serviceaccounts/token, as below; Tokens in each
//     namespace, or by a ClusterRole. Name the accounts: whoever may ask for the
//     token of any account has the rights of all.
//   - Reviewer and Both: the ClusterRole system:auth-delegator.
//   - Legacy and Keys: get on the one Secret.
//   - SecretStore: get, update and delete on the one Secret, and create on secrets;
//     the Role is in its documentation.
//   - Diagnose: nothing, and the more the better: what Reviewer needs, and get on what
//     the token hangs on.
//   - Projected: nothing.
//
// A Role and its binding for a Source whose Client is the service account deployer:
//
//	apiVersion: rbac.authorization.k8s.io/v1
//	kind: Role
//	metadata: {name: builder-tokens, namespace: ci}
//	rules:
//	- apiGroups: [""]
//	  resources: ["serviceaccounts/token"]
//	  resourceNames: ["builder"]
//	  verbs: ["create"]
//	---
//	apiVersion: rbac.authorization.k8s.io/v1
//	kind: RoleBinding
//	metadata: {name: builder-tokens, namespace: ci}
//	roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: builder-tokens}
//	subjects:
//	- {kind: ServiceAccount, namespace: ci, name: deployer}
//
// For a Reviewer that runs as the service account api:
//
//	apiVersion: rbac.authorization.k8s.io/v1
//	kind: ClusterRoleBinding
//	metadata: {name: api-reviews-tokens}
//	roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:auth-delegator}
//	subjects:
//	- {kind: ServiceAccount, namespace: prod, name: api}
//
// # Lifetimes and clocks
//
// A token lives as long as the answer says, which may be less than was asked for,
// or be accepted for longer than it is of use: [Event] tells, and [Warnings] adds
// what the server says about it. How long a token has left is counted from the
// moment it was asked for, so that this machine's clock may be wrong; Source.Clock
// learns the server's. A token from a file is judged by this machine's clock.
//
// The API server takes a token until a minute after its end, and a minute before its
// beginning (token/jwt has KubernetesLeeway for that). It keeps an approval for ten
// seconds, so for so long a token that has been revoked may still be taken. A watch is
// looked at when it begins only.
//
// # What is linked
//
// The package takes the client-go clients it uses as small interfaces, so it works
// with real and fake clientsets of any version and links neither: of client-go it
// imports rest, and the API types.
//
// # Tests
//
// A fake clientset makes no tokens. It takes a reactor that answers as an API server
// does, with the spec that was asked for, since what lacks a part of it is an error:
//
//	cs := fake.NewClientset()
//	cs.PrependReactor("create", "serviceaccounts", func(a clienttesting.Action) (bool, runtime.Object, error) {
//		r := a.(clienttesting.CreateAction).GetObject().(*authenticationv1.TokenRequest)
//		hour := int64(3600)
//		r.Spec.ExpirationSeconds = &hour
//		r.Status.Token, r.Status.ExpirationTimestamp = "made-up", metav1.NewTime(time.Now().Add(time.Hour))
//		return true, r, nil
//	})
package kube
