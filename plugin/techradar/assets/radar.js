// The radar in the browser: a picture with a legend in place of the server's table, filters that act at once, and a dialog about an entry. The page's address is the state.
import { layout } from "./layout.js";
import { draw } from "./picture.js";

export function mount(element, host) {
  const begun = performance.now();
  const { quadrants, rings, entries } = host.data;
  const form = element.querySelector(".tr-tools"), twin = element.querySelector(".tr-twin"), status = form.querySelector(".tr-count");
  const rows = [...twin.querySelectorAll("tbody > tr")];
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
  const words = (i) => [entries[i].title, rings[entries[i].ring].name, ["moved down", "", "moved up"][(entries[i].moved ?? 0) + 1]].filter(Boolean);

  // The picture's frame, the legend, the switch between picture and table, the dialog.
  const tip = node("div", { className: "tr-tip", hidden: true });
  tip.setAttribute("aria-hidden", "true"); // says what the blip's label says
  const figure = node("div", { className: "tr-figure" }, tip);
  let links = []; // the legend's, once it is there
  const item = (entry, i) => {
    const link = node("a", { className: "tr-item", href: href(i) }, node("span", { className: "tr-number", textContent: i + 1 }), node("span", { textContent: entry.title }));
    if (entry.moved) link.append(node("span", { className: entry.moved > 0 ? "tr-up" : "tr-down", textContent: entry.moved > 0 ? "▲" : "▼", ariaHidden: "true" }), node("span", { className: "ui-hidden", textContent: words(i)[2] }));
    link.dataset.i = i;
    return link;
  };
  const swatches = form.querySelectorAll(".tr-ring .tr-swatch");
  const legend = node("nav", { className: "tr-legend", ariaLabel: "Entries" });
  const fillLegend = () => {
    links = entries.map(item);
    legend.append(...quadrants.map((quadrant, q) => {
      const lists = rings.flatMap((ring, r) => {
        const items = links.filter((_, i) => entries[i].quadrant === q && entries[i].ring === r);
        return items.length ? [node("section", {}, node("h3", {}, swatches[r].cloneNode(true), ring.name), node("ol", { role: "list" }, ...items.map((item) => node("li", {}, item))))] : [];
      });
      return node("section", { className: "tr-part" }, node("h2", { textContent: quadrant.name }), ...lists);
    }));
    filter();
  };
  const stage = node("div", { className: "tr-stage" }, figure, legend);
  twin.before(stage);
  const views = ["Radar", "Table"].map((name) => node("button", { type: "button", className: "ui-button", textContent: name, onclick: () => {
    history.replaceState(history.state, "", address({ view: name === "Table" ? "table" : null }));
    update();
  } }));
  form.querySelector(".tr-apply").replaceWith(node("div", { className: "tr-views", role: "group", ariaLabel: "View" }, ...views));

  const name = node("h2", { id: "tr-name", tabIndex: -1 }), place = node("p", { className: "ui-muted" }), body = node("div", { className: "ui-dialog-body tr-more" });
  const step = (by, label) => node("button", { type: "button", className: "ui-button", textContent: label, onclick: () => {
    const list = [...entries.keys()].filter(visible), next = list[(list.indexOf(state.entry) + by + list.length) % list.length];
    if (next !== undefined) { history.replaceState(history.state, "", address({ entry: entries[next].id })); update(); }
  } });
  const close = node("button", { type: "button", className: "ui-icon-button", ariaLabel: "Close", textContent: "✕", onclick: () => dialog.close() });
  const dialog = node("dialog", { className: "ui-dialog tr-dialog" }, node("header", { className: "ui-dialog-head" }, node("div", {}, name, place), close), body,
    node("footer", { className: "ui-dialog-foot" }, step(-1, "Previous"), step(1, "Next")));
  dialog.setAttribute("aria-labelledby", name.id);
  element.append(dialog);

  // All there is to say about an entry, made by the server.
  const more = (i) => {
    const template = document.createElement("template");
    template.innerHTML = entries[i].more;
    return template.content;
  };

  // Which entries the filters leave. Texts are read when somebody first types.
  let texts;
  const text = (i) => (texts ??= entries.map(({ title }, n) => {
    const all = more(n);
    return `${title} ${(all.querySelector(".tr-about") ?? all.querySelector(".tr-timeline > li > .ui-markdown"))?.textContent ?? ""}`.toLowerCase();
  }))[i];
  const visible = (i) => (state.quadrant < 0 || entries[i].quadrant === state.quadrant) && (!state.rings.size || state.rings.has(rings[entries[i].ring].id)) && state.words.every((word) => text(i).includes(word));

  // The picture is drawn anew when its size or its quadrant changes.
  let picture, drawn = "";
  const redraw = () => {
    const width = Math.floor(figure.clientWidth);
    if (!width || state.table || drawn === `${width} ${state.quadrant}`) return;
    drawn = `${width} ${state.quadrant}`;
    picture?.svg.remove();
    picture = draw({ quadrants, rings, entries, width, quadrant: state.quadrant, layout, label: (i) => `${i + 1}. ${words(i)[0]}: ${[quadrants[entries[i].quadrant].name, ...words(i).slice(1)].join(", ")}`, href });
    picture.color(figure);
    figure.prepend(picture.svg);
  };

  let roving = 0;
  const rove = (i) => {
    picture?.blips.get(roving)?.setAttribute("tabindex", "-1");
    roving = i;
    picture?.blips.get(i)?.setAttribute("tabindex", "0");
  };
  const filter = () => {
    let left = 0;
    entries.forEach((_, i) => {
      const is = visible(i);
      left += is;
      if (rows[i].hidden === is) rows[i].hidden = !is;
      if (links[i] && links[i].parentElement.hidden === is) links[i].parentElement.hidden = !is;
      picture?.show(i, is);
    });
    for (const part of legend.querySelectorAll("section")) part.hidden = !part.querySelector("li:not([hidden])");
    const said = `${left} of ${entries.length} entries`;
    if (status.textContent !== said) status.textContent = said;
    if (!visible(roving)) rove(Math.max(0, entries.findIndex((_, i) => visible(i)))); else rove(roving);
  };
  const update = () => {
    read();
    stage.hidden = state.table;
    twin.classList.toggle("tr-shown", state.table);
    views.forEach((button, i) => button.setAttribute("aria-pressed", state.table === (i === 1)));
    if (state.table && !twin.querySelector(".tr-swatch")) rows.forEach((row, i) => row.cells[3].prepend(swatches[entries[i].ring].cloneNode(true)));
    redraw();
    filter();
    if (state.entry < 0) { if (dialog.open) dialog.close(); } else show(state.entry);
  };

  // The dialog is open exactly while the address names an entry.
  let returnTo;
  const show = (i) => {
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
  dialog.addEventListener("close", () => {
    if (new URLSearchParams(location.search).has("entry")) {
      if (history.state?.radar) history.back(); else { history.replaceState(null, "", address({ entry: null })); read(); }
    }
    const back = picture?.blips.has(roving) && returnTo?.closest("svg") ? picture.blips.get(roving) : returnTo;
    back?.focus();
  }, listen);
  addEventListener("popstate", update, listen);

  // Pointer and focus tell which entry is meant, in the picture and in the legend alike.
  let meant = -1;
  const mean = (i) => {
    if (i === meant) return;
    links[meant]?.classList.remove("tr-on");
    meant = i;
    links[i]?.classList.add("tr-on");
    picture?.mean(i);
    tip.hidden = i < 0 || !picture?.blips.has(i);
    if (tip.hidden) return;
    const [title, ...rest] = words(i);
    tip.replaceChildren(node("strong", { textContent: title }), ` ${rest.join(" · ")}`);
    const { x, y } = picture.at(i), half = tip.offsetWidth / 2;
    tip.style.left = `${Math.min(figure.clientWidth - half, Math.max(half, x))}px`;
    tip.style.top = `${y}px`;
    tip.classList.toggle("tr-below", y < 60);
  };
  const target = (event) => { const at = event.target.closest?.("[data-i]"); return at ? Number(at.dataset.i) : -1; };
  for (const type of ["pointerover", "focusin"]) stage.addEventListener(type, (event) => mean(target(event)), listen);
  for (const type of ["pointerleave", "focusout"]) stage.addEventListener(type, () => mean(-1), listen);
  rows.forEach((row, i) => { row.querySelector("a").dataset.i = i; });
  for (const part of [stage, twin]) part.addEventListener("click", (event) => {
    const i = target(event), name = event.target.closest?.("[data-quadrant]");
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (i >= 0) { event.preventDefault(); open(i, event.target.closest("[data-i]")); }
    else if (name) { form.elements.quadrant.value = state.quadrant < 0 ? quadrants[name.dataset.quadrant].id : ""; apply(); }
  }, listen);

  // Arrow keys go through the blips by quadrant and ring; page keys from quadrant to quadrant.
  figure.addEventListener("keydown", (event) => {
    const list = [...entries.keys()].filter((i) => visible(i) && picture.blips.has(i)), at = list.indexOf(roving);
    const part = (by) => list.find((i) => entries[i].quadrant === (entries[roving].quadrant + by + quadrants.length) % quadrants.length);
    const moves = {
      ArrowRight: () => list[(at + 1) % list.length], ArrowDown: () => list[(at + 1) % list.length], ArrowLeft: () => list.at(at - 1), ArrowUp: () => list.at(at - 1),
      Home: () => list[0], End: () => list.at(-1), PageDown: () => part(1), PageUp: () => part(-1),
    };
    if (event.key === " ") { event.preventDefault(); open(roving, event.target); return; }
    const next = at < 0 || event.ctrlKey || event.metaKey || event.altKey ? undefined : moves[event.key]?.();
    if (next === undefined) return;
    event.preventDefault();
    rove(next);
    picture.blips.get(next).focus();
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
  host.addEventListener("theme", () => picture?.color(figure), listen);
  const resized = new ResizeObserver(() => { if (!state.table) { redraw(); filter(); } });

  update();
  resized.observe(figure);
  performance.measure("tech-radar-mount", { start: begun });
  // The legend comes after the frame that shows the picture: it is most of the work, and below or beside what people look at first.
  requestAnimationFrame(() => setTimeout(() => { performance.mark("tech-radar-drawn"); fillLegend(); }));
  return () => resized.disconnect();
}
