package kubelogin_test

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
)

// TestDevice logs in by the code of the device flow, where there is no browser.
func TestDevice(t *testing.T) {
	t.Parallel()
	// The code is asked after every five seconds, and the token comes due after two thirds.
	const life = 30 * time.Second
	w := newWorld(t, life)
	w.useLogin(t)
	w.user.Env = []string{"BROWSER=", "DISPLAY=", "WAYLAND_DISPLAY="}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	cmd := w.user.Command(ctx, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
	said, err := w.enter(ctx, cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("kubectl said: %s", said)

	// From then on there is nobody to ask.
	time.Sleep(life)
	if err := w.whoAmI(t.Context()); err != nil {
		t.Error(err)
	}
	if got, want := w.issuer.Count(t), (oidcprovider.Count{Presented: 1, Different: 1, Exchanged: 1}); got != want {
		t.Errorf("the issuer counts %+v, want %+v", got, want)
	}
}

var deviceCode = regexp.MustCompile(`open (https://\S+) and enter the code (\S+)`)

// enter runs kubectl, and does what a person does who reads where to enter which code.
func (w *world) enter(ctx context.Context, kubectl *exec.Cmd) (said string, err error) {
	var answer strings.Builder
	kubectl.Stdout = &answer
	stderr, err := kubectl.StderrPipe()
	if err != nil {
		return "", err
	}
	if err := kubectl.Start(); err != nil {
		return "", err
	}
	var person sync.WaitGroup
	var personErr error
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		said += lines.Text() + "\n"
		if found := deviceCode.FindStringSubmatch(lines.Text()); found != nil {
			person.Go(func() {
				_, personErr = oidcprovider.Visit(ctx, w.issuer.HTTPClient(), found[1]+"?user_code="+url.QueryEscape(found[2]))
			})
		}
	}
	person.Wait()
	if err := kubectl.Wait(); err != nil {
		return said, fmt.Errorf("%w: %s", err, said)
	}
	if personErr != nil {
		return said, personErr
	}
	if answer.String() != alice {
		return said, fmt.Errorf("the user is %q, want %q; kubectl said: %s", &answer, alice, said)
	}
	return said, lines.Err()
}
