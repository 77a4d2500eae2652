package rancher

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/tokenlife/tokenlife/internal/strictjson"
	"github.com/tokenlife/tokenlife/token"
)

// A v3Chain is what a V3Source keeps beside its token: what it has made, so that
// it can clear up after a crash and never touches what is somebody else's. No
// secret is in it. As JSON, version 1:
//
//	{
//	  "v": 1,
//	  "nonce": "…",            of this write: no value is ever written twice
//	  "chain": "…",            SHA-256 of the token from First that the chain began with
//	  "user": "…",             SHA-256 of the id of whom its tokens speak for
//	  "asked": 86400000,       milliseconds that they were asked for; -1 is for ever
//	  "current": "token-…",    name of the token that the last renewal was made with
//	  "previous": "token-…",   and of the one before
//	  "firsts": [{"sum": "…", "began": "2026-01-01T00:00:00Z"}],
//	  "refused": [{"sum": "…", "at": "2026-01-01T00:00:00Z", "wait": 60}], the newest last
//	  "made": ["tokenlife …"]  descriptions of the tokens that were to be made, the newest last
//	}
type v3Chain struct {
	Version  int       `json:"v"`
	Nonce    string    `json:"nonce"`
	Chain    string    `json:"chain,omitempty"`
	User     string    `json:"user,omitempty"`
	Asked    int64     `json:"asked,omitempty"`
	Current  string    `json:"current,omitempty"`
	Previous string    `json:"previous,omitempty"`
	Firsts   []v3First `json:"firsts,omitempty"`
	Refused  []v3Dead  `json:"refused,omitempty"`
	Made     []string  `json:"made,omitempty"`
}

// A v3First is when a chain began, and with which token.
type v3First struct {
	Sum   string    `json:"sum"`
	Began time.Time `json:"began"`
}

// A v3Dead is when a token was refused, and for how many seconds from then on it
// is left alone.
type v3Dead struct {
	Sum  string    `json:"sum"`
	At   time.Time `json:"at"`
	Wait int64     `json:"wait"`
}

const (
	v3ChainVersion = 1

	// maxChain is more than any record has.
	maxChain = 32 << 10

	maxMade    = 32
	maxFirsts  = 8
	maxRefused = 8
	maxText    = 512

	// anyAsked is Asked for a token that is to live for ever, and longestAsked
	// the most milliseconds otherwise: what a Duration has room for.
	anyAsked     = -1
	longestAsked = int64(1<<63-1) / int64(time.Millisecond)
)

var (
	errNewerChain = errors.New("was written by a newer version of this package: update this program")
	errNotAChain  = errors.New("is something else: choose another Key, or delete it")
)

// encode returns r as it is stored.
func (r v3Chain) encode() ([]byte, error) {
	r.Version = v3ChainVersion
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, err
	}
	raw := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(raw) > maxChain {
		return nil, errors.New("the record of what was made is too long to be stored")
	}
	return raw, nil
}

// decodeV3Chain reads what encode wrote, and nothing else. Its errors complete a
// sentence about the value, and repeat nothing of it.
func decodeV3Chain(raw []byte) (v3Chain, error) {
	var v v3Chain
	if newer(raw) {
		return v, errNewerChain
	}
	r := strictjson.NewReader(string(raw), strictjson.Limits{Size: maxChain, Depth: 3, Count: 256})
	for name := range r.Object() {
		switch name {
		case "v":
			v.Version = int(integer(&r))
		case "nonce":
			v.Nonce = r.Text()
		case "chain":
			v.Chain = r.Text()
		case "user":
			v.User = r.Text()
		case "asked":
			v.Asked = integer(&r)
		case "current":
			v.Current = r.Text()
		case "previous":
			v.Previous = r.Text()
		case "firsts":
			for range r.Array() {
				v.Firsts = append(v.Firsts, readV3First(&r))
			}
		case "refused":
			for range r.Array() {
				v.Refused = append(v.Refused, readV3Dead(&r))
			}
		case "made":
			v.Made = r.Texts()
		default:
			r.Fail("a member that is not known")
		}
	}
	if r.End() != nil || !v.sound() {
		return v3Chain{}, errNotAChain
	}
	return v, nil
}

func readV3First(r *strictjson.Reader) (f v3First) {
	for name := range r.Object() {
		switch name {
		case "sum":
			f.Sum = r.Text()
		case "began":
			f.Began = readTime(r)
		default:
			r.Fail("a member that is not known")
		}
	}
	return f
}

func readV3Dead(r *strictjson.Reader) (d v3Dead) {
	for name := range r.Object() {
		switch name {
		case "sum":
			d.Sum = r.Text()
		case "at":
			d.At = readTime(r)
		case "wait":
			d.Wait = integer(r)
		default:
			r.Fail("a member that is not known")
		}
	}
	return d
}

func readTime(r *strictjson.Reader) time.Time {
	t, err := time.Parse(time.RFC3339, r.Text())
	if err != nil {
		r.Fail("no date")
	}
	return t.UTC()
}

// newer reports whether raw says that it is of a version that is not known here;
// then nothing else in it is.
func newer(raw []byte) bool {
	var version int64
	r := strictjson.NewReader(string(raw), strictjson.Limits{})
	for name := range r.Object() {
		if name == "v" {
			version = integer(&r)
		}
	}
	return r.End() == nil && version > v3ChainVersion
}

// integer reads a number that is a whole one.
func integer(r *strictjson.Reader) int64 {
	n, err := strconv.ParseInt(r.Number(), 10, 64)
	if err != nil {
		r.Fail("not a whole number")
	}
	return n
}

// sound reports whether r is what encode may have been given.
func (r *v3Chain) sound() bool {
	if r.Version != v3ChainVersion || r.Nonce == "" || r.Asked < anyAsked || r.Asked > longestAsked ||
		len(r.Made) > maxMade || len(r.Firsts) > maxFirsts || len(r.Refused) > maxRefused {
		return false
	}
	texts := append([]string{r.Nonce, r.Current, r.Previous}, r.Made...)
	for _, text := range texts {
		if len(text) > maxText {
			return false
		}
	}
	for _, made := range r.Made {
		if made == "" { // which the tokens of others may have as well
			return false
		}
	}
	for _, f := range r.Firsts {
		if !isSum(f.Sum) || f.Began.IsZero() {
			return false
		}
	}
	for _, d := range r.Refused {
		if !isSum(d.Sum) || d.At.IsZero() || d.Wait <= 0 || d.Wait > int64(longestRefused/time.Second) {
			return false
		}
	}
	return (r.Chain == "" || isSum(r.Chain)) && (r.User == "" || isSum(r.User))
}

// sum returns what stands for a token in a record.
func sum(tok token.Secret) string { return digest(tok.Reveal()) }

// digest returns what stands in a record for a text that must not be seen there,
// or that is somebody else's and may be anything.
func digest(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

func isSum(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}
