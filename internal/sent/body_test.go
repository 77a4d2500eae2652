package sent

import (
	"io"
	"testing"
)

// What was said not to have been sent is not sent later.
func TestStopped(t *testing.T) {
	t.Parallel()
	b := NewBody("x")
	if !b.Stop() {
		t.Fatal("begun")
	}
	if n, err := b.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d, %v", n, err)
	}
}

// What somebody has begun to read may have been sent, and can be read to its end.
func TestBegun(t *testing.T) {
	t.Parallel()
	b := NewBody("xyz")
	if n, err := b.Read(make([]byte, 1)); n != 1 || err != nil || b.Stop() {
		t.Errorf("read %d, %v", n, err)
	}
	if rest, err := io.ReadAll(b); string(rest) != "yz" || err != nil || b.Size() != 3 {
		t.Errorf("read %q, %v of %d", rest, err, b.Size())
	}
}
