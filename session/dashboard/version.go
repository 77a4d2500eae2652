package dashboard

// A Version is a generation of the Dashboard.
type Version int

// The generations that can be told apart by the answer to a login.
const (
	Unknown Version = iota
	V2              // 2.x: sessions that are encrypted tokens, and slide
	V7              // 7.x: the bearer token itself, and no session
)

// String returns "2.x", "7.x" or "unknown".
func (v Version) String() string {
	switch v {
	case V2:
		return "2.x"
	case V7:
		return "7.x"
	}
	return "unknown"
}

// Version returns which Dashboard it is, by the answer to the last login that
// was accepted; Unknown before there was one.
func (s *Source) Version() Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}
