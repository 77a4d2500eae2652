package refresh

// A turns lets no more attempts be under way than it has room for; nil lets any
// number.
type turns chan struct{}

// take takes a turn if one is free.
func (t turns) take() bool {
	if t == nil {
		return true
	}
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

// wait takes a turn as soon as one is free. It returns false if done closes first.
func (t turns) wait(done <-chan struct{}) bool {
	if t == nil {
		return true
	}
	select {
	case t <- struct{}{}:
		return true
	case <-done:
		return false
	}
}

// give gives a turn back.
func (t turns) give() {
	if t != nil {
		<-t
	}
}

// await waits for the turn of a, and reports whether it came. It does not if all who
// waited for a have left.
func (s *Source) await(a *attempt) bool {
	s.mu.Lock()
	turn := a.turn
	s.mu.Unlock()
	if turn {
		return true
	}
	if !s.turns.wait(a.done) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempt != a {
		s.turns.give()
		return false
	}
	a.turn = true
	return true
}

// leave is called by who does not wait for a any longer. One that nobody waits for, and
// that still waits itself, is called off: else callers who come and go would leave
// behind goroutines without number while the issuer is slow.
func (s *Source) leave(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.callers--
	if s.turns != nil && !a.turn && a.callers == 0 {
		s.attempt = nil
		close(a.done)
	}
}
