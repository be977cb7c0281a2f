// Loads the ES modules that parts of a page bring and hands them the host; see the documentation of package ui. Only pages with a module load this file.
import { toast } from "./ui.js";

// The path below which the portal is mounted, without a trailing slash; this file is there under assets/HASH/ui/.
const base = new URL("../../..", import.meta.url).pathname.slice(0, -1);

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

class Host extends EventTarget {
  #plugin; #config;
  constructor({ plugin }, data, signal) {
    super();
    this.#plugin = plugin;
    this.data = data;
    this.signal = signal;
    let last = this.theme;
    const look = () => { if (last !== this.theme) { last = this.theme; this.dispatchEvent(new Event("theme")); } };
    const observer = new MutationObserver(look);
    observer.observe(root, { attributeFilter: ["data-theme"] });
    dark.addEventListener("change", look, { signal });
    signal.addEventListener("abort", () => observer.disconnect());
  }

  get theme() { return root.dataset.theme ?? (dark.matches ? "dark" : "light"); }

  toast(text, tone) { toast(text, tone); }

  url(path) {
    const full = !path.startsWith("/") ? `${base}/api/${this.#plugin}/${path}` : base && path.startsWith(base + "/") ? path : base + path;
    const at = new URL(full, location.origin);
    if (at.origin !== location.origin || /^([a-z][a-z\d+.-]*:|[/\\]{2})/i.test(path)) throw new TypeError(`${path} is not an address in this portal`);
    return at.pathname + at.search + at.hash;
  }

  navigate(path) { location.assign(this.url(path)); }

  async fetch(path, init = {}) {
    const headers = new Headers(init.headers);
    if (!headers.has("Accept")) headers.set("Accept", "application/json");
    const signal = AbortSignal.any([this.signal, init.signal ?? AbortSignal.timeout(30000)]);
    const answer = await fetch(this.url(path), { ...init, headers, signal, credentials: "same-origin" });
    if (answer.ok) return answer;
    const told = await answer.json().catch(() => null);
    const error = new Error(told?.error?.message ?? `the server answered ${answer.status}`);
    error.name = told?.error?.name ?? "Error";
    error.status = answer.status;
    throw error;
  }

  config() {
    this.#config ??= this.fetch("/.backstage/config/v1/frontend").then((answer) => answer.json());
    this.#config.catch(() => { this.#config = undefined; }); // the next call tries again
    return this.#config;
  }
}

class Module extends HTMLElement {
  #leave; #data;
  async connectedCallback() {
    const leave = this.#leave = new AbortController();
    try {
      const data = this.#data ??= JSON.parse(this.querySelector(":scope > script").textContent);
      const { mount } = await import(this.dataset.src);
      if (leave.signal.aborted) return;
      const unmount = await mount(this, new Host(this.dataset, data, leave.signal));
      if (!unmount) return;
      if (leave.signal.aborted) unmount(); else leave.signal.addEventListener("abort", () => unmount());
    } catch (cause) {
      console.error(cause);
      this.dataset.failed = ""; // for style sheets
      toast(`The interactive part of this page does not work: ${cause.message}`, "danger");
    }
  }
  disconnectedCallback() { this.#leave.abort(); }
}

customElements.define("ui-module", Module);
