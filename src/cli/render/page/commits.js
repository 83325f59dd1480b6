// Git's graph: a row for each commit, with the branches and environments that stand there, and what promoting it costs.

const ROW = 30;
const LANE = 14;

// Each commit's lane, and the lines that leave it downwards: main keeps the first lane.
function lanes() {
  const main = page.branches.find((branch) => branch.name === page.main);
  const shown = new Set(commits.map((commit) => commit.id));
  let open = main && shown.has(main.commit) ? [main.commit] : [];
  return commits.map(({ id, parents }) => {
    const before = [...open];
    let lane = open.indexOf(id);
    if (lane < 0) {
      lane = open.indexOf(null);
      if (lane < 0) lane = open.length;
    }
    open = open.map((waiting) => (waiting === id ? null : waiting));
    open[lane] = null;
    const down = [];
    parents.forEach((parent, nth) => {
      let at = open.indexOf(parent);
      if (at < 0) {
        at = nth === 0 ? lane : open.indexOf(null);
        if (at < 0) at = open.length;
        open[at] = parent;
      }
      down.push(at);
    });
    const passing = [];
    before.forEach((waiting, at) => waiting !== null && waiting !== id && passing.push(at));
    const incoming = [];
    before.forEach((waiting, at) => waiting === id && incoming.push(at));
    return { lane, down, passing, incoming };
  });
}

function lines(rows) {
  const x = (lane) => lane * LANE + LANE;
  const parts = [];
  rows.forEach(({ lane, down, passing, incoming }, row) => {
    const [top, middle, bottom] = [row * ROW, row * ROW + ROW / 2, (row + 1) * ROW];
    const line = (from, y0, to, y1, colour) => {
      const half = (y0 + y1) / 2;
      parts.push(svg("path", { class: `line lane${colour % 6}`, d: `M${x(from)} ${y0}C${x(from)} ${half} ${x(to)} ${half} ${x(to)} ${y1}` }));
    };
    passing.forEach((at) => line(at, top, at, bottom, at));
    incoming.forEach((at) => line(at, top, lane, middle, at));
    down.forEach((at) => line(lane, middle, at, bottom, Math.max(lane, at)));
  });
  rows.forEach(({ lane }, row) => {
    parts.push(svg("circle", { class: `dot lane${lane % 6}`, cx: x(lane), cy: row * ROW + ROW / 2, r: 4.5 }));
  });
  return parts;
}

function cost(commit) {
  if (commit.broken) return el("span", { class: "chip broken", title: commit.broken }, "doesn't load");
  const n = commit.builds.length;
  if (n === 0) return el("span", { class: "chip ready", title: "every table is there: promoting it moves pointers only" }, "pointers only");
  const listed = commit.builds.slice(0, 20).join("\n") + (n > 20 ? `\n… and ${n - 20} more` : "");
  return el("span", { class: "chip builds", title: listed }, [count(n, "build"), about(commit.expected_seconds)].filter(Boolean).join(" · "));
}

function flags(commit) {
  const branches = page.branches.filter((branch) => branch.commit === commit.id);
  const here = columns.filter((environment) => environment.commit === commit.id);
  const was = page.promotions.filter((promotion) => promotion.commit === commit.id);
  const isProd = here.some((environment) => environment === prod);
  return [
    branches.map((branch) => {
      const current = branch.name === page.branch;
      return el("span", { class: current ? "branch current" : "branch", title: current ? "checked out" : null }, branch.name);
    }),
    here.map((environment) => flag(environment)),
    !isProd && was.length > 0 && el("span", { class: "was", title: was.map((it) => `${it.action}d ${moment(it.at)}`).join("\n") }, "was prod"),
  ];
}

function flag(environment) {
  const chosen = view.get("env") === environment.name;
  const kind = environment === prod ? "flag prod" : "flag";
  const dirty = environment.dirty ? " with uncommitted changes" : "";
  const title = `${environment.name} shows ${environment.branch} at ${short(environment.commit)}${dirty}`;
  const choose = () => view.set({ env: chosen || environment === prod ? "" : environment.name });
  return el("button", { class: kind, title, "aria-pressed": String(chosen), onclick: choose }, `⚑ ${environment.name}${environment.dirty ? "+" : ""}`);
}

// Where prod was, from left to right in time.
function prodHistory() {
  const all = page.promotions;
  if (!all.length) return el("p", { class: "quiet" }, "Nothing was promoted yet: vmesh promote");
  const [first, newest] = [all[0], all[all.length - 1]];
  const place = (at) => `left:${(100 * (at - first.at)) / Math.max(1, newest.at - first.at)}%`;
  const subjects = new Map(commits.map((commit) => [commit.id, commit.subject]));
  const marks = all.map((promotion) => {
    const subject = subjects.get(promotion.commit) || "";
    const title = `${promotion.action} ${short(promotion.commit)} ${subject} · ${moment(promotion.at)} · ${count(promotion.moved, "pointer")}`;
    const classes = `mark ${promotion.action}${promotion === newest ? " now" : ""}`;
    return el("span", { class: classes, style: place(promotion.at), title }, promotion.action === "rollback" ? "▲" : "●");
  });
  const told = `prod: ${count(all.length, "promotion")}, now at ${short(newest.commit)} (${newest.action}, ${ago(newest.at, page.at)})`;
  return el(
    "figure",
    { class: "timeline" },
    el("figcaption", {}, told, el("span", { class: "quiet" }, " · ● promotion ▲ rollback")),
    el("div", { class: "axis", role: "img", "aria-label": told }, marks),
  );
}

// More than these are shown when somebody asks.
let commitsShown = 20;

function drawCommits() {
  byId("history").replaceChildren(prodHistory());
  const rows = lanes().slice(0, commitsShown);
  const some = commits.slice(0, commitsShown);
  const wide = Math.max(1, ...rows.map((row) => Math.max(row.lane, ...row.down, ...row.passing, 0) + 1));
  const width = (wide + 1) * LANE;
  const drawn = svg("svg", { class: "lanes", width, height: some.length * ROW, "aria-hidden": "true" }, lines(rows));
  const list = some.map((commit) =>
    el(
      "li",
      { style: `padding-left:${width + 4}px`, id: `c-${short(commit.id)}` },
      el("span", { class: "flags" }, flags(commit)),
      el("span", { class: "subject", title: commit.subject }, commit.subject),
      el("span", { class: "who" }, `${commit.author} · ${ago(commit.at, page.at)}`),
      el("code", {}, short(commit.id)),
      cost(commit),
    ),
  );
  const seen = new Set(commits.map((commit) => commit.id));
  const elsewhere = columns.filter((environment) => !seen.has(environment.commit));
  const more = () => ((commitsShown = Infinity), drawCommits());
  byId("log").replaceChildren(
    el("p", { class: "quiet promoting" }, "promoting it takes"),
    el("div", { class: "log" }, drawn, el("ol", {}, list)),
    some.length < commits.length ? el("button", { onclick: more }, `${commits.length - some.length} older`) : "",
    elsewhere.length ? el("p", { class: "quiet" }, "On older or unknown commits: ", elsewhere.map((environment) => [flag(environment), " "])) : "",
  );
}
