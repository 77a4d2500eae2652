package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// A server answers the commands of this package, and no others. What its scripts
// do is tested on Redis, in internal/e2e/stores.
type server struct {
	info  any   // the reply to INFO; nil is that of a server as it should be
	fails error // of INFO

	// before and after fail a script, before or after it has run.
	before, after func() error

	mu     sync.Mutex
	values map[string]string
	ends   map[string]string
	sent   []string // commands
	bytes  bool     // strings are replied as []byte
}

// Do is for Store.Do.
func (s *server) Do(_ context.Context, args ...any) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text []string
	for _, arg := range args {
		text = append(text, arg.(string))
	}
	s.sent = append(s.sent, text[0])
	if text[0] == "INFO" {
		if s.info == nil && s.fails == nil {
			return "# Memory\r\nused_memory:1\r\nmaxmemory_policy:noeviction\r\nx:y\r\n", nil
		}
		return s.info, s.fails
	}
	if text[0] != "EVAL" || text[2] != "1" {
		return nil, errors.New("ERR unknown command")
	}
	if s.before != nil {
		if err := s.before(); err != nil {
			return nil, err
		}
	}
	reply := s.script(text[3], text[4:])
	if s.after != nil {
		if err := s.after(); err != nil {
			return nil, err
		}
	}
	return reply, nil
}

func (s *server) script(key string, argv []string) any {
	if s.values == nil {
		s.values, s.ends = make(map[string]string), make(map[string]string)
	}
	if len(argv) == 0 {
		if s.bytes {
			return []byte(s.values[key])
		}
		return s.values[key]
	}
	if len(argv) != 3 {
		return fmt.Errorf("%d arguments", len(argv))
	}
	if s.values[key] != argv[0] {
		return int64(0)
	}
	s.values[key], s.ends[key] = argv[1], argv[2]
	return int64(1)
}
