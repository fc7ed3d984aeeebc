// One episode opened: video, map, timeline and reasoning at one time, which each of them can move.

/** Builds an episode into `holder`; returns `seek`, and calls `onSeek` when its own controls were used. */
async function coursePlayer(holder, run, index, { onSeek, compact } = {}) {
  const row = data.runs[run].rows[index];
  const course = await loadCourse(run, index);
  if (course.time_s.length < 2) {
    holder.append(h("p", { class: "muted" }, "This episode ended before there was anything to show."), ...closing(course));
    return { seek() {}, act() {} };
  }
  const end = Math.max(course.time_s[course.time_s.length - 1], row.duration_s, 0.1);
  const video = videoOf(run, index, row);
  const figure = h("figure", { class: "player-map" });
  const timeline = h("div", {
    class: "timeline", tabindex: "0", role: "slider", "aria-label": `Time in ${row.id}`,
    "aria-valuemin": "0", "aria-valuemax": end.toFixed(1), "aria-valuenow": "0",
  });
  const play = h("button", { type: "button", class: "play", "aria-label": "Play" }, "▶");
  const shown = h("output", { class: "time" });
  const readout = h("p", { class: "readout" });
  const thought = h("blockquote", { class: "thought", hidden: true });
  holder.append(h("div", { class: "player" + (video ? isWide(row) ? " wide" : "" : " without-video") + (compact ? " compact" : "") },
    video ? h("div", { class: "player-video" }, video) : null, figure,
    h("div", { class: "player-course" }, h("div", { class: "transport" }, play, shown), timeline, readout, thought),
  ), happenings(row, course, (t) => act(Math.max(0, t - BEFORE_S))), ...closing(course));

  let now = 0, playing = 0;
  const chart = courseChart(timeline, course, row, end, (t) => act(t));
  const map = courseMap(figure, course, row, (t) => act(t));
  figure.append(h("figcaption", {}, legend("route"), legend("driven"), legend("vehicle"), legend("walker"), course.plans.length ? legend("plan") : null));

  function show(t) {
    now = Math.min(end, Math.max(0, t));
    chart.show(now);
    map.show(now);
    shown.textContent = `${now.toFixed(1)} s of ${end.toFixed(1)} s`;
    tell(readout, thought, course, now);
  }
  function seek(t) {
    show(t);
    if (video && Number.isFinite(video.duration)) video.currentTime = Math.min(now + 0.01, video.duration);
  }
  function act(t) { stop(); seek(t); if (onSeek) onSeek(now); }
  function stop() {
    cancelAnimationFrame(playing);
    playing = 0;
    if (video && !video.paused) video.pause();
    said(false);
  }
  function said(isPlaying) {
    play.textContent = isPlaying ? "❚❚" : "▶";
    play.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
  }
  const plays = () => playing || (video && !video.paused);
  function start() {
    if (now >= end - 0.05) seek(0);
    said(true);
    if (video && Number.isFinite(video.duration)) { video.play(); return; }
    const from = now, begun = performance.now();
    const step = () => {
      const t = from + (performance.now() - begun) / 1000;
      show(t);
      if (onSeek) onSeek(now);
      if (t < end) playing = requestAnimationFrame(step); else stop();
    };
    playing = requestAnimationFrame(step);
  }
  play.addEventListener("click", () => (plays() ? stop() : start()));
  timeline.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.5, ArrowDown: -0.5, ArrowRight: 0.5, ArrowUp: 0.5, PageDown: -5, PageUp: 5 }[event.key];
    if (step) act(now + step);
    else if (event.key === "Home") act(0);
    else if (event.key === "End") act(end);
    else if (event.key === " ") play.click();
    else return;
    event.preventDefault();
  });
  if (video) {
    video.addEventListener("loadedmetadata", () => { if (now > 0) seek(now); });
    let frame = 0;
    const follow = () => {
      if (!chart.isDragging()) { show(video.currentTime); if (onSeek) onSeek(now); }
      if (!video.paused) frame = requestAnimationFrame(follow);
    };
    video.addEventListener("play", () => { said(true); cancelAnimationFrame(frame); follow(); });
    video.addEventListener("pause", () => said(false));
    for (const name of ["timeupdate", "seeked"]) {
      video.addEventListener(name, () => { if (!chart.isDragging() && video.paused && Math.abs(video.currentTime - now) > 0.02) show(video.currentTime); });
    }
  }
  show(0);
  return { seek, act };
}

function legend(name) {
  return h("span", {}, h("i", { class: `key ${name}-key` }), name === "vehicle" ? "vehicles" : name === "walker" ? "people" : name);
}

const isWide = (row) => row.video_size[0] > 2.2 * row.video_size[1];

function videoOf(run, index, row) {
  if (!row.has_video) return null;
  const inside = document.getElementById(`video-${run}-${index}`);
  const source = inside ? URL.createObjectURL(new Blob([bytesOf(inside.textContent)], { type: "video/mp4" })) : encodeURI(row.video);
  const video = h("video", { controls: true, playsinline: true, preload: "metadata", src: source, poster: row.poster || null, width: row.video_size[0], height: row.video_size[1], "aria-label": `Video of ${row.id}` });
  video.muted = true;
  video.addEventListener("error", () => video.replaceWith(h("p", { class: "muted missing" }, `The video is not there: ${row.video}. It lies in the run folder that this page was made for.`)));
  return video;
}

/** The figures and the reasoning at a time. */
function tell(readout, thought, course, now) {
  const k = indexAt(course.time_s, now);
  const light = course.light[k];
  const figures = [
    ["speed", course.speed_kmh[k].toFixed(0) + " km/h"], ["limit", course.limit_kmh[k].toFixed(0) + " km/h"],
    ["throttle", course.throttle[k].toFixed(2)], ["brake", course.brake[k].toFixed(2)], ["steer", course.steer[k].toFixed(2)],
    ["on route", course.progress_m[k].toFixed(0) + " m"], ["light", light < 0 ? "none" : LIGHTS[light]],
  ];
  readout.replaceChildren(...figures.map(([name, value]) => h("span", { class: name === "light" && light >= 0 ? "lit" + Math.min(3, light) : null }, name + " ", h("b", {}, value))));
  let current = null;
  for (const candidate of course.thoughts) if (candidate.time_s <= now + 1e-6) current = candidate; else break;
  thought.hidden = !current;
  if (current) {
    const decisions = Object.entries(current.decisions).map(([name, value]) => `${words(name)}: ${words(String(value))}`).join(" · ");
    thought.replaceChildren(...(decisions ? [h("em", {}, decisions)] : []), current.text);
  }
}

/** Infractions and scenarios in the order of time, each a button that goes there. */
function happenings(row, course, go) {
  const list = row.infractions.map(([kind, time, , , message]) => ({ time, kind, name: words(kind), message }));
  for (const event of course.scenarios) {
    if (event.phase === "planned") continue;
    list.push({ time: event.time_s, kind: "scenario", name: `${event.type} ${words(event.phase)}`, message: event.reason });
  }
  list.sort((a, b) => a.time - b.time);
  if (!list.length && row.verdict === "invalid") return h("p", { class: "invalid-note" }, "The route was completed, but its scenario never happened: it is not passed and scores 0.");
  if (!list.length) return h("p", { class: "good-note" }, "No infraction.");
  return h("ol", { class: "happenings", "aria-label": "What happened" }, ...list.map((item) => h("li", {},
    h("button", { type: "button", onclick: () => go(item.time), "data-time": item.time }, h("b", {}, item.time.toFixed(1) + " s"), h("i", { class: "dot kind-" + item.kind }),
      h("span", {}, item.name), item.message ? h("small", {}, item.message) : null))));
}

function closing(course) {
  const parts = [];
  if (course.agentError) parts.push(h("details", { class: "fold" }, h("summary", {}, "Why the agent failed"), h("pre", {}, course.agentError)));
  const rows = [...course.figures, ...course.details].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
  parts.push(h("details", { class: "fold" }, h("summary", {}, "All figures of this episode"), h("dl", { class: "values" }, ...rows)));
  return parts;
}
