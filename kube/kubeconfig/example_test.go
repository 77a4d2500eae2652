package kubeconfig_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokenlife/tokenlife/kube/kubeconfig"
)

// example writes a kubeconfig, and returns its path and what removes it.
func example(text string) (path string, remove func()) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	path = filepath.Join(dir, "config")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		panic(err)
	}
	return path, func() { os.RemoveAll(dir) }
}

// What a program can say of the kubeconfig that it finds. Default has the files that
// kubectl reads.
func ExampleFiles_Inspect() {
	path, remove := example(`
current-context: prod
contexts:
- {name: prod, context: {cluster: prod, user: alice}}
clusters:
- {name: prod, cluster: {server: "https://prod.example.com"}}
users:
- name: alice
  user: {token: kubeconfig-u-abc}
- name: bob
  user:
    auth-provider: {name: gcp}
`)
	defer remove()

	users, err := kubeconfig.Files{path}.Inspect()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, u := range users {
		fmt.Printf("%s (%s, current: %t)\n%s\n", u.Name, u.Kind, u.Current, u.Outlook())
		for _, p := range u.Problems {
			fmt.Println("-", p)
		}
	}
	// Output:
	// alice (token, current: true)
	// The token does not say when it ends and nothing refreshes it: once it is refused, put a new one there with kubectl config set-credentials alice --token=...
	// bob (auth-provider, current: false)
	// No kubectl knows this auth-provider any more: every call fails until the user has another credential, such as an exec plugin
	// - the auth-provider gcp is gone since Kubernetes 1.26: install gke-gcloud-auth-plugin, and run gcloud container clusters get-credentials
}

// A login that is over is cleared, and nothing else changes.
func ExampleFiles_Forget() {
	path, remove := example(`users:
- name: alice # of the day shift
  user:
    auth-provider:
      name: oidc
      config:
        idp-issuer-url: https://login.example.com
        client-id: kubectl
        id-token: eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJl
        refresh-token: 'spent'
`)
	defer remove()

	done, err := kubeconfig.Files{path}.Forget(context.Background(), "alice")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("cleared:", strings.Join(done.Cleared, ", "))
	text, err := os.ReadFile(done.File)
	fmt.Printf("%s%v\n", text, err)
	_, err = os.Stat(done.Backup)
	fmt.Println("there is a backup:", err == nil)
	// Output:
	// cleared: auth-provider.config.id-token, auth-provider.config.refresh-token
	// users:
	// - name: alice # of the day shift
	//   user:
	//     auth-provider:
	//       name: oidc
	//       config:
	//         idp-issuer-url: https://login.example.com
	//         client-id: kubectl
	//         id-token: ""
	//         refresh-token: ""
	// <nil>
	// there is a backup: true
}

// The plugin of a user, run by a program that knows which plugins may be run.
func ExampleUser_exec() {
	path, remove := example(`users:
- name: alice
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: gke-gcloud-auth-plugin
      interactiveMode: IfAvailable
`)
	defer remove()

	u, err := kubeconfig.Files{path}.User("alice")
	if err != nil {
		fmt.Println(err)
		return
	}
	u.Exec.Allow = []string{"kubectl-login"}
	_, err = u.Exec.Token(context.Background())
	fmt.Println(err)
	// Output:
	// execcred: gke-gcloud-auth-plugin: it may not run, for it is none of those in Allow: add it if whoever named it is to be trusted
}
