package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// callers are those for whom all this is done. They know nothing of tokens, and
// count what they get to see of their troubles.
type callers struct {
	client *http.Client
	url    string

	requests     atomic.Int64
	unauthorized atomic.Int64
	failed       atomic.Int64
	firstError   atomic.Pointer[error]
}

// run lets n of them call again and again until ctx is done, and waits for the
// last answer.
func (c *callers) run(ctx context.Context, n int) {
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			for ctx.Err() == nil {
				// No request is broken off at the end: each counts.
				c.call(context.WithoutCancel(ctx))
				select {
				case <-ctx.Done():
				case <-time.After(50*time.Millisecond + rand.N(100*time.Millisecond)):
				}
			}
		})
	}
	group.Wait()
}

// call makes one request and counts what comes of it.
func (c *callers) call(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	status, err := c.get(ctx)
	c.requests.Add(1)
	switch {
	case status == http.StatusUnauthorized:
		c.unauthorized.Add(1)
	case err == nil && status != http.StatusOK:
		err = fmt.Errorf("the API answered %d", status)
		fallthrough
	case err != nil:
		c.failed.Add(1)
		c.firstError.CompareAndSwap(nil, &err)
	}
}

func (c *callers) get(ctx context.Context) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
