// Package kubeconfig looks at the credentials in kubeconfig files: whose they are,
// until when they are good, and what happens then. It keeps the OpenID Connect
// logins fresh that kubectl keeps there, and clears what is dead.
//
// # What there is
//
// [Files.Inspect] lists the users, as kubectl would read them of the same files:
//
//	users, err := kubeconfig.Default().Inspect()
//	for _, u := range users {
//		fmt.Println(u.Name, u.Kind, u.Outlook())
//	}
//
// A [User] has the token that would be sent, if that is in a file, and then is a
// token like any other; its Problems say what is wrong before anything is sent. Looking
// runs no command and asks nobody. [Files.Diagnose] says why a credential is refused,
// and asks an API server if it is given one.
//
// # To use it
//
// For each kind of credential there is a [token.Source]. In a refresh.Source and in
// kube.Config it is kept better than by client-go: another token is got before the end
// of the one there is, and a request that is answered 401 is sent once more.
//
//   - [OpenID]: &OIDC{User: name}.
//   - [Exec]: User.Exec, once its Allow says what may run. The kubeconfig may be of
//     somebody else, and its command too.
//   - [TokenFile]: token.File(u.TokenFile), or kube.Projected.
//   - [Token]: nothing keeps it fresh; token.Static(u.Token) sends it.
//
// So, for a user with the auth-provider oidc:
//
//	cfg = kube.Config(cfg, refresh.New(&kubeconfig.OIDC{User: "alice"}))
//
// # What is read
//
// Reading is stricter than kubectl's where a file may mean two things: a field that is
// there twice, a second document, a merge key (<<) and a user without a name are
// errors. A file has at most 4 MiB. An error has the path, the line and the field, and
// repeats no value.
//
// # What is written
//
// [Files.Forget] and [OIDC] change single values, and of the file only the bytes of
// those: comments, the order, unknown fields, quotes and line ends stay as they are. A
// value that other parts of the file stand for, by an anchor, is not changed; the error
// says what to do.
//
// A file is replaced as a whole and durably, in the folder where it is; a symbolic link
// stays, and so do the mode and the owner. While it is written it is locked as kubectl
// does it, by a file with .lock behind its name. Somebody else's lock is waited for, five
// seconds at most, and never broken. kubectl leaves one behind if it is killed, as this
// does: the error has its path and since when it is there, and a person deletes it.
// kubectl itself does not wait, but fails; and it reads before it locks, so that a kubectl
// config at the same moment may put back what was there before.
package kubeconfig
