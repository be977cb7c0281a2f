// Draws a bar beside each row of the table.
export function mount(element, host) {
  const most = Math.max(...host.data.map(({ services }) => services));
  element.querySelectorAll("tbody tr").forEach((row, i) => {
    const bar = document.createElement("meter");
    Object.assign(bar, { min: 0, max: most, value: host.data[i].services });
    bar.setAttribute("aria-hidden", "true"); // the number is in the row already
    row.cells[0].append(" ", bar);
  });
}
