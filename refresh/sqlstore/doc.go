// Package sqlstore keeps what package refresh persists in a table of a database:
// [SQLite] for the processes of one machine, [PostgreSQL] for many machines.
//
//	db, err := sql.Open("pgx", "postgres://app@db.example/app")
//	...
//	store := &sqlstore.PostgreSQL{DB: db}
//	src := refresh.New(&refresh.Rotator{Exchanger: exchanger, Store: store, Key: "github"})
//
// The package imports no driver: DB is opened with any, such as
// github.com/jackc/pgx/v5/stdlib and modernc.org/sqlite, with which it is tested.
//
// # The table
//
// It is made at first use, with its index, unless it is there. A program whose
// role may not make tables is given one:
//
//	CREATE TABLE tokenlife (k BYTEA PRIMARY KEY, v BYTEA NOT NULL, expires BIGINT);
//	CREATE INDEX tokenlife_expires ON tokenlife (expires);
//
// Expires is in milliseconds since 1970, by the clock of the database; NULL is
// never. A row that has expired is absent, and is deleted later: up to 256 of them
// before the first write of a Store and before every 64th after it.
//
// The values are secrets, and whoever can read the table can use them. Encrypt
// them with [refresh.Sealed].
//
// # Writes
//
// A Swap is one statement that compares and writes, in a transaction of its
// own, and it is on disk before it is reported: whatever the connection says of
// synchronous_commit (PostgreSQL) and of PRAGMA synchronous (SQLite), it is
// overruled for the statement. What the server does with its disk is not looked
// into: with fsync = off, a power cut may undo a rotation, and the issuer then
// sees a spent refresh token.
//
// A statement that the database gave up for the sake of others, because of a
// serialization failure, a deadlock or a locked file, is sent again until ctx is
// done: of those, and of those alone, it is known that they wrote nothing. Any
// other failure is an error, also a connection cut while the answer was under
// way, whose write may have landed.
//
// A Swap that returned false may have landed all the same: package database/sql
// sends a statement again if the driver says that the connection was bad, and a
// proxy in between may do so too. So it is with every [refresh.Store], and its
// users look for what they wrote.
package sqlstore
