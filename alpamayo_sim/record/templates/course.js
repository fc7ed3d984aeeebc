// Unpacks what packed_course.py has packed.
const PLACE_M = 0.1;
const loading = new Map();

function sums(differences, step) {
  let total = 0;
  return differences.map((difference) => (total += difference) * step);
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}

async function unpack(base64) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

/** The course of an episode, unpacked at the first call. */
function loadCourse(run, index) {
  const key = `${run}-${index}`;
  if (!loading.has(key)) loading.set(key, readCourse(key));
  return loading.get(key);
}

async function readCourse(key) {
  const packed = await unpack(document.getElementById("course-" + key).textContent);
  const course = { thoughts: packed.thoughts, scenarios: packed.scenarios, figures: packed.figures, details: packed.details, agentError: packed.agent_error };
  for (const [name, differences] of Object.entries(packed.columns)) course[name] = sums(differences, packed.scales[name]);
  course.near = {
    times: sums(packed.near.time_s, packed.scales.time_s),
    tracks: packed.near.tracks.map(([type, length, width, first, x, y, yaw]) => ({
      type, length, width, first, x: sums(x, PLACE_M), y: sums(y, PLACE_M), yaw: sums(yaw, 1),
    })),
  };
  course.plans = packed.plans.map(([time, x, y]) => ({ time, x: sums(x, PLACE_M), y: sums(y, PLACE_M) }));
  course.map = { ...packed.map, pieces: sums(packed.map.pieces, 1), route: packed.map.route.map((d) => sums(d, PLACE_M)) };
  return course;
}

const townPaths = new Map();

/** The outlines of a town's lane pieces: [kind, path], made once. */
function townPieces(town) {
  if (!townPaths.has(town)) {
    const pieces = data.towns[town].pieces.map(([kind, x, y]) => [kind, pathOf(sums(x, PLACE_M), sums(y, PLACE_M)) + "Z"]);
    townPaths.set(town, pieces);
  }
  return townPaths.get(town);
}

const LANE_KINDS = ["sidewalk", "shoulder", "parking", "biking", "driving"];

/** Draws lane pieces of a town into `parent`, one path a kind. */
function drawLanes(town, numbers, parent) {
  const pieces = townPieces(town);
  const chosen = numbers ? numbers.map((number) => pieces[number]) : pieces;
  for (const kind of LANE_KINDS) {
    const d = chosen.filter((piece) => piece[0] === kind).map((piece) => piece[1]).join("");
    if (d) svg("path", { class: "lane " + kind, d }, parent);
  }
}
