// The components' behaviour. Every page works without this file; it adds comfort. Custom elements only, no dependencies, nothing evaluated.

const root = document.documentElement;
const store = (key, value) => { try { localStorage.setItem(key, value); } catch { /* forbidden: not remembered */ } };

/** Shows a short message. tone: "neutral", "info", "success", "warning" or "danger"; errors stay until dismissed. */
export function toast(text, tone = "neutral") {
  document.querySelector("ui-toasts")?.show(text, tone);
}

class Toasts extends HTMLElement {
  connectedCallback() {
    for (const item of this.querySelectorAll(".ui-toast")) this.expire(item);
  }
  show(text, tone) {
    const item = this.querySelector("template").content.firstElementChild.cloneNode(true);
    item.dataset.tone = tone;
    item.querySelector("span").textContent = text;
    item.querySelector("button").onclick = () => item.remove();
    this.querySelector(".ui-toasts").append(item);
    this.expire(item);
  }
  expire(item) {
    if (item.dataset.tone === "danger") return;
    const wait = () => setTimeout(() => item.matches(":hover, :focus-within") ? wait() : item.remove(), 6000);
    wait();
  }
}

class Theme extends HTMLElement {
  connectedCallback() {
    const button = this.firstElementChild, order = { auto: "light", light: "dark", dark: "auto" };
    const label = () => { button.title = `Theme: ${root.dataset.choice ?? "system"}`; button.setAttribute("aria-label", button.title); };
    button.onclick = () => {
      const next = order[root.dataset.choice ?? "auto"];
      if (next === "auto") { delete root.dataset.theme; delete root.dataset.choice; }
      else root.dataset.theme = root.dataset.choice = next;
      store("ui-theme", next);
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
      button.setAttribute("aria-expanded", String(!folded));
      button.querySelector(".ui-rail-text").textContent = folded ? "Expand" : "Collapse";
      for (const item of document.querySelectorAll(".ui-rail-item")) {
        if (folded) item.title = item.querySelector(".ui-rail-text").textContent;
        else item.removeAttribute("title");
      }
    };
    button.onclick = () => {
      if (root.dataset.rail === "folded") delete root.dataset.rail; else root.dataset.rail = "folded";
      store("ui-rail", root.dataset.rail ?? "pinned");
      show();
    };
    show();
  }
}

class Copy extends HTMLElement {
  connectedCallback() {
    const button = this.firstElementChild, label = button.title;
    button.onclick = async () => {
      const code = this.parentElement.querySelector("code");
      try {
        await navigator.clipboard.writeText(this.dataset.text ?? code.textContent);
        button.title = "Copied";
        toast("Copied");
      } catch {
        if (code) getSelection().selectAllChildren(code);
        toast("The browser does not allow copying here; the text is selected", "warning");
      }
      setTimeout(() => { button.title = label; }, 2000);
    };
  }
}

// In step with ago() of time.go.
function ago(at, now) {
  let span = (now - at) / 1000;
  const [before, after] = span < 0 ? ["in ", ""] : ["", " ago"];
  span = Math.abs(span);
  if (span < 45) return "just now";
  if (span < 3600) return `${before}${Math.max(1, Math.round(span / 60))} min${after}`;
  if (span < 86400) return `${before}${Math.floor(span / 3600)} h${after}`;
  if (span < 30 * 86400) return `${before}${Math.floor(span / 86400)} d${after}`;
  return null;
}

class Time extends HTMLElement {
  connectedCallback() {
    const time = this.firstElementChild, at = new Date(time.dateTime);
    time.title = at.toLocaleString(root.lang, { dateStyle: "medium", timeStyle: "medium" });
    const tick = () => { const text = ago(at, Date.now()); if (text && text !== time.textContent) time.textContent = text; };
    tick();
    this.timer = setInterval(tick, 30000);
  }
  disconnectedCallback() { clearInterval(this.timer); }
}

class Deferred extends HTMLElement {
  async connectedCallback() {
    try {
      const answer = await fetch(this.dataset.src, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(30000) });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      this.innerHTML = await answer.text();
    } catch (cause) {
      this.textContent = `This part could not be loaded: ${cause.message}`;
    }
  }
}

// Filters: a change becomes the address at once. The page's main part is fetched and put in place, so focus, scroll position and open folds stay; where that does not work the form is sent the ordinary way.
class Filters extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector("form");
    form.addEventListener("input", (event) => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.apply(form), event.target.matches("[type=search], [type=text]") ? 300 : 0);
    });
    form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(this.timer); this.apply(form); });
  }
  disconnectedCallback() { clearTimeout(this.timer); }
  async apply(form) {
    const address = new URL(form.action);
    address.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
    pending?.abort();
    pending = new AbortController();
    this.dataset.busy = "";
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: pending.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = document.getElementById("main"), next = page.getElementById("main");
      if (!main || !next || next.querySelector("script")) throw new Error("not replaceable");
      swap(main, next);
      document.title = page.title;
      history.replaceState(history.state, "", address);
    } catch (cause) {
      if (cause.name !== "AbortError") location.replace(address);
    }
  }
}
let pending;

function swap(main, next) {
  const active = document.activeElement, at = active?.selectionStart;
  const same = (element) => element.name !== undefined && `[name="${CSS.escape(element.name)}"]` + (element.type === "checkbox" || element.type === "radio" ? `[value="${CSS.escape(element.value)}"]` : "");
  const folds = [...main.querySelectorAll("details")].map((fold) => fold.open);
  [...next.querySelectorAll("details")].forEach((fold, i) => { if (!fold.open && folds[i] && !fold.matches(".ui-menu")) fold.open = true; });
  const key = main.contains(active) && active.name && same(active), typed = active?.value;
  main.replaceChildren(...next.childNodes);
  const focus = key && main.querySelector(key);
  if (!focus) return;
  focus.focus({ preventScroll: true });
  if (at != null && focus.type === "search") { focus.value = typed; focus.setSelectionRange(at, at); }
}

for (const [name, element] of Object.entries({ "ui-toasts": Toasts, "ui-theme": Theme, "ui-rail-fold": RailFold, "ui-copy": Copy, "ui-time": Time, "ui-deferred": Deferred, "ui-filters": Filters })) {
  customElements.define(name, element);
}

// Dialogs: browsers without invoker commands get them here; a dialog that came open with the page becomes modal.
for (const dialog of document.querySelectorAll("dialog[open]")) { dialog.close(); dialog.showModal(); }
document.addEventListener("close", (event) => {
  const back = event.target.dataset?.close;
  if (back && new URL(back, location).href !== location.href) location.assign(back);
}, true);
document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const opener = target?.closest("[commandfor][command=show-modal]");
  if (opener && !("command" in HTMLButtonElement.prototype)) document.getElementById(opener.getAttribute("commandfor"))?.showModal();
  if (target?.matches("dialog")) target.close(); // the backdrop
  for (const menu of document.querySelectorAll(".ui-menu[open]")) {
    if (!menu.contains(target) || target.closest(".ui-menu-item")) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = document.querySelector(".ui-menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  const box = document.querySelector(`[data-hotkey="${CSS.escape(event.key)}"]`);
  if (box && box.offsetParent) { event.preventDefault(); box.focus(); box.select(); }
});
