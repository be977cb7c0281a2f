// What the pages of CircleCI do in the browser. They work without it: views are links, and a reload shows what is new.

// The most seconds between two tries after failures.
const PATIENCE = 60;

/** A view that is fetched again while it is open and in sight. The server says how soon, and whether anything changed. */
class Live extends HTMLElement {
  #timer; #tag; #failures = 0; #leave;
  connectedCallback() {
    this.#leave = new AbortController();
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#look(); }, { signal: this.#leave.signal });
    if (!/-L\d+$/.test(location.hash)) for (const log of this.querySelectorAll(".ui-log-lines")) log.scrollTop = log.scrollHeight; // why it failed is at the end
    this.#plan();
  }
  disconnectedCallback() { clearTimeout(this.#timer); this.#leave.abort(); }

  get #view() { return this.firstElementChild; }

  #plan() {
    clearTimeout(this.#timer);
    const every = Number(this.#view.dataset.every) * 2 ** this.#failures;
    this.#timer = setTimeout(() => this.#look(), Math.min(every, Math.max(PATIENCE, Number(this.#view.dataset.every))) * 1000);
  }

  async #look() {
    clearTimeout(this.#timer);
    if (document.hidden) return; // until it is in sight again
    const leave = this.#leave.signal;
    try {
      const headers = { Accept: "text/html" };
      if (this.#tag) headers["If-None-Match"] = this.#tag;
      const answer = await fetch(this.dataset.src, { headers, signal: AbortSignal.any([leave, AbortSignal.timeout(30000)]) });
      if (answer.status === 200) {
        const text = await answer.text();
        if (this.#show(text)) this.#tag = answer.headers.get("ETag");
      } else if (answer.status !== 304) throw new Error(`the portal answered ${answer.status}`);
      if (this.#failures) this.#say(this.#view.dataset.say);
      this.#failures = 0;
      this.querySelector(".circleci-stale")?.remove();
    } catch (cause) {
      if (leave.aborted) return;
      if (!this.#failures++) this.#stale(cause);
    }
    if (!leave.aborted) this.#plan();
  }

  /** Puts a new view in place of the old one, unless somebody is selecting or typing in it. */
  #show(html) {
    const old = this.#view, selection = getSelection(), field = document.activeElement;
    if (!selection.isCollapsed && old.contains(selection.anchorNode)) return false;
    if (old.contains(field) && field.matches("input, textarea, select")) return false;
    const next = new DOMParser().parseFromString(html, "text/html").querySelector(".circleci-view");
    if (!next) throw new Error("the answer is no view");
    const logs = [...old.querySelectorAll(".ui-log-lines")].map((log) => ({ top: log.scrollTop, end: log.scrollHeight - log.scrollTop - log.clientHeight < 24 }));
    const open = [...old.querySelectorAll("details")].map((fold) => fold.open);
    const address = old.contains(field) && field.getAttribute("href");
    const said = old.dataset.say;
    old.replaceWith(next);
    [...next.querySelectorAll(".ui-log-lines")].forEach((log, i) => { if (logs[i]) log.scrollTop = logs[i].end ? log.scrollHeight : logs[i].top; else log.scrollTop = log.scrollHeight; });
    [...next.querySelectorAll("details")].forEach((fold, i) => { if (open[i]) fold.open = true; });
    if (address) next.querySelector(`[href="${CSS.escape(address)}"]`)?.focus({ preventScroll: true });
    if (next.dataset.say !== said) this.#say(next.dataset.say);
    return true;
  }

  #say(text) { this.querySelector(":scope > [role=status]").textContent = text; }

  #stale(cause) {
    const note = document.createElement("p");
    note.className = "circleci-stale";
    note.textContent = `This view is not being kept up to date: ${cause.message}. It is tried again.`;
    this.#view.after(note);
    this.#say(note.textContent);
  }
}

const span = (seconds) => seconds < 60 ? `${Math.round(seconds)}s` : seconds < 3600 ? `${Math.floor(seconds / 60)}m ${Math.round(seconds % 60)}s` : `${Math.floor(seconds / 3600)}h ${Math.round(seconds % 3600 / 60)}m`;

const element = (name, ...children) => {
  const made = document.createElement(name);
  made.append(...children);
  return made;
};

/** How the workflows fared lately. The browser asks CircleCI itself, through the portal's proxy, which adds the token; the page's own origin is all it talks to. */
class Trends extends HTMLElement {
  connectedCallback() {
    this.closest("details").addEventListener("toggle", (event) => { if (event.target.open) this.#ask(); });
  }

  async #ask() {
    if (this.dataset.asked) return;
    this.dataset.asked = "yes";
    const link = this.firstElementChild, note = element("p", "Asking CircleCI …");
    note.setAttribute("role", "status");
    this.replaceChildren(note, link);
    try {
      const answer = await fetch(this.dataset.src, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(20000) });
      if (!answer.ok) {
        const told = await answer.json().catch(() => null), wait = answer.headers.get("Retry-After");
        throw new Error((told?.error?.message ?? told?.message ?? `the answer has status ${answer.status}`) + (wait ? `; try again in ${wait} s` : ""));
      }
      const { items } = await answer.json();
      if (!Array.isArray(items)) throw new Error("the answer is not what CircleCI's API promises");
      note.replaceWith(items.length ? this.#table(items) : element("p", "Nothing finished in this time."));
    } catch (cause) {
      note.textContent = `CircleCI's insights could not be read: ${cause.message}. Close and open this part to try again.`;
      delete this.dataset.asked;
    }
  }

  #table(items) {
    const head = element("tr", ...["Workflow", "Success", "Runs", "Median", "95 of 100 within"].map((title) => element("th", title)));
    const rows = items.map(({ name, metrics }) => {
      const meter = document.createElement("meter"), rate = metrics.success_rate ?? 0, title = element("th", name);
      meter.value = rate;
      meter.low = 0.7;
      meter.high = 0.9;
      meter.optimum = 1;
      meter.textContent = `${Math.round(rate * 100)}%`;
      title.scope = "row";
      const cell = element("td", meter, `${Math.round(rate * 100)}%`);
      return element("tr", title, cell, element("td", String(metrics.total_runs)), element("td", span(metrics.duration_metrics.median)), element("td", span(metrics.duration_metrics.p95)));
    });
    const table = element("table", element("thead", head), element("tbody", ...rows));
    table.setAttribute("aria-label", "Workflows of the last 30 days");
    return table;
  }
}

customElements.define("circleci-live", Live);
customElements.define("circleci-trends", Trends);
