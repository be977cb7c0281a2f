// Package browsertest is the kit for tests that look at a portal with a real browser: Chromium, without a window, each with a profile of its own.
//
//	portal := plugintest.Start(t, hello.Plugin())
//	b := browsertest.Start(t)
//	b.Open(portal.URL + "/hello")
//	b.Wait(`document.querySelector("h1").textContent === "Hello"`)
//	b.WantNoComplaints() // no error on the console, nothing that the content security policy forbids
//
// Where no Chromium is installed the test is skipped, or fails with PROSCENIUM_TEST_REQUIRE=1. A Browser is used from the test's goroutine only.
package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// patience bounds a wait in the page.
const patience = 30 * time.Second

// Browser is a tab of a browser. Its methods stop the test when something does not work.
type Browser struct {
	testing.TB

	// Context is what package chromedp takes, for actions that this package has no method for.
	Context context.Context

	messages func() (chromedp.ConsoleMessage, error, bool)
	requests <-chan json.RawMessage
}

// Start starts a browser that ends with the test, and in any case after three minutes. Its window is 1440 by 900 pixels.
func Start(t testing.TB) *Browser {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	program := databasetest.Binary(t, "apt-get install chromium", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	))
	t.Cleanup(stop)
	b := &Browser{TB: t, Context: ctx}
	next, end := iter.Pull2(chromedp.Console(ctx))
	t.Cleanup(end)
	b.messages = next
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		sent, unsubscribe := target.Subscribe("Network.requestWillBeSent")
		requests := make(chan json.RawMessage, 4096)
		b.requests = requests
		forwarded := make(chan struct{})
		go func() {
			defer close(forwarded)
			for event := range sent {
				select {
				case requests <- json.RawMessage(event):
				default: // nobody asks for that many
				}
			}
		}()
		t.Cleanup(func() { unsubscribe(); <-forwarded })
		return target.Call(ctx, "Network.enable", struct{}{}, nil)
	}))
	b.Emulate(1440, 900)
	return b
}

// Do performs actions of package chromedp.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.Context, steps...); err != nil {
		b.Fatal(err)
	}
}

// Open goes to an address and returns when the page is loaded.
func (b *Browser) Open(address string) {
	b.Helper()
	b.Do(chromedp.Navigate(address))
}

// Click presses the first element that a CSS selector matches, once it can be seen.
func (b *Browser) Click(selector string) {
	b.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Keys types text, or keys of package chromedp/kb, where the focus is.
func (b *Browser) Keys(keys string) {
	b.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// Wait returns once a JavaScript expression is true, in this page or in the one that follows it, and stops the test if it is not within half a minute.
func (b *Browser) Wait(expression string) {
	b.Helper()
	deadline := time.Now().Add(patience)
	for {
		is, err := chromedp.Run(b.Context, chromedp.Evaluate[bool](`Boolean(`+expression+`)`))
		if err == nil && is {
			return
		}
		if time.Now().After(deadline) || b.Context.Err() != nil {
			b.Fatalf("wait for %s: %v; the page is at %s", expression, err, Eval[string](b, "location.href"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Eval returns the value of a JavaScript expression in b's page.
func Eval[T any](b *Browser, expression string) T {
	b.Helper()
	value, err := chromedp.Run(b.Context, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("evaluate %s: %v", expression, err)
	}
	return value
}

// Emulate sets the size of the page in CSS pixels.
func (b *Browser) Emulate(width, height int64) {
	b.Helper()
	b.Do(chromedp.EmulateViewport(width, height))
}

// Media makes the page see media features, such as "prefers-color-scheme" being "dark".
func (b *Browser) Media(features map[string]string) {
	b.Helper()
	type feature struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	var list []feature
	for name, value := range features {
		list = append(list, feature{name, value})
	}
	b.Call("Emulation.setEmulatedMedia", map[string]any{"features": list})
}

// Scripts switches JavaScript on, as it is at first, or off for the pages opened from then on.
func (b *Browser) Scripts(on bool) {
	b.Helper()
	b.Call("Emulation.setScriptExecutionDisabled", map[string]any{"value": !on})
}

// Call sends a command of the DevTools protocol.
func (b *Browser) Call(method string, params any) {
	b.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error { return target.Call(ctx, method, params, nil) }))
}

// Requests returns the addresses that the browser has asked for since the last call, in order.
func (b *Browser) Requests() []string {
	b.Helper()
	var addresses []string
	for {
		select {
		case raw := <-b.requests:
			var event struct {
				Request struct{ URL string }
			}
			if err := json.Unmarshal(raw, &event); err != nil {
				b.Fatalf("read the browser's network log: %v", err)
			}
			addresses = append(addresses, event.Request.URL)
		case <-time.After(200 * time.Millisecond): // the log comes a moment after the page
			return addresses
		}
	}
}

// endOfMessages is what Complaints writes to the console to know how far to read.
const endOfMessages = "browsertest: read to here"

// Complaints returns the errors and warnings on the console since the last call: exceptions, failed requests, breaches of the content security policy.
func (b *Browser) Complaints() []string {
	b.Helper()
	Eval[any](b, `console.log("`+endOfMessages+`")`)
	var complaints []string
	for {
		message, err, ok := b.messages()
		if err != nil || !ok {
			b.Fatal("read the console: ", errors.Join(err, b.Context.Err()))
		}
		switch {
		case message.Text == endOfMessages:
			return complaints
		case message.Type == "error" || message.Type == "warning" || message.Type == chromedp.ConsoleException:
			complaints = append(complaints, message.Text+" "+message.URL)
		}
	}
}

// WantNoComplaints fails the test for each of [Browser.Complaints].
func (b *Browser) WantNoComplaints() {
	b.Helper()
	for _, complaint := range b.Complaints() {
		b.Error("console: ", complaint)
	}
}

// Screenshot writes the whole page as PNG to a file.
func (b *Browser) Screenshot(name string) {
	b.Helper()
	picture, err := chromedp.Run(b.Context, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(name, picture, 0o600); err != nil {
		b.Fatal(err)
	}
}
