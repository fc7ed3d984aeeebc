"use strict";
const el = (id) => document.getElementById(id);
const canvas = el("map"), pen = canvas.getContext("2d"), trail = [], rates = [];
let map = null, state = null, selected = 0, socket, scale = 4, cx = 0, cy = 0, drag = null, url = "";
const LIGHT = {Red: "#ff4a4a", Yellow: "#ffd23e", Green: "#3ee07a"};
const LANE = {Sidewalk: "#3d3a37", Shoulder: "#20262e", Parking: "#242b36", Border: "#1a2119", Median: "#1a2119"};
const PAINT = {Yellow: "#c9a23a", Blue: "#5a86c8", Red: "#b95a5a", Green: "#5aa06a"};
const colour = (a) => a.role === "hero" ? "#ffb000" : a.type.startsWith("vehicle") ? "#5aa9ff" : a.type.startsWith("walker") ? "#7be08a" : a.type === "spectator" ? "#d58cff" : "#a58a6a";
const shown = (a) => /^(vehicle|walker\.ped|static\.prop)/.test(a.type) || a.type === "spectator";
function ask() {
  const kind = el("kind").value;
  if (socket.readyState === 1) socket.send(kind ? kind + " " + selected : "none");
  el("picture").style.display = kind ? "block" : "none";
}
function connect() {
  socket = new WebSocket("ws://" + location.host + "/live");
  socket.binaryType = "blob";
  socket.onopen = ask;
  socket.onclose = () => { el("top").textContent = "no connection; trying again"; setTimeout(connect, 1000); };
  socket.onmessage = (event) => {
    if (typeof event.data !== "string") {
      URL.revokeObjectURL(url); el("picture").src = url = URL.createObjectURL(event.data); return;
    }
    const got = JSON.parse(event.data);
    if (got.type === "problem") el("top").textContent = got.text;
    if (got.type === "map") { map = got; state = null; trail.length = 0; fit(); }
    if (got.type === "state") { state = got; update(); }
  };
}
function fit() {
  const xs = map.lanes.flatMap((l) => l.left.map((p) => p[0])), ys = map.lanes.flatMap((l) => l.left.map((p) => p[1]));
  const span = (v) => v.reduce((r, x) => [Math.min(r[0], x), Math.max(r[1], x)], [1e9, -1e9]);
  const [x0, x1] = span(xs), [y0, y1] = span(ys);
  cx = (x0 + x1) / 2; cy = (y0 + y1) / 2;
  scale = 0.9 * Math.min(innerWidth / (x1 - x0 + 1), innerHeight / (y1 - y0 + 1));
}
function update() {
  const hero = state.actors.find((a) => a.role === "hero");
  if (!selected && hero) selected = hero.id;
  if (hero) { trail.push([hero.x, hero.y]); if (trail.length > 600) trail.shift(); }
  rates.push([performance.now(), state.ticks]); if (rates.length > 40) rates.shift();
  const [a, b] = [rates[0], rates[rates.length - 1]];
  const rate = b[0] > a[0] ? (1000 * (b[1] - a[1]) / (b[0] - a[0])).toFixed(1) : "-";
  const [cloud, rain, sun] = state.weather;
  el("top").textContent = `${map.name} · frame ${state.frame} · ${state.time_s.toFixed(2)} s · ${rate} ticks/s · clouds ${cloud} %, rain ${rain} %, sun ${sun}°`;
  const it = state.actors.find((x) => x.id === selected);
  el("actor").textContent = it ? `${it.type}\nid ${it.id}${it.role ? " · " + it.role : ""}\n${(it.speed * 3.6).toFixed(1)} km/h${it.light ? "\n" + it.light : ""}` : "";
  if (it && el("follow").checked) { cx = it.x; cy = it.y; }
}
const at = (x, y) => [(x - cx) * scale + innerWidth / 2, (y - cy) * scale + innerHeight / 2];
function path(points, close) { pen.beginPath(); for (const p of points) pen.lineTo(...at(p[0], p[1])); if (close) pen.closePath(); }
function draw() {
  requestAnimationFrame(draw);
  const r = devicePixelRatio;
  canvas.width = innerWidth * r; canvas.height = innerHeight * r; pen.setTransform(r, 0, 0, r, 0, 0);
  if (!map) return;
  for (const l of map.lanes) {
    path([...l.left, ...[...l.right].reverse()], true);
    pen.fillStyle = LANE[l.kind] || (l.junction ? "#333c48" : "#2a323d");
    pen.fill();
  }
  pen.lineWidth = Math.max(0.5, 0.15 * scale);
  for (const l of map.lanes) if (!l.junction) [l.left, l.right].forEach((side, i) => {
    const [type, colour] = l.marks[i];
    if (type === "NONE") return;
    pen.strokeStyle = PAINT[colour] || "#9aa5b1";
    pen.setLineDash(type.startsWith("Broken") ? [3 * scale, 3 * scale] : []); path(side); pen.stroke();
  });
  pen.setLineDash([]);
  pen.fillStyle = "#cfd6de44"; for (const c of map.crosswalks) { path(c, true); pen.fill(); }
  pen.strokeStyle = "#ffb00088"; pen.lineWidth = 2; path(trail); pen.stroke();
  for (const a of state ? state.actors : []) {
    for (const s of a.stops || []) { path(s); pen.lineWidth = Math.max(2, 0.5 * scale); pen.strokeStyle = LIGHT[a.light] || "#777"; pen.stroke(); }
    if (!shown(a)) continue;
    pen.save(); pen.translate(...at(a.x, a.y)); pen.rotate(a.yaw * Math.PI / 180);
    const [l, w] = a.half.map((h) => Math.max(2.5, h * scale));
    pen.fillStyle = colour(a); pen.fillRect(-l, -w, 2 * l, 2 * w);
    if (a.id === selected) { pen.strokeStyle = "#fff"; pen.lineWidth = 2; pen.strokeRect(-l - 2, -w - 2, 2 * l + 4, 2 * w + 4); }
    pen.restore();
    if (scale > 5 && a.type.startsWith("vehicle")) { pen.fillStyle = "#fff"; const [x, y] = at(a.x, a.y); pen.fillText(a.id, x + 8, y - 8); }
  }
  const metres = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((m) => m * scale > 80) || 1000, y = innerHeight - 20, x = innerWidth - 20;
  pen.fillStyle = "#d8dee6"; pen.fillRect(x - metres * scale, y, metres * scale, 3); pen.fillText(metres + " m", x - metres * scale, y - 6);
}
canvas.onmousedown = (e) => { drag = [e.clientX, e.clientY, false]; };
onmousemove = (e) => { if (drag) { const dx = e.clientX - drag[0], dy = e.clientY - drag[1]; if (drag[2] || Math.hypot(dx, dy) > 4) { cx -= dx / scale; cy -= dy / scale; drag = [e.clientX, e.clientY, true]; } } };
onmouseup = (e) => {
  if (drag && !drag[2] && state) {
    const distance = (a) => { const [x, y] = at(a.x, a.y); return Math.hypot(x - e.clientX, y - e.clientY); };
    const near = state.actors.filter((a) => shown(a) || a.light).sort((a, b) => distance(a) - distance(b))[0];
    if (near && distance(near) < 20) { selected = near.id; update(); ask(); }
  }
  drag = null;
};
canvas.onwheel = (e) => { scale = Math.min(60, Math.max(0.3, scale * Math.exp(-e.deltaY / 500))); e.preventDefault(); };
el("kind").onchange = ask;
el("all").onclick = () => { el("follow").checked = false; if (map) fit(); };
connect(); draw();
