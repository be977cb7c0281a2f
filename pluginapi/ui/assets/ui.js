// The components' behaviour. Every page works without this file; it adds comfort. Custom elements only; nothing is evaluated.

const root = document.documentElement;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const store = (key, value) => { try { localStorage.setItem(key, value); } catch { /* forbidden: not remembered */ } };

/** Shows a short message. tone: neutral, info, success, warning or danger, which stays until dismissed. */
export function toast(text, tone = "neutral") {
  document.querySelector("ui-toasts")?.show(text, tone);
}

class Toasts extends HTMLElement {
  connectedCallback() { all(".ui-toast", this).forEach(expire); }
  show(text, tone) {
    const item = this.querySelector("template").content.firstElementChild.cloneNode(true);
    item.dataset.tone = tone;
    item.querySelector("span").textContent = text;
    item.querySelector("button").onclick = () => item.remove();
    this.firstElementChild.append(item);
    expire(item);
  }
}

function expire(item) {
  if (item.dataset.tone !== "danger") setTimeout(() => item.matches(":hover, :focus-within") ? expire(item) : item.remove(), 6000);
}

class Theme extends HTMLElement {
  connectedCallback() {
    const button = this.firstElementChild, next = { auto: "light", light: "dark", dark: "auto" };
    const label = () => { button.title = `Theme: ${root.dataset.choice ?? "system"}`; button.setAttribute("aria-label", button.title); };
    button.onclick = () => {
      const choice = next[root.dataset.choice ?? "auto"];
      if (choice === "auto") { delete root.dataset.theme; delete root.dataset.choice; }
      else root.dataset.theme = root.dataset.choice = choice;
      store("ui-theme", choice);
      label();
    };
    label();
  }
}

class RailFold extends HTMLElement {
  connectedCallback() {
    const button = this.firstElementChild;
    const show = () => {
      const folded = root.dataset.rail === "folded";
      button.setAttribute("aria-expanded", !folded);
      button.querySelector(".ui-rail-text").textContent = folded ? "Expand" : "Collapse";
      for (const item of all(".ui-rail-item")) item.title = folded ? item.querySelector(".ui-rail-text").textContent : "";
    };
    button.onclick = () => {
      if (root.dataset.rail) delete root.dataset.rail; else root.dataset.rail = "folded";
      store("ui-rail", root.dataset.rail ?? "pinned");
      show();
    };
    show();
  }
}

class Copy extends HTMLElement {
  connectedCallback() {
    this.firstElementChild.onclick = async () => {
      const code = this.parentElement.querySelector("code");
      try {
        await navigator.clipboard.writeText(this.dataset.text ?? code.textContent);
        toast("Copied");
      } catch {
        if (code) getSelection().selectAllChildren(code);
        toast("The browser does not allow copying here; the text is selected", "warning");
      }
    };
  }
}

// In step with ago() of time.go.
function ago(at) {
  let span = (Date.now() - at) / 1000;
  const say = span < 0 ? (n, unit) => `in ${n} ${unit}` : (n, unit) => `${n} ${unit} ago`;
  span = Math.abs(span);
  if (span < 45) return "just now";
  if (span < 3600) return say(Math.max(1, Math.round(span / 60)), "min");
  if (span < 86400) return say(Math.floor(span / 3600), "h");
  if (span < 30 * 86400) return say(Math.floor(span / 86400), "d");
}

class Time extends HTMLElement {
  connectedCallback() {
    const time = this.firstElementChild, at = new Date(time.dateTime);
    time.title = at.toLocaleString(root.lang, { dateStyle: "medium", timeStyle: "medium" });
    const tick = () => { time.textContent = ago(at) ?? time.textContent; };
    tick();
    this.timer = setInterval(tick, 30000);
  }
  disconnectedCallback() { clearInterval(this.timer); }
}

const html = { Accept: "text/html" };

class Deferred extends HTMLElement {
  async connectedCallback() {
    try {
      const answer = await fetch(this.dataset.src, { headers: html, signal: AbortSignal.timeout(30000) });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      this.innerHTML = await answer.text();
    } catch (cause) {
      this.textContent = `This part could not be loaded: ${cause.message}`;
    }
  }
}

// A changed filter becomes the address at once. The main part of that page is put in place of this one's, so focus and scroll position stay; where that fails the browser goes there.
// Scripts of a page that is fetched do not run: modules are imported, which happens once for each address, and their elements come to life in their place; other scripts need the page itself.
let pending;
class Filters extends HTMLElement {
  connectedCallback() {
    const form = this.firstElementChild;
    form.oninput = (event) => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.apply(form), event.target.type === "search" ? 300 : 0);
    };
    form.onsubmit = (event) => { event.preventDefault(); clearTimeout(this.timer); this.apply(form); };
  }
  disconnectedCallback() { clearTimeout(this.timer); }
  async apply(form) {
    const address = new URL(form.action);
    address.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
    pending?.abort();
    const { signal } = pending = new AbortController();
    this.dataset.busy = "";
    try {
      const answer = await fetch(address, { headers: html, signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html"), next = page.getElementById("main");
      const scripts = all("script:not([type='application/json'])", next);
      if (scripts.some(({ type, src }) => type !== "module" || !src)) throw new Error("a script would not run");
      await Promise.all(scripts.map(({ src }) => import(src)));
      if (signal.aborted) return;
      swap(document.getElementById("main"), next);
      document.title = page.title;
      history.replaceState(history.state, "", address);
    } catch (cause) {
      if (cause.name !== "AbortError") location.replace(address);
    }
  }
}

function swap(main, next) {
  const field = document.activeElement, at = field.selectionStart, open = all("details", main).map((fold) => fold.open);
  all("details:not(.ui-menu)", next).forEach((fold, i) => { fold.open ||= open[i]; });
  const key = main.contains(field) && field.name && `[name="${CSS.escape(field.name)}"]` + (/checkbox|radio/.test(field.type) ? `[value="${CSS.escape(field.value)}"]` : "");
  main.replaceChildren(...next.childNodes);
  const same = key && main.querySelector(key);
  same?.focus({ preventScroll: true });
  if (same?.type === "search") { same.value = field.value; same.setSelectionRange(at, at); }
}

const elements = { toasts: Toasts, theme: Theme, "rail-fold": RailFold, copy: Copy, time: Time, deferred: Deferred, filters: Filters };
for (const name in elements) customElements.define("ui-" + name, elements[name]);

// On narrow screens tabs scroll; the one that is open is in sight.
for (const bar of all(".ui-tabs")) {
  const hidden = bar.querySelector("[aria-current]")?.getBoundingClientRect().right - bar.getBoundingClientRect().right;
  if (hidden > 0) bar.scrollLeft = hidden + 16;
}

// Dialogs: one that came open becomes modal and leads back when closed; browsers without invoker commands get them here.
for (const dialog of all("dialog[open]")) { dialog.open = false; dialog.showModal(); }
document.addEventListener("close", ({ target }) => { if (target.dataset.close) location.assign(target.dataset.close); }, true);
document.addEventListener("click", ({ target }) => {
  const opener = target.closest("[commandfor]");
  if (opener && !("command" in opener)) document.getElementById(opener.getAttribute("commandfor"))?.showModal();
  if (target.matches("dialog")) target.close(); // its backdrop
  for (const menu of all(".ui-menu[open]")) if (!menu.contains(target) || target.closest(".ui-menu-item")) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector(".ui-menu[open]");
  if (menu) { menu.open = false; menu.firstElementChild.focus(); }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
  const box = document.querySelector(`[data-hotkey="${CSS.escape(event.key)}"]`);
  if (box?.offsetParent) { event.preventDefault(); box.focus(); box.select(); }
});
