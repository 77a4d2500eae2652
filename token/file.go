package token

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A File is the path of a file in which another process keeps a token fresh,
// such as a projected service account volume or the file that
// AWS_WEB_IDENTITY_TOKEN_FILE names.
//
// It is a [Source] that reads the file on every call, and suggests through
// [Token.RefreshIn] to look again within a minute, which is what Kubernetes
// asks of those who read its files.
type File string

// lookAgain is how often a token file is worth reading: the kubelet writes a
// replacement a fifth of the life before the old one ends, at worst 90 seconds
// late.
const lookAgain = 50 * time.Second

// Token implements [Source]. White space around the token is not part of it.
func (f File) Token(ctx context.Context) (Token, error) {
	if err := ctx.Err(); err != nil {
		return Token{}, err
	}
	if f == "" {
		return Token{}, errors.New("token: the File source has no path: name the file that holds the token")
	}
	value, err := f.read()
	if err != nil {
		return Token{}, fmt.Errorf("token: %w", err)
	}
	t := New(NewSecret(string(value)))
	t.RefreshIn = lookAgain
	return t, nil
}

func (f File) read() ([]byte, error) {
	// Opening a pipe would wait for its other end, and no context ends that.
	if info, err := os.Stat(string(f)); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: name the file that holds the token", string(f))
	}
	file, err := os.Open(string(f))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	value, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(value) > MaxSize {
		return nil, fmt.Errorf("%s is longer than a token can be (%d bytes): is it the right file?", string(f), MaxSize)
	}
	value = bytes.TrimSpace(value)
	if len(value) == 0 {
		return nil, fmt.Errorf("%s is empty: whoever writes it has not written a token yet", string(f))
	}
	if bytes.ContainsAny(value, "\r\n") {
		return nil, fmt.Errorf("%s holds more than one line: it must hold one token and nothing else", string(f))
	}
	// Such as the byte order mark that Windows programs put first.
	if bytes.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) {
		return nil, fmt.Errorf("%s holds characters that no token has: it must be plain ASCII text", string(f))
	}
	return value, nil
}
