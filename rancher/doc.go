// Package rancher works with the tokens of Rancher: those of 1.6, which has the
// v2-beta API, and those of 2.x, which has v3 and its successors.
//
// Both are opaque, and neither has a call to refresh one. A token of 1.6 is
// renewed by another login ([V2BetaSource]), one of 2.x by a token that is made
// with it ([V3Source]). Either is a [token.Source]; wrap it in refresh.New:
//
//	server := &rancher.Server{URL: "https://rancher.example"}
//	src := refresh.New(&rancher.V3Source{
//		Client: &rancher.V3{Server: server},
//		First:  token.Static(token.New(apiKey)),
//		Store:  &refresh.Dir{Path: dir}, Key: "rancher",
//	})
//	client := &http.Client{Transport: (&rancher.V3{Server: server}).Transport(src)}
//
// Where it is not known which Rancher there is, [Server.Open] finds out, and
// gives what both can do as an [API].
package rancher
