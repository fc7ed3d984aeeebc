// The timeline of an episode: speed and limit, pedals, steering, lights, and what happened, over time.
const CHART = { left: 44, right: 10, speed: [30, 96], pedals: [134, 50], steer: [192, 40], light: [240, 14], height: 282 };

/** Draws into `holder` and calls `seek` with the seconds that are pointed at; returns `show` and `isDragging`. */
function courseChart(holder, course, row, end, seek) {
  const times = course.time_s, last = times.length - 1;
  let width = 0, now = 0, cursor = null, dragging = false;
  const toX = (t) => CHART.left + (width - CHART.left - CHART.right) * (t / end);
  const floor = CHART.light[0] + CHART.light[1];

  function frame(root, [top, height], label) {
    svg("rect", { class: "frame", x: CHART.left, y: top, width: width - CHART.left - CHART.right, height }, root);
    return () => svgText(label, CHART.left + 5, top + 12, root, "start", "name");
  }

  function line(values, [top, height], low, high) {
    const y = (v) => top + height - (height * (Math.min(high, Math.max(low, v)) - low)) / (high - low);
    let path = "";
    for (let k = 0; k <= last; k++) path += (k ? "L" : "M") + toX(times[k]).toFixed(1) + " " + y(values[k]).toFixed(1);
    return path;
  }

  function area(values, [top, height], direction) {
    const base = top + height / 2;
    let path = "M" + toX(times[0]).toFixed(1) + " " + base;
    for (let k = 0; k <= last; k++) path += "L" + toX(times[k]).toFixed(1) + " " + (base - (direction * values[k] * height) / 2).toFixed(1);
    return path + "L" + toX(times[last]).toFixed(1) + " " + base + "Z";
  }

  function drawScenarios(root) {
    for (const span of scenarioSpans(course, end)) {
      const x = toX(span.from), wide = Math.max(2, toX(span.to) - x);
      const group = svg("g", { class: "span " + span.phase }, root);
      svg("rect", { x, y: 12, width: wide, height: floor - 12 }, group);
      if (wide > 60) svgText(span.type.slice(0, Math.floor(wide / 6.2)), x + 4, 24, group, "start", "span-name");
      svg("title", {}, group).textContent = `${span.type}: ${words(span.phase)}, ${span.from.toFixed(1)} to ${span.to.toFixed(1)} s`;
    }
  }

  function drawLights(root) {
    svgText("light", CHART.left - 6, CHART.light[0] + 11, root, "end");
    svg("rect", { class: "frame", x: CHART.left, y: CHART.light[0], width: width - CHART.left - CHART.right, height: CHART.light[1] }, root);
    for (let k = 0; k < last; ) {
      let stop = k + 1;
      while (stop < last && course.light[stop] === course.light[k]) stop++;
      if (course.light[k] >= 0) {
        const x = toX(times[k]);
        svg("rect", { class: "light" + Math.min(3, course.light[k]), x, y: CHART.light[0], width: toX(times[stop]) - x, height: CHART.light[1] }, root);
      }
      k = stop;
    }
  }

  function draw() {
    width = Math.max(240, holder.clientWidth);
    holder.replaceChildren();
    const root = svg("svg", { viewBox: `0 0 ${width} ${CHART.height}`, height: CHART.height, "aria-hidden": "true" }, holder);
    drawScenarios(root);
    const step = niceStep(end, width > 600 ? 10 : 5);
    for (let t = 0; t <= end; t += step) {
      svg("line", { class: "grid", x1: toX(t), x2: toX(t), y1: CHART.speed[0], y2: floor }, root);
      svgText(step < 1 ? t.toFixed(1) : clock(t), toX(t), CHART.height - 8, root, "middle");
    }
    const top = Math.max(20, Math.ceil(Math.max(...course.speed_kmh, ...course.limit_kmh) / 10) * 10 + 5);
    const names = [frame(root, CHART.speed, "speed, limit dashed"), frame(root, CHART.pedals, "throttle up, brake down")];
    const speedStep = niceStep(top, 4);
    for (let v = 0; v <= top; v += speedStep) {
      const y = CHART.speed[0] + CHART.speed[1] - (CHART.speed[1] * v) / top;
      svg("line", { class: "grid", x1: CHART.left, x2: width - CHART.right, y1: y, y2: y }, root);
      svgText(String(v), CHART.left - 6, y + 4, root, "end");
    }
    svgText("km/h", CHART.left - 6, CHART.speed[0] - 8, root, "end");
    svg("path", { class: "limit", d: line(course.limit_kmh, CHART.speed, 0, top) }, root);
    svg("path", { class: "speed", d: line(course.speed_kmh, CHART.speed, 0, top) }, root);
    svg("path", { class: "throttle", d: area(course.throttle, CHART.pedals, 1) }, root);
    svg("path", { class: "brake", d: area(course.brake, CHART.pedals, -1) }, root);
    const reach = Math.max(0.2, ...course.steer.map(Math.abs));
    names.push(frame(root, CHART.steer, "steer, right is up, ±" + reach.toFixed(2)));
    const middle = CHART.steer[0] + CHART.steer[1] / 2;
    svg("line", { class: "grid", x1: CHART.left, x2: width - CHART.right, y1: middle, y2: middle }, root);
    svg("path", { class: "steer", d: line(course.steer, CHART.steer, -reach, reach) }, root);
    for (const name of names) name();
    drawLights(root);
    for (const [kind, time, , , message] of row.infractions) {
      const x = toX(time), group = svg("g", { class: "event kind-" + kind }, root);
      svg("line", { x1: x, x2: x, y1: 12, y2: floor }, group);
      svg("path", { d: `M${x - 6} 1h12l-6 11Z` }, group);
      svg("title", {}, group).textContent = `${time.toFixed(1)} s: ${message}`;
    }
    cursor = svg("line", { class: "cursor", y1: 6, y2: floor + 4 }, root);
    show(now);
  }

  function show(t) {
    now = t;
    if (cursor) { cursor.setAttribute("x1", toX(t)); cursor.setAttribute("x2", toX(t)); }
    holder.setAttribute("aria-valuenow", t.toFixed(1));
    holder.setAttribute("aria-valuetext", `${t.toFixed(1)} seconds, ${course.speed_kmh[indexAt(times, t)].toFixed(0)} kilometres per hour`);
  }

  function point(event) {
    const box = holder.getBoundingClientRect();
    seek((end * (event.clientX - box.left - CHART.left)) / (width - CHART.left - CHART.right));
  }
  holder.addEventListener("pointerdown", (event) => { dragging = true; holder.setPointerCapture(event.pointerId); point(event); });
  holder.addEventListener("pointermove", (event) => { if (dragging) point(event); });
  for (const name of ["pointerup", "pointercancel"]) holder.addEventListener(name, () => { dragging = false; });
  draw();
  let resize = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(resize);
    resize = requestAnimationFrame(() => { if (Math.abs(holder.clientWidth - width) > 1) draw(); });
  }).observe(holder);
  return { show, isDragging: () => dragging };
}

/** From when to when each scenario of the route ran, and how it ended. */
function scenarioSpans(course, end) {
  const spans = [], open = new Map();
  for (const event of course.scenarios) {
    if (event.phase === "triggered") {
      const span = { name: event.name, type: event.type, from: event.time_s, to: end, phase: "triggered" };
      open.set(event.name, span);
      spans.push(span);
    } else if (open.has(event.name) && (event.phase === "finished" || event.phase === "timed_out")) {
      const span = open.get(event.name);
      span.to = event.time_s;
      span.phase = event.phase;
    }
  }
  return spans;
}
