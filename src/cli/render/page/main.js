// The page as a whole: what is drawn when, and the keyboard.

function drawHead() {
  document.title = `${page.project} · vmesh`;
  byId("title").textContent = page.project;
  const problem = page.problem && el("strong", { class: "chip broken" }, `the files have a problem: ${page.problem}`);
  byId("summary").replaceChildren(problem || "", ` ${page.summary} · ${count(models.length, "model")} · ${count(environments.length, "environment")} · as of ${moment(page.at)}`);
}

function draw() {
  const focused = focus();
  const wasOpen = !byId("panel").hidden;
  drawCommits();
  drawMatrix();
  drawGraph();
  drawPanel();
  refocus(focused);
  if (!wasOpen && !byId("panel").hidden) byId("panel").focus();
}

// Drawing anew makes other elements: the keyboard stays at what looks the same.
const nameOf = (node) => node.getAttribute("aria-label") || node.textContent;
function focus() {
  const node = document.activeElement;
  const place = node && node.closest("section, aside");
  return place ? { place: place.id, tag: node.tagName, name: nameOf(node) } : null;
}
function refocus(focused) {
  if (!focused) return;
  const alike = [...byId(focused.place).querySelectorAll(focused.tag)].find((node) => nameOf(node) === focused.name);
  if (alike) alike.focus({ preventScroll: true });
}

drawHead();
drawMerges();
draw();

byId("search").value = view.get("q");
byId("search").addEventListener("input", (event) => view.set({ q: event.target.value }, drawMatrix));
window.addEventListener("hashchange", draw);
window.addEventListener("resize", fit);
document.querySelectorAll("[data-section]").forEach((link) =>
  link.addEventListener("click", (event) => {
    event.preventDefault();
    byId(link.dataset.section).scrollIntoView({ behavior: "auto" });
  }),
);
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && !typing) event.preventDefault(), byId("search").focus();
  if (event.key === "Escape" && chosenModel() !== undefined) closePanel();
});
document.documentElement.dataset.ready = "1";
