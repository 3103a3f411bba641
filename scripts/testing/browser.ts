/**
 * A real browser for tests and pictures: Chromium of the system, driven by playwright-core, which
 * `scripts/setup web` fetches.
 *
 * @module
 */

import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Where `scripts/setup web` puts the tools. */
const WEB_TOOLS: string = fileURLToPath(
  new URL("../../.cache/tools/web/", import.meta.url),
);

/** Names of Chromium and its kin on PATH. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/** What is used of a page of playwright. https://playwright.dev/docs/api/class-page */
export interface Page {
  goto(url: string): Promise<unknown>;
  /** Of all that follows, loading pages among it. */
  setDefaultTimeout(milliseconds: number): void;
  waitForSelector(
    selector: string,
    options?: { timeout?: number; state?: "attached" },
  ): Promise<unknown>;
  // deno-lint-ignore no-explicit-any -- what a page gives is the test's to know
  evaluate(script: string): Promise<any>;
  click(selector: string): Promise<void>;
  fill(selector: string, text: string): Promise<void>;
  innerText(selector: string): Promise<string>;
  setInputFiles(
    selector: string,
    files: string | readonly Payload[] | readonly string[],
  ): Promise<void>;
  waitForEvent(event: "download"): Promise<Download>;
  addInitScript(script: string): Promise<void>;
  reload(): Promise<unknown>;
  url(): string;
  readonly keyboard: { press(key: string): Promise<void> };
  context(): Context;
  workers(): readonly Pick<Page, "evaluate">[];
  screenshot(options: { path: string; fullPage?: boolean }): Promise<unknown>;
  on(event: string, listener: (it: Said) => void): void;
  /** The page's own frame, then those within. */
  frames(): readonly Pick<Page, "click" | "evaluate" | "innerText" | "waitForSelector">[];
}

/** A file that a test makes up. */
interface Payload {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Uint8Array;
}

/** A file that a page saves. */
interface Download {
  path(): Promise<string>;
  suggestedFilename(): string;
}

/** A profile of the browser. */
interface Context {
  newPage(): Promise<Page>;
  close(): Promise<void>;
  setOffline(offline: boolean): Promise<void>;
  newCDPSession(page: Page): Promise<Cdp>;
}

/** The DevTools protocol. https://chromedevtools.github.io/devtools-protocol/ */
interface Cdp {
  // deno-lint-ignore no-explicit-any -- what a method gives is its caller's to know
  send(method: string, parameters?: object): Promise<any>;
}

/** A message of the console, an error of the page, or a request. */
interface Said {
  text?(): string;
  url?(): string;
}

/** How a page is shown. */
export interface Look {
  readonly colorScheme?: "light" | "dark";
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly javaScriptEnabled?: boolean;
  readonly deviceScaleFactor?: number;
  readonly reducedMotion?: "reduce" | "no-preference";
}

interface Browser {
  newContext(look: Look): Promise<Context>;
  newBrowserCDPSession(): Promise<Cdp>;
  close(): Promise<void>;
}

/** The browser's program; undefined where there is none. */
function browserPath(): string | undefined {
  const named = process.env["CHROMIUM"];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const candidates = named === undefined
    ? NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))
    : [named];
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Starts the browser.
 *
 * @param more arguments of its command line
 * @throws Error when there is none, or it does not start
 */
export async function startBrowser(...more: readonly string[]): Promise<Browser> {
  const executablePath = browserPath();
  if (executablePath === undefined) throw new Error("There is no Chromium on PATH");
  const { chromium } = createRequire(WEB_TOOLS)("playwright-core");
  // As root, as in containers, Chromium has no sandbox.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return await chromium.launch({ executablePath, args: [...args, ...more] });
}

/** What a page said and asked for. */
interface Heard {
  readonly console: string[];
  readonly requests: string[];
}

/** Opens a page, hands it over and closes it; gives what it said. */
export async function withPage(
  browser: Browser,
  { url, look = {} }: { readonly url: string; readonly look?: Look },
  body: (page: Page, heard: Heard) => Promise<void>,
): Promise<Heard> {
  const context = await browser.newContext(look);
  const heard: Heard = { console: [], requests: [] };
  try {
    const page = await context.newPage();
    page.on("console", (it) => heard.console.push(it.text?.() ?? ""));
    page.on("pageerror", (it) => heard.console.push(String(it)));
    page.on("request", (it) => heard.requests.push(it.url?.() ?? ""));
    await page.goto(url);
    await body(page, heard);
  } finally {
    await context.close();
  }
  return heard;
}
