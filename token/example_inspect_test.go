package token_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/tokenlife/tokenlife/token"
)

// What a service account token says of itself, without any key.
func ExampleInspect() {
	// The second segment of a token made by "kubectl create token builder",
	// with a header and a signature around it.
	s := token.NewSecret("eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ." +
		"eyJhdWQiOlsidmF1bHQiXSwiZXhwIjoxNzk1MzUzMzE4LCJpYXQiOjE3OTUzNDk3MTgsImlzcyI6Imh0dHBzOi8va3ViZXJuZXRlcy5k" +
		"ZWZhdWx0LnN2YyIsImt1YmVybmV0ZXMuaW8iOnsibmFtZXNwYWNlIjoiY2kiLCJzZXJ2aWNlYWNjb3VudCI6eyJuYW1lIjoiYnVpbGRl" +
		"ciIsInVpZCI6IjFmMmUzZDRjIn19LCJuYmYiOjE3OTUzNDk3MTgsInN1YiI6InN5c3RlbTpzZXJ2aWNlYWNjb3VudDpjaTpidWlsZGVyIn0." +
		"c2lnbmF0dXJl")

	info, err := token.Inspect(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.Format, "signed with", info.Algorithm)
	fmt.Println(info.Kind, "of", info.ServiceAccount.Namespace+"/"+info.ServiceAccount.Name)
	fmt.Println("for", info.Claims.Audience, "until", info.Expiry)

	// Output:
	// JWT signed with RS256
	// Kubernetes service account token of ci/builder
	// for [vault] until 2026-11-22 13:15:18 +0000 UTC
}

// Of an opaque token the kind may show, and its name.
func ExampleInspect_opaque() {
	for _, s := range []token.Secret{
		token.NewSecret("kubeconfig-u-b4qkhsnliz:bzrxt7m5c4kqvdjg9wx2lh8n6pbzrxt7m5c4kqvdjg9wx2lh8n6pbz"),
		token.NewSecret("V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr"),
		token.NewSecret("correct-horse-battery-staple"),
	} {
		info, err := token.Inspect(s)
		fmt.Printf("%v, %v %q %v\n", info.Format, info.Kind, info.Name, err)
	}

	// Output:
	// opaque, Rancher 2.x token "kubeconfig-u-b4qkhsnliz" <nil>
	// opaque, Rancher 1.6 token "" <nil>
	// opaque, unknown "" <nil>
}

// A Secret is redacted wherever it is printed.
func ExampleSecret() {
	type config struct {
		URL   string
		Token token.Secret
	}
	var c config
	err := json.Unmarshal([]byte(`{"URL":"https://example.com","Token":"tr0ub4dor"}`), &c)
	if err != nil {
		fmt.Println(err)
	}

	fmt.Printf("%v\n%+v\n%q\n", c, c, c.Token)
	json.NewEncoder(os.Stdout).Encode(c)
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: noTime}))
	log.Info("starting", "config", c)

	fmt.Println(len(c.Token.Reveal()), "characters, on request only")

	// Output:
	// {https://example.com [redacted]}
	// {URL:https://example.com Token:[redacted]}
	// [redacted]
	// {"URL":"https://example.com","Token":"[redacted]"}
	// level=INFO msg=starting config="{URL:https://example.com Token:[redacted]}"
	// 9 characters, on request only
}
