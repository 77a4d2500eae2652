package rancher

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// What may be nowhere in what is printed. The passwords and tokens have it in
// them; the names of tokens do not.
var secrets = []string{"hunter2correcthorse", "jslbp8qbkvpndjj4xmvl9crwh7w96pvxrg4xltsmcbcvvcrk9thphq", "V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr"}

var (
	password  = token.NewSecret(secrets[0])
	v3Secret  = token.NewSecret("token-5lwps:" + secrets[1])
	extSecret = token.NewSecret("ext/token-5lwps:" + secrets[1])
	oldSecret = token.NewSecret(secrets[2])
)

// leaks returns how v shows a secret.
func leaks(v any) string {
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		fmt.Fprintf(&out, verb+"\n", v)
	}
	if text, err := json.Marshal(v); err == nil {
		out.Write(text)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("seen", "value", v)
	}
	if err, ok := v.(error); ok {
		chain(err, func(err error) { fmt.Fprintf(&out, "%T %v %+v %#v\n", err, err, err, err) })
	}
	for line := range strings.Lines(out.String()) {
		for _, secret := range append(secrets, encoded(secrets)...) {
			if strings.Contains(strings.ToLower(line), strings.ToLower(secret)) {
				return line
			}
		}
	}
	return ""
}

// encoded returns secrets as they are on the wire elsewhere, in part.
func encoded(of []string) (all []string) {
	for _, secret := range of {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth("", secret)
		all = append(all, strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")[4:24])
	}
	return all
}

// chain calls f for err and all that it wraps.
func chain(err error, f func(error)) {
	if err == nil {
		return
	}
	f(err)
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		chain(e.Unwrap(), f)
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			chain(err, f)
		}
	}
}

// A caller calls all that there is, and looks at what that shows.
type caller struct {
	mu     sync.Mutex
	t      *testing.T
	where  string
	source token.Source
	name   string // of a token, in the place of every name
}

// see reports v if it shows a secret.
func (c *caller) see(what string, v any) {
	if line := leaks(v); line != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.t.Errorf("%s: %s shows a secret: %s", c.where, what, line)
	}
}

// clients returns everything of the package that makes calls, to one server.
func (c *caller) clients(s *Server) map[string]any {
	credentials := func(context.Context) (Credentials, error) { return c.credentials(), nil }
	v3 := &V3{Server: s, Source: c.source}
	v2 := &V2Beta{Server: s, Source: c.source}
	return map[string]any{
		"Server": s, "V2Beta": v2, "V3": v3,
		"V2BetaSource": v2.NewSource(credentials), "V3Verifier": &V3Verifier{Client: v3},
		"V3Source": &V3Source{Client: v3, First: token.SourceFunc(func(ctx context.Context) (token.Token, error) {
			login, err := v3.Login(ctx, c.credentials())
			return login.Token, err
		}), OnEvent: func(e V3Event) { c.see("an event", e); c.see("its error", e.Err) }},
		"V3Source with a First": &V3Source{Client: v3, First: c.source, OnEvent: func(e V3Event) { c.see("an event", e) }},
	}
}

func (c *caller) credentials() Credentials {
	return Credentials{Username: "admin", Password: password, Description: "ci"}
}

// argument returns something to call a method with.
func (c *caller) argument(ctx context.Context, typ reflect.Type, tok token.Secret) reflect.Value {
	of := func(v any) reflect.Value { return reflect.ValueOf(v) }
	for _, v := range []reflect.Value{
		of(tok), of(c.name), of(token.New(tok)), of(time.Minute), of(c.credentials()), of(Suspect{Token: tok, URL: "/v3/clusters/local?token=" + secrets[0]}),
		of(V3Request{Description: "ci"}), of(V3KubeconfigRequest{Clusters: []string{"local"}}), of(func(string) error { return nil }),
	} {
		if v.Type() == typ {
			return v
		}
	}
	if typ == reflect.TypeFor[context.Context]() {
		return of(ctx)
	}
	return reflect.Value{}
}

// callAll calls every method that can be, and looks at what it returns: at all of
// it if the server does not put secrets into what people want to read.
func (c *caller) callAll(ctx context.Context, s *Server, results bool) (calls int) {
	clients := c.clients(s)
	for name, client := range clients {
		v := reflect.ValueOf(client)
		for i := range v.NumMethod() {
			m := v.Type().Method(i)
			for _, tok := range []token.Secret{v3Secret, oldSecret, extSecret, password} {
				ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
				args, takesToken := []reflect.Value{}, false
				for j := 1; j < m.Type.NumIn(); j++ {
					arg := c.argument(ctx, m.Type.In(j), tok)
					takesToken = takesToken || arg.IsValid() && (arg.Type() == reflect.TypeOf(tok) || arg.Type() == reflect.TypeOf(Suspect{}))
					args = append(args, arg)
				}
				again := m.Name == "SAML" && c.name != "token-5lwps" // it makes an RSA key each time
				if m.Name != "Close" && !again && takes(m.Type, reflect.TypeFor[context.Context]()) {
					calls++
					for _, out := range c.call(name+"."+m.Name, v.Method(i), args) {
						_, isError := out.Interface().(error)
						_, isDiagnosis := out.Interface().(token.Diagnosis)
						if results || isError || isDiagnosis {
							c.see(name+"."+m.Name, out.Interface())
						}
					}
				}
				cancel()
				if !takesToken {
					break
				}
			}
		}
	}
	for name, client := range clients {
		if v, ok := client.(interface{ Close(context.Context) error }); ok {
			if err := v.Close(ctx); err != nil {
				c.see(name+".Close", err)
			}
		}
		if results {
			synctest.Wait() // what a Source still does would change what is printed
			c.see(name, client)
		}
	}
	return calls
}

func takes(f, typ reflect.Type) bool {
	for i := range f.NumIn() {
		if f.In(i) == typ {
			return true
		}
	}
	return false
}

// call calls f, which must not panic.
func (c *caller) call(name string, f reflect.Value, args []reflect.Value) []reflect.Value {
	for i, arg := range args {
		if !arg.IsValid() {
			c.t.Fatalf("%s: nothing to call it with in the place of a %v", name, f.Type().In(i))
		}
	}
	defer func() {
		if v := recover(); v != nil {
			c.t.Errorf("%s: %s panicked: %v", c.where, name, v)
			c.see(name+"'s panic", v)
		}
	}()
	return f.Call(args)
}

// An echo answers with what was sent, in the place where X is.
type echo struct {
	status int
	header http.Header
	body   string
}

func (e echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	sent := string(body) + r.Header.Get("Authorization") + r.Header.Get("Cookie")
	quoted, _ := json.Marshal(strings.Join(secrets, " ") + sent)
	fill := func(s string) string { return strings.ReplaceAll(s, "X!", strings.Trim(string(quoted), `"`)) }
	for key, values := range e.header {
		for _, v := range values {
			w.Header().Add(key, strings.ReplaceAll(v, "X!", one(sent)))
		}
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(e.status)
	io.WriteString(w, fill(e.body))
}

// one returns a secret that is in what was sent.
func one(sent string) string {
	for _, secret := range secrets {
		if strings.Contains(sent, secret) {
			return secret
		}
	}
	return "none"
}

// Whatever a server answers, it cannot put into an error, an event, a diagnosis or
// a panic what it was sent.
func TestSecretsEchoed(t *testing.T) {
	t.Parallel()
	const (
		norman  = `{"type":"error","baseType":"error","status":"X!","code":"X!","message":"X!","detail":"X!","fieldName":"X!","id":"X!","X!":"X!"}`
		status  = `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"X! cannot be system:cattle:error","reason":"X!","details":{"name":"X!"},"code":403}`
		made    = `{"type":"token","baseType":"token","kind":"X!","id":"X!","name":"X!","token":"X!","jwt":"X!","expiresAt":"X!","created":"X!","ttl":"X!","userId":"X!","user":"X!","userIdentity":{"id":"X!","login":"X!"},"authProvider":"X!","clusterId":"X!","description":"X!","security":true,"enabled":true,"data":[{"id":"X!","type":"X!","name":"X!","token":"X!","jwt":"X!","actions":{"login":"https://rancher.example/X!"}}],"idpRedirectUrl":"https://X!","value":"X!","default":"X!","source":"X!","status":{"value":"X!","expiresAt":"X!"},"metadata":{"name":"X!","creationTimestamp":"X!"},"spec":{"ttl":"X!"},"items":[{"metadata":{"name":"X!"}}],"pagination":{"next":"https://X!"},"links":{"self":"X!"}}`
		typed   = `{"type":"token","id":"token-5lwps","name":"token-5lwps","token":"token-5lwps:` + "jslbp8qbkvpndjj4xmvl9crwh7w96pvxrg4xltsmcbcvvcrk9thphq" + `","jwt":"V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr","ttl":60000,"userId":"X!","expiresAt":"X!","created":"2026-08-19T16:00:00Z","data":"X!"}`
		nothing = ``
	)
	echoes := map[string]http.Handler{
		"a page":                 echo{200, http.Header{"Content-Type": {"text/html"}}, `<html>X!</html>`},
		"text":                   echo{200, http.Header{"Content-Type": {"text/plain"}}, `X!`},
		"redirect":               echo{302, http.Header{"Location": {"https://X!.example/X!?X!"}}, nothing},
		"redirect in the server": echo{307, http.Header{"Location": {"/X!"}}, nothing},
		"truncated":              echo{201, nil, `{"type":"token","jwt":"X!","token":"X!`},
		"headers":                echo{401, http.Header{"Www-Authenticate": {"X!"}, "X-Api-Cattle-Auth": {"X!"}, "X-Rancher-Version": {"X!"}, "Set-Cookie": {"CSRF=X!", "token=X!", "X!=X!"}, "Date": {"X!"}, "Retry-After": {"X!"}}, norman},
		"a header that is none":  raw("HTTP/1.1 200 OK\r\n" + secrets[0] + secrets[1] + "\r\n\r\n"),
		"a status that is none":  raw("HTTP/1.1 " + secrets[1] + " " + secrets[0] + "\r\n\r\n"),
		"a reason phrase":        raw("HTTP/1.1 418 " + secrets[0] + "\r\nContent-Length: 0\r\n\r\n"),
		"a broken chunk":         raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secrets[0] + "\r\n"),
	}
	for _, code := range []int{400, 401, 403, 404, 422, 500, 503} {
		echoes[fmt.Sprint("norman ", code)] = echo{code, nil, norman}
	}
	for _, code := range []int{200, 403} {
		echoes[fmt.Sprint("Status ", code)] = echo{code, nil, status}
	}
	for _, code := range []int{200, 201} {
		echoes[fmt.Sprint("token ", code)] = echo{code, nil, made}
		echoes[fmt.Sprint("typed token ", code)] = echo{code, nil, typed}
	}
	for name, h := range echoes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, of := range []string{"token-5lwps", v3Secret.Reveal()} {
					c := &caller{t: t, where: name, source: token.Static(token.New(v3Secret)), name: of}
					if calls := c.callAll(t.Context(), at("https://rancher.example", h.ServeHTTP), false); calls < 40 {
						t.Errorf("only %d calls", calls)
					}
				}
			})
		})
	}
}

// What the real ones answer shows no secret in any value either.
func TestSecretsPrinted(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func() (http.Handler, *http.Client, string){
		"V2Beta": func() (http.Handler, *http.Client, string) {
			s := ranchertest.NewV2Beta()
			s.AddUser("admin", password.Reveal(), "admin")
			return s, s.Client(), s.URL
		},
		"V3": func() (http.Handler, *http.Client, string) {
			s := ranchertest.NewV3("v2.13.1")
			s.AddUser("admin", password.Reveal())
			return s, s.Client(), s.URL
		},
		"V3 of old": func() (http.Handler, *http.Client, string) {
			s := ranchertest.NewV3("v2.6.3")
			s.AddUser("admin", password.Reveal())
			return s, s.Client(), s.URL
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, client, url := make()
				server := &Server{URL: url, HTTP: client}
				c := &caller{t: t, where: name, source: token.Static(token.New(v3Secret)), name: "token-5lwps"}
				c.callAll(t.Context(), server, true)

				// And with a token that is good, whose secret nobody knows before.
				api, err := server.Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				login, err := api.Login(t.Context(), c.credentials())
				if err != nil {
					t.Fatal(err)
				}
				_, secret, found := strings.Cut(login.Token.Value.Reveal(), ":")
				if !found {
					secret = login.Token.Value.Reveal()
				}
				c.see("a login", login)
				c.source = token.Static(login.Token)
				for what, v := range values(server, c.source, login) {
					text := fmt.Sprintf("%v %+v %#v", v, v, v)
					if strings.Contains(text, secret) || strings.Contains(text, password.Reveal()) {
						t.Errorf("%s shows a secret: %s", what, text)
					}
					// What renews is not even read: it may change meanwhile.
					if said := "rancher." + what; strings.HasSuffix(what, "Source") && text != said+" "+said+" "+said {
						t.Errorf("a %s shows what it holds: %s", what, text)
					}
				}
			})
		})
	}
}

// values returns one of each exported type, with secrets where they can be.
func values(s *Server, src token.Source, login Login) map[string]any {
	v2, v3 := &V2Beta{Server: s, Source: src}, &V3{Server: s, Source: src}
	suspect := Suspect{Token: login.Token.Value}
	return map[string]any{
		"API": API(v3), "Credentials": Credentials{Username: "admin", Password: password, Code: password, IDToken: password},
		"Error": &Error{Op: "log in", Err: ErrCredentials}, "Login": login, "Probe": Probe{Live: true, User: login.User},
		"Product": Product{}, "Server": s, "Setting": Setting{}, "Suspect": suspect, "User": login.User, "V2Beta": v2,
		"V2BetaSource": v2.NewSource(func(context.Context) (Credentials, error) { return Credentials{}, nil }),
		"V3":           v3, "V3Activity": V3Activity{}, "V3Bearer": bearerOf(login.Token.Value), "V3Event": V3Event{Kind: V3Created}, "V3EventKind": V3Clamped,
		"V3Kind": V3Kind(""), "V3Kubeconfig": V3Kubeconfig{}, "V3KubeconfigRequest": V3KubeconfigRequest{}, "V3Provider": V3Provider{},
		"V3Request": V3Request{}, "V3Source": &V3Source{Client: v3, First: src}, "V3Token": V3Token{}, "V3Verifier": &V3Verifier{Client: v3},
	}
}

func bearerOf(s token.Secret) V3Bearer {
	b, _ := ParseV3(s)
	return b
}

// No exported type is forgotten.
func TestSecretsOfAllTypes(t *testing.T) {
	t.Parallel()
	have := values(&Server{}, token.Static(token.New(v3Secret)), Login{Token: token.New(v3Secret)})
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(gotoken.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() && have[spec.Name.Name] == nil {
				t.Errorf("%s: add %s to the values that are printed", f.Name(), spec.Name)
			}
			return true
		})
	}
	for what, v := range have {
		if line := leaks(v); line != "" {
			t.Errorf("%s shows a secret: %s", what, line)
		}
	}
	// The test itself sees one that is shown.
	for _, v := range []any{errors.New(secrets[0]), fmt.Errorf("x: %w", errors.New(strings.ToUpper(secrets[1]))), struct{ Token string }{secrets[2]}} {
		if leaks(v) == "" {
			t.Errorf("a secret in a %T was not seen", v)
		}
	}
}
