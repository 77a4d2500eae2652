package kill9

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/tokenlife/tokenlife/internal/e2e/postgres"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/sqlstore"
)

// A backend is a kind of Store that processes share.
type backend struct {
	// place makes an empty Store for a test and says where it is.
	place func(t *testing.T) string

	// open opens the Store in a place, in any process.
	open func(place string) (refresh.Store, error)

	// check, if not nil, has the Store's own program look for damage.
	check func(ctx context.Context, place string) error
}

// kinds are the backends, fastest first.
var kinds = []string{"Dir", "SQLite", "PostgreSQL"}

var backends = map[string]backend{
	"Dir": {
		place: func(t *testing.T) string { return filepath.Join(t.TempDir(), "store") },
		open:  func(place string) (refresh.Store, error) { return &refresh.Dir{Path: place}, nil },
	},
	"SQLite": {
		place: func(t *testing.T) string {
			return "file:" + filepath.Join(t.TempDir(), "store.db") + "?_pragma=journal_mode(WAL)"
		},
		open: func(place string) (refresh.Store, error) {
			db, err := sql.Open("sqlite", place)
			return &sqlstore.SQLite{DB: db}, err
		},
		check: func(ctx context.Context, place string) error {
			db, err := sql.Open("sqlite", place)
			if err != nil {
				return err
			}
			defer db.Close()
			var verdict string
			if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
				return fmt.Errorf("integrity_check says %q (%v)", verdict, err)
			}
			return nil
		},
	},
	"PostgreSQL": {
		place: func(t *testing.T) string { return postgres.Start(t).URL },
		open: func(place string) (refresh.Store, error) {
			db, err := sql.Open("pgx", place)
			return &sqlstore.PostgreSQL{DB: db}, err
		},
	},
}
