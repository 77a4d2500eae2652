// Package kubelogin_test logs in to a real kube-apiserver that trusts
// node-oidc-provider, with a real kubectl: by examples/kubectl-login, by a plugin of
// our own and by the kubeconfig's auth-provider.
//
//	go -C internal/e2e test -v ./kubelogin          five expiries
//	FULL=1 go -C internal/e2e test -v ./kubelogin   thirty
package kubelogin_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
)

// roleVar makes this program another than the tests: one of roles, with what it needs
// to know in further variables.
const roleVar = "KUBELOGIN_TEST_ROLE"

var roles = map[string]func() error{
	"browser": browse,
	"plugin":  answer,
}

func TestMain(m *testing.M) {
	if role := roles[os.Getenv(roleVar)]; role != nil {
		if err := role(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(run(m))
}

// run runs the tests.
func run(m *testing.M) int {
	defer removePrograms()
	flag.Parse()
	if n, err := strconv.Atoi(flag.Lookup("test.parallel").Value.String()); err == nil && n < 4 {
		// They wait for tokens to run out most of the time.
		flag.Set("test.parallel", "4")
	}
	return m.Run()
}

// Variables of the browser.
const (
	browserCA  = "KUBELOGIN_TEST_CA"  // file with what it trusts
	browserLog = "KUBELOGIN_TEST_LOG" // file with a line for each page that it was to open

	// browserSlow is how long the user takes, browserWaits a file that she waits for.
	browserSlow  = "KUBELOGIN_TEST_SLOW"
	browserWaits = "KUBELOGIN_TEST_WAITS"
)

// browse is the browser of a user who logs in wherever asked to.
func browse() error {
	page := os.Args[len(os.Args)-1]
	log, err := os.OpenFile(os.Getenv(browserLog), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = fmt.Fprintln(log, page); err != nil {
		return err
	}
	if err = log.Close(); err != nil {
		return err
	}
	if slow, err := time.ParseDuration(os.Getenv(browserSlow)); err == nil {
		time.Sleep(slow)
	}
	if file := os.Getenv(browserWaits); file != "" {
		for !there(file) {
			if !there(filepath.Dir(file)) {
				return errors.New("the test is over")
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	ca, err := os.ReadFile(os.Getenv(browserCA))
	if err != nil {
		return err
	}
	client := (&oidcprovider.Server{CA: ca}).HTTPClient()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	text, err := oidcprovider.Visit(ctx, client, page)
	if err != nil {
		return fmt.Errorf("%w: %.500s", err, text)
	}
	return nil
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
