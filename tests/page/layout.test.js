// The graph's layout: no edge behind a box, no two boxes on each other, parents to the left of their children.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");
const vm = require("node:vm");

const source = fs.readFileSync(path.join(__dirname, "../../src/cli/render/page/layout.js"), "utf8");
const pen = { measureText: (text) => ({ width: text.length * 7 }) };
const document = { createElement: () => ({ getContext: () => pen }), body: {} };
const context = vm.createContext({ document, getComputedStyle: () => ({ fontFamily: "sans-serif" }) });
vm.runInContext(`${source}\nthis.layout = layout; this.edgePath = edgePath;`, context);
const { layout, edgePath } = context;

function random(seed) {
  return () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
}

function graph(seed) {
  const next = random(seed);
  const size = 2 + Math.floor(next() * 40);
  const order = Array.from({ length: size }, (_, at) => at);
  const edges = [];
  for (let to = 1; to < size; to++) {
    const parents = new Set(Array.from({ length: Math.floor(next() * 4) }, () => Math.floor(next() * to)));
    parents.forEach((from) => edges.push([from, to]));
  }
  return { order, edges, name: (at) => "m".repeat(1 + ((at * 7) % 30)) };
}

// Points of a path of M, H and C, close to each other.
function points(d) {
  const all = [];
  let [x, y] = [0, 0];
  for (const [, letter, rest] of d.matchAll(/([MHC])([^MHC]*)/g)) {
    const n = rest.trim().split(/[ ,]+/).map(Number);
    if (letter === "M") [x, y] = n;
    if (letter === "H") {
      for (let t = 0; t <= 1; t += 0.05) all.push([x + (n[0] - x) * t, y]);
      x = n[0];
    }
    if (letter === "C") {
      const [x1, y1, x2, y2, x3, y3] = n;
      for (let t = 0; t <= 1; t += 0.02) {
        const [a, b, c, e] = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3];
        all.push([a * x + b * x1 + c * x2 + e * x3, a * y + b * y1 + c * y2 + e * y3]);
      }
      [x, y] = [x3, y3];
    }
  }
  return all;
}

test("no edge runs behind a box, and no box lies on another", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const { order, edges, name } = graph(seed);
    const { boxes, paths, width, height } = layout(order, edges, name);
    const inside = (box, [x, y]) => x > box.x + 0.5 && x < box.x + box.width - 0.5 && y > box.y + 0.5 && y < box.y + box.height - 0.5;
    paths.forEach((path, nth) => {
      const [from, to] = edges[nth];
      for (const point of points(edgePath(path))) {
        const hit = boxes.find((box) => inside(box, point));
        assert.equal(hit, undefined, `seed ${seed}: the edge ${from} → ${to} runs behind ${hit && hit.at}`);
      }
    });
    const box = new Map(boxes.map((box) => [box.at, box]));
    edges.forEach(([from, to]) => assert.ok(box.get(from).x + box.get(from).width < box.get(to).x, `seed ${seed}: ${from} → ${to}`));
    for (const a of boxes) {
      assert.ok(a.x >= 0 && a.y >= 0 && a.x + a.width <= width && a.y + a.height <= height, `seed ${seed}: ${a.at} is outside`);
      for (const b of boxes) {
        const apart = a === b || a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        assert.ok(apart, `seed ${seed}: ${a.at} and ${b.at} overlap`);
      }
    }
  }
});
