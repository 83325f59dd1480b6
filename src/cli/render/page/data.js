// The page's data, and what is looked up in them.

async function unpacked(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

const page = await unpacked(byId("data").textContent.trim());
const { models, versions, environments, commits } = page;
const prod = environments.find((environment) => environment.name === "prod");
const numbers = new Map(models.map((model, at) => [model.name, at]));
const children = models.map(() => []);
models.forEach((model, at) => (model.parents || []).forEach((parent) => children[parent].push(at)));

// Prod first, then the environment of the branch that is checked out, then the newest.
const rank = (environment) => (environment.name === "prod" ? 0 : environment.name === page.environment ? 1 : 2);
const columns = [...environments].sort((a, b) => rank(a) - rank(b) || b.updated_at - a.updated_at);

const shows = (environment, model) => (environment ? environment.shows[model] : null);
const table = (version) => (version === null ? null : versions[version].table);
const differs = (environment, model) => table(shows(environment, model)) !== table(shows(prod, model));
const environmentNamed = (name) => environments.find((environment) => environment.name === name);

// How a model stands in what is looked at: the plan of the current branch, or an environment beside prod.
function change(model, environment) {
  if (environment) {
    if (!differs(environment, model)) return "unchanged";
    if (shows(environment, model) === null) return "removed";
    return shows(prod, model) === null ? "added" : environment.marks[model] || "own";
  }
  const { change, action } = models[model];
  if (change === undefined) return "unchanged";
  return change === "unchanged" && action === "build" ? "build" : change;
}

// All models on the way from these, parents or children.
function reach(from, next) {
  const seen = new Set(from);
  const todo = [...from];
  while (todo.length) {
    for (const at of next(todo.pop())) if (!seen.has(at)) seen.add(at), todo.push(at);
  }
  return seen;
}
const above = (model) => reach([model], (at) => models[at].parents || []);
const below = (model) => reach([model], (at) => children[at]);

// Where a column's values come from and go to: parts of models, each a model's number and a column in lower case; or "" for
// which rows there are, and "*" for a model whose text is not understood, where the way ends.
function traced(model, column) {
  const lower = (text) => text.toLowerCase();
  const columnsOf = (at) => models[at].columns || [];
  const isColumn = (name) => name !== "" && name !== "*";
  const up = ([at, name]) => {
    const found = isColumn(name) && columnsOf(at).find((it) => lower(it.name) === name);
    if (!found) return [];
    if (!found.from) return (models[at].parents || []).map((parent) => [parent, "*"]);
    return found.from.filter(([from]) => typeof from === "number").map(([from, it]) => [from, lower(it)]);
  };
  const down = ([at, name]) => {
    if (!isColumn(name)) return [];
    const takes = (from) => from && from.some(([of, it]) => of === at && lower(it) === name);
    return children[at].flatMap((child) => {
      if (!models[child].rows) return [[child, "*"]];
      const taking = columnsOf(child).filter((it) => takes(it.from)).map((it) => [child, lower(it.name)]);
      return takes(models[child].rows) ? [...taking, [child, ""]] : taking;
    });
  };
  const all = new Map();
  for (const next of [up, down]) {
    const todo = [[model, lower(column)]];
    const seen = new Set();
    while (todo.length) {
      const part = todo.pop();
      const key = part.join(" ");
      if (seen.has(key)) continue;
      seen.add(key);
      all.set(key, part);
      todo.push(...next(part));
    }
  }
  return [...all.values()];
}

// What is looked at, as the address says it: a page that is shared shows the same.
const view = {
  get: (name) => new URLSearchParams(location.hash.slice(1)).get(name) || "",
  set(changes, then = draw) {
    const all = new URLSearchParams(location.hash.slice(1));
    for (const [name, value] of Object.entries(changes)) value ? all.set(name, value) : all.delete(name);
    history.replaceState(null, "", `#${all}`);
    then();
  },
};
const chosenEnvironment = () => environmentNamed(view.get("env"));
const chosenModel = () => numbers.get(view.get("model"));
