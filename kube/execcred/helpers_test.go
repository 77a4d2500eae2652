package execcred_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/token"
)

// The plugins of the tests are this test binary, started again.
func TestMain(m *testing.M) {
	if role := os.Getenv("ROLE"); role != "" {
		os.Exit(roles[role]())
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or, with -race, each plugin takes a second to end
	os.Exit(m.Run())
}

// roles are the plugins. Each returns its exit status.
var roles = map[string]func() int{
	"prints": func() int { // TEXT, and SAYS to standard error
		fmt.Fprint(os.Stderr, os.Getenv("SAYS"))
		fmt.Print(os.Getenv("TEXT"))
		return len(os.Getenv("STATUS"))
	},
	"reads": func() int { // prints what is in FILE, and adds a line to FILE.runs
		runs, err := os.OpenFile(os.Getenv("FILE")+".runs", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return 2
		}
		fmt.Fprintln(runs, "run")
		text, err := os.ReadFile(os.Getenv("FILE"))
		if err != nil {
			return 3
		}
		os.Stdout.Write(text)
		return 0
	},
	"tells": func() int { // what it is given: its token is that, in base64
		fmt.Fprint(os.Stderr, "what?")
		input, err := io.ReadAll(os.Stdin)
		told := strings.Join(slices.DeleteFunc(os.Environ(), func(s string) bool { return !strings.HasPrefix(s, "KUBERNETES_EXEC_INFO=") }), "\n")
		all := fmt.Sprintf("%s\n%q\n%q %v\n%s", told, os.Args, input, err, os.Getenv("GREETING"))
		fmt.Print(credential(execcred.V1, base64.StdEncoding.EncodeToString([]byte(all)), ""))
		return 0
	},
	"hangs": func() int {
		signal.Ignore(syscall.SIGTERM, os.Interrupt)
		fmt.Fprint(os.Stderr, "canary: hanging")
		return hold()
	},
	"closes": func() int { // standard output, and hangs
		os.Stdout.Close()
		return hold()
	},
	"stays": func() int { // when PARENT has ended, on Unix
		for runtime.GOOS != "windows" && strconv.Itoa(os.Getppid()) == os.Getenv("PARENT") {
			time.Sleep(time.Millisecond)
		}
		return hold()
	},
	"forks": func() int { // a process that holds what it inherits, and prints TEXT
		child := again("stays", "PARENT="+strconv.Itoa(os.Getpid()))
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if child.Start() != nil {
			return 2
		}
		fmt.Print(os.Getenv("TEXT"))
		return len(os.Getenv("STATUS"))
	},
	"forks and hangs": func() int {
		child := again("hangs")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		child.Run()
		return 2
	},
	"floods": func() int { // without end, also if nobody reads
		signal.Ignore(syscall.SIGTERM, sigpipe)
		garbage := bytes.Repeat([]byte("canary "), 10_000)
		for {
			if _, err := os.Stdout.Write(garbage); err != nil {
				return hold()
			}
		}
	},
	"prints 10 MB": func() int {
		text := credential(execcred.V1, strings.Repeat("canary", 10<<20/6), "")
		os.Stderr.WriteString(text + "the end")
		os.Stdout.WriteString(text)
		return 0
	},
	"dies": func() int {
		self, err := os.FindProcess(os.Getpid())
		if err != nil || self.Kill() != nil {
			return 2
		}
		return hold()
	},
	"answers": func() int { // as the documentation says
		req, err := execcred.ReadRequest()
		if err == nil {
			err = req.Answer(os.Stdout, token.Token{Value: token.NewSecret(os.Getenv("TOKEN")), ExpiresIn: time.Hour})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	},
}

// hold waits for as long as the test holds the other end of the line LINE.
func hold() int {
	line, err := net.Dial("tcp", os.Getenv("LINE"))
	if err != nil {
		return 4
	}
	io.Copy(io.Discard, line)
	return 0
}

// again is this program in another role.
func again(role string, env ...string) *exec.Cmd {
	cmd := exec.Command(self())
	cmd.Env = append(os.Environ(), append(env, "ROLE="+role)...)
	return cmd
}

func self() string {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return filepath.Clean(exe)
}

// plugin is one with that role, which may run.
func plugin(role string, env ...string) *execcred.Plugin {
	return &execcred.Plugin{
		Command: self(),
		Allow:   []string{self()},
		Env:     append(env, "ROLE="+role),
	}
}

// credential is what a plugin prints. An empty stamp is left out.
func credential(version, value, stamp string) string {
	if stamp != "" {
		stamp = fmt.Sprintf(`, "expirationTimestamp": %q`, stamp)
	}
	return fmt.Sprintf(`{"kind": "ExecCredential", "apiVersion": %q, "spec": {}, "status": {"token": %q%s}}`+"\n", version, value, stamp)
}

// failure checks that err is what a Source may return, and shows nothing that a
// canary is in.
func failure(t *testing.T, tok token.Token, err error) *execcred.Error {
	t.Helper()
	e, ok := errors.AsType[*execcred.Error](err)
	if !ok || !tok.IsZero() || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) {
		t.Fatalf("token %v, error %T %v", tok, err, err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s"} {
		if shown := fmt.Sprintf(verb, e) + fmt.Sprintf(verb, *e); strings.Contains(shown, "canary") {
			t.Errorf("%s shows a secret: %s", verb, shown)
		}
	}
	if text := err.Error(); len(text) > 1024 || strings.ContainsAny(text, "\n\r\x1b") {
		t.Errorf("the text is no short line: %q", text)
	}
	return e
}

// says checks that err has all those words in it.
func says(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not say %q: %v", w, err)
		}
	}
}

// A line is how a test knows whether processes are alive that it has not started
// itself, and lets them end.
type line struct {
	net.Listener
	env string
}

func newLine(t *testing.T) line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return line{l, "LINE=" + l.Addr().String()}
}

// accept returns the next process's end of the line, which is closed when the test ends.
func (l line) accept(t *testing.T) net.Conn {
	t.Helper()
	l.Listener.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute))
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// timedOut runs p, which hangs, until its Timeout, and returns how long it took and the
// end of the line. The Timeout is short, unless the machine is too busy for p to come so
// far as to hang by then.
func (l line) timedOut(t *testing.T, p *execcred.Plugin) (took time.Duration, conn net.Conn, err error) {
	t.Helper()
	for p.Timeout = 3 * time.Second; p.Timeout < time.Minute; p.Timeout *= 4 {
		begun := time.Now()
		tok, err := p.Token(t.Context())
		took := time.Since(begun)
		failure(t, tok, err)
		l.Listener.(*net.TCPListener).SetDeadline(time.Now().Add(5 * time.Second))
		if conn, accepted := l.Accept(); accepted == nil {
			t.Cleanup(func() { conn.Close() })
			return took, conn, err
		}
	}
	t.Fatal("it never came so far as to hang")
	return 0, nil, nil
}

// dead checks that the process at the other end has ended.
func dead(t *testing.T, conn net.Conn) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	_, err := conn.Read(make([]byte, 1))
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		t.Error("the process goes on")
	}
}

// alive checks that it has not.
func alive(t *testing.T, conn net.Conn) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	_, err := conn.Read(make([]byte, 1))
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("the process has ended: %v", err)
	}
}

func needUnix(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no groups of processes")
	}
}
