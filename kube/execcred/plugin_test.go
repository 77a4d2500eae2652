package execcred_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/token"
)

// aJWT says that it was issued 2026-01-01 and expires an hour later.
var aJWT = func() string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"ES256"}`)) + "." + e([]byte(`{"iat":1767225600,"exp":1767229200}`)) + "." + e(make([]byte, 64))
}()

func TestPlugin(t *testing.T) {
	t.Parallel()
	in := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	iat := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, text string
		want       token.Token
		stamped    bool
	}{
		{"no stamp", credential(execcred.V1, "value", ""), token.Token{}, false},
		{"null", strings.Replace(credential(execcred.V1, "value", "x"), `"x"`, "null", 1), token.Token{}, false},
		{"year 1", credential(execcred.V1, "value", "0001-01-01T00:00:00Z"), token.Token{}, false},
		{"a stamp", credential(execcred.V1, "value", in.Format(time.RFC3339)), token.Token{Expiry: in}, true},
		{"a zone", credential(execcred.V1, "value", in.In(time.FixedZone("", 7200)).Format(time.RFC3339)), token.Token{Expiry: in}, true},
		{"fractions", credential(execcred.V1, "value", in.Add(5e8).Format(time.RFC3339Nano)), token.Token{Expiry: in.Add(5e8)}, true},
		{"JWT", credential(execcred.V1, aJWT, ""), token.Token{Value: token.NewSecret(aJWT), IssuedAt: iat, Expiry: iat.Add(time.Hour)}, false},
		{"JWT with a stamp", credential(execcred.V1, aJWT, in.Format(time.RFC3339)), token.Token{Value: token.NewSecret(aJWT), IssuedAt: iat, Expiry: in}, true},
		{"a certificate too", strings.Replace(credential(execcred.V1, "value", ""), `"token"`, `"clientCertificateData":"c","clientKeyData":"k","token"`, 1), token.Token{}, false},
		{"newer than this", strings.Replace(credential(execcred.V1, "value", ""), `{"token"`, `{"later":[1],"token"`, 1), token.Token{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.want.Value.IsZero() {
				test.want.Value = token.NewSecret("value")
			}
			got, err := plugin("prints", "TEXT="+test.text, "SAYS=warning: renew me").Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(test.want) || !got.IssuedAt.Equal(test.want.IssuedAt) || !got.Expiry.Equal(test.want.Expiry) || got.Type != "" {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if !got.Expiry.IsZero() && got.Expiry.Location() != time.UTC {
				t.Errorf("Expiry is %v", got.Expiry)
			}
			left := time.Until(got.Expiry)
			if test.stamped && (got.ExpiresIn < left || got.ExpiresIn > left+time.Minute) || !test.stamped && got.ExpiresIn != 0 {
				t.Errorf("ExpiresIn %v, of %v", got.ExpiresIn, left)
			}
		})
	}
}

// What a plugin prints must be what was asked for.
func TestPluginPrintsGarbage(t *testing.T) {
	t.Parallel()
	status := func(members string) string {
		return strings.Replace(credential(execcred.V1, "X", ""), `"token": "X"`, members, 1)
	}
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", "standard output: empty"},
		{"an empty line", " \r\n", "standard output: empty"},
		{"a message", "canary: please log in", "standard output: no JSON object"},
		{"a message before", "canary\n" + credential(execcred.V1, "canary", ""), "standard output: no JSON object"},
		{"a message after", credential(execcred.V1, "canary", "") + "canary", "standard output: more text after the JSON object"},
		{"YAML", "kind: ExecCredential\nstatus:\n  token: canary\n", "standard output: no JSON object"},
		{"half", credential(execcred.V1, "canary", "")[:100], "standard output: not JSON, or cut off"},
		{"no kind", strings.Replace(credential(execcred.V1, "canary", ""), "kind", "sort", 1), "kind: not ExecCredential"},
		{"another kind", strings.Replace(credential(execcred.V1, "canary", ""), "Exec", "Canary", 1), "kind: not ExecCredential"},
		{"v1beta1", credential(execcred.V1Beta1, "canary", ""), "apiVersion: client.authentication.k8s.io/v1beta1, and client.authentication.k8s.io/v1 was asked for: set Request.APIVersion"},
		{"v1alpha1", credential("client.authentication.k8s.io/v1alpha1", "canary", ""), "apiVersion: client.authentication.k8s.io/v1alpha1, which Kubernetes 1.24 dropped"},
		{"no version", credential("", "canary", ""), "apiVersion: neither"},
		{"version of a number", strings.Replace(credential(execcred.V1, "canary", ""), `"client.authentication.k8s.io/v1"`, "1", 1), "apiVersion: not a string"},
		{"no status", request(""), "status: missing"},
		{"null", request(`,"status":null`), "status: missing"},
		{"status of a string", request(`,"status":"canary"`), "status: no JSON object"},
		{"no token", status(`"canary":1`), "status.token: missing or empty"},
		{"empty token", status(`"token":""`), "status.token: missing or empty"},
		{"token in another case", status(`"Token":"canary"`), "status.token: missing or empty"},
		{"token of a number", status(`"token":5`), "status.token: not a string"},
		{"token with a line", status(`"token":"canary\n"`), "status.token: not of printable ASCII characters"},
		{"token with a space", status(`"token":"Bearer canary"`), "status.token: not of printable ASCII characters"},
		{"token with a zero", status(`"token":"canary\u0000"`), "status.token: not of printable ASCII characters"},
		{"token of half a pair", status(`"token":"canary\ud800"`), "status.token: not of printable ASCII characters"},
		{"two tokens", status(`"token":"canary","token":"canary"`), "status.token: there twice"},
		{"two tokens of any case", status(`"token":"canary","TOKEN":"canary"`), "status.token: there twice"},
		{"no key", status(`"token":"t","clientCertificateData":"canary"`), "status.clientKeyData: missing beside clientCertificateData"},
		{"no certificate", status(`"clientKeyData":"canary"`), "status.clientCertificateData: missing beside clientKeyData"},
		{"a certificate", status(`"clientCertificateData":"canary","clientKeyData":"canary"`), "status.token: missing, for this plugin prints a client certificate: give it to client-go itself"},
		{"key of a number", status(`"token":"canary","clientKeyData":1`), "status.clientKeyData: not a string"},
		{"a stamp of a number", status(`"token":"canary","expirationTimestamp":1`), "status.expirationTimestamp: no time of RFC 3339"},
		{"a stamp of words", credential(execcred.V1, "canary", "canary"), "status.expirationTimestamp: no time of RFC 3339"},
		{"a date", credential(execcred.V1, "canary", "2126-01-01"), "status.expirationTimestamp: no time of RFC 3339"},
		{"a past", credential(execcred.V1, "canary", time.Now().Add(-2*time.Hour).Format(time.RFC3339)), " ago: its tokens are expired on arrival"},
		{"a distant past", credential(execcred.V1, "canary", "0001-01-01T00:00:01Z"), "status.expirationTimestamp: 2562047h47m16"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tok, err := plugin("prints", "TEXT="+test.text).Token(t.Context())
			e := failure(t, tok, err)
			says(t, err, "execcred: "+self()+": standard output: ", test.want)
			if e.ExitCode != 0 || !e.Stderr.IsZero() {
				t.Errorf("exit code %d, standard error %q", e.ExitCode, e.Stderr.Reveal())
			}
		})
	}
}

// A token that ends now has nothing left, and does not live for ever.
func TestPluginPrintsWhatEndsNow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tok, err := execcred.ReadCredential([]byte(credential(execcred.V1, "canary", now.Format(time.RFC3339))), execcred.V1, now)
	if err == nil || !tok.IsZero() {
		t.Fatalf("%v, %v", tok, err)
	}
	says(t, err, "status.expirationTimestamp: 0s ago: its tokens are expired on arrival")
}

// With APIVersion V1Beta1, that is the version of both.
func TestPluginOfV1Beta1(t *testing.T) {
	t.Parallel()
	p := plugin("answers", "TOKEN=value")
	p.Request.APIVersion = execcred.V1Beta1
	if tok, err := p.Token(t.Context()); err != nil || tok.Value.Reveal() != "value" || tok.ExpiresIn > time.Hour-29*time.Second || tok.ExpiresIn < time.Hour-time.Minute {
		t.Errorf("%+v, %v", tok, err)
	}
	p = plugin("prints", "TEXT="+credential(execcred.V1, "canary", ""))
	p.Request.APIVersion = execcred.V1Beta1
	tok, err := p.Token(t.Context())
	failure(t, tok, err)
	says(t, err, "apiVersion: client.authentication.k8s.io/v1, and client.authentication.k8s.io/v1beta1 was asked for")
}

// writeProgram writes a file that may be run. No process is begun meanwhile: it would
// have the file open for writing until it is another program, and nobody may run it.
func writeProgram(t *testing.T, file, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestPluginFails(t *testing.T) {
	t.Parallel()
	good := credential(execcred.V1, "canary", "")
	t.Run("status", func(t *testing.T) {
		t.Parallel()
		tok, err := plugin("prints", "TEXT="+good, "SAYS=\x1b[31mcanary: password canary", "STATUS=xxx").Token(t.Context())
		e := failure(t, tok, err)
		says(t, err, "it failed: exit status 3; run it by hand to see what it says, or look into Error.Stderr")
		if e.ExitCode != 3 || e.Stderr.Reveal() != "\x1b[31mcanary: password canary" {
			t.Errorf("exit code %d, standard error %q", e.ExitCode, e.Stderr.Reveal())
		}
		if text, err := json.Marshal(e); err != nil || strings.Contains(string(text), "canary") {
			t.Errorf("JSON %s, %v", text, err)
		}
	})
	t.Run("status and silence", func(t *testing.T) {
		t.Parallel()
		tok, err := plugin("prints", "STATUS=x").Token(t.Context())
		failure(t, tok, err)
		says(t, err, "it failed: exit status 1; run it by hand to see what it wants")
	})
	t.Run("a long complaint", func(t *testing.T) {
		t.Parallel()
		tok, err := plugin("prints", "SAYS="+strings.Repeat("canary ", 3000)+"the end", "STATUS=x").Token(t.Context())
		if got := failure(t, tok, err).Stderr.Reveal(); len(got) != 4<<10 || !strings.HasSuffix(got, "the end") {
			t.Errorf("%d bytes of standard error are kept, with %q at the end", len(got), got[len(got)-10:])
		}
	})
	t.Run("signal", func(t *testing.T) {
		t.Parallel()
		needUnix(t)
		tok, err := plugin("dies").Token(t.Context())
		if e := failure(t, tok, err); e.ExitCode != -1 {
			t.Errorf("exit code %d", e.ExitCode)
		}
		says(t, err, "it failed: signal: killed")
	})
	t.Run("no program", func(t *testing.T) {
		t.Parallel()
		needUnix(t)
		file := t.TempDir() + "/plugin"
		writeProgram(t, file, "canary")
		tok, err := (&execcred.Plugin{Command: file, AnyCommand: true}).Token(t.Context())
		failure(t, tok, err)
		says(t, err, "it could not be run: exec format error; is it a program for this machine")
	})
	t.Run("no interpreter", func(t *testing.T) {
		t.Parallel()
		needUnix(t)
		file := t.TempDir() + "/plugin"
		writeProgram(t, file, "#!/absent/canary\n")
		tok, err := (&execcred.Plugin{Command: file, AnyCommand: true}).Token(t.Context())
		failure(t, tok, err)
		says(t, err, "it could not be run: no such file or directory; ", "is the interpreter there that its first line may name")
	})
	t.Run("not executable", func(t *testing.T) {
		t.Parallel()
		needUnix(t)
		file := t.TempDir() + "/plugin"
		if err := os.WriteFile(file, []byte("canary"), 0o600); err != nil {
			t.Fatal(err)
		}
		tok, err := (&execcred.Plugin{Command: file, AnyCommand: true}).Token(t.Context())
		failure(t, tok, err)
		says(t, err, "it is no program that may be run: permission denied; install it, make it executable, or correct Command")
	})
	t.Run("too long a request", func(t *testing.T) {
		t.Parallel()
		needUnix(t)
		p := plugin("tells")
		p.Request.Cluster = &execcred.Cluster{CertificateAuthorityData: make([]byte, 4<<20)}
		tok, err := p.Token(t.Context())
		failure(t, tok, err)
		says(t, err, "it could not be run: argument list too long", "is Request no longer than")
	})
}

// endless is what a plugin prints that is not ended by being killed.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	e.read += len(b)
	if e.read > 16<<20 {
		return 0, io.EOF
	}
	return len(b), nil
}

func TestPluginWritesTooMuch(t *testing.T) {
	t.Parallel()
	t.Run("and goes on", func(t *testing.T) {
		t.Parallel()
		var e endless
		full := 0
		if _, err := io.Copy(execcred.NewHead(func() { full++ }), &e); err == nil || full != 1 || e.read > 2<<20 {
			t.Errorf("%d bytes were read, and it was full %d times: %v", e.read, full, err)
		}
	})
	t.Run("10 MB", func(t *testing.T) {
		t.Parallel()
		tok, err := plugin("prints 10 MB").Token(t.Context())
		e := failure(t, tok, err)
		says(t, err, "standard output: longer than 1 MiB")
		if got := e.Stderr.Reveal(); len(got) != 4<<10 || !strings.HasSuffix(got, "the end") {
			t.Errorf("%d bytes of standard error are kept, with %q at the end", len(got), got[len(got)-10:])
		}
	})
	t.Run("endless", func(t *testing.T) {
		t.Parallel()
		l := newLine(t)
		tok, err := plugin("floods", l.env).Token(t.Context())
		if e := failure(t, tok, err); e.ExitCode == 0 {
			t.Error("it ended well")
		}
		says(t, err, "standard output: longer than 1 MiB, and the plugin was ended")
		l.Close() // it never came so far as to hang
	})
	t.Run("1 MiB", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		text := credential(execcred.V1, "value", "")
		if err := os.WriteFile(dir+"/full", []byte(text+strings.Repeat("\n", 1<<20-len(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		if tok, err := plugin("reads", "FILE="+dir+"/full").Token(t.Context()); err != nil || tok.Value.Reveal() != "value" {
			t.Errorf("%v, %v", tok, err)
		}
	})
}

// What hangs is ended with all that it has started, whatever signals it ignores.
func TestPluginHangs(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"hangs", "closes", "forks and hangs"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			if role == "forks and hangs" {
				needUnix(t)
			}
			l := newLine(t)
			ctx, giveUp := context.WithCancelCause(t.Context())
			type result struct {
				tok token.Token
				err error
			}
			done := make(chan result)
			p := plugin(role, l.env)
			p.Timeout = -1
			go func() {
				tok, err := p.Token(ctx)
				done <- result{tok, err}
			}()
			conn := l.accept(t)
			alive(t, conn)
			defer dead(t, conn)
			giveUp(token.ErrInvalid) // whatever the cause
			got := <-done
			if e := failure(t, got.tok, got.err); e.ExitCode != -1 || !errors.Is(got.err, context.Canceled) || errors.Is(got.err, context.DeadlineExceeded) {
				t.Errorf("exit code %d, %v", e.ExitCode, got.err)
			}
			says(t, got.err, "it was ended, for whoever asked for the token did not wait longer: context canceled")
		})
	}
}

// What an interactive plugin leaves behind is not waited for either, for more than a
// moment.
func TestPluginHangsAndIsInteractive(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	p := plugin("forks and hangs", l.env)
	p.Request.Interactive = true
	took, conn, _ := l.timedOut(t, p)
	if took > p.Timeout+time.Minute {
		t.Errorf("it took %v", took)
	}
	alive(t, conn)
}

func TestPluginTimeout(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	p := plugin("hangs", l.env)
	took, conn, err := l.timedOut(t, p)
	e := failure(t, token.Token{}, err)
	says(t, err, "it was ended after the Timeout of "+p.Timeout.String()+": context deadline exceeded; run it by hand", "or raise Timeout")
	if !errors.Is(err, context.DeadlineExceeded) || took < p.Timeout || took > p.Timeout+time.Minute || e.Stderr.Reveal() != "canary: hanging" {
		t.Errorf("after %v: %v, %q", took, err, e.Stderr.Reveal())
	}
	dead(t, conn)
}

// Without a Timeout there is one, unless there is to be none.
func TestPluginTimeoutUnlessSet(t *testing.T) {
	t.Parallel()
	for set, want := range map[time.Duration]time.Duration{0: time.Minute, -time.Hour: 0, time.Hour: time.Hour} {
		if got := execcred.TimeoutOf(&execcred.Plugin{Timeout: set}); got != want {
			t.Errorf("with a Timeout of %v: %v, want %v", set, got, want)
		}
	}
}

// Whoever's time it was that is over, the error says whose to raise.
func TestPluginDeadlineOfItsCaller(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	ctx, giveUp := context.WithTimeout(t.Context(), time.Second)
	defer giveUp()
	tok, err := plugin("hangs", l.env).Token(ctx)
	failure(t, tok, err)
	says(t, err, "whoever asked for the token did not wait longer: context deadline exceeded; run it by hand", "or wait longer (a refresh.Source has a Timeout of its own")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A plugin that answers and leaves something behind has answered.
func TestPluginLeavesSomethingBehind(t *testing.T) {
	t.Parallel()
	t.Run("after an answer", func(t *testing.T) {
		t.Parallel()
		l := newLine(t)
		tok, err := plugin("forks", l.env, "TEXT="+credential(execcred.V1, "value", "")).Token(t.Context())
		if err != nil || tok.Value.Reveal() != "value" {
			t.Errorf("%v, %v", tok, err)
		}
		alive(t, l.accept(t))
	})
	t.Run("after an answer, and then nobody waits any longer", func(t *testing.T) {
		t.Parallel()
		needUnix(t)
		l := newLine(t)
		ctx, giveUp := context.WithCancel(t.Context())
		go func() {
			if conn, err := l.Accept(); err == nil {
				giveUp()
				<-t.Context().Done()
				conn.Close()
			}
		}()
		tok, err := plugin("forks", l.env, "TEXT="+credential(execcred.V1, "value", "")).Token(ctx)
		if err != nil || tok.Value.Reveal() != "value" {
			t.Errorf("%v, %v", tok, err)
		}
	})
	t.Run("after half an answer", func(t *testing.T) {
		t.Parallel()
		l := newLine(t)
		tok, err := plugin("forks", l.env, "TEXT={").Token(t.Context())
		failure(t, tok, err)
		says(t, err, "standard output: not JSON, or cut off")
	})
	t.Run("after a failure", func(t *testing.T) {
		t.Parallel()
		l := newLine(t)
		tok, err := plugin("forks", l.env, "STATUS=x").Token(t.Context())
		if e := failure(t, tok, err); e.ExitCode != 1 {
			t.Errorf("exit code %d", e.ExitCode)
		}
	})
}

func TestPluginIsNotRunForNobody(t *testing.T) {
	t.Parallel()
	ctx, giveUp := context.WithCancelCause(t.Context())
	giveUp(token.ErrInvalid) // whatever the cause
	file := t.TempDir() + "/answer"
	tok, err := plugin("reads", "FILE="+file).Token(ctx)
	failure(t, tok, err)
	says(t, err, "it was not run: context canceled")
	if _, err := os.Stat(file + ".runs"); err == nil {
		t.Error("it was run")
	}
}

// What a plugin is given: the request, once, in place of the one that this process
// was given; Args and Env; and standard input and error only if the request is
// interactive.
func TestPluginIsTold(t *testing.T) { // not parallel: it sets the environment, os.Stdin and os.Stderr
	t.Setenv("KUBERNETES_EXEC_INFO", `{"of":"ours"}`)
	t.Setenv("GREETING", "from the process")
	input, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	w.WriteString("typed")
	w.Close()
	shown, prompts, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer shown.Close()
	stdin, stderr := os.Stdin, os.Stderr
	os.Stdin, os.Stderr = input, prompts
	defer func() { os.Stdin, os.Stderr = stdin, stderr }()

	told := func(p *execcred.Plugin) string {
		t.Helper()
		tok, err := p.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, err := base64.StdEncoding.DecodeString(tok.Value.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(text), self(), "plugin")
	}
	p := plugin("tells", "KUBERNETES_EXEC_INFO=of Env")
	p.Args = []string{"a b", "-c"}
	p.Request.Cluster = &execcred.Cluster{Server: "https://a.example", ProxyURL: "http://p.example", Config: json.RawMessage(`{"audience": "x"}`)}
	want := `KUBERNETES_EXEC_INFO={"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"cluster":{"server":"https://a.example","proxy-url":"http://p.example","config":{"audience":"x"}},"interactive":false}}` + "\n" +
		`["plugin" "a b" "-c"]` + "\n" + `"" <nil>` + "\nfrom the process"
	if got := told(p); got != want {
		t.Errorf("told:\n%s\nwant:\n%s", got, want)
	}
	p = plugin("tells", "GREETING=from Env")
	p.Request = execcred.Request{Interactive: true}
	want = `KUBERNETES_EXEC_INFO={"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":true}}` + "\n" +
		`["plugin"]` + "\n" + `"typed" <nil>` + "\nfrom Env"
	if got := told(p); got != want {
		t.Errorf("told:\n%s\nwant:\n%s", got, want)
	}

	prompts.Close()
	if text, err := io.ReadAll(shown); err != nil || string(text) != "what?" {
		t.Errorf("shown: %q, %v", text, err)
	}
}
