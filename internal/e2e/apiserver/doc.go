// Package apiserver runs a real kube-apiserver and etcd for tests: RBAC, a
// certificate authority and a token signing key of its own, on 127.0.0.1 only,
// ready in about three seconds.
//
//	func TestSource(t *testing.T) {
//		server := apiserver.Start(t)
//		server.CreateServiceAccount(t, "ci", "builder")
//		accounts := server.Client().CoreV1().ServiceAccounts("ci")
//		...
//		server.SetClock(t, time.Hour) // the server's, not the test's
//		server.Restart(t)             // gone, and back as it was
//	}
//
// The server is one program, made of Go modules alone: the folder server holds
// it, with a go.mod of its own. Building it takes some five minutes, so that
// is done once, by hand or by CI, into the user's cache folder:
//
//	go -C internal/e2e run ./apiserver/build
//
// Without it Start skips the test, or fails it where CI is set.
//
// The same command builds the kubectl that package kubectl runs.
//
// There is no controller manager and no scheduler: nobody makes the "default"
// service accounts, nothing empties a namespace that is deleted, and no pod
// ever runs.
package apiserver
