package apiserver

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/internal/e2e/process"
)

// readyTimeout is how long a start may take on a machine that is busy with
// other things.
const readyTimeout = 2 * time.Minute

// awaitReady waits until the server says that it is ready, or has ended: a
// flag it does not like makes it exit at once.
func (s *Server) awaitReady(p *process.Process) error {
	config := s.Admin()
	config.Timeout = 5 * time.Second
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	timeout := time.After(readyTimeout)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		if isReady(client, s.URL) {
			return nil
		}
		select {
		case <-poll.C:
		case <-p.Done():
			return fmt.Errorf("kube-apiserver ended before it was ready (%v); the end of its log:\n%s", p.Err(), process.LogTail(logFile(s.dir)))
		case <-timeout:
			return fmt.Errorf("kube-apiserver was not ready in %v; the end of its log:\n%s", readyTimeout, process.LogTail(logFile(s.dir)))
		}
	}
}

func isReady(client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func logFile(dir string) string { return filepath.Join(dir, "server.log") }
