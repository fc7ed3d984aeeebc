// The table of routes: found, filtered, sorted, opened. Rows are made as they come into view.
const ROWS_AT_ONCE = 60;

/** What the table knows of one episode, or of one pair of episodes. */
function routeItem(entries, shown) {
  const rows = entries.map(([run, index]) => data.runs[run].rows[index]);
  return {
    ...shown, entries, rows, id: rows[0].id, town: rows[0].town, types: [...new Set(rows.flatMap((row) => row.types))],
    verdicts: new Set(rows.map((row) => row.verdict)),
    kinds: new Set(rows.flatMap((row) => row.infractions.map((infraction) => infraction[0]))),
    text: rows.map((row) => [row.id, row.route, row.town, row.agent, row.outcome, row.status, ...row.types,
      ...row.infractions.map((infraction) => `${words(infraction[0])} ${infraction[4]}`)].join(" ")).join(" ").toLowerCase(),
  };
}

/** Fills `holder`; `columns` are {name, label, value, cell, numeric}. `onFilter` gets the items that are left. */
function routesTable(holder, items, columns, { openItem, onFilter, sortBy }) {
  const filter = { text: "", town: "", type: "", verdict: "", kind: "", change: "" };
  let sort = sortBy, left = items, made = 0;
  const opened = new Map();
  const controls = {};
  const count = h("p", { class: "count", role: "status", "aria-live": "polite" });
  const body = h("tbody");
  const heads = columns.map((column) => h("th", { scope: "col", class: column.numeric ? "n" : null },
    h("button", { type: "button", onclick: () => order(column.name) }, column.label)));
  const table = h("table", { class: "routes-table" }, h("thead", {}, h("tr", {}, ...heads)), body);
  const sentinel = h("div", { class: "sentinel" });
  const reset = h("button", { type: "button", class: "reset", onclick: () => set({ text: "", town: "", type: "", verdict: "", kind: "", change: "" }) }, "Show all");

  function choice(name, label, values, named) {
    if (values.length < 2) return null;
    const select = h("select", { id: "filter-" + name, onchange: () => set({ [name]: select.value }) },
      h("option", { value: "" }, "all"), ...values.map((value) => h("option", { value }, named ? named(value) : value)));
    controls[name] = select;
    return h("label", {}, h("span", {}, label), select);
  }
  const all = (values) => [...new Set(items.flatMap(values))].sort();
  const search = h("input", { type: "search", id: "filter-text", placeholder: "route, infraction, message …", oninput: () => set({ text: search.value }) });
  controls.text = search;
  const sorting = h("select", { id: "sort", onchange: () => order(sorting.value.slice(1), sorting.value[0] === "-" ? -1 : 1) },
    ...columns.flatMap((column) => [h("option", { value: "+" + column.name }, column.label + " ↑"), h("option", { value: "-" + column.name }, column.label + " ↓")]));
  if (items.length > 1) {
    holder.append(h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      h("label", { class: "grow" }, h("span", {}, "Find"), search),
      choice("town", "Town", all((item) => [item.town])), choice("type", "Scenario type", all((item) => item.types)),
      choice("verdict", "Outcome", all((item) => [...item.verdicts]), (name) => VERDICTS[name]),
      choice("kind", "Infraction", all((item) => [...item.kinds]), words),
      h("label", { class: "sorting" }, h("span", {}, "Sort by"), sorting)), h("div", { class: "found" }, count, reset));
  }
  holder.append(table, sentinel);

  function set(changes) {
    Object.assign(filter, changes);
    for (const [name, control] of Object.entries(controls)) if (control.value !== filter[name]) control.value = filter[name];
    apply();
  }

  function apply() {
    const wanted = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    left = items.filter((item) => wanted.every((word) => item.text.includes(word)) && (!filter.town || item.town === filter.town)
      && (!filter.type || item.types.includes(filter.type)) && (!filter.verdict || item.verdicts.has(filter.verdict))
      && (!filter.kind || item.kinds.has(filter.kind)) && (!filter.change || item.change === filter.change));
    const column = columns.find((candidate) => candidate.name === sort.name);
    left.sort((a, b) => compareValues(column.value(a), column.value(b), sort.sign));
    heads.forEach((head, k) => head.setAttribute("aria-sort", columns[k].name !== sort.name ? "none" : sort.sign > 0 ? "ascending" : "descending"));
    sorting.value = (sort.sign > 0 ? "+" : "-") + sort.name;
    count.textContent = left.length === items.length ? `${items.length} episodes` : `${left.length} of ${items.length} episodes`;
    reset.hidden = !Object.values(filter).some(Boolean);
    body.replaceChildren();
    made = 0;
    more();
    onFilter(left, filter);
  }

  function order(name, sign) {
    sort = { name, sign: sign || (sort.name === name ? -sort.sign : 1) };
    apply();
  }

  function more(until = made + ROWS_AT_ONCE) {
    for (; made < Math.min(left.length, until); made++) {
      const item = left[made];
      if (!item.nodes) item.nodes = [rowOf(item)];
      body.append(...item.nodes);
    }
    if (!left.length) body.append(h("tr", { class: "none" }, h("td", { colspan: columns.length }, "No episode is like that.")));
  }
  new IntersectionObserver((seen) => { if (seen.some((entry) => entry.isIntersecting) && made < left.length) more(); }, { rootMargin: "800px" }).observe(sentinel);

  function rowOf(item) {
    const button = h("button", { type: "button", class: "open", "aria-expanded": "false" }, item.label);
    const row = h("tr", { id: item.id, class: "route-row" }, ...columns.map((column, k) => h("td", { class: [column.numeric ? "n" : "", "c-" + column.name].join(" "), "data-label": column.label },
      ...(k ? [] : [button]), ...[column.cell(item)].flat())));
    row.addEventListener("click", (event) => { if (!event.target.closest("a") && !String(getSelection())) toggle(item); });
    return row;
  }

  async function toggle(item, wanted) {
    const row = item.nodes[0], button = row.querySelector(".open");
    const isOpen = wanted ?? button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(isOpen));
    row.classList.toggle("is-open", isOpen);
    if (isOpen && !opened.has(item)) {
      const inside = h("div", { class: "inside" });
      const detail = h("tr", { class: "detail" }, h("td", { colspan: columns.length }, inside));
      item.nodes.push(detail);
      row.after(detail);
      opened.set(item, openItem(item, inside).catch((error) => inside.append(h("p", { class: "problem", role: "alert" }, `This episode cannot be shown: ${error.message}`))));
    }
    if (item.nodes[1]) item.nodes[1].hidden = !isOpen;
    return opened.get(item);
  }

  /** Opens an item, shows it whatever is filtered, and goes to a time of it. */
  async function open(item, time) {
    if (!left.includes(item)) set({ text: "", town: "", type: "", verdict: "", kind: "", change: "" });
    more(left.indexOf(item) + 1);
    const shown = await toggle(item, true);
    if (time !== undefined && shown && shown.act) shown.act(time);
    item.nodes[0].scrollIntoView({ block: "start" });
  }
  apply();
  return { open, set, filter };
}

/** Numbers by size, text by the alphabet; what is missing comes last either way. */
function compareValues(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  return sign * (typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
}

function verdictBadge(row) {
  const told = row.verdict === "failed" ? (row.status === "ok" ? words(row.outcome) : row.status) : row.verdict === "lost" ? row.status : VERDICTS[row.verdict];
  return h("span", { class: "verdict " + row.verdict }, told);
}

/** One chip a kind of infraction, with how often. */
function infractionChips(row) {
  const counts = new Map();
  for (const [kind] of row.infractions) counts.set(kind, (counts.get(kind) || 0) + 1);
  return [...counts].map(([kind, number]) => h("span", { class: "chip kind-" + kind }, h("i"), words(kind) + (number > 1 ? ` ×${number}` : "")));
}

function scoreCell(score) {
  if (score === null) return "–";
  const tone = score >= 99.9 ? "good" : score < 50 ? "bad" : "";
  return [h("span", { class: "bar small " + tone, "aria-hidden": "true" }, h("i", { style: `width:${Math.min(100, score)}%` })), score.toFixed(1)];
}
