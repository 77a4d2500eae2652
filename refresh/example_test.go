package refresh_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// Any function that gets a token becomes one that keeps it fresh.
func ExampleNew() {
	src := refresh.New(token.SourceFunc(func(ctx context.Context) (token.Token, error) {
		fmt.Println("asking the issuer")
		return token.Token{
			Value:     token.NewSecret("2YotnFZFEjr1zCsicMWpAA"),
			ExpiresIn: time.Hour, // expires_in of its answer
		}, nil
	}))
	for range 3 {
		t, err := src.Token(context.Background())
		fmt.Println(t.Value, t.ExpiresIn.Round(time.Minute), err)
	}
	// Output:
	// asking the issuer
	// [redacted] 1h0m0s <nil>
	// [redacted] 1h0m0s <nil>
	// [redacted] 1h0m0s <nil>
}

// A program that runs for a moment, again and again, keeps its token between
// runs in a Store.
func ExampleSource_store() {
	store := new(refresh.Memory) // outlives the runs
	for run := range 3 {
		src := &refresh.Source{
			Base: token.SourceFunc(func(ctx context.Context) (token.Token, error) {
				fmt.Println("run", run, "asks the issuer")
				return token.Token{Value: token.NewSecret("2YotnFZFEjr1zCsicMWpAA"), ExpiresIn: time.Hour}, nil
			}),
			Store: store,
			Key:   "ci@issuer.example",
		}
		t, err := src.Token(context.Background())
		fmt.Println("run", run, "has", t.Value, err)
		waitUntilStored(store)
	}
	// Output:
	// run 0 asks the issuer
	// run 0 has [redacted] <nil>
	// run 1 has [redacted] <nil>
	// run 2 has [redacted] <nil>
}

// Logs, metrics and traces are made from events.
func ExampleSource_onEvent() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey, "took", "next", "expires_in": // differ from run to run
				return slog.Attr{}
			}
			return a
		},
	}))
	src := &refresh.Source{
		Base:    token.Static(token.Token{Value: token.NewSecret("2YotnFZFEjr1zCsicMWpAA"), ExpiresIn: time.Hour}),
		OnEvent: func(e refresh.Event) { log.Info("token", "event", e) },
	}
	src.Token(context.Background())
	// Output:
	// level=INFO msg=token event.kind=obtained
}

// A service that must not wait for a token when a request comes runs Run.
func ExampleSource_Run() {
	ctx, stop := context.WithCancel(context.Background())
	src := refresh.New(token.SourceFunc(func(context.Context) (token.Token, error) {
		fmt.Println("asking the issuer")
		stop() // the example ends here
		return token.Token{Value: token.NewSecret("2YotnFZFEjr1zCsicMWpAA"), ExpiresIn: time.Hour}, nil
	}))
	fmt.Println(src.Run(ctx))
	// Output:
	// asking the issuer
	// context canceled
}

// waitUntilStored waits for the write that follows the first token in the
// background.
func waitUntilStored(store refresh.Store) {
	for {
		if v, _ := store.Get(context.Background(), "source/ci@issuer.example"); v != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
