package main

import (
	"context"
	"time"
)

// Where a login is to be made, its own kubectl says. Those that wait for it, in other
// terminals, say it as well: the window may be lost, or the kubectl killed that had it.
// The store has it for them under "told/" while the login is open.

// tell says where the user can log in, behind a word on how that came.
func (g *getter) tell(ctx context.Context, word, where string) {
	where = oneLine(where)
	g.say("%s%s", word, where)
	// If it cannot be kept, those who wait know less.
	_ = g.store.update(ctx, "told/"+g.Key, func([]byte) ([]byte, time.Time, error) {
		return []byte(where), time.Now().Add(g.loginTimeout), nil
	})
}

// told returns what was told last of the login that another has open, behind a colon,
// or nothing.
func (g *getter) told(ctx context.Context) string {
	where, err := g.store.Get(ctx, "told/"+g.Key)
	if err != nil || len(where) == 0 {
		return ""
	}
	return ": " + oneLine(string(where))
}

// untell has nothing told any more.
func (g *getter) untell(ctx context.Context) {
	_ = g.store.update(context.WithoutCancel(ctx), "told/"+g.Key, func([]byte) ([]byte, time.Time, error) {
		return nil, time.Time{}, nil
	})
}
