package process

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Loopback is the address that the servers listen on.
const Loopback = "127.0.0.1"

// FreePort returns a port of 127.0.0.1 that nobody listens on, from below the
// ranges that systems give to outgoing connections. While a server is stopped
// its port can thus not become the other end of somebody's connection; not even
// of a client's that keeps dialing it, which the kernel would connect to itself.
//
// No other call returns it, in whichever process, for as long as this one lives:
// a server may take seconds until it listens, and be stopped meanwhile.
func FreePort() (int, error) {
	var err error
	for range 100 {
		port := 20000 + rand.IntN(10000)
		address := net.JoinHostPort(Loopback, strconv.Itoa(port))
		// The servers speak TCP, so that UDP is there to show that a port is given
		// away. The kernel takes it back when this process ends, however it does.
		var mark net.PacketConn
		if mark, err = net.ListenPacket("udp", address); err != nil {
			continue
		}
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			marks.Lock()
			defer marks.Unlock()
			marks.kept = append(marks.kept, mark)
			return port, l.Close()
		}
		mark.Close()
	}
	return 0, fmt.Errorf("finding a free port between 20000 and 30000: %w", err)
}

// marks are those of the ports that were given away, kept so that they are not
// closed as garbage.
var marks struct {
	sync.Mutex
	kept []net.PacketConn
}
