package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/refresh/sqlstore"
)

func init() {
	// A program has these from its drivers: modernc.org/sqlite and
	// github.com/jackc/pgx/v5/stdlib.
	sql.Register("sqlite", &engine{})
	sql.Register("pgx", &engine{})
}

func ExampleSQLite() {
	db, err := sql.Open("sqlite", "file:tokens.db?_pragma=journal_mode(WAL)")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	store := &sqlstore.SQLite{DB: db}

	ctx := context.Background()
	ok, err := store.Swap(ctx, "pair/github", nil, []byte("one"), time.Time{})
	fmt.Println(ok, err)
	ok, err = store.Swap(ctx, "pair/github", nil, []byte("two"), time.Time{})
	fmt.Println(ok, err)
	value, err := store.Get(ctx, "pair/github")
	fmt.Printf("%s %v\n", value, err)
	// Output:
	// true <nil>
	// false <nil>
	// one <nil>
}

func ExamplePostgreSQL() {
	db, err := sql.Open("pgx", "postgres://app@db.example/app?target_session_attrs=read-write")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	store := &sqlstore.PostgreSQL{DB: db, Table: "logins"}

	ctx := context.Background()
	unlock, err := store.Lock(ctx, "pair/github")
	if err != nil {
		panic(err)
	}
	defer unlock()
	ok, err := store.Swap(ctx, "pair/github", nil, []byte("one"), time.Now().Add(time.Hour))
	fmt.Println(ok, err)
	// Output: true <nil>
}
