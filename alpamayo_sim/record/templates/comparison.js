// Two runs side by side: pairs of episodes, how their scores changed, and both opened at one time.
const SAME_SCORE = 0.01;

function comparisonItems() {
  return data.pairs.map(([first, second, before, after]) => {
    const entries = [[0, first], [1, second]].filter((entry) => entry[1] !== null);
    const row = data.runs[entries[0][0]].rows[entries[0][1]];
    const delta = before === null || after === null ? null : after - before;
    const change = delta === null ? "only_one" : delta > SAME_SCORE ? "better" : delta < -SAME_SCORE ? "worse" : "same";
    return routeItem(entries, { label: row.route, repetition: row.repetition, before, after, delta, change,
      first: first === null ? null : data.runs[0].rows[first], second: second === null ? null : data.runs[1].rows[second] });
  });
}

const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "±") + Math.abs(value).toFixed(1);
const outcomeOf = (row) => (row ? verdictBadge(row) : h("span", { class: "muted" }, "not driven"));

const COMPARISON_COLUMNS = [
  { name: "route", label: "Route", value: (item) => item.label, cell: repetitionNote },
  { name: "town", label: "Town", value: (item) => item.town, cell: (item) => item.town },
  { name: "type", label: "Scenario type", value: (item) => item.types.join(" "), cell: (item) => item.types.join(", ") || "–" },
  { name: "before", label: "Score A", numeric: true, value: (item) => item.before, cell: (item) => scoreCell(item.before) },
  { name: "after", label: "Score B", numeric: true, value: (item) => item.after, cell: (item) => scoreCell(item.after) },
  { name: "delta", label: "B − A", numeric: true, value: (item) => item.delta, cell: (item) => (item.delta === null ? "–" : h("b", { class: item.change }, signed(item.delta))) },
  { name: "first", label: "Outcome A", value: (item) => (item.first ? item.first.verdict : null), cell: (item) => outcomeOf(item.first) },
  { name: "second", label: "Outcome B", value: (item) => (item.second ? item.second.verdict : null), cell: (item) => outcomeOf(item.second) },
];

/** Opens both episodes of a pair; with the box ticked, what is done to one moves the other. */
async function openPair(item, inside) {
  const linked = h("input", { type: "checkbox", checked: true });
  linked.checked = true;
  const players = [];
  const sides = h("div", { class: "sides" });
  if (item.entries.length > 1) inside.append(h("label", { class: "link-times" }, linked, " Same time in both"));
  inside.append(sides);
  for (const [run, index] of item.entries) {
    const row = data.runs[run].rows[index];
    const side = h("section", { class: "side", "aria-label": "AB"[run] + ": " + data.runs[run].name },
      h("h3", {}, h("span", { class: "run-key run-" + "ab"[run] }, "AB"[run]), " ", data.runs[run].name, " ", verdictBadge(row), ...infractionChips(row)));
    sides.append(side);
    const number = players.length;
    players.push(await coursePlayer(side, run, index, { compact: true, onSeek: (t) => {
      if (linked.checked) players.forEach((player, k) => { if (k !== number) player.seek(t); });
    } }));
  }
  return players[0];
}

/** One bar a pair, from the worst change to the best. */
function changeChart(holder, items, open) {
  const known = items.filter((item) => item.delta !== null).sort((a, b) => a.delta - b.delta);
  const width = 600, height = 170, middle = height / 2;
  const reach = 10 * Math.ceil(Math.max(5, ...known.map((item) => Math.abs(item.delta))) / 10);
  const root = svg("svg", { class: "changes-svg", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Change of the driving score of every episode" }, holder);
  for (const share of [-1, -0.5, 0.5, 1]) {
    const y = middle - share * (middle - 10);
    svg("line", { class: "grid", x1: 40, x2: width, y1: y, y2: y }, root);
    svgText(signed(share * reach).replace(".0", ""), 35, y + 4, root, "end");
  }
  svg("line", { class: "zero", x1: 40, x2: width, y1: middle, y2: middle }, root);
  const pitch = (width - 44) / Math.max(1, known.length);
  const bars = known.map((item, k) => {
    const x = 42 + k * pitch, tall = Math.max(1.5, (Math.abs(item.delta) / reach) * (middle - 10));
    const bar = svg("g", { class: "bar-mark " + item.change, role: "button", tabindex: "-1", "aria-label": `${item.label}: ${signed(item.delta)}` }, root);
    svg("rect", { class: "touch", x, y: 0, width: pitch, height }, bar);
    svg("rect", { x, y: item.delta > 0 ? middle - tall : item.delta < 0 ? middle : middle - tall / 2, width: Math.max(0.6, Math.min(24, pitch * 0.82)), height: tall }, bar);
    svg("title", {}, bar).textContent = `${item.label}: ${signed(item.delta)}`;
    bar.addEventListener("click", () => open(item));
    return bar;
  });
  if (bars.length) bars[0].setAttribute("tabindex", "0");
  root.addEventListener("keydown", (event) => {
    const at = bars.indexOf(document.activeElement), step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step && at >= 0) {
      const next = Math.min(bars.length - 1, Math.max(0, at + step));
      bars.forEach((bar, k) => bar.setAttribute("tabindex", k === next ? "0" : "-1"));
      bars[next].focus();
    } else if ((event.key === "Enter" || event.key === " ") && at >= 0) open(known[at]);
    else return;
    event.preventDefault();
  });
}
