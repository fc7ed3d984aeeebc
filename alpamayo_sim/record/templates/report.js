"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const all = JSON.parse(document.getElementById("data").textContent);
  const LIGHTS = ["red", "yellow", "green", "off", "unknown"];

  function element(name, attributes, parent) {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
    if (parent) parent.append(node);
    return node;
  }

  function text(content, x, y, parent, anchor) {
    const node = element("text", { x, y, "text-anchor": anchor || "start" }, parent);
    node.textContent = content;
    return node;
  }

  function niceStep(span, count) {
    const raw = span / count;
    const power = Math.pow(10, Math.floor(Math.log10(raw)));
    for (const factor of [1, 2, 5]) if (raw <= factor * power) return factor * power;
    return 10 * power;
  }

  function clock(seconds) {
    const whole = Math.floor(seconds);
    return Math.floor(whole / 60) + ":" + String(whole % 60).padStart(2, "0");
  }

  function setUp(section) {
    const data = all[section.id];
    const holder = section.querySelector(".timeline");
    const video = section.querySelector("video");
    const readout = section.querySelector(".readout");
    const thought = section.querySelector(".thought");
    const ego = section.querySelector(".map .ego");
    const times = data.time_s;
    const last = times.length - 1;
    if (last < 1) { holder.hidden = true; return; }
    const end = Math.max(times[last], data.duration_s, 0.1);
    const left = 44, right = 10;
    let now = 0, width = 0, cursor = null;

    const toX = (t) => left + (width - left - right) * (t / end);

    function row(svg, top, height, label) {
      element("rect", { class: "frame", x: left, y: top, width: width - left - right, height }, svg);
      return () => text(label, left + 5, top + 13, svg).setAttribute("class", "name");
    }

    function line(values, top, height, low, high) {
      const y = (v) => top + height - (height * (Math.min(high, Math.max(low, v)) - low)) / (high - low);
      let path = "";
      for (let k = 0; k <= last; k++) path += (k ? "L" : "M") + toX(times[k]).toFixed(1) + " " + y(values[k]).toFixed(1);
      return path;
    }

    function area(values, top, height, direction) {
      const base = top + height / 2;
      let path = "M" + toX(times[0]).toFixed(1) + " " + base;
      for (let k = 0; k <= last; k++) {
        path += "L" + toX(times[k]).toFixed(1) + " " + (base - (direction * values[k] * height) / 2).toFixed(1);
      }
      return path + "L" + toX(times[last]).toFixed(1) + " " + base + "Z";
    }

    function draw() {
      width = Math.max(260, holder.clientWidth);
      const speedTop = 16, speedHeight = 110, pedalTop = 134, pedalHeight = 56, steerTop = 198, steerHeight = 44, lightTop = 250;
      const height = 288;
      holder.replaceChildren();
      const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, height }, holder);
      const step = niceStep(end, width > 600 ? 10 : 5);
      for (let t = 0; t <= end; t += step) {
        element("line", { class: "grid", x1: toX(t), x2: toX(t), y1: speedTop, y2: lightTop + 14 }, svg);
        text(step < 1 ? t.toFixed(1) : clock(t), toX(t), height - 8, svg, "middle");
      }
      const top = Math.max(20, Math.ceil(Math.max(...data.speed_kmh, ...data.limit_kmh) / 10) * 10 + 5);
      const names = [
        row(svg, speedTop, speedHeight, "speed, limit dashed"), row(svg, pedalTop, pedalHeight, "throttle up, brake down"),
      ];
      const speedStep = niceStep(top, 4);
      for (let v = 0; v <= top; v += speedStep) {
        const y = speedTop + speedHeight - (speedHeight * v) / top;
        element("line", { class: "grid", x1: left, x2: width - right, y1: y, y2: y }, svg);
        text(String(v), left - 6, y + 4, svg, "end");
      }
      text("km/h", left - 6, speedTop - 4, svg, "end");
      element("path", { class: "limit", d: line(data.limit_kmh, speedTop, speedHeight, 0, top) }, svg);
      element("path", { class: "speed", d: line(data.speed_kmh, speedTop, speedHeight, 0, top) }, svg);
      element("path", { class: "throttle", d: area(data.throttle, pedalTop, pedalHeight, 1) }, svg);
      element("path", { class: "brake", d: area(data.brake, pedalTop, pedalHeight, -1) }, svg);
      const reach = Math.max(0.2, ...data.steer.map(Math.abs));
      names.push(row(svg, steerTop, steerHeight, "steer, right is up, ±" + reach.toFixed(2)));
      const middle = steerTop + steerHeight / 2;
      element("line", { class: "grid", x1: left, x2: width - right, y1: middle, y2: middle }, svg);
      element("path", { class: "steer", d: line(data.steer, steerTop, steerHeight, -reach, reach) }, svg);
      for (const name of names) name();
      text("light", left - 6, lightTop + 11, svg, "end");
      element("rect", { class: "frame", x: left, y: lightTop, width: width - left - right, height: 14 }, svg);
      for (let k = 0; k < last; ) {
        let stop = k + 1;
        while (stop < last && data.light[stop] === data.light[k]) stop++;
        if (data.light[k] >= 0) {
          const x = toX(times[k]);
          element("rect", { class: "light" + Math.min(3, data.light[k]), x, y: lightTop, width: toX(times[stop]) - x, height: 14 }, svg);
        }
        k = stop;
      }
      for (const event of data.events) {
        const x = toX(event.time_s);
        const group = element("g", { class: "event" }, svg);
        element("line", { x1: x, x2: x, y1: speedTop, y2: lightTop + 14 }, group);
        element("path", { d: `M${x - 6} ${speedTop - 11}h12l-6 11Z` }, group);
        element("title", {}, group).textContent = `${event.time_s.toFixed(1)} s: ${event.message}`;
      }
      cursor = element("line", { class: "cursor", y1: speedTop - 4, y2: lightTop + 18 }, svg);
      show(now);
    }

    function indexAt(t) {
      let low = 0, high = last;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (times[middle] <= t + 1e-6) low = middle; else high = middle - 1;
      }
      return low;
    }

    function show(t) {
      now = Math.min(end, Math.max(0, t));
      const k = indexAt(now);
      if (cursor) { cursor.setAttribute("x1", toX(now)); cursor.setAttribute("x2", toX(now)); }
      holder.setAttribute("aria-valuenow", now.toFixed(1));
      holder.setAttribute("aria-valuetext", now.toFixed(1) + " seconds");
      if (ego) {
        ego.setAttribute("transform", `translate(${data.x_m[k]} ${data.y_m[k]}) rotate(${data.yaw_deg[k]})`);
        ego.setAttribute("visibility", "visible");
      }
      readout.replaceChildren();
      const figures = [
        ["time", now.toFixed(1) + " s"], ["speed", data.speed_kmh[k].toFixed(0) + " km/h"],
        ["limit", data.limit_kmh[k].toFixed(0) + " km/h"], ["throttle", data.throttle[k].toFixed(2)],
        ["brake", data.brake[k].toFixed(2)], ["steer", data.steer[k].toFixed(2)],
        ["on route", data.progress_m[k].toFixed(0) + " m"], ["light", data.light[k] < 0 ? "none" : LIGHTS[data.light[k]]],
      ];
      for (const [name, value] of figures) {
        const pair = document.createElement("span");
        const strong = document.createElement("b");
        strong.textContent = value;
        pair.append(name + " ", strong);
        readout.append(pair, " ");
      }
      let current = null;
      for (const candidate of data.thoughts) if (candidate.time_s <= now + 1e-6) current = candidate; else break;
      thought.hidden = !current;
      if (current) {
        thought.replaceChildren();
        const decisions = Object.entries(current.decisions).map(([name, value]) => `${name}: ${value}`).join(" · ");
        if (decisions) {
          const label = document.createElement("em");
          label.textContent = decisions;
          thought.append(label);
        }
        thought.append(current.text);
      }
    }

    function seek(t) {
      show(t);
      if (video && Number.isFinite(video.duration)) video.currentTime = Math.min(now + 0.01, video.duration);
    }

    function fromPointer(event) {
      const box = holder.getBoundingClientRect();
      seek((end * (event.clientX - box.left - left)) / (width - left - right));
    }

    let dragging = false;
    holder.addEventListener("pointerdown", (event) => {
      dragging = true;
      holder.setPointerCapture(event.pointerId);
      fromPointer(event);
    });
    holder.addEventListener("pointermove", (event) => { if (dragging) fromPointer(event); });
    for (const name of ["pointerup", "pointercancel"]) holder.addEventListener(name, () => { dragging = false; });
    holder.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.5, ArrowRight: 0.5, PageDown: -5, PageUp: 5 }[event.key];
      if (step) seek(now + step);
      else if (event.key === "Home") seek(0);
      else if (event.key === "End") seek(end);
      else if (event.key === " " && video) { if (video.paused) video.play(); else video.pause(); }
      else return;
      event.preventDefault();
    });
    for (const node of section.querySelectorAll(".infractions button, .map .infraction")) {
      node.addEventListener("click", () => seek(Math.max(0, Number(node.dataset.time) - (node.tagName === "BUTTON" ? 1 : 0))));
    }
    if (video) {
      let frame = 0;
      const follow = () => { if (!dragging) show(video.currentTime); if (!video.paused) frame = requestAnimationFrame(follow); };
      video.addEventListener("play", () => { cancelAnimationFrame(frame); follow(); });
      for (const name of ["timeupdate", "seeked"]) video.addEventListener(name, () => { if (!dragging && video.paused) show(video.currentTime); });
    }
    draw();
    let resize = 0;
    new ResizeObserver(() => {
      cancelAnimationFrame(resize);
      resize = requestAnimationFrame(() => { if (Math.abs(holder.clientWidth - width) > 1) draw(); });
    }).observe(holder);
  }

  function whenOpen(section) {
    if (section.open && !section.dataset.ready) { section.dataset.ready = "1"; setUp(section); }
  }
  for (const section of document.querySelectorAll("details.episode")) {
    whenOpen(section);
    section.addEventListener("toggle", () => whenOpen(section));
  }
  function openTarget() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches("details.episode")) { target.open = true; target.scrollIntoView(); }
  }
  addEventListener("hashchange", openTarget);
  openTarget();

  const table = document.querySelector("table.episodes");
  if (table) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.addEventListener("click", () => {
      const sign = head.dataset.order === "up" ? -1 : 1;
      heads.forEach((other) => delete other.dataset.order);
      head.dataset.order = sign > 0 ? "up" : "down";
      const value = (row) => row.cells[column].textContent.trim();
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => sign * value(a).localeCompare(value(b), "en", { numeric: true }));
      table.tBodies[0].append(...rows);
    }));
  }
})();
