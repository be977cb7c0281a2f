// Parts of a page that are fetched again while they are open and in sight. Only pages with such a part load this file. The server says how soon, and where nothing changed that too.

// The most seconds between two tries after failures.
const PATIENCE = 60;

class Refresh extends HTMLElement {
  #timer; #tag; #last; #failures = 0; #leave;
  connectedCallback() {
    this.#leave = new AbortController();
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#look(); }, { signal: this.#leave.signal });
    if (!/-L\d+$/.test(location.hash)) for (const log of this.#logs()) log.scrollTop = log.scrollHeight; // what matters is at the end
    this.#plan();
  }
  disconnectedCallback() { clearTimeout(this.#timer); this.#leave.abort(); }

  get #view() { return this.firstElementChild; }
  #logs() { return [...this.#view.querySelectorAll(".ui-log-lines")]; }

  #plan() {
    clearTimeout(this.#timer);
    const every = Number(this.dataset.every);
    this.#timer = setTimeout(() => this.#look(), Math.min(every * 2 ** this.#failures, Math.max(PATIENCE, every)) * 1000);
  }

  async #look() {
    clearTimeout(this.#timer);
    if (document.hidden) return; // until it is in sight again
    const leave = this.#leave.signal;
    try {
      const headers = { Accept: "text/html" };
      if (this.#tag) headers["If-None-Match"] = this.#tag;
      const answer = await fetch(this.dataset.src || location.href, { headers, signal: AbortSignal.any([leave, AbortSignal.timeout(30000)]) });
      if (answer.status === 200) {
        if (this.#show(await answer.text())) this.#tag = answer.headers.get("ETag");
      } else if (answer.status !== 304) throw new Error(`the portal answered ${answer.status}`);
      if (this.#failures) this.#say(this.dataset.say);
      this.#failures = 0;
      this.querySelector(":scope > p:not([role])")?.remove();
    } catch (cause) {
      if (leave.aborted) return;
      if (!this.#failures++) this.#stale(cause);
    }
    if (!leave.aborted) this.#plan();
  }

  // Puts a new view in place of the old one, unless somebody is selecting or typing in it.
  #show(html) {
    const old = this.#view, selection = getSelection(), field = document.activeElement, within = old.contains(field);
    if (!selection.isCollapsed && old.contains(selection.anchorNode)) return false;
    if (within && field.matches("input, textarea, select")) return false;
    const next = new DOMParser().parseFromString(html, "text/html").getElementById(this.id);
    if (!next) { location.reload(); return false; } // nothing is left to follow
    const { every, say = "" } = next.dataset, text = next.firstElementChild.innerHTML;
    this.dataset.every = every;
    if (text === this.#last) return true;
    this.#last = text;
    const logs = this.#logs().map((log) => ({ top: log.scrollTop, end: log.scrollHeight - log.scrollTop - log.clientHeight < 24 }));
    const open = [...old.querySelectorAll("details")].map((fold) => fold.open);
    const address = within && field.getAttribute("href");
    old.replaceWith(next.firstElementChild);
    this.#logs().forEach((log, i) => { log.scrollTop = logs[i]?.end ?? true ? log.scrollHeight : logs[i].top; });
    [...this.#view.querySelectorAll("details")].forEach((fold, i) => { if (open[i]) fold.open = true; });
    if (address) this.#view.querySelector(`[href="${CSS.escape(address)}"]`)?.focus({ preventScroll: true });
    if (say !== (this.dataset.say ?? "")) this.#say(this.dataset.say = say);
    return true;
  }

  #say(text = "") { this.querySelector(":scope > [role=status]").textContent = text; }

  #stale(cause) {
    const note = document.createElement("p");
    note.textContent = `This is not being kept up to date: ${cause.message}. It is tried again.`;
    this.#view.after(note);
    this.#say(note.textContent);
  }
}

customElements.define("ui-refresh", Refresh);
