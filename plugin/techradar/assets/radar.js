// The radar in the browser: a picture with a legend in place of the server's table, filters that act at once, and a dialog about an entry. The page's address is the state.
import { layout } from "./layout.js";
import { draw } from "./picture.js";

export function mount(element, host) {
  const begun = performance.now();
  const { quadrants, rings, entries } = host.data;
  const [form, twin, stage, figure, legend, tip] = ["tools", "twin", "stage", "figure", "legend", "tip"].map((name) => element.querySelector(`.tr-${name}`));
  const rows = twin.querySelector("tbody").rows, status = form.querySelector(".tr-count"), none = element.querySelector(".tr-none"), views = [...form.querySelectorAll(".tr-views > button")];
  const listen = { signal: host.signal };

  // A node with properties and children.
  const node = (tag, properties, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };

  // What the address says.
  let state;
  const read = () => {
    const query = new URLSearchParams(location.search);
    state = {
      words: (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean),
      quadrant: quadrants.findIndex(({ id }) => id === query.get("quadrant")),
      rings: new Set(query.getAll("ring")),
      table: query.get("view") === "table",
      entry: entries.findIndex(({ id }) => id === query.get("entry")),
    };
  };
  // address is this page's with changes; null takes a parameter out.
  const address = (changes) => {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(changes)) if (value === null) url.searchParams.delete(name); else url.searchParams.set(name, value);
    url.hash = "";
    return url.pathname + url.search;
  };
  const home = new URLSearchParams(location.search).get("radar"), prefix = `${location.pathname}?${home ? `radar=${encodeURIComponent(home)}&` : ""}entry=`;
  const href = (i) => prefix + encodeURIComponent(entries[i].id);
  const moves = ["moved down", "", "moved up"];
  const words = (i) => [entries[i].title, rings[entries[i].ring].name, moves[(entries[i].moved ?? 0) + 1]].filter(Boolean);
  // move shows in which direction an entry went.
  const move = (moved, hint) => moved ? [node("span", { className: moved > 0 ? "tr-up" : "tr-down" }, node("span", { textContent: moved > 0 ? "▲" : "▼", ariaHidden: "true" }), node("span", { className: hint, textContent: moves[moved + 1] }))] : [];

  let links = []; // the legend's, once it is there
  const item = (entry, i) => {
    const link = node("a", { className: "tr-item", href: href(i) }, node("span", { className: "tr-number", textContent: i + 1 }), node("span", { textContent: entry.title }), ...move(entry.moved, "ui-hidden"));
    link.dataset.i = i;
    return link;
  };
  const swatches = form.querySelectorAll(".tr-ring .tr-swatch");
  const fillLegend = () => {
    links = entries.map(item);
    legend.append(...quadrants.map((quadrant, q) => {
      const lists = rings.flatMap((ring, r) => {
        const items = links.filter((_, i) => entries[i].quadrant === q && entries[i].ring === r);
        return items.length ? [node("section", {}, node("h3", {}, swatches[r].cloneNode(true), ring.name), node("ol", { role: "list" }, ...items.map((item) => node("li", {}, item))))] : [];
      });
      return node("section", { className: "tr-part" }, node("h2", { textContent: quadrant.name }), ...lists);
    }));
    for (const i of off) show(links[i].parentElement, false);
    tidy();
  };
  views.forEach((button, i) => {
    button.onclick = () => {
      history.replaceState(history.state, "", address({ view: i ? "table" : null }));
      update();
    };
  });

  // All there is to say about an entry; twin.templ says the same.
  const more = (i) => {
    const { about, links, timeline } = entries[i], all = document.createDocumentFragment();
    const html = (className, text) => text ? [node("div", { className, innerHTML: text })] : [];
    all.append(...html("tr-about", about), ...html("", links), node("h3", { textContent: "Timeline" }), node("ol", { className: "tr-timeline", role: "list" }, ...timeline.map(({ date, ring, moved, text }) =>
      node("li", {}, node("p", { className: "tr-when" }, swatches[ring].cloneNode(true), node("strong", { textContent: rings[ring].name }), ...move(moved, ""), node("time", { textContent: date })), ...html("", text)))));
    return all;
  };
  // The dialog about an entry, made when somebody wants the first one.
  let dialog, name, place, body;
  const makeDialog = () => {
    name = node("h2", { id: "tr-name", tabIndex: -1 });
    place = node("p", { className: "ui-muted" });
    body = node("div", { className: "ui-dialog-body tr-more" });
    const step = (by, label) => node("button", { type: "button", className: "ui-button", textContent: label, onclick: () => {
      const list = [...entries.keys()].filter(visible), next = list[(list.indexOf(state.entry) + by + list.length) % list.length];
      if (next !== undefined) { history.replaceState(history.state, "", address({ entry: entries[next].id })); update(); }
    } });
    const close = node("button", { type: "button", className: "ui-icon-button", ariaLabel: "Close", textContent: "✕", onclick: () => dialog.close() });
    dialog = node("dialog", { className: "ui-dialog tr-dialog" }, node("header", { className: "ui-dialog-head" }, node("div", {}, name, place), close), body,
      node("footer", { className: "ui-dialog-foot" }, step(-1, "Previous"), step(1, "Next")));
    dialog.setAttribute("aria-labelledby", name.id);
    dialog.addEventListener("close", () => {
      if (new URLSearchParams(location.search).has("entry")) {
        if (history.state?.radar) history.back(); else { history.replaceState(null, "", address({ entry: null })); read(); }
      }
      (returnTo?.closest("svg") ? blip(roving) ?? returnTo : returnTo)?.focus();
    });
    element.append(dialog);
  };

  // Which entries the filters leave. Texts are read when somebody first types.
  let texts;
  const text = (i) => (texts ??= entries.map(({ title }, n) => {
    const { about, timeline } = entries[n];
    return `${title} ${node("template", { innerHTML: about ?? timeline[0].text ?? "" }).content.textContent}`.toLowerCase();
  }))[i];
  const visible = (i) => (state.quadrant < 0 || entries[i].quadrant === state.quadrant) && (!state.rings.size || state.rings.has(rings[entries[i].ring].id)) && state.words.every((word) => text(i).includes(word));

  // The picture is drawn anew when its size, its quadrant or the theme changes. Its width is asked for before anything is written, when the browser knows it.
  let picture, drawn = "";
  const redraw = () => {
    if (state.table) return;
    const width = Math.floor(figure.clientWidth), look = `${width} ${state.quadrant} ${host.theme}`;
    if (!width || drawn === look) return;
    drawn = look;
    const rgb = getComputedStyle(figure).backgroundColor.match(/\d+/g).slice(0, 3).map(Number);
    picture = draw({ quadrants, rings, entries, width, quadrant: state.quadrant, ground: rgb, layout, label: (i) => `${i + 1}. ${words(i)[0]}: ${[quadrants[entries[i].quadrant].name, ...words(i).slice(1)].join(", ")}`, href });
    figure.querySelector(".tr-svg")?.remove();
    figure.insertAdjacentHTML("afterbegin", picture.svg);
    picture.blips = figure.querySelector(".tr-blips");
    for (const i of off) pale(i, true);
  };
  const blip = (i) => picture?.blips.querySelector(`[data-i="${i}"]`);
  let roving = 0;
  const rove = (i) => {
    blip(roving)?.setAttribute("tabindex", "-1");
    roving = i;
    blip(i)?.setAttribute("tabindex", "0");
  };
  // off are the entries that the filters leave out: pale in the picture, and not in the table, as which the server has drawn them, and the legend.
  let off;
  const pale = (i, is) => {
    const shape = blip(i);
    shape?.classList.toggle("tr-off", is);
    shape?.[is ? "setAttribute" : "removeAttribute"]("aria-hidden", "true");
  };
  const show = (part, is) => { part.hidden = !is; };
  const tidy = () => { for (const part of legend.querySelectorAll("section")) show(part, part.querySelector("li:not([hidden])")); };
  const filter = () => {
    const out = new Set(state.words.length || state.rings.size || state.quadrant >= 0 ? [...entries.keys()].filter((i) => !visible(i)) : []);
    for (const i of off ? entries.keys() : []) {
      const is = !out.has(i);
      if (is !== off.has(i)) continue;
      show(rows[i], is);
      if (links[i]) show(links[i].parentElement, is);
      pale(i, !is);
    }
    off = out;
    tidy();
    const said = `${entries.length - out.size} of ${entries.length} entries`;
    if (status.textContent !== said) status.textContent = said;
    show(none, out.size === entries.length);
    rove(out.has(roving) ? Math.max(0, entries.findIndex((_, i) => !out.has(i))) : roving);
  };
  const update = () => {
    read();
    if (stage.hidden !== state.table) {
      stage.hidden = state.table;
      twin.classList.toggle("tr-shown", state.table);
      views.forEach((button, i) => button.setAttribute("aria-pressed", state.table === (i === 1)));
      if (state.table && !twin.querySelector(".tr-swatch")) [...rows].forEach((row, i) => row.cells[3].prepend(swatches[entries[i].ring].cloneNode(true)));
    }
    filter();
    redraw();
    rove(roving);
    if (state.entry >= 0) tell(state.entry); else if (dialog?.open) dialog.close();
  };

  // The dialog is open exactly while the address names an entry.
  let returnTo;
  const tell = (i) => {
    if (!dialog) makeDialog();
    const { quadrant } = entries[i];
    name.textContent = entries[i].title;
    place.textContent = [quadrants[quadrant].name, ...words(i).slice(1)].join(" · ");
    body.replaceChildren(more(i));
    rove(i);
    if (!dialog.open) { dialog.showModal(); name.focus(); } // not on a button: the key that opened it would press that
    dialog.scrollTop = 0;
  };
  const open = (i, from) => {
    returnTo = from;
    history.pushState({ radar: true }, "", address({ entry: entries[i].id }));
    update();
  };
  addEventListener("popstate", update, listen);

  // Pointer and focus tell which entry is meant, in the picture and in the legend alike.
  let meant = -1;
  const mean = (i) => {
    if (i === meant) return;
    links[meant]?.classList.remove("tr-on");
    meant = i;
    links[i]?.classList.add("tr-on");
    figure.querySelector(".tr-on")?.classList.remove("tr-on");
    const shape = blip(i);
    shape?.classList.add("tr-on");
    picture?.blips.classList.toggle("tr-one", Boolean(shape));
    tip.hidden = !shape;
    if (!shape) return;
    const [title, ...rest] = words(i);
    tip.replaceChildren(node("strong", { textContent: title }), ` ${rest.join(" · ")}`);
    const { x, y } = picture.at(i), half = tip.offsetWidth / 2;
    tip.style.left = `${Math.min(figure.clientWidth - half, Math.max(half, x))}px`;
    tip.style.top = `${y}px`;
    tip.classList.toggle("tr-below", y < 60);
  };
  const target = (event) => {
    const at = event.target.closest?.("[data-i], .tr-name");
    return at ? Number(at.dataset.i ?? at.closest("tr").sectionRowIndex) : -1;
  };
  for (const type of ["pointerover", "focusin"]) stage.addEventListener(type, (event) => mean(target(event)), listen);
  for (const type of ["pointerleave", "focusout"]) stage.addEventListener(type, () => mean(-1), listen);
  for (const part of [stage, twin]) part.addEventListener("click", (event) => {
    const i = target(event), name = event.target.closest?.("[data-quadrant]");
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (i >= 0) { event.preventDefault(); open(i, event.target.closest("a")); }
    else if (name) { form.elements.quadrant.value = state.quadrant < 0 ? quadrants[name.dataset.quadrant].id : ""; apply(); }
  }, listen);

  // Arrow keys go through the blips by quadrant and ring; page keys from quadrant to quadrant.
  figure.addEventListener("keydown", (event) => {
    const list = [...entries.keys()].filter((i) => !off.has(i) && (state.quadrant < 0 || entries[i].quadrant === state.quadrant)), at = list.indexOf(roving);
    const part = (by) => list.find((i) => entries[i].quadrant === (entries[roving].quadrant + by + quadrants.length) % quadrants.length);
    const keys = {
      ArrowRight: () => list[(at + 1) % list.length], ArrowDown: () => list[(at + 1) % list.length], ArrowLeft: () => list.at(at - 1), ArrowUp: () => list.at(at - 1),
      Home: () => list[0], End: () => list.at(-1), PageDown: () => part(1), PageUp: () => part(-1),
    };
    if (event.key === " ") { event.preventDefault(); open(roving, event.target); return; }
    const next = at < 0 || event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key]?.();
    if (next === undefined) return;
    event.preventDefault();
    rove(next);
    blip(next).focus();
  }, listen);

  // A changed filter becomes the address at once, without an entry in the history.
  let typing;
  const apply = () => {
    const url = new URL(location.href), fields = new FormData(form);
    for (const key of ["q", "quadrant", "ring"]) {
      url.searchParams.delete(key);
      for (const value of fields.getAll(key)) if (value) url.searchParams.append(key, value);
    }
    history.replaceState(history.state, "", url.pathname + url.search);
    update();
  };
  form.addEventListener("input", (event) => { clearTimeout(typing); typing = setTimeout(apply, event.target.type === "search" ? 120 : 0); }, listen);
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(typing); apply(); }, listen);
  const again = () => { redraw(); rove(roving); };
  host.addEventListener("theme", again, listen);
  const resized = new ResizeObserver(again);

  update();
  resized.observe(figure);
  performance.measure("tech-radar-mount", { start: begun });
  // The legend comes after the frame that shows the picture: it is most of the work, and below or beside what people look at first.
  requestAnimationFrame(() => setTimeout(() => { performance.mark("tech-radar-drawn"); fillLegend(); }));
  return () => resized.disconnect();
}
