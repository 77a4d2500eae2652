package refresh

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// A file of a Dir is one line and the value behind it:
//
//	tokenlife/1 EXPIRES SUM
//
// EXPIRES is in milliseconds since 1970, or "-" for never. SUM is the SHA-256,
// in hex, of what is before it, the name of the file, and the value; and the name
// is the SHA-256 of the key, in hex. So a file that was cut off, changed, or put
// in the place of another is not taken for a value.
const (
	fileForm    = "tokenlife/"
	fileVersion = "1"
	noExpiry    = "-"

	maxLine = len(fileForm) + len(fileVersion) + 1 + 20 + 1 + 2*sha256.Size + 1
	maxFile = maxLine + maxValue
)

// fileName returns the name of the file that has the value under key.
func fileName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// encodeFile returns what is in the file of e, which is called name.
func encodeFile(name string, e entry) []byte {
	expires := noExpiry
	if !e.expires.IsZero() {
		expires = strconv.FormatInt(e.expires.UnixMilli(), 10)
	}
	before := fileForm + fileVersion + " " + expires + " "
	sum := sha256.New()
	io.WriteString(sum, before)
	io.WriteString(sum, name)
	sum.Write(e.value)

	file := make([]byte, 0, len(before)+hex.EncodedLen(sha256.Size)+1+len(e.value))
	file = append(file, before...)
	file = hex.AppendEncode(file, sum.Sum(nil))
	file = append(file, '\n')
	return append(file, e.value...)
}

// decodeFile reads the file called name, of which there is one for what stands
// in it.
func decodeFile(name string, file []byte) (e entry, err error) {
	line, value, _ := bytes.Cut(file, []byte{'\n'})
	text, ours := strings.CutPrefix(string(line[:min(len(line), maxLine)]), fileForm)
	version, text, _ := strings.Cut(text, " ")
	switch number, err := strconv.ParseUint(version, 10, 32); {
	case !ours || err != nil:
		return entry{}, errors.New("it is not a file of a Dir, or was cut off: move it away")
	case version != fileVersion:
		return entry{}, fmt.Errorf("it is of version %d, which this program does not know: update it", number)
	}
	e.value = value
	if expires, _, _ := strings.Cut(text, " "); expires != noExpiry {
		milli, err := strconv.ParseInt(expires, 10, 64)
		if err != nil {
			return entry{}, errDamaged
		}
		e.expires = time.UnixMilli(milli)
	}
	if len(value) == 0 || len(value) > maxValue || !bytes.Equal(encodeFile(name, e), file) {
		return entry{}, errDamaged
	}
	return e, nil
}

var errDamaged = errors.New("it is damaged, or of another key: restore it, or delete it to begin anew")
