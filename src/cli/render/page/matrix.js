// Models × environments: a cell is a table, equal colours are the same table.

const MOST_ROWS = 200;
const SIGNS = { own: ["●", "changed by the branch"], behind: ["▽", "main has changed it since"], both: ["◆", "changed by both"] };

// The same table has the same hue everywhere.
function colour(version) {
  let hash = 7;
  for (const letter of table(version)) hash = (hash * 31 + letter.charCodeAt(0)) % 3600;
  return `--hue:${hash / 10}`;
}

function matched(model) {
  const words = view.get("q").toLowerCase().split(/\s+/).filter(Boolean);
  const { name, tags = [], owner } = models[model];
  const text = [name, owner || "", ...tags].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

function rowsShown() {
  const all = view.get("all") === "1";
  const is = (at) => matched(at) && (all || view.get("q") || environments.some((environment) => differs(environment, at)));
  const rows = models.map((_, at) => at).filter(is);
  if (view.get("sort") === "name") rows.sort((a, b) => models[a].name.localeCompare(models[b].name));
  return rows;
}

function cell(environment, model) {
  const version = shows(environment, model);
  if (version === null) return el("td", { class: "none", title: `${environment.name} has no ${models[model].name}` }, "–");
  const same = !differs(environment, model);
  const mark = environment === prod || same ? null : SIGNS[environment.marks[model]] || SIGNS.own;
  const told = mark ? mark[1] : environment === prod ? "" : "as prod";
  const title = `${environment.name} · ${models[model].name} · ${versions[version].table}${told && ` · ${told}`}`;
  return el("td", { class: same ? "same" : "other", style: same ? null : colour(version), title }, mark ? mark[0] : "·");
}

function tool(label, on, changes) {
  return el("button", { "aria-pressed": String(on), onclick: () => view.set(changes) }, label);
}

let allRows = false;

function drawMatrix() {
  const all = view.get("all") === "1";
  const byName = view.get("sort") === "name";
  const rows = rowsShown();
  byId("matrix-tools").replaceChildren();
  fill(byId("matrix-tools"), {}, [
    tool(`all ${count(models.length, "model")}`, all, { all: all ? "" : "1" }),
    tool("by name", byName, { sort: byName ? "" : "name" }),
    ["equal colours: the same table", "· as prod", ...Object.values(SIGNS).map(([sign, told]) => `${sign} ${told}`)].map((key) => el("span", { class: "quiet" }, key)),
  ]);
  if (!environments.length) return byId("matrix-table").replaceChildren(el("p", { class: "quiet" }, "No environment yet: vmesh promote"));
  if (!rows.length) {
    const why = view.get("q") ? "No model of that name." : "Every environment shows what prod shows.";
    return byId("matrix-table").replaceChildren(el("p", { class: "quiet" }, why));
  }
  const some = allRows ? rows : rows.slice(0, MOST_ROWS);
  const head = columns.map((environment) => {
    const chosen = view.get("env") === environment.name;
    const choose = () => view.set({ env: chosen || environment === prod ? "" : environment.name });
    return el("th", { scope: "col", class: chosen ? "chosen" : null }, el("button", { onclick: choose, title: `${environment.branch} at ${short(environment.commit)}`, "aria-pressed": String(chosen) }, environment.name));
  });
  const line = (at) =>
    el(
      "tr",
      { class: chosenModel() === at ? "chosen" : null },
      el("th", { scope: "row" }, el("button", { onclick: () => view.set({ model: models[at].name, column: "" }) }, models[at].name)),
      columns.map((environment) => cell(environment, at)),
    );
  const more = () => ((allRows = true), drawMatrix());
  byId("matrix-table").replaceChildren(
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Models and environments" }, el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "model"), head)), el("tbody", {}, some.map(line)))),
    some.length < rows.length ? el("button", { onclick: more }, `${rows.length - some.length} more`) : "",
  );
}
