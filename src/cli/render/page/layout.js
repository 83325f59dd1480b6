// Where the boxes of a graph stand: columns from left to right, each model behind the last of its parents. An edge that
// passes a column has a slot of its own there, so that none runs behind a box. After Sugiyama, Tagawa and Toda, 1981:
// columns, order by barycentres, places by the mean of the neighbours.

const BOX = 26; // a box's height
const SLOT = 12; // that of a passing edge
const GAP = 8;
const BETWEEN = 70; // between two columns
const MAX_WIDTH = 260;

// As wide as it is drawn, with the sign before it.
const pen = document.createElement("canvas").getContext("2d");
pen.font = `12.5px ${getComputedStyle(document.body).fontFamily}`;
const textWidth = (text) => pen.measureText(text).width;
const labelWidth = (name) => Math.min(MAX_WIDTH, 36 + textWidth(name));

// `names` by number, `edges` as pairs of numbers, in an order in which parents come first.
function layout(order, edges, nameOf) {
  const column = new Map();
  const parents = new Map(order.map((at) => [at, []]));
  edges.forEach(([from, to]) => parents.get(to).push(from));
  order.forEach((at) => column.set(at, Math.max(-1, ...parents.get(at).map((from) => column.get(from))) + 1));
  // what nobody in the picture reads from stands right before the first that reads it
  const readers = new Map(order.map((at) => [at, []]));
  edges.forEach(([from, to]) => readers.get(from).push(to));
  [...order].reverse().forEach((at) => {
    if (!parents.get(at).length && readers.get(at).length) column.set(at, Math.min(...readers.get(at).map((to) => column.get(to))) - 1);
  });

  const nodes = order.map((at) => ({ at, column: column.get(at), height: BOX, width: labelWidth(nameOf(at)), above: [], below: [] }));
  const byNumber = new Map(nodes.map((node) => [node.at, node]));
  const paths = edges.map(([from, to]) => {
    const path = [byNumber.get(from)];
    for (let at = column.get(from) + 1; at < column.get(to); at++) path.push({ column: at, height: SLOT, width: 0, above: [], below: [] });
    path.push(byNumber.get(to));
    path.slice(1).forEach((node, nth) => (node.above.push(path[nth]), path[nth].below.push(node)));
    nodes.push(...path.slice(1, -1));
    return path;
  });

  const layers = [];
  nodes.forEach((node) => (layers[node.column] ||= []).push(node));
  const sweeps = nodes.length > 4000 ? 4 : 10;
  const number = () => layers.forEach((layer) => layer.forEach((node, nth) => (node.nth = nth)));
  const mean = (all, of) => all.reduce((sum, node) => sum + of(node), 0) / all.length;
  number();
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const of = (node) => (down ? node.above : node.below);
      layer.forEach((node) => (node.wanted = of(node).length ? mean(of(node), (it) => it.nth) : node.nth));
      layer.sort((a, b) => a.wanted - b.wanted || a.nth - b.nth);
      layer.forEach((node, nth) => (node.nth = nth));
    }
  }

  layers.forEach((layer) => layer.reduce((y, node) => ((node.y = y), y + node.height + GAP), 0));
  for (let sweep = 0; sweep < sweeps; sweep++) {
    for (const layer of sweep % 2 === 0 ? layers : [...layers].reverse()) settle(layer, sweep % 2 === 0);
  }
  let x = 0;
  layers.forEach((layer) => {
    const width = Math.max(...layer.map((node) => node.width));
    layer.forEach((node) => ((node.x = x), (node.columnWidth = width)));
    x += width + BETWEEN;
  });
  const top = Math.min(...nodes.map((node) => node.y));
  nodes.forEach((node) => (node.y -= top));
  const height = Math.max(...nodes.map((node) => node.y + node.height));
  return { boxes: order.map((at) => byNumber.get(at)), paths, width: x - BETWEEN, height };
}

// Each node as near as it can be to the middle of its neighbours, in order and without overlapping.
function settle(layer, down) {
  const middle = (node) => node.y + node.height / 2;
  layer.forEach((node) => {
    const near = down ? node.above : node.below;
    node.wanted = (near.length ? near.reduce((sum, it) => sum + middle(it), 0) / near.length : middle(node)) - node.height / 2;
  });
  // groups of nodes that touch stand together where they are wanted on average
  const groups = [];
  for (const node of layer) {
    let group = { nodes: [node], height: node.height, sum: node.wanted, start: node.wanted };
    let last;
    while ((last = groups[groups.length - 1]) && last.start + last.height + GAP > group.start) {
      groups.pop();
      const offset = last.height + GAP;
      group = {
        nodes: [...last.nodes, ...group.nodes],
        height: offset + group.height,
        sum: last.sum + group.sum - group.nodes.length * offset,
      };
      group.start = group.sum / group.nodes.length;
    }
    groups.push(group);
  }
  groups.forEach((group) => group.nodes.reduce((y, node) => ((node.y = y), y + node.height + GAP), group.start));
}

// The line of an edge: across each column that it passes on its slot, and curved between them.
function edgePath(path) {
  const middle = (node) => node.y + node.height / 2;
  const first = path[0];
  let d = `M${first.x + first.width} ${middle(first)}H${first.x + first.columnWidth}`;
  path.slice(1).forEach((node, nth) => {
    const before = path[nth];
    const [x0, y0, x1, y1] = [before.x + before.columnWidth, middle(before), node.x, middle(node)];
    const half = (x0 + x1) / 2;
    d += `C${half} ${y0} ${half} ${y1} ${x1} ${y1}`;
    if (nth < path.length - 2) d += `H${node.x + node.columnWidth}`;
  });
  return d;
}
