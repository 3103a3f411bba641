/**
 * The page: takes files or an address, scans, and shows what was found.
 *
 * @module
 */

/// <reference lib="dom" />

import { searchOnSlash } from "../src/report/html/client/app.ts";
import type { FileReport, ScanError, ScanReport } from "../src/core/types.ts";
import { TOOL_NAME, TOOL_VERSION } from "../src/core/version.ts";
import type { Rule } from "../src/rules/rule.ts";
import { countOf, type Given, ofDrop, ofFile, ofInput, ofServed } from "./given.ts";
import { forbidConnections } from "./network.ts";
import { showResult } from "./result_view.ts";
import { showRules } from "./rules_view.ts";
import { RunView } from "./run_view.ts";
import { FileScan, scanAddress, type ScanEvents, type WorkerPort } from "./scan/pool.ts";
import { bytesOfBase64, readSetup, registerServiceWorker, Workers } from "./setup.ts";

/** Workers at a time; each has rules of its own, some 40 MB. CWE-770. */
const MOST_WORKERS = 6;
/** Milliseconds after which the parts of the page that the first scan needs have come. */
const SETTLED_MILLISECONDS = 2000;
/** What stands before an address that the page is opened to scan. */
const LINK = "#/link/";
/** Where the session keeps the address that was typed while the page is loaded anew. */
const TYPED = "modelaudit-address";

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const SECTIONS = ["home", "run", "result", "rules"] as const;
type Section = typeof SECTIONS[number];

const setup = readSetup();
const workers = new Workers(setup);
const live = element("live");
const TITLE = document.title;
let hasNetwork = true;
let isRunning = false;
let hasReport = false;
let rules: Promise<readonly Rule[]> | undefined;

/** From now on nothing that the page reads can leave it. */
function closeNetwork(): void {
  if (!hasNetwork) return;
  forbidConnections(setup.served === undefined ? "'none'" : "'self'");
  // One that was started before may still connect.
  workers.discardSpare();
  hasNetwork = false;
}

function show(section: Section): void {
  for (const id of SECTIONS) element(id).hidden = id !== section;
  element("to-report").hidden = !hasReport;
}

/** Shows what the address says. */
function route(): void {
  const { hash } = location;
  // The target of the link that skips the header.
  if (hash !== "" && !hash.startsWith("#/")) return;
  const [, page = "", id] = /^#\/(\w*)(?:\/(.*))?$/u.exec(hash) ?? [];
  if (page === "rules") return void rulesPage(id);
  if (isRunning) return show("run");
  if (page === "report" && hasReport) return show("result");
  document.title = TITLE;
  show("home");
}

async function rulesPage(id: string | undefined): Promise<void> {
  show("rules");
  rules ??= askRules();
  const section = element("rules");
  try {
    showRules(section, await rules, id === undefined ? undefined : decoded(id));
  } catch (error) {
    rules = undefined;
    section.textContent = `The rules cannot be loaded: ${String(error)}`;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The rules, which a worker has. */
async function askRules(): Promise<readonly Rule[]> {
  const port = (await workers.starter())();
  try {
    return await new Promise((done, fail) => {
      port.addEventListener("message", ({ data }) => {
        if (data.type === "rules") done(data.rules);
      });
      port.addEventListener("error", ({ message = "" }) => fail(new Error(message)));
      port.postMessage({ type: "rules" });
    });
  } finally {
    port.terminate();
  }
}

function say(text: string): void {
  const status = element("home-status");
  status.textContent = text;
  status.hidden = text === "";
}

/** What a scan found so far. */
class Found {
  readonly files: FileReport[] = [];
  readonly errors: ScanError[];
  readonly notes: string[] = [];
  readonly rules: Record<string, ScanReport["rules"][string]> = {};
  readonly began: number = Date.now();
  version = "";

  constructor(errors: readonly ScanError[]) {
    this.errors = [...errors];
  }

  report(): ScanReport {
    const order = <T>(a: T, b: T): number => a < b ? -1 : a > b ? 1 : 0;
    return {
      tool: { name: TOOL_NAME, version: TOOL_VERSION, rules: this.version },
      startTime: new Date(this.began).toISOString(),
      duration: (Date.now() - this.began) / 1000,
      files: [...this.files].sort((a, b) => order(a.path, b.path)),
      errors: this.errors,
      rules: Object.fromEntries(Object.entries(this.rules).sort(([a], [b]) => order(a, b))),
      configuration: "embedded",
      suppressed: 0,
    };
  }
}

/** Runs a scan with its view, from the first file to the report. */
async function scan(
  title: string,
  errors: readonly ScanError[],
  body: (
    start: () => WorkerPort,
    signal: AbortSignal,
    events: ScanEvents,
  ) => Promise<void>,
): Promise<void> {
  if (isRunning) return;
  isRunning = true;
  say("");
  const found = new Found(errors);
  const controller = new AbortController();
  show("run");
  const view = new RunView({ section: element("run"), live }, title, () => controller.abort());
  const events: ScanEvents = {
    ready: (version) => found.version = version,
    scanned(scanned, rules) {
      Object.assign(found.rules, rules);
      if (scanned.type === "error") found.errors.push(scanned.error);
      else {
        found.files.push(scanned.file);
        view.add(scanned.file, rules);
      }
    },
    progress: (progress) => view.progress(progress),
    note: (text) => found.notes.push(text),
  };
  try {
    await body(await workers.starter(), controller.signal, events);
  } catch (error) {
    found.errors.push({
      location: { path: title, parts: [] },
      message: `The scan failed: ${error instanceof Error ? error.message : String(error)}`,
      remedy: "Do not take what is missing for clean, and report this failure.",
    });
  } finally {
    view.end();
    isRunning = false;
  }
  hasReport = true;
  // Only what is shown can have the focus.
  show("result");
  element("run").replaceChildren();
  showResult(element("result"), found.report(), found.notes, () => location.hash = "#/");
  if (location.hash === "#/report") route();
  else location.hash = "#/report";
  void workers.prepare();
}

async function scanGiven(given: Given): Promise<void> {
  const count = countOf(given);
  if (count === 0 && given.errors.length === 0) return say("There are no files in it.");
  closeNetwork();
  const name = given.groups.length === 1 ? given.groups[0]?.files[0]?.name ?? "" : "";
  const title = count === 1 ? `Scanning ${name}` : `Scanning ${count.toLocaleString("en")} files`;
  await scan(title, given.errors, async (start, signal, events) => {
    const cores = navigator.hardwareConcurrency || 2;
    const options = {
      ...{ start, signal, hash: element<HTMLInputElement>("hash").checked },
      workers: Math.min(MOST_WORKERS, Math.max(Math.min(2, cores), cores - 1)),
    };
    await new FileScan(given.groups, options, events).run();
  });
}

/** An address as the command line takes it; `organisation/model` is one of the hub's. */
function addressOf(text: string): string {
  if (/^[a-z][a-z\d+.-]*:\/\//iu.test(text)) return text;
  return /^[\w-]+(?:\.[\w-]+)+\//u.test(text) ? `https://${text}` : `hf://${text}`;
}

/** Scanning an address needs the network, which the page has only when it was opened for that. */
function openAddress(text: string): void {
  const address = text.trim();
  if (address === "") {
    element("address").focus();
    return say("Type an address first.");
  }
  if (hasNetwork) return void scanLink(address);
  try {
    sessionStorage.setItem(TYPED, address);
  } catch {
    // Without storage the user confirms the address after the page was loaded.
  }
  location.hash = LINK + encodeURIComponent(address);
  location.reload();
}

async function scanLink(text: string): Promise<void> {
  const address = addressOf(text);
  await scan(`Scanning ${address}`, [], async (start, signal, events) => {
    const { hub } = setup;
    await scanAddress(address, { start, signal, ...(hub !== undefined && { hub }) }, events);
  });
}

/** The address that the page was opened for, and whether the user typed it here. */
function addressAtStart(): { readonly address: string; readonly typed: boolean } | undefined {
  const { hash } = location;
  if (!hash.startsWith(LINK)) return undefined;
  const address = decoded(hash.slice(LINK.length));
  try {
    const typed = sessionStorage.getItem(TYPED) === address;
    sessionStorage.removeItem(TYPED);
    return { address, typed };
  } catch {
    return { address, typed: false };
  }
}

function listen(): void {
  const files = element<HTMLInputElement>("pick-files");
  const folder = element<HTMLInputElement>("pick-folder");
  element("choose-files").addEventListener("click", () => files.click());
  element("choose-folder").addEventListener("click", () => folder.click());
  for (const input of [files, folder]) {
    input.addEventListener("change", () => {
      const given = ofInput(input.files ?? []);
      input.value = "";
      void scanGiven(given);
    });
  }
  for (const button of document.querySelectorAll<HTMLElement>("[data-example]")) {
    button.addEventListener("click", () => {
      const kind = button.dataset["example"] === "harmless" ? "harmless" : "harmful";
      const { name, base64 } = setup.examples[kind];
      void scanGiven(ofFile(new File([bytesOfBase64(base64)], name)));
    });
  }
  element("link").addEventListener("submit", (event) => {
    event.preventDefault();
    openAddress(element<HTMLInputElement>("address").value);
  });
  listenForDrops();
  addEventListener("hashchange", () => {
    // An address that is opened in this page needs a page with a network.
    if (location.hash.startsWith(LINK) && !hasNetwork && !isRunning) location.reload();
    else route();
  });
  searchOnSlash();
}

function listenForDrops(): void {
  let depth = 0;
  const mark = (): void => {
    document.body.classList.toggle("dragging", depth > 0 && !isRunning);
  };
  const hasFiles = ({ dataTransfer }: DragEvent): boolean =>
    dataTransfer?.types.includes("Files") === true;
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth++;
    mark();
  });
  addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    mark();
  });
  addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    depth = 0;
    mark();
    if (!hasFiles(event) || event.dataTransfer === null) return;
    // Otherwise the browser would open the file in place of the page.
    event.preventDefault();
    if (isRunning) return;
    ofDrop(event.dataTransfer, (files) => say(`Found ${files.toLocaleString("en")} files …`))
      .then(scanGiven)
      .catch((error: unknown) => say(`It cannot be read: ${String(error)}`));
  });
}

function begin(): void {
  const opened = addressAtStart();
  if (opened === undefined) closeNetwork();
  listen();
  route();
  const { served } = setup;
  if (served !== undefined) {
    element("promise").textContent =
      "This page may connect to the program that serves it, on this machine, and to nothing else.";
  }
  // It fetches all parts of the page, decoders too: not before what a scan needs.
  setTimeout(() => registerServiceWorker(setup), SETTLED_MILLISECONDS);
  if (opened !== undefined) {
    element<HTMLInputElement>("address").value = opened.address;
    history.replaceState(null, "", "#/");
    if (opened.typed) return void scanLink(opened.address);
    say("This address came with a link: press Scan to fetch it.");
    element("link").querySelector("button")?.focus();
  } else if (served !== undefined && served.length > 0) return void scanGiven(ofServed(served));
  const prepare = (): void => void workers.prepare().catch(() => {});
  if ("requestIdleCallback" in globalThis) requestIdleCallback(prepare);
  else setTimeout(prepare, 200);
}

begin();
