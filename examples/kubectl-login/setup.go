package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/tokenlife/tokenlife/kube/execcred"
)

// setup prints a kubeconfig with a user that gets its tokens here, as YAML.
func (o options) setup(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# Put this into a kubeconfig, or into a file of its own that $KUBECONFIG names beside
# it, and have a context use the user: kubectl config set-context NAME --user oidc
apiVersion: v1
kind: Config
users:
- name: oidc
  user:
    exec:
      apiVersion: %s
      command: kubectl-login
      args:
`, execcred.V1)
	for _, arg := range o.arguments() {
		text, err := json.Marshal(arg) // JSON is YAML
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "      - %s\n", text)
	}
	b.WriteString(`      provideClusterInfo: true # a login is for one cluster
      interactiveMode: IfAvailable
      installHint: "kubectl-login must be in the PATH"
`)
	_, err := io.WriteString(out, b.String())
	return err
}

// arguments returns the command line of a get-token with the flags that were given.
func (o options) arguments() []string {
	args := []string{"get-token", "-issuer", o.issuer, "-client-id", o.clientID, "-scopes", strings.Join(o.scopes, ",")}
	if o.secretFile != "" {
		args = append(args, "-client-secret-file", o.secretFile)
	}
	if o.ca != "" {
		args = append(args, "-ca", o.ca)
	}
	if o.ownCache {
		args = append(args, "-cache", o.cache)
	}
	if o.device {
		args = append(args, "-device")
	}
	if o.browser {
		args = append(args, "-browser")
	}
	if o.listen != anyPort {
		args = append(args, "-listen", o.listen)
	}
	if o.loginTimeout != defaultLoginTimeout {
		args = append(args, "-login-timeout", o.loginTimeout.String())
	}
	return args
}
