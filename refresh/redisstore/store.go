// Package redisstore keeps what package refresh persists in Redis (6.2 or
// newer), or in a server that speaks as it does, for any number of processes on
// any number of machines.
//
//	rdb := redis.NewClient(&redis.Options{Addr: "redis.example:6379", ContextTimeoutEnabled: true})
//	store := &redisstore.Store{
//		Do: func(ctx context.Context, args ...any) (any, error) {
//			return rdb.Do(ctx, args...).Result()
//		},
//		Prefix: "tokenlife/",
//	}
//	src := refresh.New(&refresh.Rotator{Exchanger: exchanger, Store: store, Key: "github"})
//
// The package imports no client: that was github.com/redis/go-redis/v9, with
// which it is tested, and which takes notice of deadlines only if it is told to:
// else a server that does not answer keeps a call for five seconds, and more with
// its retries. With github.com/redis/rueidis it is
//
//	Do: func(ctx context.Context, args ...any) (any, error) {
//		command := client.B().Arbitrary()
//		for _, arg := range args {
//			command = command.Args(arg.(string))
//		}
//		return client.Do(ctx, command.Build()).ToAny()
//	}
//
// # What the server must do
//
// An entry must stay until it expires or is replaced, or a login is lost:
//
//   - maxmemory-policy is noeviction. The first call looks, with INFO memory, and
//     any other is an error. A server that does not permit INFO is not looked
//     into.
//   - A change is on disk before it is answered, with appendonly yes and
//     appendfsync always. With anything less, which is the default, a crash
//     undoes the last changes.
//   - The client is connected to the primary. Replicas follow asynchronously, so
//     that one that takes over may not have the last changes.
//
// An undone rotation means that a spent refresh token is presented, and the
// issuer may end the login; an undone revocation, that what was revoked is good
// again. Where that is too much, use package sqlstore with PostgreSQL.
//
// The values are secrets, and whoever can read from the server can use them.
// Encrypt them with [refresh.Sealed].
//
// A Swap that returned false may have landed all the same, since clients send a
// command again if the connection broke while the answer was under way. So it is
// with every [refresh.Store], and its users look for what they wrote.
package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// A Store is a [refresh.Store] in Redis. It must not be copied after first use.
type Store struct {
	// Do sends a command, with its arguments, and returns the reply: a status
	// or bulk string as string or []byte, an integer as int64, an error as an
	// error. Every argument is a string, which may be any bytes. Required.
	Do func(ctx context.Context, args ...any) (any, error)

	// Prefix comes before every key, to keep them apart from others'.
	Prefix string

	looked atomic.Bool // whether the server was found not to evict
}

// The scripts touch one key, so that they run in a cluster, and never reply nil,
// which clients make different things of. They are sent as they are each time:
// they are short, and a server that has just taken over need not know them. In
// all of them the empty string is an absent value, as no value is empty. A
// script that only reads is sent with EVAL too, which clients that read from
// replicas send to the primary.
const (
	getScript = `return redis.call('GET', KEYS[1]) or ''`

	swapScript = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1])
elseif ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3]) end
return 1`
)

// Get implements [refresh.Store].
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	reply, err := s.eval(ctx, "reading", getScript, key)
	if err != nil {
		return nil, err
	}
	text, ok := text(reply)
	if !ok {
		return nil, fmt.Errorf("redisstore: reading: the reply is of type %T, want a string: see Store.Do", reply)
	}
	if text == "" {
		return nil, nil
	}
	return []byte(text), nil
}

// Swap implements [refresh.Store].
func (s *Store) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	for _, err := range []error{checkKey(key), checkValue(old), checkValue(new)} {
		if err != nil {
			return false, err
		}
	}
	end := ""
	if !expires.IsZero() {
		end = strconv.FormatInt(max(1, expires.UnixMilli()), 10) // Redis takes no earlier one
	}
	reply, err := s.eval(ctx, "writing", swapScript, key, string(old), string(new), end)
	if err != nil {
		return false, err
	}
	switch reply {
	case int64(1):
		return true, nil
	case int64(0):
		return false, nil
	}
	return false, fmt.Errorf("redisstore: writing: the reply is %.20q of type %T, want the int64 0 or 1: see Store.Do", fmt.Sprint(reply), reply)
}

// eval runs a script on a key.
func (s *Store) eval(ctx context.Context, doing, script, key string, args ...any) (any, error) {
	if s.Do == nil {
		return nil, errors.New("redisstore: Store.Do is not set")
	}
	if err := ctx.Err(); err != nil {
		return nil, failed(ctx, doing, err)
	}
	if err := s.look(ctx); err != nil {
		return nil, err
	}
	reply, err := s.Do(ctx, append([]any{"EVAL", script, "1", s.Prefix + key}, args...)...)
	if err != nil {
		return nil, failed(ctx, doing, err)
	}
	return reply, nil
}
