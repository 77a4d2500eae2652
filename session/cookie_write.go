package session

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
)

// ErrTooLarge is matched by the errors of [Manager.Start] and [Manager.Save] if
// a session does not fit into five cookies, which have room for 14 kB of JSON.
var ErrTooLarge = errors.New("session: too large for cookies")

const (
	// largeSize is what the cookies of a session may have together before Large
	// is told of them, in bytes.
	largeSize = 8000

	// sealedMore is how many letters a sealed text in several cookies has that
	// are not the base64url of what is in it.
	sealedMore = 156
)

// giveCookies sets what sealCookies has returned for s. What was set on w before
// is replaced, and what r carries too many is deleted.
func (m *Manager[T]) giveCookies(w http.ResponseWriter, r *http.Request, s *Session[T], lines []string) {
	size := 0
	for _, line := range lines {
		size += len(line) - len(m.attributes())
	}
	m.setCookies(w, m.deletions(lines, r, len(lines)))
	if size > largeSize {
		m.tell(Event{Kind: Large, ID: s.ID, Subject: s.Subject, Bytes: size})
	}
}

// sealCookies seals text, and returns the lines that set the cookies which hold
// it, of which there are as few as have room.
func (m *Manager[T]) sealCookies(r *http.Request, text []byte) (lines []string, err error) {
	least := base64.RawURLEncoding.EncodedLen(len(text)) // sealing adds to it
	for count := 1; count <= maxCookies; count++ {
		if least > m.room(count) {
			continue
		}
		place, head := "1", ""
		if count > 1 {
			place = digit(count) + "." + newSet()
			head = place + "."
		}
		sealed, err := m.Keys.Seal(r.Context(), m.purpose("cookie"), place, text)
		if err != nil {
			return nil, noKeys(err)
		}
		if len(sealed) <= m.room(count) {
			return m.cut(sealed, head, count), nil
		}
	}
	most := base64.RawURLEncoding.DecodedLen(m.room(maxCookies) - sealedMore)
	return nil, fmt.Errorf("%w: it has %d bytes as JSON, and %d cookies have room for %d: keep less in it, such as the key of what lies in a database",
		ErrTooLarge, len(text), maxCookies, most)
}

// cut returns the lines for a sealed text in so many cookies. The first value
// begins with head, the others with what is in head after the count.
func (m *Manager[T]) cut(sealed, head string, count int) []string {
	lines := make([]string, 0, maxCookies)
	for i := range count {
		chunk := sealed[:min(len(sealed), m.room(count)/count)]
		sealed = sealed[len(chunk):]
		lines = append(lines, m.cookieName(i)+"="+head+chunk+m.attributes())
		if i == 0 && count > 1 {
			head = head[len("3."):]
		}
	}
	return lines
}

// room returns how long a sealed text may be for so many cookies.
func (m *Manager[T]) room(count int) int {
	line := maxLine - len(m.name()) - len("=") - len(m.attributes())
	if count == 1 {
		return line
	}
	return count * (line - len("-1") - len("3..") - setSize)
}

// newSet returns a name for a set of cookies, which no other set that a browser
// may still have is likely to share.
func newSet() string {
	set := make([]byte, setSize*3/4)
	rand.Read(set)
	return base64.RawURLEncoding.EncodeToString(set)
}
