// What the pages of CircleCI do in the browser. They work without it.

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

customElements.define("circleci-trends", Trends);
