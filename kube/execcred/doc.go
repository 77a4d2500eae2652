// Package execcred speaks the protocol of kubectl's exec credential plugins
// (client.authentication.k8s.io, v1 and v1beta1), from both ends: it is what a plugin
// answers with, and it runs the plugins of others.
//
// # To be a plugin
//
// A plugin is a program that kubectl, or any other client of Kubernetes, starts when it
// needs a token. This is a whole one, for any [token.Source]:
//
//	func main() {
//		req, err := execcred.ReadRequest()
//		if err == nil {
//			var tok token.Token
//			if tok, err = src.Token(context.Background()); err == nil {
//				err = req.Answer(os.Stdout, tok)
//			}
//		}
//		if err != nil {
//			fmt.Fprintln(os.Stderr, "acme-login:", err)
//			os.Exit(1)
//		}
//	}
//
// The user's entry in the kubeconfig names it:
//
//	users:
//	- name: alice
//	  user:
//	    exec:
//	      apiVersion: client.authentication.k8s.io/v1
//	      command: acme-login
//	      interactiveMode: IfAvailable
//	      provideClusterInfo: true
//
// interactiveMode is required for v1. A plugin whose tokens are for one cluster needs
// provideClusterInfo: what it keeps is to be kept under [Request.Cluster], or another
// kubeconfig makes it hand the token to another server.
//
//   - Standard output is the answer's alone. Messages and prompts go to standard
//     error, which the user sees.
//   - Every exit status but 0 is a failure, whatever was printed.
//   - Whatever is to outlive the answer must be started with other files than this
//     process's standard output and error: most clients wait for the last who holds
//     them.
//
// A client runs the plugin again when the expirationTimestamp is past, by its own
// clock and without any leeway, and once a token was refused; that refusal it still
// passes on. Each kubectl is a process that knows nothing of the one before, so the
// plugin is run by each: one that has to ask for its tokens keeps them, as
// refresh.Source does with a Store, and a login as refresh.Rotator does.
//
// # To use one
//
// A [Plugin] runs the plugin of somebody else, such as a cloud vendor's:
//
//	src := refresh.New(&execcred.Plugin{
//		Command: "gke-gcloud-auth-plugin",
//		Allow:   []string{"gke-gcloud-auth-plugin"},
//		Request: execcred.Request{APIVersion: execcred.V1Beta1}, // it knows no other
//	})
//	cfg = kube.Config(cfg, src)
//
// Some plugins answer in the version that they are asked for, and some in the one that
// they know, which is the apiVersion of their entry in a kubeconfig.
//
// It is run early, so that no request waits for it, and a request that is refused is
// sent again with the next token, which client-go leaves to its caller.
//
// A kubeconfig names a program, its arguments and its environment, and so whoever
// sends somebody a kubeconfig could have any of them run. Nothing runs that is not in
// Plugin.Allow.
package execcred
