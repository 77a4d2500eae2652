package seal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// What TestFile shows of a file holds of a text; here is what differs.
func TestParseKeys(t *testing.T) {
	t.Parallel()
	text := []byte(line('a') + line('b'))
	keys, err := seal.ParseKeys(text)
	if err != nil || len(keys) != 2 || keys[0].Reveal() != strings.Repeat("a", 32) {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	clear(text)
	if keys[0].Reveal() != strings.Repeat("a", 32) {
		t.Error("the keys share their memory with the text")
	}
	for text, want := range map[string]string{
		"":                                      "there is no key",
		line('a') + "x":                         "line 2 is not 32 bytes",
		strings.Repeat(line('a'), 17):           "line 17 has one key more",
		line('a') + strings.Repeat("#", 64<<10): "longer than 65536 bytes",
	} {
		keys, err := seal.ParseKeys([]byte(text))
		if keys != nil || err == nil || !strings.HasPrefix(err.Error(), want) || errors.Is(err, token.ErrInvalid) {
			t.Errorf("%d keys, %v; want %s", len(keys), err, want)
		}
	}
}
