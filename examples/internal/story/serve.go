package story

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// Serve serves h on a port of this machine that nobody else can reach.
func Serve(h http.Handler) (url string, stop func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("a port of 127.0.0.1 is needed: %w", err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go s.Serve(l)
	return "http://" + l.Addr().String(), s.Close, nil
}
