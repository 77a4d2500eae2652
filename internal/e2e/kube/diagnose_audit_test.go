package kube_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An auditLog is the path of a server's own record of what it was asked for.
type auditLog string

// An audited is one request of it.
type audited struct {
	Verb       string
	RequestURI string
	User       struct{ Username string }
}

// newAuditLog returns one, and the path of the policy that has a server write it.
func newAuditLog(t *testing.T) (auditLog, string) {
	t.Helper()
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy")
	if err := os.WriteFile(policy, []byte(`{"apiVersion":"audit.k8s.io/v1","kind":"Policy","omitStages":["RequestReceived"],"rules":[{"level":"Metadata"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return auditLog(filepath.Join(dir, "log")), policy
}

// size returns how long the record is, to the end of its last whole line: of one that
// is being written a part may be there.
func (l auditLog) size(t *testing.T) int64 {
	t.Helper()
	file, err := os.Open(string(l))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	const longest = 64 << 10 // of a line
	end := make([]byte, min(info.Size(), longest))
	from := info.Size() - int64(len(end))
	if _, err := file.ReadAt(end, from); err != nil {
		t.Fatal(err)
	}
	return from + int64(bytes.LastIndexByte(end, '\n')) + 1
}

// between returns what was asked for while the record grew from one length to another,
// but for what the server asks itself for.
func (l auditLog) between(t *testing.T, from, to int64) (all []audited) {
	t.Helper()
	file, err := os.Open(string(l))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewReader(io.NewSectionReader(file, from, to-from)); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return all // the rest is being written
		}
		var a audited
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		if a.User.Username != "system:apiserver" {
			all = append(all, a)
		}
	}
}

// sync waits until all that the server has answered is in the record, and returns
// how long that is.
func (l *lab) sync(t *testing.T) int64 {
	t.Helper()
	began := l.audit.size(t)
	// A request of its own, which is in there once those before it are.
	if err := l.Client().RESTClient().Get().AbsPath("/version").Param("sync", time.Now().String()).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, a := range l.audit.between(t, began, l.audit.size(t)) {
			if strings.HasPrefix(a.RequestURI, "/version?sync=") {
				return l.audit.size(t)
			}
		}
	}
	t.Fatal("the server does not write its audit log")
	return 0
}

// harmless reports whether a request changes nothing.
func (a audited) harmless() bool {
	switch a.Verb {
	case "get", "list":
		return true
	case "create":
		path, _, _ := strings.Cut(a.RequestURI, "?")
		switch path {
		case "/apis/authentication.k8s.io/v1/tokenreviews", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
			return true
		}
	}
	return false
}
