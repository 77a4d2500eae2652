// Package redis runs Redis for tests: a server of its own for each, on
// 127.0.0.1 only, empty, that writes all it is told to disk before it answers.
//
//	func TestStore(t *testing.T) {
//		server := redis.Start(t)
//		client := goredis.NewClient(&goredis.Options{Addr: server.Addr})
//		...
//		server.Restart(t) // crashed, and back on the same port with its data
//	}
//
// The program is that of the system:
//
//	apt-get install --no-install-recommends redis-server
//
// Without it Start skips the test, or fails it where CI is set. The package
// imports no client.
package redis
