package location

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// fetchURL returns the address that answers with the text of a file, and the header fields to ask with, nil for a server that is no integration.
func (h Hosts) fetchURL(target *url.URL) (address string, header map[string]string) {
	f, ok := h.parse(target)
	if !ok {
		return target.String(), nil
	}
	header = f.header()
	switch {
	case f.style == gitLab:
		return fmt.Sprintf("%s/files/%s/raw?ref=%s", f.api(), reescape(f.file), queryEscape(f.ref)), header
	case f.usesAPI():
		header["Accept"] = "application/vnd.github.v3.raw"
		return fmt.Sprintf("%s/contents/%s?ref=%s", f.api(), f.file, queryEscape(f.ref)), header
	default:
		return fmt.Sprintf("%s/%s/%s/%s", strings.TrimRight(f.host.RawBaseURL, "/"), f.project, f.ref, f.file), header
	}
}

// usesAPI reports whether a file of GitHub is read by the API: with a token, or where there is nothing else.
func (f repoFile) usesAPI() bool {
	return f.host.APIBaseURL != "" && (!f.host.Token.IsZero() || f.host.RawBaseURL == "")
}

// projectAPI returns where the API has the project.
func (f repoFile) projectAPI() string {
	base := strings.TrimRight(f.host.APIBaseURL, "/")
	if f.style == gitLab {
		return base + "/projects/" + reescape(f.project)
	}
	return base + "/repos/" + f.project
}

// api returns where the API has the project's files.
func (f repoFile) api() string {
	if f.style == gitLab {
		return f.projectAPI() + "/repository"
	}
	return f.projectAPI()
}

func (f repoFile) header() map[string]string {
	header := map[string]string{}
	switch {
	case f.host.Token.IsZero():
	case f.style == gitLab:
		header["PRIVATE-TOKEN"] = f.host.Token.Reveal()
	case f.usesAPI():
		header["Authorization"] = "token " + f.host.Token.Reveal()
	}
	return header
}

// apiHeader is header for what only the API has.
func (f repoFile) apiHeader() map[string]string {
	header := f.header()
	if f.style == gitHub && !f.host.Token.IsZero() {
		header["Authorization"] = "token " + f.host.Token.Reveal()
	}
	return header
}

// reescape makes one path element of an escaped path.
func reescape(escaped string) string { return url.PathEscape(unescape(escaped)) }

func queryEscape(escaped string) string { return url.QueryEscape(unescape(escaped)) }

func unescape(escaped string) string {
	plain, err := url.PathUnescape(escaped)
	if err != nil {
		return escaped
	}
	return plain
}

// answer is what a server said to a GET.
type answer struct {
	text        []byte
	etag        string
	header      http.Header
	notModified bool
}

// get reads an address. The errors are short: the caller says what was being read.
func (u *URLs) get(ctx context.Context, address string, header map[string]string, etag string) (answer, error) {
	select {
	case u.slots <- struct{}{}:
		defer func() { <-u.slots }()
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	limits := u.reach.Load()
	ctx, cancel := context.WithTimeoutCause(ctx, limits.Timeout, fmt.Errorf("the server took more than %v", limits.Timeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	for key, value := range header {
		request.Header.Set(key, value)
	}
	if etag != "" && !strings.HasPrefix(etag, ownETag) {
		request.Header.Set("If-None-Match", etag)
	}
	response, err := u.client.Do(request)
	if err != nil {
		return answer{}, u.explain(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	result := answer{etag: response.Header.Get("Etag"), header: response.Header}
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		return answer{notModified: true, etag: etag}, nil
	default:
		return answer{}, refusal(response, header)
	}
	if response.ContentLength > limits.MaxBytes {
		return answer{}, fmt.Errorf("it has %d bytes, more than the limit of %d", response.ContentLength, limits.MaxBytes)
	}
	result.text, err = io.ReadAll(io.LimitReader(response.Body, limits.MaxBytes+1))
	if err != nil {
		return answer{}, u.explain(ctx, err)
	}
	if int64(len(result.text)) > limits.MaxBytes {
		return answer{}, fmt.Errorf("it has more than the limit of %d bytes", limits.MaxBytes)
	}
	return result, nil
}

// explain leaves out the address, which may hold what must not be seen, and says which deadline ended a read.
func (u *URLs) explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
		return cause
	}
	var detail *url.Error
	if errors.As(err, &detail) {
		return detail.Err
	}
	return err
}

// refusal says what a status other than 200 means. header is what was asked with: nil for a server that is no integration.
func refusal(response *http.Response, header map[string]string) error {
	text := response.Status
	advice := ""
	limited := response.StatusCode == http.StatusTooManyRequests || response.Header.Get("X-RateLimit-Remaining") == "0" || response.Header.Get("RateLimit-Remaining") == "0"
	switch {
	case response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusGone:
		message := "it does not exist"
		switch {
		case header["Authorization"] != "" || header["PRIVATE-TOKEN"] != "":
			message += ", or the token under integrations may not read it"
		case header != nil:
			message += ", or is private: set a token for this host under integrations"
		}
		return &missing{message}
	case limited && response.StatusCode >= http.StatusBadRequest:
		advice = "; the server's rate limit is used up"
		if reset := retryAfter(response.Header); reset > 0 {
			advice += fmt.Sprintf(", try again in %v", reset)
		}
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden:
		advice = "; set or check the token of this host under integrations"
	}
	return fmt.Errorf("the server answered %s%s", text, advice)
}

func retryAfter(header http.Header) time.Duration {
	after, err := time.ParseDuration(header.Get("Retry-After") + "s")
	if err != nil || after < 0 || after > 24*time.Hour {
		return 0
	}
	return after
}

// list returns the paths of all files of a repository, in the order of the server, and a text that changes when any of them does.
func (u *URLs) list(ctx context.Context, f repoFile) (paths []string, version string, err error) {
	if f.style == gitLab {
		return u.listGitLab(ctx, f)
	}
	if f.host.APIBaseURL == "" {
		return nil, "", errors.New("patterns need apiBaseUrl under integrations")
	}
	got, err := u.get(ctx, fmt.Sprintf("%s/git/trees/%s?recursive=1", f.api(), reescape(f.ref)), f.apiHeader(), "")
	if err != nil {
		return nil, "", err
	}
	var tree struct {
		SHA       string `json:"sha"`
		Truncated bool   `json:"truncated"`
		Tree      []struct {
			Path, Type string
		}
	}
	if err := json.Unmarshal(got.text, &tree); err != nil {
		return nil, "", fmt.Errorf("read the list of files: %w", err)
	}
	if tree.Truncated {
		return nil, "", errors.New("the repository has too many files for a pattern; name them one by one")
	}
	for _, item := range tree.Tree {
		if item.Type == "blob" {
			paths = append(paths, item.Path)
		}
	}
	return paths, tree.SHA, nil
}

// maxPages bounds how long a list of files may be: GitLab sends 100 at a time.
const maxPages = 1000

func (u *URLs) listGitLab(ctx context.Context, f repoFile) (paths []string, version string, err error) {
	var all strings.Builder
	page := "1"
	for range maxPages {
		got, err := u.get(ctx, fmt.Sprintf("%s/tree?recursive=true&per_page=100&ref=%s&page=%s", f.api(), queryEscape(f.ref), url.QueryEscape(page)), f.header(), "")
		if err != nil {
			return nil, "", err
		}
		var items []struct{ ID, Path, Type string }
		if err := json.Unmarshal(got.text, &items); err != nil {
			return nil, "", fmt.Errorf("read the list of files: %w", err)
		}
		for _, item := range items {
			if item.Type == "blob" {
				paths = append(paths, item.Path)
				fmt.Fprintf(&all, "%q %s\n", item.Path, item.ID)
			}
		}
		if page = got.header.Get("X-Next-Page"); page == "" {
			return paths, newFile("", []byte(all.String())).Hash, nil
		}
	}
	return nil, "", errors.New("the repository has too many files for a pattern; name them one by one")
}

// checkTarget tells whether a target may be read at all.
func (u *URLs) checkTarget(target string) (*url.URL, error) {
	address, err := url.Parse(target)
	if err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http" {
		return nil, catalogcommon.InputError("url %q is not a web address; write https://host/path", target)
	}
	if address.User != nil {
		return nil, catalogcommon.InputError("url %q holds a password; put a token under integrations in the configuration instead", address.Redacted())
	}
	if kind, _ := u.hosts().of(address.Host); kind == plainHost && !u.allows(address) {
		return nil, catalogcommon.NotAllowedError("Reading from %s is not allowed; add its host to backend.reading.allow, or to integrations", address.Redacted())
	}
	return address, nil
}
