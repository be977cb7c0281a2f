// A part of the page that follows what happens: while it is there the page is fetched again every few seconds, and the part is put in place of this one.
// When the page has no such part any more there is nothing left to follow, and the page is loaded as it is now.

const interval = 5000;

class Live extends HTMLElement {
  connectedCallback() { this.timer = setInterval(() => this.look(), interval); }
  disconnectedCallback() { clearInterval(this.timer); }
  async look() {
    if (document.hidden || this.contains(document.activeElement) || this.busy) return;
    this.busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(20000) });
      if (!answer.ok) return;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("lighthouse-live");
      if (!next) location.reload();
      else if (next.innerHTML !== this.innerHTML) this.innerHTML = next.innerHTML;
    } catch { /* the next look may succeed */ } finally { this.busy = false; }
  }
}

customElements.define("lighthouse-live", Live);
