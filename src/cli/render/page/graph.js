// The drawing of the models, opened where something changed.

const WORDS = {
  added: ["+", "new"],
  direct: ["~", "changed"],
  own: ["~", "changed by the branch"],
  indirect: ["≈", "reached by a change"],
  both: ["~", "changed by both"],
  behind: ["▽", "behind"],
  build: ["⚙", "to be built"],
  metadata: ["·", "described anew"],
  removed: ["−", "gone"],
};

// The models in the picture, and what it is about.
function pictured() {
  const all = models.map((_, at) => at).filter((at) => models[at].kind);
  const model = chosenModel();
  const environment = chosenEnvironment();
  const changed = all.filter((at) => change(at, environment) !== "unchanged");
  if (view.get("all") === "1") return { set: new Set(all), about: `all ${count(all.length, "model")}` };
  if (model !== undefined) return { set: new Set([...above(model), ...below(model)]), about: `what ${models[model].name} reads, and what reads it` };
  if (changed.length) {
    const near = new Set(changed);
    changed.forEach((at) => [...(models[at].parents || []), ...children[at]].forEach((it) => near.add(it)));
    return { set: near, about: environment ? `where ${environment.name} differs from prod` : `what ${page.branch} changes` };
  }
  return { set: new Set(all.length <= 40 ? all : []), about: "" };
}

function drawGraph() {
  const { set, about } = pictured();
  const order = models.map((_, at) => at).filter((at) => set.has(at) && models[at].kind);
  const all = view.get("all") === "1";
  const environment = chosenEnvironment();
  const kinds = [...new Set(order.map((at) => change(at, environment)))].filter((kind) => WORDS[kind]);
  byId("graph-tools").replaceChildren(
    tool(`all ${count(models.length, "model")}`, all, { all: all ? "" : "1" }),
    el("button", { onclick: () => zoom(1.25), "aria-label": "nearer" }, "+"),
    el("button", { onclick: () => zoom(0.8), "aria-label": "farther" }, "−"),
    el("button", { onclick: () => fit() }, "fit"),
    about && el("span", {}, about),
    el("span", { class: "legend" }, kinds.map((kind) => el("span", { class: `key ${kind}` }, `${WORDS[kind][0]} ${WORDS[kind][1]}`))),
  );
  if (!order.length) {
    byId("drawing").replaceChildren(el("p", { class: "quiet" }, "Nothing differs, so there is nothing to single out."));
    return;
  }
  const edges = order.flatMap((at) => models[at].parents.filter((from) => set.has(from) && models[from].kind).map((from) => [from, at]));
  const placed = layout(order, edges, (at) => models[at].name);
  const lit = litParts();
  const isLit = ([from, to]) => lit && lit.has(from) && lit.has(to);
  const drawn = svg(
    "svg",
    { class: lit ? "models dimmed" : "models", role: "group", "aria-label": "The graph of the models" },
    edges.map((edge, nth) => svg("path", { class: isLit(edge) ? "edge lit" : "edge", d: edgePath(placed.paths[nth]) })),
    placed.boxes.map((box) => drawnBox(box, environment, lit)),
  );
  byId("drawing").replaceChildren(drawn);
  picture = { drawn, width: placed.width, height: placed.height };
  pannable(drawn);
  fit();
}

// The models on the way of what is chosen; nothing where nothing is.
function litParts() {
  const model = chosenModel();
  if (model === undefined) return null;
  const column = view.get("column");
  if (column) return new Set(traced(model, column).map(([at]) => at));
  return new Set([...above(model), ...below(model)]);
}

function drawnBox(box, environment, lit) {
  const name = models[box.at].name;
  const kind = change(box.at, environment);
  const sign = WORDS[kind] ? `${WORDS[kind][0]} ` : "";
  let label = name;
  while (textWidth(label) > MAX_WIDTH - 36) label = `…${label.slice(2)}`;
  const choose = () => view.set({ model: name, column: "" });
  const onkeydown = (event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), choose());
  const classes = ["box", kind, lit && lit.has(box.at) && "lit", chosenModel() === box.at && "chosen"];
  return svg(
    "g",
    { class: classes.filter(Boolean).join(" "), tabindex: "0", role: "button", "aria-label": `${name}${WORDS[kind] ? `, ${WORDS[kind][1]}` : ""}`, onclick: choose, onkeydown },
    svg("title", {}, name),
    svg("rect", { x: box.x, y: box.y, width: box.width, height: box.height, rx: 4 }),
    svg("text", { x: box.x + 10, y: box.y + 17.5 }, sign + label),
  );
}

// What part of the drawing is seen.
let picture = null;
let seen = { x: 0, y: 0, scale: 1 };

function look() {
  const { drawn, width, height } = picture;
  const box = drawn.getBoundingClientRect();
  const [w, h] = [(box.width || 800) / seen.scale, (box.height || 400) / seen.scale];
  drawn.setAttribute("viewBox", `${seen.x} ${seen.y} ${w} ${h}`);
}

function fit() {
  if (!picture) return;
  const { drawn, width, height } = picture;
  const wide = drawn.parentElement.clientWidth || 800;
  const scale = Math.min(1.1, Math.max(0.25, wide / (width + 20)));
  const high = Math.min(Math.max(120, (height + 20) * scale), Math.max(320, window.innerHeight * 0.7));
  drawn.style.height = `${high}px`;
  const model = chosenModel();
  const box = model !== undefined && drawn.querySelector(".chosen rect");
  const [w, h] = [wide / scale, high / scale];
  const at = (start, length, all) => (all <= length ? (all - length) / 2 : Math.min(Math.max(-10, start - length / 2), all + 10 - length));
  const [x, y] = box ? [+box.getAttribute("x"), +box.getAttribute("y")] : [0, 0];
  seen = { x: at(x, w, width), y: at(y, h, height), scale };
  look();
}

function zoom(by, point) {
  if (!picture) return;
  const box = picture.drawn.getBoundingClientRect();
  const [px, py] = point || [box.width / 2, box.height / 2];
  const scale = Math.min(4, Math.max(0.1, seen.scale * by));
  seen.x += px / seen.scale - px / scale;
  seen.y += py / seen.scale - py / scale;
  seen.scale = scale;
  look();
}

function pannable(drawn) {
  let from = null;
  drawn.addEventListener("pointerdown", (event) => (from = { x: event.clientX, y: event.clientY, seen: { ...seen } }));
  drawn.addEventListener("pointermove", (event) => {
    if (!from || !event.buttons) return;
    seen.x = from.seen.x - (event.clientX - from.x) / seen.scale;
    seen.y = from.seen.y - (event.clientY - from.y) / seen.scale;
    look();
  });
  drawn.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = drawn.getBoundingClientRect();
    zoom(event.deltaY < 0 ? 1.15 : 0.87, [event.clientX - box.left, event.clientY - box.top]);
  }, { passive: false });
}
