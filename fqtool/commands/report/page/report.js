"use strict";
(() => {
  const map = document.getElementById("map");
  const tip = document.getElementById("tip");
  if (!map || !tip) return;
  const numbers = JSON.parse(document.getElementById("numbers").textContent);
  const lines = [...map.querySelectorAll("tbody tr[id]")];
  const resting = "Hover a cell of the map or a mark of a chart, or focus the map and use the arrow keys.";
  let at = null;
  tip.textContent = resting;

  const figure = (value) => (value === null ? "none" : String(value));
  const share = (count, of) => (of ? ` (${Math.round((100 * count) / of)}%)` : "");

  function details(row, column) {
    const [index, name, category, processor] = numbers.features[row];
    const [day, rows] = numbers.days[column];
    const values = numbers.cells[row][column];
    const seen = Object.fromEntries(numbers.fields.map((field, place) => [field, values[place]]));
    const cause = values[numbers.fields.length];
    return [
      `${day}, ${index} ${name} (${category}, ${processor}): ${rows} rows`,
      `defaulted ${seen.defaults} of ${seen.scored}${share(seen.defaults, seen.scored)}`,
      `mean ${figure(seen.mean)}, standard deviation ${figure(seen.stddev)}, ${figure(seen.low)} to ${figure(seen.high)}`,
      `zeros ${seen.zeros}, outside the range ${seen.outside}, as the day before ${seen.repeats}`,
      ...(cause ? [`cause: ${cause}`] : []),
    ].join("; ");
  }

  function show(row, column) {
    if (at) at.classList.remove("here");
    at = lines[row].cells[column + 1];
    at.classList.add("here");
    at.dataset.row = row;
    at.dataset.column = column;
    tip.textContent = details(row, column);
  }

  map.addEventListener("mouseover", (event) => {
    const cell = event.target.closest("td");
    const row = cell ? lines.indexOf(cell.parentElement) : -1;
    if (row >= 0) show(row, cell.cellIndex - 1);
  });

  map.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const row = at ? Number(at.dataset.row) + step[0] : 0;
    const column = at ? Number(at.dataset.column) + step[1] : numbers.days.length - 1;
    if (row >= 0 && row < lines.length && column >= 0 && column < numbers.days.length) {
      show(row, column);
      at.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  });

  document.getElementById("trends").addEventListener("mouseover", (event) => {
    const mark = event.target.closest("path[aria-label]");
    if (mark) tip.textContent = mark.getAttribute("aria-label");
  });
})();
