/**
 * The browser page for its tests: as `scripts/test web` has built it, on a server or as a file, with what it says
 * and asks for.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { pathToFileURL } from "node:url";
import type { Look, Page, startBrowser } from "./browser.ts";
import { ROOT } from "./scripts.ts";

/** Where `scripts/test web` builds it. */
export const BUILT: string = join(ROOT, ".cache", "web");

/** The page as one file. */
export const FILE_URL: string = pathToFileURL(join(BUILT, "modelaudit.html")).href;

type Browser = Awaited<ReturnType<typeof startBrowser>>;

/** What is looked at of a JSON report. */
export interface JsonReport {
  readonly assets: readonly {
    readonly path: string;
    readonly verdict: string;
    readonly risk_score: number;
    readonly bytes_read: number;
  }[];
  readonly issues: readonly {
    readonly path: string;
    readonly rule_id: string;
    readonly severity: string;
    readonly location: string;
    readonly message: string;
  }[];
  readonly errors: readonly { readonly message: string; readonly remedy: string }[];
}

/** Milliseconds after which a scan that hangs fails its test. */
const HANGS = 400_000;

/** The page, open in a tab. */
export interface OpenPage {
  readonly page: Page;
  /** Messages of the console, errors, and violations of the Content-Security-Policy. */
  readonly said: string[];
  /** Addresses of requests, of workers too. */
  readonly requests: string[];
  /** Waits until a scan has ended. */
  ended(): Promise<void>;
  /** The report as the page saves it. */
  report(): Promise<JsonReport>;
  /** Drops files and folders onto the page, as the system does. */
  drop(...paths: readonly string[]): Promise<void>;
}

/** Opens the page, and demands at the end that nothing violated its policy and no error was said. */
export async function withPageAt(
  browser: Browser,
  { url, look = {} }: { readonly url: string; readonly look?: Look },
  body: (open: OpenPage) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext(look);
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(HANGS);
    const said: string[] = [];
    const requests: string[] = [];
    page.on("console", (it) => said.push(it.text?.() ?? ""));
    page.on("pageerror", (it) => said.push(String(it)));
    page.on("request", (it) => requests.push(it.url?.() ?? ""));
    await page.addInitScript(`addEventListener("securitypolicyviolation", (it) =>
      console.log("violates " + it.violatedDirective + ": " + it.blockedURI + " " + it.sample));`);
    await page.goto(url);
    const ended = async (): Promise<void> => {
      await page.waitForSelector("#result:not([hidden]) .banner");
    };
    await body({
      ...{ page, said, requests, ended },
      report: async () => JSON.parse(await saved(page, "JSON")),
      async drop(...paths) {
        const { send } = await sessionOf(page);
        const data = { items: [], files: paths, dragOperationsMask: 1 };
        for (const type of ["dragEnter", "dragOver", "drop"]) {
          await send("Input.dispatchDragEvent", { type, x: 200, y: 200, data });
        }
      },
    });
    assert.deepEqual(said, []);
  } finally {
    await context.close();
  }
}

/** Waits until an expression of the page is true; the page's policy lets nothing else evaluate one. */
export async function until(page: Page, expression: string): Promise<void> {
  for (const began = Date.now(); Date.now() - began < HANGS;) {
    if (await page.evaluate(`Boolean(${expression})`)) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`${expression} does not become true`);
}

/** Waits until the page has started a worker, which it does before the first scan. */
export async function untilPrepared(page: Page): Promise<Pick<Page, "evaluate">> {
  for (const began = Date.now(); Date.now() - began < HANGS;) {
    const [worker] = page.workers();
    if (worker !== undefined) return worker;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error("the page starts no worker");
}

async function sessionOf(page: Page) {
  const session = await page.context().newCDPSession(page);
  return { send: session.send.bind(session) };
}

/** What the page saves under a button. */
export async function saved(page: Page, label: string): Promise<string> {
  const download = page.waitForEvent("download");
  await page.click(`[aria-label="Save the report as ${label}"]`);
  return readFileSync(await (await download).path(), "utf8");
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
};

/** A server of the page. */
export interface Site {
  readonly url: string;
  /** Paths of requests with their methods, and bytes of the bodies that came with them. */
  readonly requests: { readonly path: string; readonly method: string; bytes: number }[];
  /** Ends it; may be called twice. */
  close(): Promise<void>;
}

/**
 * Serves the page as a static host does, or another folder with a page.
 *
 * @param setup what is added to the page's setup
 */
export async function startSite(setup: object = {}, folder = join(BUILT, "web")): Promise<Site> {
  const requests: Site["requests"] = [];
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://host").pathname);
    const seen = { path, method: request.method ?? "", bytes: 0 };
    requests.push(seen);
    request.on("data", (chunk: Uint8Array) => seen.bytes += chunk.length);
    const file = join(folder, path === "/" ? "index.html" : path);
    try {
      let body = readFileSync(file);
      if (path === "/") body = Buffer.from(withSetup(body.toString(), setup));
      response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function withSetup(page: string, setup: object): string {
  return page.replace(
    /(<script type="application\/json" id="setup">)([^<]*)/u,
    (_, tag, text) => tag + JSON.stringify({ ...JSON.parse(text), ...setup }),
  );
}
