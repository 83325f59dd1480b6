// Rows of a model, prod's and an environment's: how many, which columns, some of them.

function differenceOf(model) {
  const environment = view.get("env") || page.environment;
  return page.differences.find((it) => it.model === models[model].name && it.environment === environment);
}

// A share as a bar with its number.
function share(part, whole) {
  const percent = whole ? (100 * part) / whole : 100;
  const told = percent === 100 ? "100 %" : `${percent.toFixed(percent > 99 ? 2 : 1)} %`;
  return el("span", { class: "bar", style: `--share:${percent}%` }, told);
}

// A value on both sides, once where it is the same.
function twoSided(before, after) {
  const shown = (value) => (value === null || value === undefined ? "–" : value);
  if (shown(before) === shown(after)) return el("td", {}, shown(after));
  return el("td", {}, el("span", { class: "gone" }, shown(before)), " ", el("span", { class: "come" }, shown(after)));
}

function columnTable({ rows, columns: { a, b } }) {
  const before = new Map(a.map((column) => [column.name, column]));
  const after = new Map(b.map((column) => [column.name, column]));
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const both = rows.rows.same + rows.rows.changed;
  const line = (name) => {
    const [left, right] = [before.get(name) || {}, after.get(name) || {}];
    const matches = rows.matches[name];
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, name, before.has(name) ? "" : " (new)", after.has(name) ? "" : " (gone)"),
      el("td", {}, matches === undefined ? "" : share(matches, both)),
      ["min", "max", "distinct", "nulls"].map((key) => twoSided(left[key], right[key])),
    );
  };
  const head = ["column", "equal", "min", "max", "≈ distinct", "NULL %"].map((word) => el("th", { scope: "col" }, word));
  return wide("Columns compared", el("table", { class: "columns" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, names.map(line))));
}

function sampleTable(label, sample) {
  if (!sample.length) return null;
  const names = Object.keys(sample[0]);
  const line = (row) => el("tr", {}, names.map((name) => el("td", {}, row[name] === null ? "NULL" : String(row[name]))));
  return el(
    "details",
    {},
    el("summary", {}, `${label}, ${sample.length} of them`),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, el("table", { class: "columns" }, el("thead", {}, el("tr", {}, names.map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, sample.map(line)))),
  );
}

function differences(model) {
  const found = differenceOf(model);
  if (!found) return [];
  const { rows, key, samples } = found.rows;
  const told = [`${count(rows.a, "row")} → ${count(rows.b, "row")}`, `${rows.only_b.toLocaleString("en")} new`, `${rows.only_a.toLocaleString("en")} gone`];
  if (key.length) told.push(`${rows.changed.toLocaleString("en")} changed (by ${key.join(", ")})`);
  return [
    el("h3", {}, `Rows: prod → ${found.environment}`),
    el("p", { class: "rows" }, told.join(" · ")),
    columnTable(found),
    sampleTable("rows that only prod has", samples.only_a),
    sampleTable("rows that only the branch has", samples.only_b),
    sampleTable("rows that changed", samples.changed),
  ];
}
