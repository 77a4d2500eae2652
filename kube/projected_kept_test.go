package kube_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A volume is a folder with a token in it, written as the kubelet writes it.
type volume struct{ dir string }

func (v volume) path() string { return filepath.Join(v.dir, "token") }

// project replaces the token as the kubelet does, which has all files in a folder of
// their own, and swaps a link to it. It calls step, if not nil, after each step.
func (v volume) project(t *testing.T, text string, step func()) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if step != nil {
			step()
		}
	}
	data, tmp := filepath.Join(v.dir, "..data"), filepath.Join(v.dir, "..data_tmp")
	old, _ := os.Readlink(data)
	dir, err := os.MkdirTemp(v.dir, time.Now().UTC().Format("..2006_01_02_15_04_05."))
	must(err)
	must(os.Chmod(dir, 0o755))
	must(os.WriteFile(filepath.Join(dir, "token"), []byte(text), 0o644))
	must(os.Chmod(filepath.Join(dir, "token"), 0o600))
	if err := os.Symlink(filepath.Base(dir), tmp); err != nil && runtime.GOOS == "windows" {
		t.Skip("no symbolic links here: ", err)
	} else {
		must(err)
	}
	if runtime.GOOS == "windows" {
		os.Remove(data)
		must(os.Symlink(filepath.Base(dir), data))
		must(os.Remove(tmp))
	} else {
		must(os.Rename(tmp, data))
	}
	if _, err := os.Readlink(v.path()); err != nil {
		must(os.Symlink(filepath.Join("..data", "token"), v.path()))
	}
	if old != "" {
		must(os.RemoveAll(filepath.Join(v.dir, old)))
	}
}

// An api is a server that accepts some tokens, and notes what it is sent.
type api struct {
	accepts func(text string) bool
	sent    []string
	before  func() // called before each answer, if not nil
}

func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	text := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	a.sent = append(a.sent, text)
	if a.before != nil {
		a.before()
	}
	status := http.StatusOK
	if !a.accepts(text) {
		status = http.StatusUnauthorized
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// call makes one request and returns its status.
func (a *api) call(t *testing.T, src token.Source) (int, error) {
	t.Helper()
	client := &http.Client{Transport: &token.Transport{Source: src, Base: a}}
	resp, err := client.Get("https://api.example/")
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

func anything(string) bool { return true }

// At each step of the kubelet's swap the file holds the old token or the new one.
func TestProjectedSwap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := volume{t.TempDir()}
		src := kube.Projected(v.path())
		var texts []string
		for n := range 20 {
			texts = append(texts, jwt(podToken(n, time.Hour)))
			v.project(t, texts[n]+"\n", func() {
				tok, err := src.Token(t.Context())
				if n > 0 && (err != nil || !slices.Contains(texts[n-1:n+1], tok.Value.Reveal())) {
					t.Errorf("swap %d: %v", n, err)
				}
			})
			if tok, err := src.Token(t.Context()); err != nil || tok.Value.Reveal() != texts[n] {
				t.Errorf("after swap %d: %v", n, err)
			}
		}
	})
}

// A new token is found within a minute by whoever asks all the while.
func TestProjectedReadWithinAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := volume{t.TempDir()}
		src := refresh.New(kube.Projected(v.path()))
		for n := range 5 {
			text := jwt(podToken(n, time.Hour))
			v.project(t, text, nil)
			began := time.Now()
			for {
				tok, err := src.Token(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if tok.Value.Reveal() == text {
					break
				}
				if time.Since(began) > time.Minute {
					t.Fatalf("token %d was not found in a minute", n)
				}
				time.Sleep(time.Second)
			}
		}
	})
}

// A token that the server refuses is read again at once, and the request sent once
// more with what is found: also if the file is being replaced just then, by somebody
// who does not do it as the kubelet does.
func TestProjectedReadAfterRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, replace := range map[string]func(v volume, text string){
			"swapped": func(v volume, text string) { v.project(t, text, nil) },
			"empty at first": func(v volume, text string) {
				os.Truncate(v.path(), 0)
				time.AfterFunc(40*time.Millisecond, func() { write(t, v.path(), text) })
			},
			"half at first": func(v volume, text string) {
				write(t, v.path(), text[:len(text)-20])
				time.AfterFunc(200*time.Millisecond, func() { write(t, v.path(), text) })
			},
			"missing at first": func(v volume, text string) {
				os.Remove(v.path())
				time.AfterFunc(200*time.Millisecond, func() { write(t, v.path(), text) })
			},
			"folder away at first": func(v volume, text string) {
				away := volume{v.dir + "-away"}
				os.Rename(v.dir, away.dir)
				time.AfterFunc(200*time.Millisecond, func() {
					away.project(t, text, nil)
					os.Rename(away.dir, v.dir)
				})
			},
		} {
			v := volume{filepath.Join(t.TempDir(), "volume")}
			if err := os.Mkdir(v.dir, 0o700); err != nil {
				t.Fatal(err)
			}
			old, next := jwt(podToken(1, time.Hour)), jwt(podToken(2, time.Hour))
			v.project(t, old, nil)
			server := &api{accepts: anything}
			src := refresh.New(kube.Projected(v.path()))
			if status, err := server.call(t, src); status != 200 {
				t.Fatalf("%s: %d, %v", name, status, err)
			}
			replace(v, next)
			server.accepts = func(text string) bool { return text == next }
			status, err := server.call(t, src)
			if status != 200 || !slices.Equal(server.sent, []string{old, old, next}) {
				t.Errorf("%s: %d, %v after %d requests", name, status, err, len(server.sent))
			}
		}
	})
}

// A refusal of the token that is still in the file is handed on as it came, costs
// one look at the file, and leaves the token in use.
func TestProjectedSpuriousRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := volume{t.TempDir()}
		text := jwt(podToken(1, time.Hour))
		v.project(t, text, nil)
		server := &api{accepts: anything}
		src := refresh.New(kube.Projected(v.path()))
		for n := range 100 {
			server.accepts = anything
			if status, err := server.call(t, src); status != 200 {
				t.Fatalf("call %d: %d, %v", n, status, err)
			}
			server.accepts = func(string) bool { return false }
			if status, err := server.call(t, src); status != 401 {
				t.Fatalf("call %d: %d, %v; want the refusal", n, status, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if len(server.sent) != 200 || slices.ContainsFunc(server.sent, func(s string) bool { return s != text }) {
			t.Errorf("%d requests were sent for 200 calls", len(server.sent))
		}
	})
}

// The last good token is used as long as it lives while there is no other, whatever
// is wrong with the file, and not a second longer; and the next is found by itself.
func TestProjectedKeepsTheLast(t *testing.T) {
	t.Parallel()
	const life = 10 * time.Minute
	for name, spoil := range map[string]func(v volume) error{
		"folder gone":  func(v volume) error { return os.RemoveAll(v.dir) },
		"link gone":    func(v volume) error { return os.Remove(filepath.Join(v.dir, "..data")) },
		"file gone":    func(v volume) error { return os.Remove(v.path()) },
		"empty":        func(v volume) error { return os.WriteFile(v.path(), nil, 0) },
		"half":         func(v volume) error { return os.Truncate(v.path(), 200) },
		"binary":       func(v volume) error { return os.WriteFile(v.path(), []byte{0, 1, 0xff}, 0) },
		"huge":         func(v volume) error { return os.Truncate(v.path(), 1<<40) },
		"a folder now": func(v volume) error { return errors.Join(os.Remove(v.path()), os.Mkdir(v.path(), 0o700)) },
		"a loop":       func(v volume) error { return errors.Join(os.Remove(v.path()), os.Symlink("token", v.path())) },
		"the old one":  func(volume) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := volume{filepath.Join(t.TempDir(), "volume")}
			synctest.Test(t, func(t *testing.T) {
				old := jwt(podToken(1, life))
				if err := os.Mkdir(v.dir, 0o700); err != nil {
					t.Fatal(err)
				}
				v.project(t, old, nil)
				src := refresh.New(kube.Projected(v.path()))
				began := time.Now()
				if _, err := src.Token(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := spoil(v); err != nil {
					t.Skip(err)
				}
				for time.Since(began) < life+time.Minute {
					tok, err := src.Token(t.Context())
					left := life - time.Since(began)
					if left > 3*time.Second && (err != nil || tok.Value.Reveal() != old) {
						t.Fatalf("with %v left: %v", left, err)
					}
					if left <= 0 && err == nil {
						t.Fatalf("a token %v past its end", -left)
					}
					if left <= 0 && !strings.Contains(err.Error(), v.path()) && name != "the old one" {
						t.Fatalf("the error does not name the file: %v", err)
					}
					time.Sleep(time.Second)
				}
				os.RemoveAll(v.dir)
				if err := os.Mkdir(v.dir, 0o700); err != nil {
					t.Fatal(err)
				}
				next := jwt(podToken(2, life))
				v.project(t, next, nil)
				back := time.Now()
				for {
					if tok, err := src.Token(t.Context()); err == nil && tok.Value.Reveal() == next {
						break
					}
					if time.Since(back) > time.Minute {
						t.Fatal("the next token was not found in a minute")
					}
					time.Sleep(time.Second)
				}
			})
		})
	}
}

// A folder that is there only after a while holds up nobody for longer than that.
func TestProjectedStartsBeforeItsFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := volume{filepath.Join(t.TempDir(), "volume")}
		src := refresh.New(kube.Projected(v.path()))
		if _, err := src.Token(t.Context()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("before there is a folder: %v", err)
		}
		if err := os.Mkdir(v.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		v.project(t, jwt(podToken(1, time.Hour)), nil)
		time.Sleep(2 * time.Second)
		if _, err := src.Token(t.Context()); err != nil {
			t.Errorf("when there is one: %v", err)
		}
	})
}

// A token that is valid for a year, for programs that never read the file again, is
// used until the kubelet was to have replaced it.
func TestProjectedExtended(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const useful = 3607 * time.Second
		claims := podToken(1, 365*24*time.Hour)
		claims["kubernetes.io"].(map[string]any)["warnafter"] = time.Now().Add(useful).Unix()
		v := volume{t.TempDir()}
		v.project(t, jwt(claims), nil)
		src := refresh.New(kube.Projected(v.path()))
		if tok, err := src.Token(t.Context()); err != nil || time.Until(tok.Expiry) > useful {
			t.Errorf("the token counts for %v: %v", time.Until(tok.Expiry), err)
		}
		time.Sleep(useful - 3*time.Second)
		if _, err := src.Token(t.Context()); err != nil {
			t.Errorf("before its end: %v", err)
		}
		time.Sleep(5 * time.Second)
		if _, err := src.Token(t.Context()); err == nil {
			t.Error("it is used when it should have been replaced")
		}
	})
}

// A legacy token does not say when it ends, and is looked at again all the same.
func TestProjectedLegacy(t *testing.T) {
	t.Parallel()
	v := volume{t.TempDir()}
	v.project(t, jwt(legacyClaims("builder-token")), nil)
	tok, err := kube.Projected(v.path()).Token(t.Context())
	if err != nil || !tok.Expiry.IsZero() || tok.RefreshIn <= 0 || tok.RefreshIn > time.Minute {
		t.Errorf("%+v, %v", tok, err)
	}
}

// This machine's clock was set back after the tokens were made: they come from the
// future, are used, and replaced when the file has another.
func TestProjectedClockSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := volume{t.TempDir()}
		src := refresh.New(kube.Projected(v.path()))
		for n := range 3 {
			claims := podToken(n, 2*time.Hour)
			claims["iat"] = time.Now().Add(time.Hour).Unix()
			claims["nbf"] = claims["iat"]
			text := jwt(claims)
			v.project(t, text, nil)
			src.Token(t.Context()) // due
			time.Sleep(51 * time.Second)
			src.Token(t.Context())
			synctest.Wait()
			time.Sleep(time.Second)
			if tok, err := src.Token(t.Context()); err != nil || tok.Value.Reveal() != text {
				t.Errorf("token %d from the future: %v", n, err)
			}
		}
	})
}
