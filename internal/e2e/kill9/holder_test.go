package kill9

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

const (
	// holderEnv, set, makes the test binary a holder.
	holderEnv = "TOKENLIFE_KILL9_HOLDER"

	key = "shared" // of the pair

	// Short, so that a take-over of a Store without a lock does not last.
	timeout = 700 * time.Millisecond
	lease   = time.Second
)

// A setup is what a holder is told on its standard input, which ends when the
// test does.
type setup struct {
	Backend, Place string
	Number         int // of the holder
	TokenURL       string
	Initial        string // refresh token
}

func TestMain(m *testing.M) {
	if os.Getenv(holderEnv) != "" {
		if err := hold(); err != nil {
			fmt.Println("error:", oneLine(err))
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// hold is a holder: it rotates the pair over and over, as if servers refused each
// access token, and says on its standard output how it fares, until its standard
// input ends or it is killed.
func hold() error {
	var s setup
	input := json.NewDecoder(os.Stdin)
	if err := input.Decode(&s); err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	store, err := backends[s.Backend].open(s.Place)
	if err != nil {
		return err
	}
	var last token.Token
	for {
		// A new Rotator each time, as in a tool that is run again and again: one
		// whose tokens are all refused does not ask for more at this pace.
		rotator, number := s.rotator(store)
		rotator.OnEvent = func(e refresh.Event) {
			say(e)
			if e.Kind == refresh.Uncertain {
				fmt.Println(unsureOf, number.Load())
			}
		}
		if !last.IsZero() {
			rotator.Invalidate(last)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		tok, err := rotator.Token(ctx)
		cancel()
		switch {
		case err == nil:
			fmt.Println("token", tok.Value.Fingerprint())
			last = tok
			continue
		case errors.Is(err, refresh.ErrLost):
			fmt.Println("lost")
		case errors.Is(err, token.ErrRefused):
			fmt.Println("refused:", oneLine(err))
		default:
			fmt.Println("failed:", oneLine(err))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// say says what happened to a Rotator.
func say(e refresh.Event) {
	if e.Err != nil {
		fmt.Printf("%v: %s\n", e.Kind, oneLine(e.Err))
	} else {
		fmt.Println(e.Kind)
	}
}

// Before the number of a request that a holder says something about.
const (
	unsureOf = "had no answer to request"
	slowAt   = "was too slow with request"
)

// asked counts the requests of this holder.
var asked atomic.Int64

// A timed Store is a Rotator's, has no locks, and says when a claim was over before what came of
// it was there, so that another may have taken over: this process was stopped, or
// the disk was slow.
type timed struct {
	refresh.Store
	number  *atomic.Int64 // of the Rotator's last request
	claimed time.Time     // when its claim was sent; zero if there is none
}

func (s *timed) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	began := time.Now()
	ok, err := s.Store.Swap(ctx, key, old, new, expires)
	if !s.claimed.IsZero() && time.Since(s.claimed) >= lease {
		fmt.Println(slowAt, s.number.Load())
	}
	s.claimed = time.Time{}
	if bytes.Contains(new, []byte(`"claim":`)) {
		s.claimed = began
	}
	return ok, err
}

// rotator returns a Rotator of the shared pair, and the number of its last request.
func (s setup) rotator(store refresh.Store) (*refresh.Rotator, *atomic.Int64) {
	number := new(atomic.Int64)
	if _, locks := store.(refresh.Locker); !locks {
		store = &timed{Store: store, number: number}
	}
	return &refresh.Rotator{
		Exchanger: &oauth2adapt.Exchanger{
			Config: &oauth2.Config{ClientID: client, Endpoint: oauth2.Endpoint{TokenURL: s.TokenURL}},
			// This is how the issuer knows what to write down.
			Sign: func(_ context.Context, header http.Header, _ url.Values) error {
				number.Store(asked.Add(1))
				header.Set("User-Agent", fmt.Sprint(s.Number, " ", number.Load()))
				return nil
			},
		},
		Store:   store,
		Key:     key,
		Initial: refresh.Pair{Refresh: token.Token{Value: token.NewSecret(s.Initial)}},
		Timeout: timeout,
		Lease:   lease,
	}, number
}

// oneLine returns the text of err, less what differs from one time to the next.
func oneLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "; trying again in")
	return strings.ReplaceAll(text, "\n", " ")
}
