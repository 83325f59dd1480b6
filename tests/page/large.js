// Data of a large team: what the page is given for so many models and environments. The same for the same numbers.

function random(seed) {
  return () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
}

function large(modelCount, environmentCount) {
  const next = random(7);
  const below = (n) => Math.floor(next() * n);
  const hex = (length) => Array.from({ length }, () => below(16).toString(16)).join("");
  const at = 1796000000;
  const layers = ["raw", "staging", "int", "marts"];
  const models = [];
  for (let i = 0; i < modelCount; i++) {
    const layer = Math.min(3, Math.floor((i / modelCount) * 4));
    const first = Math.floor((Math.max(0, layer - 1) * modelCount) / 4);
    const parents = layer === 0 ? [] : [...new Set(Array.from({ length: 1 + below(3) }, () => first + below(i - first)))];
    const from = (name) => (parents.length ? [[parents[0], name]] : [["raw.events", name]]);
    const columns = Array.from({ length: 12 }, (_, n) => `c${n}`).map((name) => ({ name, type: "BIGINT", description: null, from: from(name) }));
    const lines = Array.from({ length: 50 }, (_, n) => `  coalesce(t${below(3)}.c${n % 12}, ${below(100)}) * ${below(10)} AS c${n},`);
    const build = (n) => ({
      table: `${layers[layer]}__model_${i}__${hex(12)}`, at: at - below(1e7), seconds: below(1e5) / 1000, loads: 1, rows: below(1e6),
      who: ["Ada", "Bob", "Eve"][below(3)], branch: `branch-${below(50)}`, commit: hex(40), dirty: n === 0,
    });
    const checks = ["not_null", "unique_values"].map((name) => ({ name, kind: "audit", blocking: true, verdict: "passed", why: null }));
    models.push({
      builds: Array.from({ length: 5 }, (_, n) => build(n)), checks, edited: null, expanded: null,
      name: `${layers[layer]}.model_${i}`, kind: "FULL", path: `models/${layers[layer]}/model_${i}.sql`, description: "What it is.", owner: "ada",
      tags: ["daily"], columns, rows: [], parents, sources: layer ? [] : ["raw.events"], text: `MODEL (name ${layers[layer]}.model_${i});\n\nSELECT\n${lines.join("\n")}\nFROM t0`,
      change: i === modelCount >> 1 ? "direct" : "unchanged", action: i === modelCount >> 1 ? "build" : "reuse", reason: "already built",
      changed: { added: [], removed: [], changed: [] },
    });
  }
  const texts = models.map((model) => model.text);
  models.forEach((model, at) => (model.text = at));
  const versions = [];
  const version = (model) => {
    const name = models[model].name.replace(".", "__");
    versions.push({ model, fingerprint: hex(64), table: `${name}__${hex(12)}`, built_at: at - below(1e6), bytes: below(1e7), columns: null, text: models[model].text });
    return versions.length - 1;
  };
  const prod = models.map((_, at) => version(at));
  const ids = Array.from({ length: 60 }, () => hex(40));
  const commits = ids.map((id, n) => ({ id, parents: ids.slice(n + 1, n + 2), author: "Ada", at: at - n * 7200, subject: `change ${n}`, builds: [], broken: null }));
  const environments = [{ name: "prod", branch: "main", commit: ids[0], dirty: false, updated_at: at, owner: "Ada", shows: prod, marks: {} }];
  for (let n = 0; n < environmentCount; n++) {
    const [shows, marks] = [[...prod], {}];
    for (let k = 0; k < 8; k++) {
      const model = below(modelCount);
      shows[model] = version(model);
      marks[model] = ["own", "behind", "both"][k % 3];
    }
    environments.push({ name: `dev__branch_${n}`, branch: `branch-${n}`, commit: ids[n % 60], dirty: false, updated_at: at - n, owner: "Ada", shows, marks });
  }
  return {
    vmesh: "0", project: "large", at, main: "main", branch: "branch-0", environment: "dev__branch_0", in_step: false, problem: null, summary: "1 to build",
    commits, branches: environments.map(({ branch, commit, name }) => ({ name: branch, commit, environment: name })),
    promotions: ids.slice(0, 30).reverse().map((commit, n) => ({ generation: n, commit, action: "promote", at: at - (30 - n) * 7200, moved: 1 })),
    models, versions, texts, environments, differences: [], merges: [],
  };
}

module.exports = { large };
