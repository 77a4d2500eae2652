package session

import (
	"fmt"
	"io"
	"log/slog"
)

// Format implements [fmt.Formatter]: whatever the verb, a session prints its ID
// and its Subject, and not its Data, in which there may be secrets.
func (s Session[T]) Format(f fmt.State, _ rune) { io.WriteString(f, s.text()) }

// LogValue implements [slog.LogValuer], with the ID and the Subject.
func (s Session[T]) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", s.ID), slog.String("subject", s.Subject))
}

// MarshalText implements [encoding.TextMarshaler], for encoders such as that of
// JSON. A session is kept by [Manager.Save]: there is no way back from the text.
func (s Session[T]) MarshalText() ([]byte, error) { return []byte(s.text()), nil }

func (s *Session[T]) text() string { return fmt.Sprintf("session %s of %q", s.ID, s.Subject) }

// Format implements [fmt.Formatter]: of a Manager its Name is printed.
func (m *Manager[T]) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "session.Manager %q", m.name()) }
