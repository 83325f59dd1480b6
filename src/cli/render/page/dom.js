// Making elements: everything that people wrote becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const byId = (id) => document.getElementById(id);

// A table that is scrolled where it is wider than what is around it: no word of it is broken.
const wide = (label, table) => el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": label }, table);

const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
const short = (id) => (id || "").slice(0, 8);

function bytes(n) {
  if (n === null || n === undefined) return null;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (n >= 1000 && at < units.length - 1) (n /= 1000), at++;
  return `${n < 10 && at ? n.toFixed(1) : Math.round(n)} ${units[at]}`;
}

// A moment, in seconds since 1970, told from when the page was made.
function ago(then, now) {
  const steps = [[60, "s"], [60, "min"], [24, "h"], [30, "d"], [12, "mo"], [Infinity, "y"]];
  let n = Math.max(0, now - then);
  for (const [size, unit] of steps) {
    if (n < size) return `${Math.floor(n)} ${unit} ago`;
    n /= size;
  }
}

// How long something will take, as earlier times tell; nothing if it is not worth a word.
function about(seconds) {
  if (seconds === null || seconds === undefined || seconds < 1) return null;
  if (seconds < 90) return `about ${Math.floor(seconds)} s`;
  return seconds < 5400 ? `about ${Math.round(seconds / 60)} min` : `about ${Math.round(seconds / 3600)} h`;
}

const duration = (seconds) => (seconds < 10 ? `${seconds.toFixed(2)} s` : seconds < 600 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`);

const moment = (seconds) => new Date(seconds * 1000).toISOString().replace("T", " ").slice(0, 16) + " UTC";
