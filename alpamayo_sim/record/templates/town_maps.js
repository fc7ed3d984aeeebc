// Where things went wrong: a map of each town with a mark for every infraction, which opens its route at that moment.

/** Fills `holder` with a map of each town; returns `show(items, kind)`, which leaves the marks of these items. */
function townMaps(holder, items, open) {
  const marks = [];
  const counts = new Map(items.map((item) => [item.town, 0]));
  for (const item of items) counts.set(item.town, counts.get(item.town) + item.rows[0].infractions.length);
  for (const [town, count] of [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))) {
    const [lowX, lowY, highX, highY] = data.towns[town].bounds;
    const unit = Math.max(highX - lowX, highY - lowY) / 100;
    const told = h("small");
    const root = svg("svg", {
      class: "map town", viewBox: `${lowX} ${lowY} ${highX - lowX} ${highY - lowY}`, role: "group", tabindex: "-1",
      "aria-label": `Infractions in ${town}, north up`, style: `--unit:${unit.toFixed(3)}px`,
    });
    holder.append(h("figure", {}, h("figcaption", {}, h("b", {}, town), " ", told), root));
    drawLanes(town, null, root);
    const own = [];
    for (const item of items.filter((candidate) => candidate.town === town)) {
      for (const [kind, time, x, y, message] of item.rows[0].infractions) {
        const label = `${words(kind)} at ${time.toFixed(1)} s of ${item.label}: ${message}`;
        const node = svg("g", { class: "mark kind-" + kind, transform: `translate(${x} ${y})`, role: "button", tabindex: "-1", "aria-label": label }, root);
        svg("circle", { class: "touch", r: 4.2 * unit }, node);
        svg("circle", { class: "place kind-" + kind, r: 1.7 * unit }, node);
        svg("title", {}, node).textContent = label;
        node.addEventListener("click", () => open(item, time));
        own.push({ node, item, kind });
      }
    }
    marks.push({ own, told });
    root.addEventListener("keydown", (event) => steer(event, own.filter((mark) => !mark.node.hasAttribute("hidden")).map((mark) => mark.node)));
  }

  function steer(event, nodes) {
    const at = nodes.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && nodes.length) {
      const next = nodes[(at + step + nodes.length) % nodes.length];
      for (const node of nodes) node.setAttribute("tabindex", node === next ? "0" : "-1");
      next.focus();
    } else if ((event.key === "Enter" || event.key === " ") && at >= 0) nodes[at].dispatchEvent(new Event("click"));
    else return;
    event.preventDefault();
  }

  return function show(left, kind) {
    const shown = new Set(left);
    for (const { own, told } of marks) {
      let count = 0;
      for (const mark of own) {
        const visible = shown.has(mark.item) && (!kind || mark.kind === kind);
        mark.node.toggleAttribute("hidden", !visible);
        mark.node.setAttribute("tabindex", visible && !count ? "0" : "-1");
        count += visible;
      }
      told.textContent = count === 1 ? "1 infraction" : `${count} infractions`;
    }
  };
}
