// The picture: rings, quadrants and blips, as SVG whose units are the page's pixels.
import { contrast, ink, parse } from "./color.js";

const turn = 2 * Math.PI;

// part is an element of SVG with attributes and children.
function part(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const at = (radius, angle) => [radius * Math.cos(angle), radius * Math.sin(angle)];
const round = (n) => Math.round(n * 100) / 100;
const point = (radius, angle) => at(radius, angle).map(round).join(" ");

// frame returns the radius and the centre of a picture of a width: of the whole, or of one quadrant that fills it.
function frame(width, quadrants, quadrant, margin) {
  if (quadrant < 0 || quadrants === 1) return { radius: width / 2 - margin, x: width / 2, y: width / 2, height: width };
  const from = quadrant * turn / quadrants, to = (quadrant + 1) * turn / quadrants;
  const corners = [[0, 0], at(1, from), at(1, to)];
  for (let i = 0; i <= 8; i++) if (i * turn / 4 > from && i * turn / 4 < to) corners.push(at(1, i * turn / 4));
  const xs = corners.map(([x]) => x), ys = corners.map(([, y]) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const radius = (width - 2 * margin) / Math.max(right - left, bottom - top);
  const spare = (width - 2 * margin - radius * (right - left)) / 2;
  return { radius, x: margin + spare - left * radius, y: margin - top * radius, height: 2 * margin + (bottom - top) * radius };
}

// shape is a circle, with a tip on the side to which the entry moved.
function shape(size, tip, moved) {
  const r = round(size);
  if (!moved) return `M${-r} 0a${r} ${r} 0 1 1 ${2 * r} 0a${r} ${r} 0 1 1 ${-2 * r} 0Z`;
  const half = Math.acos(size / (size + tip) * 0.92), x = round(size * Math.sin(half)), y = round(-size * Math.cos(half) * moved), top = round(-(size + tip) * moved);
  return `M0 ${top}L${x} ${y}A${r} ${r} 0 1 ${moved > 0 ? 1 : 0} ${-x} ${y}Z`;
}

/** draw returns the picture of a radar: its element, its blips by entry, and what can be done with it. */
export function draw({ quadrants, rings, entries, width, quadrant, layout, label, href }) {
  const narrow = width < 520, margin = narrow ? 22 : 28;
  const { radius, x, y, height } = frame(width, quadrants.length, quadrant, margin);
  const gap = quadrants.length > 1 || rings.length > 1 ? (narrow ? 12 : 18) : 0;
  const places = layout({ quadrants: quadrants.length, rings: rings.length, entries, radius, gap, most: narrow ? 11 : 13 });
  const drawn = quadrants.map((_, q) => q).filter((q) => quadrant < 0 || q === quadrant);
  const sector = turn / quadrants.length, whole = quadrants.length === 1;

  const svg = part("svg", { class: "tr-svg", width, height: round(height), viewBox: `${round(-x)} ${round(-y)} ${width} ${round(height)}`, role: "group", "aria-label": `Radar of ${entries.length} entries. Arrow keys go from entry to entry, Enter opens one.` });
  const ground = part("g", { "aria-hidden": "true", class: narrow ? "tr-narrow" : "" });
  for (let r = rings.length - 1; r >= 0; r--) {
    for (const q of drawn) {
      const outer = places.rings[r], inner = r ? places.rings[r - 1] : 0, from = q * sector, to = from + sector;
      const circle = (r) => `M${-r} 0a${r} ${r} 0 1 1 ${2 * r} 0a${r} ${r} 0 1 1 ${-2 * r} 0Z`;
      const d = whole ? circle(outer) + circle(inner) : `M${point(outer, from)}A${outer} ${outer} 0 ${sector > Math.PI ? 1 : 0} 1 ${point(outer, to)}L${point(inner, to)}A${inner} ${inner} 0 ${sector > Math.PI ? 1 : 0} 0 ${point(inner, from)}Z`;
      ground.append(part("path", { class: "tr-band", d }), part("path", { class: "tr-tint", d, fill: rings[r].color }));
    }
  }
  // The lines between quadrants, in the colour of the ground, and the names of the rings on the most level of them.
  const lines = [...new Set(drawn.flatMap((q) => [q, (q + 1) % quadrants.length]))];
  for (const line of lines) ground.append(part("path", { class: "tr-line", d: `M0 0L${point(radius + 2, line * sector)}`, "stroke-width": gap }));
  const level = Math.min(...lines.map((line) => Math.abs(Math.sin(line * sector))));
  for (const line of lines.filter((line) => Math.abs(Math.sin(line * sector)) < level + 0.01)) {
    rings.forEach((ring, r) => {
      const inner = r ? places.rings[r - 1] : 0, room = Math.floor((places.rings[r] - inner - 3) / (narrow ? 5.3 : 6.4));
      const [lx, ly] = at((places.rings[r] + inner) / 2, line * sector);
      if (ring.name.length > room && narrow) return; // the legend above has it
      const name = ring.name.length > room ? ring.name.slice(0, Math.max(1, room - 1)) + "…" : ring.name;
      ground.append(part("text", { class: "tr-ring-name", x: round(lx), y: round(ly), dy: "0.35em" }, name));
    });
  }
  drawn.forEach((q) => {
    const middle = (q + 0.5) * sector, below = Math.sin(middle) > 0.01, r = radius + (below ? 17 : 8), bend = Math.min(sector, turn * 0.9) / 2;
    const id = `tr-rim-${q}`;
    ground.append(part("path", { id, fill: "none", d: below ? `M${point(r, middle + bend)}A${r} ${r} 0 ${bend > Math.PI / 2 ? 1 : 0} 0 ${point(r, middle - bend)}` : `M${point(r, middle - bend)}A${r} ${r} 0 ${bend > Math.PI / 2 ? 1 : 0} 1 ${point(r, middle + bend)}` }));
    ground.append(part("text", { class: "tr-rim", "data-quadrant": q }, part("textPath", { href: `#${id}`, startOffset: "50%" }, quadrants[q].name)));
  });
  svg.append(ground);

  const blips = new Map();
  const font = Math.max(7, Math.min(11, places.size * 0.95));
  entries.forEach((entry, i) => {
    if (quadrant >= 0 && entry.quadrant !== quadrant) return;
    const { x, y } = places.places[i];
    const blip = part("a", { class: "tr-blip", href: href(i), tabindex: "-1", "data-i": i, "aria-label": label(i), transform: `translate(${round(x)} ${round(y)})` },
      part("circle", { class: "tr-halo", r: round(places.size + 4) }), part("path", { class: "tr-shape", d: shape(places.size, places.tip, entry.moved ?? 0) }));
    if (places.size >= 6.5) blip.append(part("text", { class: "tr-digits", dy: "0.35em", "font-size": round(i < 99 ? font : Math.max(7, font * 0.86)) }, String(i + 1)));
    svg.append(blip);
    blips.set(i, blip);
  });

  return {
    svg, blips,
    // color fits the colours to the ground, which the theme decides: digits can be read, and blips that are hardly seen have an outline.
    color(surface) {
      const ground = parse(getComputedStyle(surface).backgroundColor.replace(/^rgba?\((\d+), (\d+), (\d+).*$/, (_, ...rgb) => "#" + rgb.slice(0, 3).map((c) => Number(c).toString(16).padStart(2, "0")).join("")));
      const inks = rings.map(({ color }) => { const rgb = parse(color); return { color, ink: ink(rgb), faint: contrast(rgb, ground) < 3 }; });
      for (const [i, blip] of blips) {
        const { color, ink, faint } = inks[entries[i].ring], shape = blip.children[1];
        shape.setAttribute("fill", color);
        shape.classList.toggle("tr-faint", faint);
        blip.children[2]?.setAttribute("fill", ink);
      }
    },
    show(i, is) {
      const blip = blips.get(i);
      if (!blip || blip.classList.contains("tr-off") !== is) return;
      blip.classList.toggle("tr-off", !is);
      blip[is ? "removeAttribute" : "setAttribute"]("aria-hidden", "true");
    },
    mean(i) {
      for (const on of svg.querySelectorAll(".tr-on")) on.classList.remove("tr-on");
      blips.get(i)?.classList.add("tr-on");
      svg.classList.toggle("tr-one", blips.has(i));
    },
    at: (i) => ({ x: places.places[i].x + x, y: places.places[i].y + y }),
  };
}
