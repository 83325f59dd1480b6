// A repository to look at, and a browser to look with.

const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const zlib = require("node:zlib");
const puppeteer = require("puppeteer-core");

const vmesh = process.env.VMESH_BINARY;

class Sandbox {
  constructor() {
    this.root = fs.mkdtempSync(path.join(os.tmpdir(), "vmesh-page-"));
    this.folder = path.join(this.root, "shop");
    this.run(vmesh, ["init", this.folder], this.root);
    this.write("vmesh.toml", '[hooks]\nbuild = "off"\n');
  }
  run(command, args, folder = this.folder) {
    const env = {
      ...process.env, HOME: this.root, GIT_CONFIG_NOSYSTEM: "1", NO_COLOR: "1",
      GIT_AUTHOR_NAME: "Ada", GIT_AUTHOR_EMAIL: "ada@example.com", GIT_COMMITTER_NAME: "Ada", GIT_COMMITTER_EMAIL: "ada@example.com",
    };
    return execFileSync(command, args, { cwd: folder, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }
  git(...args) {
    return this.run("git", args);
  }
  vmesh(...args) {
    return this.run(vmesh, args);
  }
  json(...args) {
    return JSON.parse(this.vmesh(...args, "--json"));
  }
  write(file, text) {
    fs.mkdirSync(path.dirname(path.join(this.folder, file)), { recursive: true });
    fs.writeFileSync(path.join(this.folder, file), text);
  }
  edit(file, from, to) {
    const text = fs.readFileSync(path.join(this.folder, file), "utf8");
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    this.write(file, text.replace(from, to));
  }
  commit(message) {
    this.git("add", "--all");
    this.git("commit", "--quiet", "--message", message);
  }
  // The page's file, and its data as a document.
  page(...flags) {
    const file = path.join(this.root, "page.html");
    this.vmesh("page", file, ...flags);
    return { file, data: this.json("page", ...flags) };
  }
  remove() {
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

// A page that shows other data.
function withData(file, data) {
  const packed = zlib.gzipSync(JSON.stringify(data), { level: 9 }).toString("base64");
  const html = fs.readFileSync(file, "utf8");
  const other = path.join(path.dirname(file), "other.html");
  fs.writeFileSync(other, html.replace(/(<script id="data"[^>]*>)[^<]*/, (_, tag) => tag + packed));
  return other;
}

// An opened page, with everything it asked for and complained of.
async function open(browser, file, { hash = "", width = 1280, height = 800, scheme = "light" } = {}) {
  const tab = await browser.newPage();
  const heard = { requests: [], complaints: [] };
  tab.on("request", (request) => heard.requests.push(request.url()));
  tab.on("console", (message) => heard.complaints.push(message.text()));
  tab.on("pageerror", (error) => heard.complaints.push(error.message));
  await tab.setViewport({ width, height });
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await tab.goto(`file://${file}${hash && `#${hash}`}`);
  await tab.waitForFunction("document.documentElement.dataset.ready");
  return { tab, heard };
}

const launch = () => puppeteer.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });

module.exports = { Sandbox, launch, open, withData };
