package oauthclient

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/oauthclient/program"
	provider "github.com/tokenlife/tokenlife/internal/e2e/oidcprovider/program"
	"github.com/tokenlife/tokenlife/internal/e2e/process"
	"github.com/tokenlife/tokenlife/token"
)

// node is openid-client, in a process of its own. It does one thing at a time.
type node struct{ *process.Process }

func startNode(tb testing.TB) node {
	tb.Helper()
	dir, err := program.Client.Find()
	runtime, errNode := provider.Find()
	if err := errors.Join(err, errNode); errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		tb.Skip(err)
	} else if err != nil {
		tb.Fatal(err)
	}
	log := filepath.Join(tb.TempDir(), "client.log")
	p, err := process.Start(exec.Command(runtime.Node, filepath.Join(dir, "client.js")), log)
	if err != nil {
		tb.Fatalf("starting openid-client: %v", err)
	}
	tb.Cleanup(func() {
		p.CloseInput()
		select {
		case <-p.Done():
			if err := p.Err(); err != nil {
				tb.Errorf("openid-client ended with %v; the end of its log:\n%s", err, process.LogTail(log))
			}
		case <-time.After(time.Minute):
			p.Kill()
			tb.Error("openid-client still ran a minute after its standard input had ended")
		}
	})
	return node{p}
}

func (node) String() string { return "openid-client" }

func (n node) Refresh(tb testing.TB, s Server, a App, refresh token.Secret) Answer {
	tb.Helper()
	return n.do(tb, "refresh", s, a, refresh)
}

func (n node) Revoke(tb testing.TB, s Server, a App, refresh token.Secret) Answer {
	tb.Helper()
	return n.do(tb, "revoke", s, a, refresh)
}

func (n node) do(tb testing.TB, what string, s Server, a App, refresh token.Secret) Answer {
	tb.Helper()
	request, err := json.Marshal(map[string]any{
		"server": s,
		"client": a.ID,
		"secret": a.Secret.Reveal(),
		"auth":   a.Auth,
		"token":  refresh.Reveal(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	text, err := n.Ask(what + " " + string(request))
	var answer struct {
		Tokens struct {
			Access    string `json:"access_token"`
			Refresh   string `json:"refresh_token"`
			Type      string `json:"token_type"`
			Scope     string `json:"scope"`
			ExpiresIn int64  `json:"expires_in"`
		}
		Failed *Failure
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &answer)
	}
	if err != nil {
		tb.Fatalf("asking openid-client to %s: %v", what, err)
	}
	t := answer.Tokens
	return Answer{Failed: answer.Failed, Tokens: Tokens{
		Access:    token.NewSecret(t.Access),
		Refresh:   token.NewSecret(t.Refresh),
		Type:      t.Type,
		Scope:     t.Scope,
		ExpiresIn: t.ExpiresIn,
	}}
}
