// Headless Chromium, spoken to through its DevTools pipe: no packages needed.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--remote-debugging-pipe", "--window-size=1280,820",
  // Software stands in for a graphics card: for the drawing and for WebGPU alike.
  "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan",
  "--enable-unsafe-swiftshader", "--disable-dev-shm-usage",
];

export const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export class Browser {
  static start(program = process.env.CHROMIUM ?? "chromium") {
    const browser = new Browser();
    browser.profile = mkdtempSync(join(tmpdir(), "sasr-browser-"));
    browser.child = spawn(program, [...FLAGS, `--user-data-dir=${browser.profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    browser.child.on("exit", () => {
      browser.gone = true;
      for (const { failed } of browser.waiting.values()) failed(new Error("the browser has ended"));
    });
    browser.waiting = new Map();
    browser.pages = new Map();
    browser.last = 0;
    let rest = "";
    browser.child.stdio[4].setEncoding("utf8").on("data", (text) => {
      const parts = (rest + text).split("\0");
      rest = parts.pop();
      parts.forEach((part) => browser.hear(JSON.parse(part)));
    });
    browser.child.stdio[3].on("error", () => {});
    return browser;
  }

  hear(message) {
    const { id, result, error, method, params, sessionId } = message;
    if (id !== undefined) {
      const { done, failed } = this.waiting.get(id) ?? {};
      this.waiting.delete(id);
      return error ? failed?.(new Error(error.message)) : done?.(result);
    }
    this.pages.get(sessionId)?.hear(method, params);
  }

  call(method, params = {}, sessionId = undefined) {
    return new Promise((done, failed) => {
      if (this.gone) return failed(new Error("the browser has ended"));
      const id = ++this.last;
      this.waiting.set(id, { done, failed });
      this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
    });
  }

  /// A page in a tab. `visitor`, from `visitor()`, has a storage of its own; `before` is put in front
  /// of the worker's script.
  async open(url, { visitor, before } = {}) {
    const { targetId } = await this.call("Target.createTarget", { url: "about:blank", browserContextId: visitor });
    const { sessionId } = await this.call("Target.attachToTarget", { targetId, flatten: true });
    const tab = new Tab(this, targetId, sessionId);
    tab.before = before;
    this.pages.set(sessionId, tab);
    for (const domain of ["Page", "Runtime", "Log"]) await tab.call(`${domain}.enable`);
    if (before) await tab.call("Fetch.enable", { patterns: [{ urlPattern: "*/worker.js" }] });
    await tab.call("Page.navigate", { url });
    return tab;
  }

  /// Somebody who was never here: nothing is stored. Downloads go into a folder.
  async visitor(downloads) {
    const { browserContextId } = await this.call("Target.createBrowserContext", {});
    await this.call("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: downloads, browserContextId });
    return browserContextId;
  }

  async close() {
    const ended = new Promise((done) => (this.gone ? done() : this.child.once("exit", done)));
    this.call("Browser.close").catch(() => {});
    await Promise.race([ended, sleep(5000)]);
    if (!this.gone) this.child.kill("SIGKILL");
    await ended;
    await sleep(300);
    // Its helpers may write a last file; a folder for temporary files may keep it.
    try {
      rmSync(this.profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    } catch {}
  }
}

class Tab {
  constructor(browser, target, session) {
    Object.assign(this, { browser, target, session, said: [] });
  }

  hear(method, params) {
    if (method === "Runtime.consoleAPICalled") {
      this.said.push(params.args.map((part) => part.value ?? part.description).join(" "));
    }
    if (method === "Runtime.exceptionThrown") this.said.push(params.exceptionDetails.exception?.description ?? "");
    if (method === "Fetch.requestPaused") this.putBefore(params);
    if (method === "Log.entryAdded") this.said.push(`${params.entry.level}: ${params.entry.text}`);
  }

  call(method, params) {
    return this.browser.call(method, params, this.session);
  }

  async putBefore({ requestId, request }) {
    const script = await (await fetch(request.url)).text();
    const body = Buffer.from(`${this.before}\n${script}`).toString("base64");
    const responseHeaders = [{ name: "Content-Type", value: "text/javascript" }];
    await this.call("Fetch.fulfillRequest", { requestId, responseCode: 200, responseHeaders, body });
  }

  /// The value of an expression in the page; promises are awaited.
  async value(expression) {
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", {
      expression, returnByValue: true, awaitPromise: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  state() {
    return this.value("window.sasr?.state() ?? {}");
  }

  send(order) {
    return this.value(`window.sasr.send(${JSON.stringify(order)})`);
  }

  /// Waits until `holds` of the page's state; returns that state.
  async until(what, seconds, holds) {
    const end = Date.now() + seconds * 1000;
    let state;
    while (Date.now() < end) {
      state = await this.state().catch(() => ({}));
      if (holds(state)) return state;
      await sleep(100);
    }
    throw new Error(`${what}: not within ${seconds} s; ${JSON.stringify(state)}`);
  }

  async ready(seconds = 60) {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      if (await this.value("window.sasr?.ready === true && window.sasr.worker !== null").catch(() => false)) return;
      await sleep(50);
    }
    const shown = await this.value("document.body.innerText").catch(() => "");
    throw new Error(`the page is not ready after ${seconds} s: ${shown}\n${this.said.join("\n")}`);
  }

  async reload() {
    await this.call("Page.reload", {});
    await sleep(300);
    await this.ready();
  }

  async click(x, y) {
    const at = { x, y, button: "left", clickCount: 1 };
    await this.call("Input.dispatchMouseEvent", { ...at, type: "mouseMoved", button: "none" });
    await sleep(60);
    await this.call("Input.dispatchMouseEvent", { ...at, type: "mousePressed" });
    await this.call("Input.dispatchMouseEvent", { ...at, type: "mouseReleased" });
  }

  async picture(path) {
    const { data } = await this.call("Page.captureScreenshot", { format: "png" });
    writeFileSync(path, Buffer.from(data, "base64"));
  }

  close() {
    return this.browser.call("Target.closeTarget", { targetId: this.target });
  }
}
