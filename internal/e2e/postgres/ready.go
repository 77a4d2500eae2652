package postgres

import (
	"encoding/binary"
	"net"
	"time"
)

// ready reports whether the server lets the user postgres in. It speaks the
// first lines of PostgreSQL's protocol, so that no driver is needed: a startup
// message, which is answered with R for a welcome and E for an error, such as
// that the server is still starting.
func ready(addr string) bool {
	const patience = 10 * time.Second // on a machine that is busy with other things
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	const protocol = 3 << 16 // version 3.0
	parameters := "user\x00postgres\x00database\x00postgres\x00\x00"
	hello := binary.BigEndian.AppendUint32(nil, uint32(8+len(parameters)))
	hello = binary.BigEndian.AppendUint32(hello, protocol)
	if _, err := conn.Write(append(hello, parameters...)); err != nil {
		return false
	}
	var kind [1]byte
	if _, err := conn.Read(kind[:]); err != nil || kind[0] != 'R' {
		return false
	}
	conn.Write([]byte{'X', 0, 0, 0, 4}) // goodbye
	return true
}
