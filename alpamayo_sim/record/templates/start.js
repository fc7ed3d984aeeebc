// Puts the parts of the page together: the table of a run or of two, the maps, the buttons that filter.
const BEFORE_S = 1; // a mark opens its route this long before what happened

function repetitionNote(item) {
  const row = item.rows[0];
  return h("small", {}, item.rows.length === 1 ? `repetition ${row.repetition}, seed ${row.seed}` : `repetition ${row.repetition}`);
}

const RUN_COLUMNS = [
  { name: "route", label: "Route", value: (item) => item.label, cell: repetitionNote },
  { name: "town", label: "Town", value: (item) => item.town, cell: (item) => item.town },
  { name: "type", label: "Scenario type", value: (item) => item.types.join(" "), cell: (item) => item.types.join(", ") },
  { name: "score", label: "Score", numeric: true, value: (item) => item.rows[0].score, cell: (item) => scoreCell(item.rows[0].score) },
  { name: "completion", label: "Completion", numeric: true, value: (item) => item.rows[0].completion, cell: (item) => (item.rows[0].completion === null ? "–" : item.rows[0].completion.toFixed(1) + " %") },
  { name: "duration", label: "Time", numeric: true, value: (item) => item.rows[0].duration_s, cell: (item) => clock(item.rows[0].duration_s) },
  { name: "infractions", label: "Infractions", value: (item) => item.rows[0].infractions.length, cell: (item) => infractionChips(item.rows[0]) },
  { name: "verdict", label: "Outcome", value: (item) => item.rows[0].verdict, cell: (item) => verdictBadge(item.rows[0]) },
];

function runPage(holder) {
  const items = data.runs[0].rows.map((row, index) => routeItem([[0, index]], { label: row.route, change: "" }));
  if (items.length === 1) {
    const inside = h("div", { class: "inside" });
    holder.append(h("div", { class: "single-head" }, h("h2", {}, items[0].id), h("span", { class: "muted" }, `${items[0].town} · route ${items[0].label} · seed ${items[0].rows[0].seed}`),
      verdictBadge(items[0].rows[0]), ...infractionChips(items[0].rows[0])), inside);
    return coursePlayer(inside, 0, 0).then((player) => { if (addressed().time !== undefined) player.act(addressed().time); });
  }
  const columns = RUN_COLUMNS.filter((column) => column.name !== "type" || items.some((item) => item.types.length));
  const maps = document.querySelector(".town-maps");
  let routes = null;
  const showMarks = maps ? townMaps(maps, items, (item, time) => routes.open(item, Math.max(0, time - BEFORE_S))) : () => {};
  routes = routesTable(holder, items, columns, {
    openItem: (item, inside) => coursePlayer(inside, ...item.entries[0]),
    onFilter: (left, filter) => { showMarks(left, filter.kind); press("kind", filter.kind); },
    sortBy: { name: "score", sign: 1 },
  });
  return connect(routes, items);
}

function comparisonPage(holder) {
  const items = comparisonItems();
  const columns = COMPARISON_COLUMNS.filter((column) => column.name !== "type" || items.some((item) => item.types.length));
  const routes = routesTable(holder, items, columns, {
    openItem: openPair, onFilter: (left, filter) => press("change", filter.change), sortBy: { name: "delta", sign: 1 },
  });
  changeChart(document.querySelector(".change-chart"), items, (item) => routes.open(item));
  return connect(routes, items);
}

/** The episode that the page's address names, and a time in it: `#e3_rep0` or `#e3_rep0@12.5`. */
function addressed() {
  const [, name, time] = /^#([^@]*)@?([\d.]*)$/.exec(location.hash) || [];
  return { name: name || "", time: time ? Number(time) : undefined };
}

function press(name, value) {
  for (const button of document.querySelectorAll(`button.kind[data-${name}]`)) button.setAttribute("aria-pressed", String(button.dataset[name] === value));
}

/** Buttons that filter, and addresses that name an episode. */
function connect(routes, items) {
  for (const name of ["kind", "change"]) {
    for (const button of document.querySelectorAll(`button.kind[data-${name}]`)) {
      button.addEventListener("click", () => routes.set({ [name]: routes.filter[name] === button.dataset[name] ? "" : button.dataset[name] }));
    }
  }
  for (const button of document.querySelectorAll("button[data-type]")) {
    button.addEventListener("click", () => { routes.set({ type: button.dataset.type }); document.getElementById("routes").scrollIntoView(); });
  }
  function openAddress() {
    const { name, time } = addressed();
    const item = name && items.find((candidate) => candidate.rows.some((row) => row.id === name));
    if (item) routes.open(item, time);
  }
  addEventListener("hashchange", openAddress);
  openAddress();
}

const routesHolder = document.querySelector(".routes");
if (routesHolder) (data.pairs ? comparisonPage : runPage)(routesHolder);
