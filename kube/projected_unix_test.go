//go:build unix

package kube_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// A pipe that nobody writes to holds nobody up.
func TestProjectedPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := look(t, path); err == nil || !strings.Contains(err.Error(), path+" is not a regular file") {
		t.Errorf("a pipe: %v", err)
	}
}

// client-go would wait for whoever writes into the pipe.
func TestDiagnoseAskerInAPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	a := newFakeAPI(appToken())
	cfg := a.config()
	cfg.BearerToken, cfg.BearerTokenFile = "", path
	done := make(chan token.Diagnosis)
	go func() { done <- kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, cfg) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("waits for the pipe")
	}
}
