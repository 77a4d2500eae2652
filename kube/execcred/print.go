package execcred

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
)

// String returns what p runs. Args and Env often have secrets in them, and do not
// print.
func (p Plugin) String() string {
	return fmt.Sprintf("execcred.Plugin(%s, %d Args, %d Env)", brief(p.Command, 200), len(p.Args), len(p.Env))
}

// Format implements [fmt.Formatter]: every verb prints what [Plugin.String] returns.
func (p Plugin) Format(f fmt.State, _ rune) { io.WriteString(f, p.String()) }

// MarshalText implements [encoding.TextMarshaler], so that no encoder and no log shows
// more.
func (p Plugin) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// String returns c's Server, without a password in it.
func (c Cluster) String() string {
	u, err := url.Parse(c.Server)
	if err != nil || u.Host == "" {
		return "execcred.Cluster"
	}
	u.User = nil
	return brief(u.String(), 200)
}

// Format implements [fmt.Formatter]: every verb prints what [Cluster.String] returns.
func (c Cluster) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// LogValue implements [slog.LogValuer].
func (c Cluster) LogValue() slog.Value { return slog.StringValue(c.String()) }

// LogValue implements [slog.LogValuer]: as JSON, which a log may be, a Request has all
// that is in its Cluster.
func (r Request) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("%+v", r))
}
