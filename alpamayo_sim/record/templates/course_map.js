// Who was where: the surroundings of the ego with its heading up, and in a corner the whole route with north up.
const AROUND_M = [92, 74];
const AHEAD_M = 14;
const PLAN_SHOWN_S = 1.6;

/** Fills a figure; returns `show(t)`. */
function courseMap(figure, course, row, seek) {
  const [wide, high] = AROUND_M;
  const label = `The ego's surroundings in ${course.map.town} at the time shown, heading up`;
  const main = svg("svg", { class: "map around", viewBox: `${-wide / 2} ${-high / 2} ${wide} ${high}`, role: "img", "aria-label": label }, figure);
  const world = svg("g", { class: "world" }, main);
  drawLanes(course.map.town, course.map.pieces, world);
  for (const stop of course.map.stops) svg("path", { class: "stop-line", d: pathOf(stop.map((p) => p[0]), stop.map((p) => p[1])) }, world);
  svg("path", { class: "route", d: pathOf(...course.map.route) }, world);
  svg("path", { class: "driven", d: pathOf(course.x_m, course.y_m) }, world);
  for (const [kind, , x, y] of row.infractions) svg("circle", { class: "place kind-" + kind, cx: x, cy: y, r: 1.6 }, world);
  const others = svg("g", { class: "others" }, world);
  const plan = svg("g", { class: "plan" }, world);
  const ego = svg("g", { class: "ego" }, world);
  svg("rect", { x: -2.4, y: -0.95, width: 4.8, height: 1.9, rx: 0.5 }, ego);
  svg("path", { d: "M2.2 0L0.9 0.8V-0.8Z" }, ego);
  const shapes = new Map();
  const overview = overviewMap(figure, course, row, seek);
  const times = course.near.times;

  function shapeOf(number) {
    const track = course.near.tracks[number];
    const kind = track.type.startsWith("walker") ? "walker" : track.type.startsWith("vehicle") ? "vehicle" : "prop";
    const group = svg("g", { class: "other " + kind, "data-type": track.type }, others);
    if (kind === "walker") svg("circle", { r: 0.75 }, group);
    else svg("rect", { x: -track.length / 2, y: -track.width / 2, width: track.length, height: track.width, rx: kind === "vehicle" ? 0.4 : 0 }, group);
    if (kind === "vehicle") svg("path", { d: `M${track.length / 2 - 0.4} 0L${track.length / 2 - 1.5} ${track.width * 0.32}V${-track.width * 0.32}Z` }, group);
    svg("title", {}, group).textContent = track.type;
    return group;
  }

  function showOthers(t) {
    const moment = indexAt(times, t), next = Math.min(moment + 1, times.length - 1);
    const share = next > moment ? Math.min(1, Math.max(0, (t - times[moment]) / (times[next] - times[moment]))) : 0;
    course.near.tracks.forEach((track, number) => {
      const k = moment - track.first;
      const there = k >= 0 && k < track.x.length;
      if (!there) { const shape = shapes.get(number); if (shape) shape.setAttribute("visibility", "hidden"); return; }
      if (!shapes.has(number)) shapes.set(number, shapeOf(number));
      const after = Math.min(k + 1, track.x.length - 1);
      const at = (values) => values[k] + share * (values[after] - values[k]);
      shapes.get(number).setAttribute("visibility", "visible");
      shapes.get(number).setAttribute("transform", `translate(${at(track.x).toFixed(2)} ${at(track.y).toFixed(2)}) rotate(${at(track.yaw).toFixed(1)})`);
    });
  }

  function showPlan(t) {
    plan.replaceChildren();
    if (!course.plans.length) return;
    const current = course.plans[indexAt(course.plans.map((p) => p.time), t)];
    if (current.time > t + 1e-6 || t - current.time > PLAN_SHOWN_S) return;
    svg("path", { d: pathOf(current.x, current.y) }, plan);
    for (let k = 1; k < current.x.length; k++) svg("circle", { cx: current.x[k], cy: current.y[k], r: 0.6 }, plan);
  }

  function show(t) {
    const k = indexAt(course.time_s, t), after = Math.min(k + 1, course.time_s.length - 1);
    const gap = course.time_s[after] - course.time_s[k];
    const share = gap > 0 ? Math.min(1, (t - course.time_s[k]) / gap) : 0;
    const at = (values) => values[k] + share * (values[after] - values[k]);
    const x = at(course.x_m), y = at(course.y_m), yaw = at(course.yaw_deg);
    world.setAttribute("transform", `translate(0 ${AHEAD_M}) rotate(${(-90 - yaw).toFixed(2)}) translate(${(-x).toFixed(2)} ${(-y).toFixed(2)})`);
    ego.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)}) rotate(${yaw.toFixed(2)})`);
    showOthers(t);
    showPlan(t);
    overview(x, y, yaw);
  }
  return { show };
}

/** The whole route, north up; a click goes to the moment at which the ego was nearest. Returns a function that moves the ego. */
function overviewMap(figure, course, row, seek) {
  const [lowX, lowY, highX, highY] = course.map.bounds;
  const unit = Math.max(highX - lowX, highY - lowY) / 100;
  const root = svg("svg", {
    class: "map overview", viewBox: `${lowX} ${lowY} ${highX - lowX} ${highY - lowY}`, role: "img",
    "aria-label": `The whole route in ${course.map.town}, north up`, style: `--unit:${unit.toFixed(3)}px`,
  }, figure);
  drawLanes(course.map.town, course.map.pieces, root);
  svg("path", { class: "route", d: pathOf(...course.map.route) }, root);
  svg("path", { class: "driven", d: pathOf(course.x_m, course.y_m) }, root);
  const [xs, ys] = course.map.route;
  svg("circle", { class: "finish", cx: xs[xs.length - 1], cy: ys[ys.length - 1], r: 2.4 * unit }, root);
  for (const [kind, , x, y, message] of row.infractions) {
    const mark = svg("circle", { class: "place kind-" + kind, cx: x, cy: y, r: 3.4 * unit }, root);
    svg("title", {}, mark).textContent = message;
  }
  const ego = svg("path", { class: "ego", d: "M4 0L-2.6 2.6L-1.3 0L-2.6 -2.6Z" }, root);
  root.addEventListener("click", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(root.getScreenCTM().inverse());
    let best = 0, least = Infinity;
    course.x_m.forEach((x, k) => {
      const distance = Math.hypot(x - at.x, course.y_m[k] - at.y);
      if (distance < least) { least = distance; best = k; }
    });
    seek(course.time_s[best]);
  });
  return (x, y, yaw) => ego.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)}) rotate(${yaw.toFixed(1)}) scale(${(1.5 * unit).toFixed(3)})`);
}
