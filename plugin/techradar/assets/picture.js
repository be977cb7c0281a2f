// The picture: rings, quadrants and blips, as SVG whose units are the page's pixels.
import { contrast, ink, parse } from "./color.js";

const turn = 2 * Math.PI;

const at = (radius, angle) => [radius * Math.cos(angle), radius * Math.sin(angle)];
const round = (n) => Math.round(n * 100) / 100;
const point = (radius, angle) => at(radius, angle).map(round).join(" ");
const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escape = (text) => String(text).replace(/[&<>"]/g, (c) => escapes[c]);

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

/**
 * draw returns the picture of a radar of a width, of all quadrants or of one (its index, else -1): its markup, in one text because that is what a browser is fastest at, and where an entry is in it.
 * ground is the colour behind it: digits can be read on their blips, and blips that are hardly seen on the ground have an outline.
 */
export function draw({ quadrants, rings, entries, width, quadrant, ground, layout, label, href }) {
  const narrow = width < 520, margin = narrow ? 22 : 28;
  const { radius, x, y, height } = frame(width, quadrants.length, quadrant, margin);
  const gap = quadrants.length > 1 || rings.length > 1 ? (narrow ? 12 : 18) : 0;
  const places = layout({ quadrants: quadrants.length, rings: rings.length, entries, radius, gap, most: narrow ? 11 : 13 });
  const drawn = quadrants.map((_, q) => q).filter((q) => quadrant < 0 || q === quadrant);
  const sector = turn / quadrants.length, whole = quadrants.length === 1, wide = sector > Math.PI ? 1 : 0;

  let svg = `<svg class="tr-svg" viewBox="${round(-x)} ${round(-y)} ${width} ${round(height)}" role="group" aria-label="Radar of ${entries.length} entries. Arrow keys go from entry to entry, Enter opens one."><g aria-hidden="true"${narrow ? ' class="tr-narrow"' : ""}>`;
  for (let r = rings.length - 1; r >= 0; r--) {
    const outer = round(places.rings[r]), inner = r ? round(places.rings[r - 1]) : 0;
    for (const q of drawn) {
      const from = q * sector, to = from + sector;
      const circle = (r) => `M${-r} 0a${r} ${r} 0 1 1 ${2 * r} 0a${r} ${r} 0 1 1 ${-2 * r} 0Z`;
      const d = whole ? circle(outer) + circle(inner) : `M${point(outer, from)}A${outer} ${outer} 0 ${wide} 1 ${point(outer, to)}L${point(inner, to)}A${inner} ${inner} 0 ${wide} 0 ${point(inner, from)}Z`;
      svg += `<path class="tr-band" d="${d}"/><path class="tr-tint" d="${d}" fill="${escape(rings[r].color)}"/>`;
    }
  }
  // The lines between quadrants, in the colour of the ground, and the names of the rings on the most level of them.
  const lines = [...new Set(drawn.flatMap((q) => [q, (q + 1) % quadrants.length]))];
  for (const line of lines) svg += `<path class="tr-line" d="M0 0L${point(radius + 2, line * sector)}" stroke-width="${gap}"/>`;
  const level = Math.min(...lines.map((line) => Math.abs(Math.sin(line * sector))));
  for (const line of lines.filter((line) => Math.abs(Math.sin(line * sector)) < level + 0.01)) {
    rings.forEach((ring, r) => {
      const inner = r ? places.rings[r - 1] : 0, room = Math.floor((places.rings[r] - inner - 3) / (narrow ? 5.3 : 6.4));
      const [lx, ly] = at((places.rings[r] + inner) / 2, line * sector);
      if (ring.name.length > room && narrow) return; // the legend above has it
      const name = ring.name.length > room ? ring.name.slice(0, Math.max(1, room - 1)) + "…" : ring.name;
      svg += `<text class="tr-ring-name" x="${round(lx)}" y="${round(ly)}" dy="0.35em">${escape(name)}</text>`;
    });
  }
  for (const q of drawn) {
    const middle = (q + 0.5) * sector, below = Math.sin(middle) > 0.01, r = radius + (below ? 17 : 8), bend = Math.min(sector, turn * 0.9) / 2, far = bend > Math.PI / 2 ? 1 : 0;
    const d = below ? `M${point(r, middle + bend)}A${r} ${r} 0 ${far} 0 ${point(r, middle - bend)}` : `M${point(r, middle - bend)}A${r} ${r} 0 ${far} 1 ${point(r, middle + bend)}`;
    svg += `<path id="tr-rim-${q}" fill="none" d="${d}"/><text class="tr-rim" data-quadrant="${q}"><textPath href="#tr-rim-${q}" startOffset="50%">${escape(quadrants[q].name)}</textPath></text>`;
  }

  const { size } = places, font = Math.max(7, Math.min(11, size * 0.95)), small = Math.max(7, font * 0.86);
  const shapes = [-1, 0, 1].map((moved) => shape(size, places.tip, moved));
  const looks = rings.map(({ color }) => {
    const rgb = parse(color), faint = contrast(rgb, ground) < 3 ? " tr-faint" : "";
    return { shape: `<path class="tr-shape${faint}" fill="${escape(color)}" d="`, ink: ink(rgb) };
  });
  svg += `</g><g class="tr-blips" font-size="${round(font)}">`;
  entries.forEach((entry, i) => {
    if (quadrant >= 0 && entry.quadrant !== quadrant) return;
    const place = places.places[i], look = looks[entry.ring];
    svg += `<a class="tr-blip" href="${escape(href(i))}" tabindex="-1" data-i="${i}" aria-label="${escape(label(i))}" transform="translate(${round(place.x)} ${round(place.y)})">${look.shape}${shapes[(entry.moved ?? 0) + 1]}"/>`;
    if (size >= 6.5) svg += `<text class="tr-digits" dy="0.35em" fill="${look.ink}"${i < 99 ? "" : ` font-size="${round(small)}"`}>${i + 1}</text>`;
    svg += "</a>";
  });
  return { svg: svg + "</g></svg>", at: (i) => ({ x: places.places[i].x + x, y: places.places[i].y + y }) };
}
