// A model's panel: what it is, where it stands, why, its columns and its text.

// Lines of two texts, each kept (" "), gone ("-") or come ("+"): a longest common subsequence.
function lineDiff(before, after) {
  const [a, b] = [before.split("\n"), after.split("\n")];
  if (a.length * b.length > 4e6) return [...a.map((line) => ["-", line]), ...b.map((line) => ["+", line])];
  const wide = b.length + 1;
  const longest = new Uint16Array((a.length + 1) * wide);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * wide + j] = a[i] === b[j] ? longest[(i + 1) * wide + j + 1] + 1 : Math.max(longest[(i + 1) * wide + j], longest[i * wide + j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) lines.push([" ", a[i++]]), j++;
    else if (j >= b.length || (i < a.length && longest[(i + 1) * wide + j] >= longest[i * wide + j + 1])) lines.push(["-", a[i++]]);
    else lines.push(["+", b[j++]]);
  }
  return lines;
}

const SIGN = { "-": "gone", "+": "come", " ": "kept" };

// Prod's text of a model, and an environment's or, without one, the files': as written, or with the macros expanded.
function textOf(model, environment, isExpanded = false) {
  const own = environment ? shows(environment, model) : null;
  const at = (number) => (number === null || number === undefined ? null : page.texts[number]);
  const text = (it) => (isExpanded && at(it.expanded) !== null ? at(it.expanded) : at(it.text));
  const of = (version) => (version === null ? "" : text(versions[version]));
  return [of(shows(prod, model)), environment ? of(own) : text(models[model])];
}

function textSection(title, [before, after], whose) {
  if (before === after) return [el("h3", {}, title), el("pre", { tabindex: "0" }, after || "")];
  const lines = lineDiff(before || "", after || "").map(([sign, line]) => el("span", { class: SIGN[sign] }, `${sign} ${line}`));
  return [el("h3", {}, `${title}: prod → ${whose}`), el("pre", { class: "diff", tabindex: "0" }, lines)];
}

function texts(model) {
  const environment = chosenEnvironment();
  const whose = environment ? environment.name : "the files";
  const written = textOf(model, environment);
  if (written.includes(null)) return el("p", { class: "quiet" }, "Its text is in no commit that is shown here.");
  const expanded = textOf(model, environment, true);
  const hasMacros = expanded.some((text, at) => text !== written[at]);
  return [textSection("Text", written, whose), hasMacros ? textSection("Its macros expanded", expanded, whose) : []];
}

// The line at which its file was edited.
const edited = (model) => models[model].edited && `${models[model].edited.path}:${models[model].edited.line}`;

// Why it is built or not: up to the models whose own text changed.
function why(model) {
  const { change: kind, action, reason, changed } = models[model];
  if (!kind) return null;
  const roots = kind === "indirect" ? [...above(model)].filter((at) => at !== model && ["direct", "added"].includes(models[at].change)) : [];
  const lists = changed ? [["+", changed.added], ["−", changed.removed], ["~", changed.changed]] : [];
  const columnsChanged = lists.flatMap(([sign, names]) => names.map((name) => `${sign}${name}`));
  return [
    el("h3", {}, `In ${page.environment}`),
    el("p", {}, el("span", { class: `key ${kind}` }, `${kind} · ${action}`), ` ${reason}`),
    columnsChanged.length ? el("p", {}, "columns: ", el("code", {}, columnsChanged.join(" "))) : null,
    kind === "direct" && edited(model) ? el("p", {}, "first at ", el("code", {}, edited(model))) : null,
    roots.length ? el("p", {}, "because of ", roots.map((at) => [modelLink(at), ` (${[models[at].reason, edited(at)].filter(Boolean).join(", ")}) `])) : null,
  ];
}

const modelLink = (at) => el("button", { class: "link", onclick: () => view.set({ model: models[at].name, column: "" }) }, models[at].name);

function links(label, all) {
  const some = all.slice(0, 30);
  return all.length ? el("p", {}, `${label} `, some.map((at) => [modelLink(at), " "]), all.length > some.length ? `and ${all.length - some.length} more` : "") : null;
}

function columnRows(model) {
  const { columns: all = [] } = models[model];
  const chosen = view.get("column").toLowerCase();
  return all.map(({ name, type, description, from }) => {
    const told = from === null ? "not understood: all of what it reads" : from.map(([it, column]) => `${typeof it === "number" ? models[it].name : it}.${column}`).join(", ");
    const is = chosen === name.toLowerCase();
    const choose = () => view.set({ column: is ? "" : name });
    return el(
      "tr",
      { class: is ? "chosen" : null },
      el("th", { scope: "row" }, el("button", { class: "link", onclick: choose, "aria-pressed": String(is), title: "where it comes from and goes to" }, name)),
      el("td", {}, type ? el("code", {}, type) : ""),
      el("td", {}, description ? el("span", {}, `${description} `) : "", el("span", { class: "quiet" }, told ? `← ${told}` : "")),
    );
  });
}

// The environments, by the table that they show.
function standing(model) {
  const groups = new Map();
  columns.forEach((environment) => {
    const version = shows(environment, model);
    const key = table(version) ?? "";
    if (!groups.has(key)) groups.set(key, [version, []]);
    groups.get(key)[1].push(environment);
  });
  return [...groups.values()].map(([version, all]) => {
    const names = all.slice(0, 8).map((environment) => [flag(environment), " "]);
    const more = all.length > 8 ? `and ${all.length - 8} more` : "";
    if (version === null) return el("li", {}, "not in ", names, more);
    const { table: name, built_at, bytes: size, rows } = versions[version];
    const facts = [built_at && `filled ${ago(built_at, page.at)}`, rows !== null && count(rows, "row"), bytes(size)].filter(Boolean).join(" · ");
    return el("li", {}, el("code", { class: "table", style: colour(version) }, name), " ", names, more, el("span", { class: "quiet" }, ` ${facts}`));
  });
}

const VERDICT = { passed: ["✓", "passed", "come"], failed: ["✗", "failed", "gone"] };

// Its audits and unit tests, and what they said of the branch's version.
function checks(model) {
  const all = models[model].checks || [];
  if (!all.length) return [];
  const line = ({ name, kind, blocking, verdict, why: cause }) => {
    const [sign, word, style] = VERDICT[verdict] || ["–", kind === "test" ? "not run for this page: vmesh page --test" : "not run on this version yet", "quiet"];
    const told = [kind === "audit" && blocking === false ? "audit that only warns" : kind, cause ? `${word}: ${cause}` : word].join(" · ");
    return el("li", {}, el("span", { class: `verdict ${style}`, "aria-hidden": "true" }, sign), " ", el("code", {}, name), " ", el("span", { class: "quiet" }, told));
  };
  return [el("h3", {}, "Audits and tests"), el("ul", { class: "standing checks" }, all.map(line))];
}

// Its last builds: who, from what, how long, how many rows.
function builds(model) {
  const all = models[model].builds || [];
  if (!all.length) return [];
  const row = ({ table: name, at, seconds, loads, rows, who, branch, commit, dirty }) =>
    el(
      "tr",
      {},
      el("td", { title: `${moment(at)} · ${name}` }, ago(at, page.at)),
      el("td", {}, who, el("span", { class: "quiet" }, ` ${[branch, commit && short(commit)].filter(Boolean).join(" at ")}${dirty ? ", changed" : ""}`)),
      el("td", { class: "number" }, rows === null ? "" : rows.toLocaleString("en")),
      el("td", { class: "number" }, duration(seconds) + (loads > 1 ? ` in ${loads} loads` : "")),
    );
  const head = ["when", "who, from what", "rows", "took"].map((word, at) => el("th", { scope: "col", class: at > 1 ? "number" : null }, word));
  return [el("h3", {}, "Builds"), wide("Builds", el("table", { class: "columns past" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, all.map(row))))];
}

function commands(model) {
  const { name } = models[model];
  const other = chosenEnvironment() || columns.find((environment) => environment !== prod && differs(environment, model));
  const all = [`vmesh render ${name}`, `vmesh blame ${name}`, `vmesh log ${name}`];
  if (other && prod && differs(other, model)) all.unshift(`vmesh table-diff ${name} prod ${other.name}`);
  return el("pre", { tabindex: "0" }, all.join("\n"));
}

function drawPanel() {
  const panel = byId("panel");
  const model = chosenModel();
  panel.hidden = model === undefined;
  document.body.classList.toggle("with-panel", !panel.hidden);
  if (panel.hidden) return panel.replaceChildren();
  const it = models[model];
  const facts = [it.kind, it.path, it.owner && `owner ${it.owner}`, it.tags && it.tags.length ? it.tags.join(", ") : null];
  panel.replaceChildren();
  fill(panel, {}, [
    el("button", { class: "close", onclick: closePanel, "aria-label": "close" }, "×"),
    el("h2", {}, it.name),
    el("p", { class: "quiet" }, facts.filter(Boolean).join(" · ")),
    it.description ? el("p", {}, it.description) : "",
    links("reads", it.parents || []) || "",
    it.sources && it.sources.length ? el("p", {}, "and tables that no model makes: ", el("code", {}, it.sources.join(", "))) : "",
    links("read by", children[model]) || "",
    el("h3", {}, "Environments"),
    el("ul", { class: "standing" }, standing(model)),
    why(model) || [],
    checks(model),
    it.columns && it.columns.length ? [el("h3", {}, "Columns"), wide("Columns", el("table", { class: "columns" }, el("tbody", {}, columnRows(model))))] : [],
    differences(model),
    builds(model),
    texts(model),
    el("h3", {}, "On the command line"),
    commands(model),
  ]);
}

function closePanel() {
  view.set({ model: "", column: "" });
  byId("search").focus();
}
