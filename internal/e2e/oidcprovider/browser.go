package oidcprovider

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// Visit does with a page of the server what a person does in a browser who wants
// to log in: it follows redirects, also those that leave the server, keeps cookies,
// and sends each form it is shown as it is. It returns the text of the last page,
// and its error is that of the last request or says that its status is none of
// success. The client is that of [Server.HTTPClient], or one that trusts as much.
func Visit(ctx context.Context, client *http.Client, page string) (text string, err error) {
	browser := *client
	if browser.Jar, err = cookiejar.New(nil); err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return "", err
	}
	// A login by a device's code takes three pages.
	for range 10 {
		resp, err := browser.Do(req)
		if err != nil {
			return "", err
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		resp.Body.Close()
		text = string(body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("visiting %s: %s", resp.Request.URL.Redacted(), resp.Status)
		}
		if err != nil {
			return text, err
		}
		action, values := form(text)
		if action == "" {
			return text, nil
		}
		if req, err = http.NewRequestWithContext(ctx, http.MethodPost, action, strings.NewReader(values.Encode())); err != nil {
			return text, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return text, errors.New("visiting " + page + ": one form after the other")
}

var (
	formAction = regexp.MustCompile(`<form [^>]*action="([^"]+)"`)
	formInput  = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// form returns where the form in a page goes and with what; nowhere if there is none.
func form(page string) (action string, values url.Values) {
	found := formAction.FindStringSubmatch(page)
	if found == nil {
		return "", nil
	}
	values = url.Values{}
	for _, input := range formInput.FindAllStringSubmatch(page, -1) {
		values.Set(html.UnescapeString(input[1]), html.UnescapeString(input[2]))
	}
	return html.UnescapeString(found[1]), values
}
