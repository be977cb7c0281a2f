// Where the entries of a radar go. It depends on nothing but its arguments, and an entry's place on its id, so that it is the same at every visit and little changes when an entry comes or goes.
// Angles are those of SVG: 0 is to the right, and they grow clockwise. Lengths are in pixels from the centre.

const turn = 2 * Math.PI;

// tip is how far the tip of a blip that moved stands out, as a part of its radius; apart is how far the centres of blips must be from each other, so that not even tips touch.
const tip = 0.25;
const apart = (size) => 2 * size * (1 + tip) + 1;

// numbers returns a function that returns numbers from 0 to 1, always the same ones for a text, and others for a text that differs by a letter.
function numbers(text) {
  let state = 5381;
  const stir = () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39);
    state ^= state >>> 15;
  };
  for (let i = 0; i < text.length; i++) { state ^= text.charCodeAt(i); stir(); }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    stir();
    return (state >>> 0) / 2 ** 32;
  };
}

// bands returns the rings' outer radii. A ring gets room by its part of a picture with even rings, and by how many entries its fullest quadrant has; mix, 0 to 1, says how much the second counts.
function bands(fullest, mix, { rings, quadrants, radius, gap }) {
  const all = fullest.reduce((sum, n) => sum + n, 0);
  let area = 0, inner = 0;
  const wanted = fullest.map((n, ring) => {
    const even = (2 * ring + 1) / rings ** 2;
    area += all ? (1 - mix) * even + mix * n / all : even;
    const outer = radius * Math.sqrt(area), width = outer - inner;
    inner = outer;
    return width;
  });
  const least = radius / (rings * 2.4);
  const widths = wanted.map((width) => least + (radius - rings * least) * width / radius);
  // Near the centre a narrow sector has no room.
  const hub = Math.min(radius * 0.45, quadrants > 2 ? (gap / 2 + 10) / Math.sin(Math.PI / quadrants) + 16 : 0);
  if (rings > 1 && widths[0] < hub) {
    const rest = (radius - hub) / (radius - widths[0]);
    for (let ring = 1; ring < rings; ring++) widths[ring] *= rest;
    widths[0] = hub;
  }
  let outer = 0;
  return widths.map((width) => outer += width);
}

// margin is how far a blip's centre is from a ring's border, and edge from a quadrant's: blips on either side of one do not touch either.
const margin = (size) => apart(size) / 2;
const edgeAt = (r, size, gap) => Math.asin(Math.min(1, Math.max(margin(size), size + gap / 2 + 1) / r));

// arcs calls each with the arcs of a segment on which blips of a size can be, clear of its borders and a distance apart: the arc's radius, the angle to keep from either end, the angle between, how many fit.
function arcs({ from, to, inner, outer }, size, distance, gap, each) {
  const low = inner + margin(size), high = outer - margin(size), count = high < low ? 0 : Math.floor((high - low) / distance) + 1;
  for (let arc = 0; arc < count; arc++) {
    const r = count === 1 ? (low + high) / 2 : low + (high - low) * arc / (count - 1);
    const edge = edgeAt(r, size, gap), room = to - from - 2 * edge;
    if (room >= 0 && edge < Math.PI / 2) each(r, edge, room, Math.floor(room / (2 * Math.asin(Math.min(1, distance / (2 * r))))) + 1);
  }
}

// largest returns the largest number from least to most, in steps, that fits, or least: what fits larger ones fits smaller ones.
function largest(least, most, step, fits) {
  let low = 0, high = Math.round((most - least) / step);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (fits(least + middle * step)) low = middle; else high = middle - 1;
  }
  return least + low * step;
}

function capacity(segment, size, distance, gap) {
  let sum = 0;
  arcs(segment, size, distance, gap, (r, edge, room, count) => { sum += count; });
  return sum;
}

function spots(segment, size, distance, gap) {
  const found = [], low = segment.inner + margin(size), high = segment.outer - margin(size);
  arcs(segment, size, distance, gap, (r, edge, room, count) => {
    for (let i = 0; i < count; i++) {
      const angle = segment.from + (count === 1 ? edge + room / 2 : edge + room * i / (count - 1));
      found.push({ r, angle, x: r * Math.cos(angle), y: r * Math.sin(angle), low, high, edge });
    }
  });
  return found;
}

// fill gives each entry of a segment the free spot that is nearest to where its id wants it, and moves it from there a little, so that nobody sees the arcs.
function fill(segment, entries, all, size, slack, gap, places) {
  const free = [...all];
  const ordered = entries.map((entry) => ({ entry, random: numbers(entry.id) })).map((o) => ({ ...o, rank: o.random() })).sort((a, b) => a.rank - b.rank || (a.entry.id < b.entry.id ? -1 : 1));
  for (const { entry, random } of ordered) {
    const r = Math.sqrt(segment.inner ** 2 + random() * (segment.outer ** 2 - segment.inner ** 2)), angle = segment.from + random() * (segment.to - segment.from);
    const x = r * Math.cos(angle), y = r * Math.sin(angle);
    let best = 0, least = Infinity;
    free.forEach((spot, i) => {
      const away = (spot.x - x) ** 2 + (spot.y - y) ** 2;
      if (away < least) [best, least] = [i, away];
    });
    // A radar with more entries than there is room for has some on top of each other.
    const spot = free.length ? free.splice(best, 1)[0] : all[Math.floor(random() * all.length)] ?? { r, angle, low: r, high: r, edge: 0 };
    const off = slack / Math.SQRT2;
    const near = Math.min(spot.high, Math.max(spot.low, spot.r + (2 * random() - 1) * off));
    const edge = edgeAt(near, size, gap);
    const turned = spot.angle + (2 * random() - 1) * off / spot.r;
    const bent = edge > spot.edge && near < spot.r ? spot.edge : edge; // closer to the centre the border is nearer
    const at = segment.from + bent > segment.to - bent ? spot.angle : Math.min(segment.to - bent, Math.max(segment.from + bent, turned));
    places.set(entry, { x: near * Math.cos(at), y: near * Math.sin(at) });
  }
}

/**
 * layout places entries, objects with id, quadrant and ring (indexes), in a circle of a radius with so many quadrants, clockwise from the bottom right, and rings.
 * gap is kept free between quadrants; most is the largest radius of a blip.
 * It returns the rings' outer radii, the radius of all blips, how far the tip of one that moved may stand out, and each entry's place: no two blips touch, tips included.
 */
export function layout({ quadrants, rings, entries, radius, gap, most }) {
  const inside = Array.from({ length: quadrants }, () => Array.from({ length: rings }, () => []));
  for (const entry of entries) inside[entry.quadrant][entry.ring].push(entry);
  const fullest = Array.from({ length: rings }, (_, ring) => Math.max(...inside.map((quadrant) => quadrant[ring].length)));
  // Of several ways to divide the rings, the one with the largest blips.
  let best;
  for (const mix of [0.3, 0.5, 0.65, 0.8, 0.95]) {
    const outer = bands(fullest, mix, { rings, quadrants, radius, gap });
    const segments = inside.flatMap((quadrant, q) => quadrant.map((list, ring) => ({
      list, from: q * turn / quadrants, to: (q + 1) * turn / quadrants, inner: ring ? outer[ring - 1] : 0, outer: outer[ring],
    }))).filter(({ list }) => list.length);
    const fits = (size) => segments.every((segment) => capacity(segment, size, apart(size), gap) >= segment.list.length);
    if (best && !fits(best.size + 0.5)) continue;
    best = { outer, segments, size: largest(best ? best.size + 0.5 : 2, most, 0.5, fits) };
    if (best.size === most) break;
  }
  const { outer, segments, size } = best;
  const places = new Map();
  for (const segment of segments) {
    const least = apart(size);
    const distance = largest(least, least + 30, 2, (distance) => capacity(segment, size, distance, gap) >= segment.list.length * 2.5);
    fill(segment, segment.list, spots(segment, size, distance, gap), size, (distance - least) / 2, gap, places);
  }
  return { rings: outer, size, tip: size * tip, places: entries.map((entry) => places.get(entry)) };
}
