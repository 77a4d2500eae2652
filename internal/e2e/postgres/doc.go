// Package postgres runs PostgreSQL for tests: a server of its own for each, on
// 127.0.0.1 only, with an empty database, ready in about two seconds.
//
//	func TestStore(t *testing.T) {
//		server := postgres.Start(t)
//		db, err := sql.Open("pgx", server.URL)
//		...
//		server.Restart(t) // crashed, and back on the same port with its data
//	}
//
// The programs are those of the system:
//
//	apt-get install --no-install-recommends postgresql
//
// Without them Start skips the test, or fails it where CI is set. The package
// imports no driver.
package postgres
