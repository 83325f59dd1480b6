// The page in a browser: each part is clicked through, and shows what the commands say.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { after, before, test } = require("node:test");
const { Sandbox, launch, open, withData } = require("./support.js");
const { large } = require("./large.js");

const axe = fs.readFileSync(require.resolve("axe-core"), "utf8");
const HOSTILE = "<script>hacked()</script>";

let browser, sandbox, file, data;

// Prod; alice changed a staging model and main the same model later; bob changed a mart; eve's files make no project.
before(async () => {
  sandbox = new Sandbox();
  sandbox.write("models/marts/spelled.sql", "SELECT @IF(TRUE, 1, 2) AS one");
  sandbox.commit(`first models ${HOSTILE} \u001b[31mred`);
  sandbox.vmesh("promote", "--yes");
  sandbox.git("switch", "--quiet", "-c", "bob");
  sandbox.edit("models/marts/customers.sql", "SELECT", "SELECT\n  1 AS one,");
  sandbox.commit("customers: one");
  sandbox.vmesh("plan", "--yes");
  sandbox.git("switch", "--quiet", "-c", "eve", "main");
  sandbox.write("models/broken.sql", "MODEL (name broken, kind FUL);\nSELECT 1 AS x");
  sandbox.commit("broken");
  sandbox.git("switch", "--quiet", "-c", `x${HOSTILE}`, "main");
  sandbox.write("models/hostile.sql", `MODEL (name hostile, description '</script>${HOSTILE}');\nSELECT 1 AS x`);
  sandbox.commit("a hostile branch");
  sandbox.vmesh("plan", "--yes");
  // a branch of another history, as forges have them for their pages
  sandbox.git("switch", "--quiet", "--orphan", "pages");
  sandbox.write("index.html", "<p>");
  sandbox.commit("a page");
  sandbox.git("switch", "--quiet", "-c", "alice", "main");
  sandbox.edit("models/staging/orders.sql", "SELECT", "SELECT\n  2 AS two,");
  sandbox.commit("orders: two");
  sandbox.vmesh("plan", "--yes");
  sandbox.git("switch", "--quiet", "main");
  sandbox.edit("models/staging/orders.sql", "SELECT", "SELECT\n  3 AS three,");
  sandbox.commit("orders: three");
  sandbox.vmesh("promote", "--yes");
  sandbox.vmesh("rollback", "--yes");
  sandbox.git("switch", "--quiet", "alice");
  sandbox.write("tests/test_orders.yaml", "test_no_orders:\n  model: staging.orders\n  inputs:\n    raw.orders: []\n  outputs:\n    query: []\n");
  ({ file, data } = sandbox.page("--diff", "--test"));
  browser = await launch();
});

after(async () => {
  await browser.close();
  sandbox.remove();
});

const texts = (tab, selector) => tab.$$eval(selector, (all) => all.map((node) => node.textContent));

test("it opens from the disk, asks for nothing and complains of nothing", async () => {
  const { tab, heard } = await open(browser, file);
  assert.deepEqual(heard, { requests: [`file://${file}`], complaints: [] });
  assert.equal(await tab.evaluate(() => typeof hacked), "undefined");
  await tab.close();
});

test("commits, branches and environments stand where Git and the warehouse have them", async () => {
  const { tab } = await open(browser, file);
  const subjects = await texts(tab, ".log li .subject");
  assert.deepEqual([...subjects].sort(), sandbox.git("log", "--branches", "--format=%s").trim().split("\n").sort());
  for (const { environment, commit } of sandbox.json("envs")) {
    const flags = await texts(tab, `#c-${commit.slice(0, 8)} .flag`);
    assert.ok(flags.some((flag) => flag.includes(environment)), `${environment} is not at ${commit}: ${flags}`);
  }
  const tip = sandbox.git("rev-parse", "alice").trim().slice(0, 8);
  assert.deepEqual(await texts(tab, `#c-${tip} .branch.current`), ["alice"]);
  const of = async (branch) => (await texts(tab, `#c-${sandbox.git("rev-parse", branch).trim().slice(0, 8)} .chip`))[0];
  assert.equal(await of("alice"), "pointers only");
  assert.equal(await of("eve"), "doesn't load");
  assert.equal((await texts(tab, ".mark")).length, sandbox.json("log").length);
  assert.deepEqual(await texts(tab, ".mark.now"), ["▲"]);
  await tab.close();
});

test("the matrix shows where environments differ from prod", async () => {
  const { tab } = await open(browser, file);
  for (const environment of ["dev__alice", "dev__bob"]) {
    const differing = sandbox.json("diff", "prod", environment).models.map((model) => model.name);
    const shown = await tab.$$eval("#matrix-table td.other", (all, name) => all.filter((cell) => cell.title.startsWith(`${name} · `)).map((cell) => cell.title.split(" · ")[1]), environment);
    assert.deepEqual(shown.sort(), differing.sort(), environment);
  }
  const all = sandbox.json("dag").models.length;
  const rows = (await texts(tab, "#matrix-table tbody th")).length;
  assert.ok(rows > 0 && rows < all, `${rows} of ${all}`);
  await tab.click("#matrix-tools button");
  assert.equal((await texts(tab, "#matrix-table tbody th")).length, data.models.length);
  await tab.type("#search", "customers");
  assert.ok((await texts(tab, "#matrix-table tbody th")).every((name) => name.includes("customers")));
  await tab.close();
});

test("the graph is opened where something changed, as the chosen environment has it", async () => {
  const { tab } = await open(browser, file, { hash: "env=dev__bob" });
  const own = (await tab.$$eval("#drawing .box.own title", (all) => all.map((node) => node.textContent))).sort();
  const differing = sandbox.json("diff", "prod", "dev__bob").models.map((model) => model.name).sort();
  assert.deepEqual(own, differing);
  const boxes = await tab.$$("#drawing .box");
  assert.ok(boxes.length > own.length && boxes.length < data.models.length);
  await tab.close();
});

test("a model's panel has its text, its columns and where they come from", async () => {
  const { tab } = await open(browser, file, { hash: "env=dev__alice" });
  await tab.$$eval("#matrix-table tbody th button", (all) => all.find((node) => node.textContent === "staging.orders").click());
  assert.equal(await tab.$eval("#panel h2", (node) => node.textContent), "staging.orders");
  assert.match((await texts(tab, "#panel .come")).join("\n"), /2 AS two/);
  assert.ok((await texts(tab, "#panel pre")).some((text) => text.startsWith("vmesh table-diff staging.orders prod dev__alice")));
  // what macros make of it
  await tab.goto(`file://${file}#model=marts.spelled`);
  await tab.reload();
  await tab.waitForFunction("document.documentElement.dataset.ready");
  assert.ok((await texts(tab, "#panel pre")).some((text) => text.trim() === "SELECT 1 AS one"));
  // by a column's name, the way that its values take
  const [model, column] = ["marts.orders", "total"];
  await tab.goto(`file://${file}#model=${model}`);
  await tab.reload();
  await tab.waitForFunction("document.documentElement.dataset.ready");


  await tab.$$eval("#panel .columns button", (all, name) => all.find((node) => node.textContent === name).click(), column);
  const lit = new Set(await tab.$$eval("#drawing .box.lit title", (all) => all.map((node) => node.textContent)));
  const told = new Set();
  const walk = ({ table, next }) => (told.add(table), next.forEach(walk));
  const lineage = sandbox.json("lineage", `${model}.${column}`);
  [...lineage.upstream, ...lineage.downstream, { table: model, next: [] }].forEach(walk);
  const models = new Set(sandbox.json("dag").models.map((it) => it.name));
  assert.deepEqual([...lit].sort(), [...told].filter((name) => models.has(name)).sort());
  await tab.close();
});

test("a model's panel tells its builds, its checks, and the line of the edit", async () => {
  const { tab } = await open(browser, file, { hash: "model=staging.orders" });
  const { edited } = sandbox.json("plan").models.find((model) => model.name === "staging.orders");
  const [{ n }] = sandbox.json("query", "SELECT count(*) AS n FROM staging.orders");
  assert.ok((await texts(tab, "#panel code")).includes(`${edited.path}:${edited.line}`));
  const built = (await texts(tab, "#panel .past tbody tr")).filter((line) => line.includes("Ada") && line.includes("alice at"));
  assert.equal(built.length, 1);
  assert.ok(built[0].includes(String(n)), built[0]);
  const checks = await texts(tab, "#panel .checks li");
  assert.ok(checks.some((line) => line.includes("test_no_orders") && line.includes("test · passed")), checks.join("\n"));
  const audits = data.models.flatMap((model) => model.checks || []).filter((check) => check.kind === "audit");
  assert.ok(audits.length > 0 && audits.every((audit) => audit.verdict === "passed"));
  await tab.close();
});

test("rows that differ are told as table-diff tells them", async () => {
  const { tab } = await open(browser, file, { hash: "model=staging.orders&env=dev__alice" });
  const { rows, matches } = sandbox.json("table-diff", "staging.orders", "prod", "dev__alice");
  const told = await tab.$eval("#panel .rows", (node) => node.textContent);
  assert.ok(told.startsWith(`${rows.a} rows → ${rows.b} rows · ${rows.only_b} new · ${rows.only_a} gone`), told);
  assert.equal((await texts(tab, "#panel .bar")).length, Object.keys(matches).length);
  assert.ok((await texts(tab, "#panel .columns th")).includes("two (new)"));
  await tab.close();
});

test("merges are told as plan --merged tells them", async () => {
  const { tab } = await open(browser, file);
  const summaries = await texts(tab, "#previews summary");
  const of = (branch) => summaries.find((text) => text.startsWith(branch));
  const bob = sandbox.json("plan", "--merged", "bob", "--no-build").summary.build;
  assert.match(of("bob"), bob === 0 ? /pointers only/ : new RegExp(`${bob} build`));
  assert.match(of("alice"), /conflicts/);
  assert.match(of("eve"), /doesn't load/);
  assert.match(of("pages"), /doesn't load/);
  assert.ok(of(`x${HOSTILE}`));
  await tab.close();
});

test("the keyboard is enough, and the address keeps what is looked at", async () => {
  const { tab } = await open(browser, file);
  await tab.keyboard.press("/");
  assert.equal(await tab.evaluate(() => document.activeElement.id), "search");
  await tab.focus("#matrix-table tbody th button");
  await tab.keyboard.press("Enter");
  assert.equal(await tab.evaluate(() => document.activeElement.id), "panel");
  const name = await tab.$eval("#panel h2", (node) => node.textContent);
  const address = await tab.evaluate(() => location.hash);
  await tab.keyboard.press("Escape");
  assert.ok(await tab.$eval("#panel", (node) => node.hidden));
  const again = await open(browser, file, { hash: address.slice(1) });
  assert.equal(await again.tab.$eval("#panel h2", (node) => node.textContent), name);
  await again.tab.close();
  await tab.close();
});

test("a served page renews itself when an environment moves, and keeps what is looked at", async () => {
  const { spawn } = require("node:child_process");
  const server = spawn(process.env.VMESH_BINARY, ["page", "--serve"], { cwd: sandbox.folder, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const url = await new Promise((resolve) => server.stdout.once("data", (text) => resolve(String(text).split("\n")[0])));
    const tab = await browser.newPage();
    await tab.goto(`${url}#q=customers`);
    await tab.waitForFunction("document.documentElement.dataset.ready");
    assert.equal(await tab.$eval("#search", (input) => input.value), "customers");
    await tab.evaluate(() => (window.isOld = true));
    sandbox.git("branch", "fresh");
    await tab.waitForFunction("!window.isOld && document.documentElement.dataset.ready");
    assert.ok((await texts(tab, ".branch")).includes("fresh"));
    assert.equal(await tab.$eval("#search", (input) => input.value), "customers");
    const stranger = await browser.newPage();
    const refused = await stranger.goto(url.replace(/token=.*/, "token=x"));
    assert.equal(refused.status(), 403);
    await stranger.close();
    await tab.close();
  } finally {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGINT");
    await ended;
    sandbox.git("branch", "-D", "fresh");
  }
});

test("an accessibility checker finds nothing serious, however wide and dark it is", async () => {
  for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [400, "light"], [400, "dark"]]) {
    for (const hash of ["", "model=staging.orders&env=dev__alice", "all=1"]) {
      const { tab, heard } = await open(browser, file, { width, scheme, hash });
      await tab.evaluate(axe);
      const { violations } = await tab.evaluate(() => window.axe.run());
      const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
      const told = serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html).join("\n")}`);
      assert.deepEqual(told, [], `${width} ${scheme} ${hash}`);
      const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} pixels on a screen of ${width}`);
      assert.deepEqual(heard.complaints, []);
      await tab.close();
    }
  }
});

test("a thousand models in fifty environments are a file of at most a megabyte", async () => {
  const other = withData(file, large(1000, 50));
  const size = fs.statSync(other).size;
  assert.ok(size <= 1_000_000, `${size} bytes`);
  const ready = async (file) => {
    const start = performance.now();
    const { tab, heard } = await open(browser, file);
    const took = performance.now() - start;
    assert.deepEqual(heard.complaints, []);
    return { tab, took };
  };
  const small = await ready(file);
  const { tab, took } = await ready(other);
  console.log(`ready: ${Math.round(took)} ms, the sample ${Math.round(small.took)} ms; ${Math.round(size / 1000)} kB`);
  assert.ok((await texts(tab, "#matrix-table tbody th")).length > 100);
  await tab.click("#graph-tools button");
  assert.equal((await tab.$$("#drawing .box")).length, 1000);
  await small.tab.close();
  await tab.close();
});
