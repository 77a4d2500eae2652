package main

import (
	"context"
	"net/http"
	"time"

	"cloud.google.com/go/auth"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	azruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/auth/bearer"
	"golang.org/x/oauth2"
	"k8s.io/client-go/transport"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A cache is what is compared: something that holds an upstream's token.
type cache interface {
	// ask asks once and returns the token's text.
	ask(ctx context.Context) (string, error)

	// spin asks n times, by the cache's own method and with nothing around it.
	spin(ctx context.Context, n int)
}

// A contender is a kind of cache.
type contender struct {
	name, what string

	// early is how long before its end the cache, as it comes, replaces a
	// token.
	early time.Duration

	// holdoff is how long after getting a token it does not do so.
	holdoff time.Duration

	// dies says that a panicking upstream takes the process with it.
	dies bool

	open func(*upstream) cache

	// bare, if not nil, opens what is part of the cache's cost without being
	// the cache.
	bare func() cache
}

var ours = contender{
	name: "ours",
	open: func(u *upstream) cache {
		return tokenlife{refresh.New(token.SourceFunc(func(ctx context.Context) (token.Token, error) {
			t, err := u.issue(ctx)
			return token.Token{
				Value:     token.NewSecret(t.text),
				ExpiresIn: time.Until(t.expiry),
				RefreshIn: u.refreshIn,
			}, err
		}))}
	},
}

type tokenlife struct{ src *refresh.Source }

func (c tokenlife) ask(ctx context.Context) (string, error) {
	t, err := c.src.Token(ctx)
	return t.Value.Reveal(), err
}

func (c tokenlife) spin(ctx context.Context, n int) {
	for range n {
		c.src.Token(ctx)
	}
}

// peers are as their libraries make them by default.
var peers = []contender{
	{
		name:  "oauth2",
		what:  "golang.org/x/oauth2 ReuseTokenSource",
		early: 10 * time.Second,
		open: func(u *upstream) cache {
			return oauth2Source{oauth2.ReuseTokenSource(nil, oauth2Upstream{u})}
		},
	},
	{
		name:  "cloud",
		what:  "cloud.google.com/go/auth CachedTokenProvider",
		early: 225 * time.Second,
		dies:  true,
		open: func(u *upstream) cache {
			return cloud{auth.NewCachedTokenProvider(cloudUpstream{u}, nil)}
		},
	},
	{
		name:  "cloud-sync",
		what:  "the same with DisableAsyncRefresh",
		early: 225 * time.Second,
		open: func(u *upstream) cache {
			return cloud{auth.NewCachedTokenProvider(cloudUpstream{u}, &auth.CachedTokenProviderOptions{DisableAsyncRefresh: true})}
		},
	},
	{
		name: "aws",
		what: "aws-sdk-go-v2 aws.CredentialsCache",
		dies: true,
		open: func(u *upstream) cache {
			return awsCache{aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
				t, err := u.issue(ctx)
				return aws.Credentials{
					AccessKeyID:     "id", // it takes credentials without keys for expired
					SecretAccessKey: "secret",
					SessionToken:    t.text,
					CanExpire:       true,
					Expires:         t.expiry,
				}, err
			}))}
		},
	},
	{
		name:  "smithy",
		what:  "smithy-go bearer.TokenCache, with the options that aws-sdk-go-v2 gives it",
		early: 5 * time.Minute,
		dies:  true,
		open: func(u *upstream) cache {
			return smithy{bearer.NewTokenCache(bearer.TokenProviderFunc(func(ctx context.Context) (bearer.Token, error) {
				t, err := u.issue(ctx)
				return bearer.Token{Value: t.text, CanExpire: true, Expires: t.expiry}, err
			}), func(o *bearer.TokenCacheOptions) {
				o.RefreshBeforeExpires = 5 * time.Minute
				o.RetrieveBearerTokenTimeout = 30 * time.Second
			})}
		},
	},
	{
		name:    "azcore",
		what:    "azcore BearerTokenPolicy; time and memory are those of a pipeline with it less one without",
		early:   5 * time.Minute,
		holdoff: 30 * time.Second,
		open: func(u *upstream) cache {
			return azPipeline(azruntime.NewBearerTokenPolicy(azUpstream{u}, nil, nil))
		},
		bare: func() cache { return azPipeline() },
	},
	{
		name: "client-go",
		what: "k8s.io/client-go transport.NewCachedTokenSource",
		open: func(u *upstream) cache {
			return oauth2Source{transport.NewCachedTokenSource(oauth2Upstream{u})}
		},
	},
}

// contenders returns ours and the peers.
func contenders() []contender { return append([]contender{ours}, peers...) }

type oauth2Upstream struct{ *upstream }

func (u oauth2Upstream) Token() (*oauth2.Token, error) {
	t, err := u.issue(context.Background())
	return &oauth2.Token{AccessToken: t.text, Expiry: t.expiry}, err
}

type oauth2Source struct{ src oauth2.TokenSource }

func (c oauth2Source) ask(context.Context) (string, error) {
	t, err := c.src.Token()
	if err != nil {
		return "", err
	}
	return t.AccessToken, nil
}

func (c oauth2Source) spin(_ context.Context, n int) {
	for range n {
		c.src.Token()
	}
}

type cloudUpstream struct{ *upstream }

func (u cloudUpstream) Token(ctx context.Context) (*auth.Token, error) {
	t, err := u.issue(ctx)
	return &auth.Token{Value: t.text, Expiry: t.expiry}, err
}

type cloud struct{ src auth.TokenProvider }

func (c cloud) ask(ctx context.Context) (string, error) {
	t, err := c.src.Token(ctx)
	if err != nil {
		return "", err
	}
	return t.Value, nil
}

func (c cloud) spin(ctx context.Context, n int) {
	for range n {
		c.src.Token(ctx)
	}
}

type awsCache struct{ src *aws.CredentialsCache }

func (c awsCache) ask(ctx context.Context) (string, error) {
	t, err := c.src.Retrieve(ctx)
	return t.SessionToken, err
}

func (c awsCache) spin(ctx context.Context, n int) {
	for range n {
		c.src.Retrieve(ctx)
	}
}

type smithy struct{ src *bearer.TokenCache }

func (c smithy) ask(ctx context.Context) (string, error) {
	t, err := c.src.RetrieveBearerToken(ctx)
	return t.Value, err
}

func (c smithy) spin(ctx context.Context, n int) {
	for range n {
		c.src.RetrieveBearerToken(ctx)
	}
}

type azUpstream struct{ *upstream }

func (u azUpstream) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	t, err := u.issue(ctx)
	return azcore.AccessToken{Token: t.text, ExpiresOn: t.expiry}, err
}

// azcore's cache can only be used from within a pipeline. This one ends in a
// transport that answers with the header it was sent.
type azure struct{ pipeline azruntime.Pipeline }

func azPipeline(p ...policy.Policy) azure {
	return azure{azruntime.NewPipeline("bench", "v0", azruntime.PipelineOptions{PerRetry: p}, &policy.ClientOptions{
		Retry:     policy.RetryOptions{MaxRetries: -1},
		Telemetry: policy.TelemetryOptions{Disabled: true},
		Transport: echo{},
	})}
}

type echo struct{}

func (echo) Do(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: r.Header, Body: http.NoBody, Request: r}, nil
}

func (c azure) ask(ctx context.Context) (string, error) {
	r, err := azruntime.NewRequest(ctx, http.MethodGet, "https://127.0.0.1/")
	if err != nil {
		return "", err
	}
	answer, err := c.pipeline.Do(r)
	if err != nil {
		return "", err
	}
	const bearer = "Bearer "
	return answer.Header.Get("Authorization")[len(bearer):], nil
}

func (c azure) spin(ctx context.Context, n int) {
	for range n {
		if r, err := azruntime.NewRequest(ctx, http.MethodGet, "https://127.0.0.1/"); err == nil {
			c.pipeline.Do(r)
		}
	}
}
