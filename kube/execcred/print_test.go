package execcred_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/token"
)

// What may be secret does not print, wherever it is.
func TestPrint(t *testing.T) {
	t.Parallel()
	cluster := &execcred.Cluster{Server: "https://u:canary@a.example", ProxyURL: "http://u:canary@p.example", Config: json.RawMessage(`"canary"`)}
	p := &execcred.Plugin{
		Command: "acme", Args: []string{"--password=canary"}, Env: []string{"SECRET=canary"},
		Request: execcred.Request{Cluster: cluster}, InstallHint: "canary",
	}
	failed := &execcred.Error{Command: "acme", Err: errors.New("it failed"), Stderr: token.NewSecret("canary")}
	for _, v := range []any{
		p, *p, []execcred.Plugin{*p}, struct{ P *execcred.Plugin }{p}, map[string]*execcred.Plugin{"p": p},
		failed, *failed, struct{ E *execcred.Error }{failed},
	} {
		for _, shown := range prints(t, v) {
			if strings.Contains(shown, "canary") {
				t.Errorf("%T: %s", v, shown)
			}
		}
	}
	// As JSON, a Cluster is what a plugin is told.
	for v, most := range map[any]int{cluster: 7, &p.Request: 7, &execcred.Cluster{Server: "https://u:canary%zz@a.example"}: 7, &execcred.Cluster{Server: "u:canary@a.example"}: 7, struct{ R execcred.Request }{p.Request}: 6} {
		for _, shown := range prints(t, v)[:most] {
			if strings.Contains(shown, "canary") {
				t.Errorf("%T: %s", v, shown)
			}
		}
	}
	if got := fmt.Sprintf("%v %v", p, cluster); got != "execcred.Plugin(acme, 1 Args, 1 Env) https://a.example" {
		t.Error(got)
	}
	if got := fmt.Sprint(execcred.Plugin{Command: "acme\x1b[2J" + strings.Repeat("x", 1000)}, execcred.Cluster{Server: "https://a.example/" + strings.Repeat("x", 1000)}); strings.Contains(got, "\x1b") || len(got) > 500 {
		t.Errorf("%q", got)
	}
}

// prints returns v as every printer has it.
func prints(t *testing.T, v any) []string {
	t.Helper()
	var text, js bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("message", "v", v)
	slog.New(slog.NewJSONHandler(&js, nil)).Info("message", "v", v)
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	return []string{
		fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%s", v), fmt.Sprintf("%q", v),
		text.String(), js.String(), string(encoded),
	}
}
