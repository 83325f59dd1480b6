// What prod would be if a branch were merged now.

const VERDICTS = {
  nothing: ["ready", "changes nothing that prod shows"],
  pointers: ["ready", "pointers only"],
  builds: ["builds", ""],
  conflicts: ["broken", "conflicts"],
  broken: ["broken", "doesn't load once merged"],
};

function named(label, names) {
  if (!names || !names.length) return null;
  const of = (name) => (numbers.has(name) ? modelLink(numbers.get(name)) : el("code", {}, name));
  const some = names.slice(0, 30).map((name) => [of(name), " "]);
  return el("p", {}, `${label} `, some, names.length > 30 ? `and ${names.length - 30} more` : "");
}

function preview(merge) {
  const [kind, words] = VERDICTS[merge.verdict];
  const chip = el("span", { class: `chip ${kind}` }, merge.verdict === "builds" ? [count(merge.builds.length, "build"), about(merge.expected_seconds)].filter(Boolean).join(" · ") : words);
  const commits = `${count(merge.ahead, "commit")} ahead of ${page.main}${merge.behind ? `, ${merge.behind} behind` : ""}`;
  return el(
    "details",
    {},
    el("summary", {}, el("span", { class: "branch" }, merge.branch), " ", chip, " ", el("span", { class: "quiet" }, commits)),
    merge.summary ? el("p", {}, merge.summary) : [],
    named("to be built:", merge.builds) || [],
    named("prod's pointers that move:", merge.swaps) || [],
    named("models in conflict:", merge.models) || [],
    named("other files in conflict:", merge.others) || [],
    merge.broken ? el("p", {}, merge.broken) : [],
    el("pre", { tabindex: "0" }, `vmesh plan --merged ${merge.branch}`),
  );
}

function drawMerges() {
  const none = el("p", { class: "quiet" }, `No branch has commits that ${page.main} has not.`);
  byId("previews").replaceChildren(...(page.merges.length ? page.merges.map(preview) : [none]));
}
