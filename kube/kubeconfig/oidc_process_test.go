package kubeconfig

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// What is said to the process of a test.
const (
	envKubeconfig = "TEST_OIDC_KUBECONFIG"
	envDir        = "TEST_OIDC_DIR"
	envCrash      = "TEST_OIDC_CRASH"
	envRefused    = "TEST_OIDC_REFUSED"
)

// TestOIDCProcess is a program that asks for a token once. It says on its output which
// that is, and ends in the middle if it is told to.
func TestOIDCProcess(t *testing.T) {
	path := os.Getenv(envKubeconfig)
	if path == "" {
		t.Skip("it is for other tests")
	}
	o := &OIDC{
		Files: Files{path}, User: "alice",
		store:   &crashing{Dir: &refresh.Dir{Path: os.Getenv(envDir)}, at: os.Getenv(envCrash)},
		OnEvent: func(e Event) { fmt.Println("event:", e) },
	}
	if refused := os.Getenv(envRefused); refused != "" {
		o.Invalidate(token.Token{Value: token.NewSecret(refused)})
	}
	tok, err := o.Token(context.Background())
	for n := 0; n < 20 && err != nil && strings.Contains(err.Error(), "/.well-known/openid-configuration"); n++ {
		time.Sleep(time.Second) // it was not found in time, on a busy machine
		tok, err = o.Token(context.Background())
	}
	fmt.Println("error:", err)
	fmt.Println("token:", fingerprint(tok))
}

// A crashing Dir is the end of its process at one point.
type crashing struct {
	*refresh.Dir
	at string
}

// The points at which a process ends.
var crashes = []string{"before the claim", "claimed", "posted", "stored", "before the record", "recorded"}

func (c *crashing) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	before, after := "before the claim", "claimed"
	switch {
	case strings.HasPrefix(key, "kubeconfig/"):
		before, after = "before the record", "recorded"
	case !bytes.Contains(new, []byte(`"claim"`)):
		before, after = "posted", "stored"
	}
	c.end(before)
	ok, err := c.Dir.Swap(ctx, key, old, new, expires)
	c.end(after)
	return ok, err
}

func (c *crashing) end(point string) {
	if point == c.at {
		self, _ := os.FindProcess(os.Getpid())
		self.Kill()
		select {}
	}
}

// A machine is a desk with processes, which reach the issuer over TLS.
type machine struct {
	*desk
	dir string
}

func newMachine(t *testing.T, grace time.Duration) *machine {
	t.Helper()
	d := newDesk(t, time.Hour, grace)
	m := &machine{d, filepath.Join(t.TempDir(), "pairs")}
	server := httptest.NewUnstartedServer(m.provider)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections of those that are killed
	server.StartTLS()
	t.Cleanup(server.Close)
	m.url = server.URL
	m.store = &refresh.Dir{Path: m.dir}
	m.write(t, refresh.Pair{Refresh: m.login(t).Refresh})
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	m.put(t, strings.Replace(m.text(t), "        idp-issuer-url", "        idp-certificate-authority-data: "+base64.StdEncoding.EncodeToString(ca)+"\n        idp-issuer-url", 1))
	return m
}

// start starts a process, which is to end at a point.
func (m *machine) start(t *testing.T, crash, refused string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestOIDCProcess$")
	cmd.Env = append(os.Environ(), envKubeconfig+"="+m.path, envDir+"="+m.dir, envCrash+"="+crash, envRefused+"="+refused)
	out := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// run has a process ask for a token, and returns which it got.
func (m *machine) run(t *testing.T, refused string) string {
	t.Helper()
	cmd, out := m.start(t, "", refused)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, print, ok := strings.Cut(out.String(), "error: <nil>\ntoken: ")
	if !ok {
		t.Fatalf("no token: %s", out)
	}
	print, _, _ = strings.Cut(print, "\n")
	return print
}

// A process that ends at any point of an exchange loses no login, and has nothing
// spent twice: the next one goes on, and the kubeconfig has the new pair.
func TestOIDCCrash(t *testing.T) {
	t.Parallel()
	for _, point := range crashes {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, time.Minute)
			backup := m.text(t)
			for round := range 2 {
				refused, _ := m.has(t)
				cmd, out := m.start(t, point, refused)
				if err := cmd.Wait(); err == nil || strings.Contains(out.String(), "token:") {
					t.Fatalf("it did not end there: %v, %s", err, out)
				}
				got := m.run(t, refused)
				if kept := m.kept(t); fingerprint(kept.Access) != got {
					t.Errorf("round %d: not the token that is kept", round)
				}
				m.inStep(t)
			}
			// Only where the answer was lost is a refresh token presented again.
			if want := map[bool]int{true: 2}[point == "posted"]; m.audited(refresh.AuditGrace) != want {
				t.Errorf("%d refresh tokens were presented again, want %d", m.audited(refresh.AuditGrace), want)
			}
			m.put(t, backup)
			m.run(t, "")
			m.inStep(t)
			if m.spend(t, m.kept(t).Refresh.Value.Reveal()).Access.IsZero() {
				t.Error("the login is over")
			}
		})
	}
}

// Eight processes at once have one exchange, time and again.
func TestOIDCProcesses(t *testing.T) {
	t.Parallel()
	m := newMachine(t, -1)
	const rounds, processes = 4, 8
	for range rounds {
		refused, _ := m.has(t)
		got := make([]string, processes)
		var wg sync.WaitGroup
		for i := range processes {
			wg.Go(func() { got[i] = m.run(t, refused) })
		}
		wg.Wait()
		for _, print := range got {
			if print != got[0] {
				t.Error("not the same token")
			}
		}
		m.inStep(t)
	}
	if posts, _ := m.count(); posts != rounds {
		t.Errorf("%d exchanges in %d rounds", posts, rounds)
	}
}

// Processes that are killed at any moment lose no login.
func TestOIDCKilled(t *testing.T) {
	t.Parallel()
	m := newMachine(t, 20*time.Minute)
	for range 10 {
		refused, _ := m.has(t)
		var all []*exec.Cmd
		for range 3 {
			cmd, _ := m.start(t, "", refused)
			all = append(all, cmd)
		}
		time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, func() { all[0].Process.Kill() })
		for _, cmd := range all {
			cmd.Wait()
		}
		// The lock of one that was killed while it wrote stays, as that of a kubectl
		// would; a person deletes it.
		os.Remove(m.path + ".lock")
		m.run(t, "")
		m.inStep(t)
	}
}
