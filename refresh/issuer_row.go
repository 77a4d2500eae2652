package refresh

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A family is kept as these, one after the other, numbers big-endian: the
// version, 1 byte; how it ended, 1 byte; flags, 1 byte; the generation, when it
// began, when it was last exchanged, the epoch and a counter of writes, 8 bytes
// each; the nonce of the exchange that wrote it, 16 bytes; the lengths of six
// texts, 2 bytes each; and the texts of the Grant. Nothing grows from one
// exchange to the next.
const (
	rowVersion = 1
	rowFixed   = 3 + 5*8 + 16 + 6*2

	// flagKeeps is set for a Grant with NoRotation.
	flagKeeps = 1
)

// An ending is how a family ended.
type ending byte

const (
	endNone   ending = iota // it has not
	endReuse                // a refresh token was used twice
	endLogout               // somebody asked for it
	endKinds
)

// A familyRow is what is kept of a family.
type familyRow struct {
	end        ending
	generation uint64
	began      time.Time
	rotated    time.Time
	counter    uint64
	nonce      [16]byte
	grant      Grant // but for Session
}

// encode returns the stored form of r.
func (r *familyRow) encode() []byte {
	g := &r.grant
	texts := [...]string{g.Subject, g.Client, g.Scope, g.Audience, g.Confirm, string(g.Data)}
	size := rowFixed
	for _, text := range texts {
		size += len(text)
	}
	b := make([]byte, 3, size)
	b[0], b[1] = rowVersion, byte(r.end)
	if g.NoRotation {
		b[2] = flagKeeps
	}
	b = binary.BigEndian.AppendUint64(b, r.generation)
	b = binary.BigEndian.AppendUint64(b, uint64(r.began.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(r.rotated.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(g.Epoch))
	b = binary.BigEndian.AppendUint64(b, r.counter)
	b = append(b, r.nonce[:]...)
	for _, text := range texts {
		b = binary.BigEndian.AppendUint16(b, uint16(len(text)))
	}
	for _, text := range texts {
		b = append(b, text...)
	}
	return b
}

// decodeRow reads what encode returns, to the byte. No error of it matches
// ErrInvalid: a row that cannot be read says nothing of the token.
func decodeRow(b []byte) (r familyRow, err error) {
	switch {
	case len(b) > 0 && b[0] > rowVersion:
		return r, fmt.Errorf("the Store has a family of version %d, which this program does not know: run a newer one", b[0])
	case len(b) < rowFixed || b[0] != rowVersion || b[1] >= byte(endKinds) || b[2]&^flagKeeps != 0:
		return r, errRow
	}
	r.end = ending(b[1])
	r.grant.NoRotation = b[2]&flagKeeps != 0
	b = b[3:]
	number := func() (n uint64) {
		n, b = binary.BigEndian.Uint64(b), b[8:]
		return n
	}
	r.generation = number()
	r.began = time.UnixMilli(int64(number()))
	r.rotated = time.UnixMilli(int64(number()))
	r.grant.Epoch = int64(number())
	r.counter = number()
	b = b[copy(r.nonce[:], b):]
	lengths, text := b[:12], string(b[12:])
	g := &r.grant
	for _, field := range [...]*string{&g.Subject, &g.Client, &g.Scope, &g.Audience, &g.Confirm} {
		n := int(binary.BigEndian.Uint16(lengths))
		if n > len(text) {
			return familyRow{}, errRow
		}
		*field, text, lengths = text[:n], text[n:], lengths[2:]
	}
	if int(binary.BigEndian.Uint16(lengths)) != len(text) {
		return familyRow{}, errRow
	}
	if text != "" {
		g.Data = []byte(text)
	}
	return r, nil
}

var errRow = errors.New("the Store has something under the key of a family that is none: does another program write there?")
