package process

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Loopback is the address that the servers listen on.
const Loopback = "127.0.0.1"

// FreePort returns a port of 127.0.0.1 that nobody listens on, from below the
// ranges that systems give to outgoing connections. While a server is stopped
// its port can thus not become the other end of somebody's connection; not even
// of a client's that keeps dialing it, which the kernel would connect to itself.
func FreePort() (int, error) {
	var err error
	for range 100 {
		port := 20000 + rand.IntN(10000)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort(Loopback, strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("finding a free port between 20000 and 30000: %w", err)
}
