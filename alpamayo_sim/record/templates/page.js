"use strict";
// What every part of the page uses: the data, elements, words.
const SVG = "http://www.w3.org/2000/svg";
const data = JSON.parse(document.getElementById("data").textContent);
const LIGHTS = ["red", "yellow", "green", "off", "unknown"];
const VERDICTS = { passed: "passed", flawed: "infractions", failed: "failed", invalid: "invalid", lost: "infrastructure" };

/** An HTML element; children that are strings become text, never markup. */
function h(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** An SVG element, appended to `parent` if there is one. */
function svg(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  if (parent) parent.append(node);
  return node;
}

function svgText(content, x, y, parent, anchor, className) {
  const node = svg("text", { x, y, "text-anchor": anchor || "start" }, parent);
  if (className) node.setAttribute("class", className);
  node.textContent = content;
  return node;
}

function clock(seconds) {
  const whole = Math.floor(seconds + 1e-6);
  return Math.floor(whole / 60) + ":" + String(whole % 60).padStart(2, "0");
}

const words = (name) => name.replaceAll("_", " ");

function niceStep(span, count) {
  const raw = span / count;
  const power = Math.pow(10, Math.floor(Math.log10(raw)));
  for (const factor of [1, 2, 5]) if (raw <= factor * power) return factor * power;
  return 10 * power;
}

function pathOf(xs, ys) {
  let path = "";
  for (let k = 0; k < xs.length; k++) path += (k ? "L" : "M") + xs[k].toFixed(2) + " " + ys[k].toFixed(2);
  return path;
}

/** The largest k with times[k] <= t, at least 0. */
function indexAt(times, t) {
  let low = 0, high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= t + 1e-6) low = middle; else high = middle - 1;
  }
  return low;
}
