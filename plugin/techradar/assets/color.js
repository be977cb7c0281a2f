// Colours: what a ring's colour is in numbers, and what can be read on it.

// parse returns a colour of CSS as red, green and blue from 0 to 255. What is no six-digit hex number the browser works out by painting it.
export function parse(color) {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (hex) return hex.slice(1).map((digits) => parseInt(digits, 16));
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }), paint = canvas.getContext("2d");
  paint.fillStyle = "#808080"; // stays if the colour is none
  paint.fillStyle = color;
  paint.fillRect(0, 0, 1, 1);
  return [...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** contrast of two colours as WCAG counts it: 1 to 21. */
export function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

/** ink is black or white, whichever is easier to read on a colour; the better of the two is never below 4.5. */
export function ink(rgb) {
  return contrast(rgb, [255, 255, 255]) >= contrast(rgb, [0, 0, 0]) ? "#ffffff" : "#000000";
}
