// Package refresh keeps tokens fresh.
//
// [Source] caches the tokens of another [token.Source] and replaces each before
// it dies.
//
//	src := refresh.New(kube.NewSource(cs.CoreV1().ServiceAccounts("ci"), "builder", "vault"))
//	client := &http.Client{Transport: &token.Transport{Source: src}}
//
// [Group] does it for many keys, at the expense of one issuer: tenants, users, service
// accounts.
//
// [Rotator] is what a Source caches the tokens of where a refresh token may be spent
// only once: it keeps the pair in a [Store], safe from crashes and from its other
// holders. [Issuer] is the other end, for services that hand out such pairs.
//
// # The life of a token
//
// A token is fresh, then due, then dead.
//
// A fresh token is handed out at once. It becomes due when its issuer said
// ([token.Token.RefreshIn]), or else after four fifths of its life, less up to
// a tenth of it at random, so that a fleet started together does not refresh
// together; and in any case after a day. A due token is still handed out at
// once, and one attempt to replace it starts in the background: nobody waits
// for an early refresh. A dead token is never handed out: callers wait for the
// attempt, each until its own deadline.
//
// A token is dead once its time is used up, less a margin of two seconds, or of
// a tenth of a shorter life: lifetimes are whole seconds, cut down, and a
// request takes time to arrive.
//
// # Clocks
//
// How long a token has left is counted from the instant before it was asked
// for, so the time of day does not matter, neither here nor at the issuer. It
// is counted twice, by the wall clock and by the monotonic one, and the token
// is as old as the older of the two says: the monotonic clock stops while a
// machine is suspended, and the wall clock can be set. Either is noticed within a
// millisecond of the machine being awake.
//
// Only a token that does not say how long it has left ([token.Token.ExpiresIn]
// is zero) is judged by comparing its Expiry with a clock: with the local one,
// or with Source.Clock.
//
// # Attempts
//
// There is one attempt at a time. It belongs to no caller: it carries the values
// of the context of the call that started it, but neither its deadline nor its
// cancellation, and is bounded by Source.Timeout. A caller that gives up spoils
// nothing for the others. No goroutine outlives an attempt, and a Source that
// nobody asks does nothing; [Source.Run] is for a program that wants its token
// replaced all the same.
//
// While attempts fail, the good token is handed out to its end. A failure is
// followed by a pause of between d/2 and d, where d is one second after the
// first in a row and doubles with each, up to a minute; longer if the error says
// so, as [token.RetryAfter] reads it. During a pause callers that have no token
// get the last error at once.
//
// A Base that supplies the same token again has not failed. It is asked again after
// such a pause, or when that token dies, if that is sooner.
//
// # Refused tokens
//
// [Source.Invalidate], which [token.Transport] calls on a 401, gives up the
// token, and the next caller waits for another. If that one is refused too,
// sooner than a pause after it came, getting more of them is no help: it stays
// in use until the pause is over. So one endpoint that answers 401 to everybody
// neither floods the issuer nor takes the token away from the others.
//
// # Many keys
//
// A [Group] has a Source for each key that is in use, and drops it when nobody has asked
// for that key for an hour. Keys share nothing but their turns: at most 64 attempts are
// under way. Callers without a token wait for the turn of their key, each until its own
// deadline. A key that is due goes on with its good token while no turn is free. So there
// are never more goroutines than callers that wait and turns that are taken, whether
// there are ten keys or a hundred thousand.
//
// Keys that come into use together, as when a service starts, would come due together,
// and stay so for ever. In a Group a token is due within a fifth of its life, from 0.62
// to 0.8 of it. A new key draws its place in there at random, among the seconds that are
// not yet planned for more renewals than it takes to spread all keys evenly. From then on
// it keeps its place, and is due 0.8 of a life after it was due before: so the third
// generation is spread as the second is, and an outage of the issuer gathers nothing but
// the renewals that had to wait for its end. If there was no renewal for so long that the
// place is out of reach, or if the token was refused, the key draws another. What a
// token says of when to renew it ([token.Token.RefreshIn]) is obeyed.
//
// [Group.Run] is one goroutine for all keys, and looks at each once a second. Without it
// a token is renewed by the first call after it is due, so that a program that asks for
// all tokens at the same moment, every few minutes, renews at that moment all that came
// due since the last.
//
// # One pair, many holders
//
// A refresh token that rotates is good for one exchange. Presented twice, it looks
// stolen, and a careful issuer ends the login; and if the pair that it brings is lost,
// the login is lost too. So a pair is one value in a [Store], and whoever opens a
// [Rotator] on that Store and Key is a holder of it: goroutines, processes, machines,
// one after the other or all at once. None of them is in charge, and any of them may
// die at any moment.
//
// A holder that is asked for a token looks into the Store, and hands out the access
// token there while it is neither due nor refused. Otherwise it
//
//   - claims the pair, by a compare-and-swap of the value, which also shows that the
//     Store can be written to before anything is spent,
//   - sends the refresh token to the issuer, once,
//   - puts the new pair in the place of the claim.
//
// That is three calls of the Store. The others see the claim, and wait for the pair.
//
// A claim says for how long it is good, its lease, as a duration, which each holder
// counts on its own monotonic clock from when it first saw the claim: nobody compares
// the time of day with anybody. A holder sends nothing unless the exchange will be
// over before its lease is. A claim that outlasts its lease is taken over by the next
// holder; if the Store is a [Locker], as soon as the lock is free. The same refresh
// token is then exchanged, since the first holder may have died before it sent
// anything. That is done even while the access token is good, because an issuer that
// answers an exchange a second time does so for a short while.
//
// A Store that says no to a write is not believed, since what lies between may have
// repeated a write that had landed. The holder looks for what it wrote, which is never
// the same twice.
//
// # What is survived
//
// Suppose that the issuer gives the same answer to a refresh token that comes again
// within a minute, as [Issuer] does by default, and that some holder is asked for
// tokens all the while. Then no login is lost: not by a crash at any point, three of
// them in a row, nor by an answer that never comes, a Store that fails or denies what
// it did, a clock that is set, or a machine that is suspended.
//
// A pair that has come from the issuer is first of all in the memory of its holder. It
// is handed out even if the Store fails, and the holder goes on trying to store it, by
// itself for an hour, and then whenever it is called. It may replace any claim, and a
// death that was recorded, as long as the pair there is the one it has spent. Until it
// is stored, a crash loses the login.
//
// A Store that comes back from a backup, or loses its last writes, is given back the
// newest pair that a holder remembers. A login made in the meantime is newer than that.
//
// # What is lost
//
// If the issuer ends the login at the first refresh token that comes twice, it is lost
// when a holder dies between the exchange and the new pair's being stored, when the
// answer does not arrive, and, where the Store is no Locker, when a holder is frozen in
// the middle of its exchange for longer than its lease. Only to try tells these from an
// exchange that never arrived. If that is refused, the error is [ErrLost]. If no
// exchange had gone astray it is [ErrReused], where the issuer says so: then there is
// another copy of the refresh token, and somebody has used it. For a refusal that says
// nothing more, it is [token.ErrRefused], which the other two match as well.
//
// A refusal counts once the holder has looked again and found the same pair. It is
// then stored, and from then on every holder answers with it, and asks the issuer
// nothing, until there is a new login.
//
// An exchange that ended nobody knows how is tried again after a pause, with the same
// refresh token; so is one that could not be made, or that the issuer was too busy
// for. Pauses grow as those of a Source do, and during them callers get the last error
// at once, or the access token if it is still good.
//
// # Login and logout
//
// The first login goes to Rotator.Initial. A later one goes to [Rotator.Replace], or to
// the Initial of another Rotator. [Rotator.Forget] is the logout. All of them act on
// the Store, so that every Rotator on it follows at once. A Source around one does not:
// it goes on with the access token that it has cached, after a logout to its end, and
// repeats its last error until the pause is over, a minute at most. A program that goes
// on after a Replace or a Forget makes a new Source. [Rotator.Stored] looks at the pair
// and leaves it alone, for programs that list logins or copy one.
//
// # Issuing
//
// An Issuer is the other end: a service that has logged somebody in hands out
// pairs with it, exchanges them, and notices when a refresh token is used twice.
//
//	issuer := &refresh.Issuer{Mint: mint, Keys: ring, Store: store}
//	pair, err := issuer.Begin(ctx, refresh.Grant{Subject: "mira", Client: "web", Scope: "orders"})
//	pair, err = issuer.Exchange(ctx, refresh.Request{Refresh: pair.Refresh.Value, Client: "web"})
//
// [Endpoint] serves it to any OAuth 2.0 client.
//
// A login is a family of refresh tokens, of which each exchange makes the next
// generation. A token says its family and generation under a MAC, so that what is
// forged or malformed never reaches the Store. The Store has one row a login, which
// says what generation is current: about 110 bytes and the [Grant], after ten thousand
// exchanges as after one. An exchange is one read and one compare-and-swap. Nothing in
// the Store is a token or can be made one.
//
// The current token is traded for the next. An older one was used before: it has been
// copied, by a thief or from a backup, and nobody can tell whether the one who presents
// it is the thief, or the owner whose token the thief has used already. So the family
// ends, and both are out. What may have another cause does not count as a reuse: a
// token that another client presents, a Store that fails, denies what it did or lets a
// write land late, or one that has lost writes and so is behind the tokens.
//
// # Grace
//
// Answers get lost, and then the owner has nothing but the token that was just spent.
// Within Grace of an exchange, a minute unless set otherwise, that token gets the same
// successor again, and a new access token. Two hands never get two different
// successors, so that a thief within Grace holds the token that the owner holds, and
// whoever trades it second, past Grace, gives both away. Of thefts at a random moment,
// with a Grace of 10 seconds and a client that refreshes every 48 minutes, 6.5 % are
// undetected after two hours and 0.03 % after four. At an issuer that makes another
// successor for each retry within its grace, thief and owner go separate ways, and
// 100 % stay undetected for ever.
//
// The default Grace is enough for three crashes in a row of a Rotator with the default
// Lease and Timeout, each of which is taken over a lease later. Make it shorter where
// all holders share a Store that is a Locker, which tells them at once. With no Grace
// at all, a holder killed between its request and its write has lost the login. Access
// tokens must live for twice Grace, or Begin fails.
//
// # Subjects
//
// With Subjects set, [Issuer.RevokeSubject] ends all logins of a subject, as after a
// change of password. A subject has one row with a number, its epoch; a family
// remembers the epoch it began in, and is over once that is not the current one. A
// service reads [Issuer.Epoch] before it checks a password, and puts it into the Grant:
// then no login slips through while the password is changed. An exchange reads that row
// at the same time as the family's: a refresh token says which it is, hidden so that
// nobody else can tell whose the token is.
//
// Access tokens that are out stay good to their end: let them live for minutes.
//
// # What to watch
//
// Rotator.OnEvent tells of each turn in the life of a pair; that of a Source around it
// tells of the Source alone. Somebody has to act on
//
//   - [Died]: the login is over. It is told once, by the holder that was refused; the
//     others only return the error.
//   - [Unsaved]: the Store does not take a new pair, which is lost when the process
//     ends: keep it running until it says [Exchanged].
//   - [StoreFailed]: the Store cannot be read or written.
//   - [RolledBack]: the Store lost writes.
//
// [Uncertain] and [TookOver] are survived; many of them say that the issuer is not
// reached well, or that holders die.
//
// Issuer.OnAudit is told what is out of the ordinary. Of [AuditReuse] the subject
// should hear, since it may be a theft; [AuditStoreLost] may have undone revocations.
// How often there is an [AuditGrace] says what Grace is needed. The other kinds are
// clients at fault, or something that failed.
//
// # Stores
//
// A Store is two methods, Get and a compare-and-swap, and all that this module
// persists goes through them. Which one depends on who shares it:
//
//   - [Memory]: one process. A restart loses everything.
//   - [Dir]: the processes of one machine, in the files of a folder. What Swap has
//     written survives kill -9 and a power cut; a network file system is refused, since
//     its locks may not hold. Its lock ends with the process that holds it, so that a
//     Rotator takes over from a dead one at once.
//   - sqlstore with SQLite: the processes of one machine, and many more entries than a
//     folder should have, as an Issuer makes them.
//   - sqlstore with PostgreSQL: many machines. What Swap has written survives the end
//     of the server, and a failover if it is to a synchronous replica. Its lock ends
//     with the connection that holds it: a holder whose connection is cut in the middle
//     of an exchange is taken for dead, and an issuer without grace then sees the
//     refresh token twice.
//   - redisstore: many machines. A failover of Redis may lose the last writes, and
//     with them a rotation or a revocation.
//   - kube.SecretStore: replicas in a Kubernetes cluster, with no other infrastructure,
//     for few values that change seldom. What Swap has written survives as etcd does;
//     it has no lock.
//   - [Sealed]: any of these, encrypted.
//
// A Store that somebody puts back, from a backup or a snapshot, has pairs in it that
// were spent since. A Rotator that knows better restores its own; one that has just
// started cannot, and the issuer will see a spent token.
//
// One Store can serve all: a Rotator's key begins with "pair/", a Source's with
// "source/", and an Issuer's with "family/" or "subject/". Package storetest checks a
// Store of your own.
package refresh
