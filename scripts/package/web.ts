/**
 * Builds the browser page: `web/` for static hosts, where decoders are fetched when they are needed, and
 * `modelaudit.html`, one file with all of it inside, which works from `file://` and is what `modelaudit serve` serves.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { TOOL_VERSION } from "../../src/core/version.ts";
import { stageBrowser, stageSources } from "./stage.ts";

/** Where a build reads and writes, and what bundles for it. */
interface WebBuild {
  /** The checkout. */
  readonly root: string;
  /** Where results go. */
  readonly dist: string;
  /** Runs Bun's bundler in a folder. */
  readonly bundle: (args: readonly string[], folder: string) => void;
}

/** Checkpoints that the page offers to try. */
const EXAMPLES = {
  harmless: "testdata/torch/safe/checkpoint_with_optimizer.pt",
  harmful: "testdata/torch/harmful/state_dict.pt",
} as const;

const ICON = "data:image/svg+xml," + encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#0969da" d="M16 2 28 7v8c0 7.6-5 ' +
    '12.6-12 15C9 27.6 4 22.6 4 15V7z"/><path fill="none" stroke="#fff" stroke-width="3" d="m10 16 4.5 4.5 8-9"/></svg>',
);

/** What both bundles are made with. */
const FLAGS = ["build", "--target=browser", "--minify"] as const;

/** The page looks as reports do. */
const STYLES = ["src/report/html/client/style.css", "web/style.css"] as const;

/** Builds both. Gives the paths of what was made. */
export function buildWeb(build: WebBuild): readonly string[] {
  const { root, dist } = build;
  const stage = join(dist, "stage-web");
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(join(stage, "scripts"), { recursive: true });
  try {
    stageSources(root, stage);
    stageBrowser(stage);
    cpSync(join(root, "web"), join(stage, "web"), { recursive: true });
    writeFileSync(
      join(stage, "src/remote/node_transport.ts"),
      'export { nodeTransport } from "../../web/scan/fetch_transport.ts";\n',
    );
    return [staticSite(build, stage), singleFile(build, stage)];
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function staticSite({ root, dist, bundle }: WebBuild, stage: string): string {
  const folder = join(dist, "web");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "assets"), { recursive: true });
  bundle([
    ...FLAGS,
    "--format=esm",
    "web/main.ts",
    "web/scan/worker.ts",
    "--splitting",
    `--outdir=${folder}`,
    "--root=.",
    "--entry-naming=assets/[name]-[hash].[ext]",
    "--chunk-naming=assets/[hash].[ext]",
  ], stage);
  const style = styleOf(root);
  const styleName = `assets/style-${sha256(style, "hex").slice(0, 8)}.css`;
  writeFileSync(join(folder, styleName), style);
  const names = readdirSync(join(folder, "assets")).map((name) => `assets/${name}`).sort();
  const named = (start: string): string => {
    const found = names.find((name) => name.startsWith(start));
    if (found === undefined) throw new Error(`the bundler made no ${start}*`);
    return found;
  };
  const page = pageOf(root, {
    policy: policyOf("'self'", "'self'"),
    style: `<link rel="stylesheet" href="${styleName}">`,
    script: `<script type="module" src="${named("assets/main-")}"></script>`,
    setup: { worker: named("assets/worker-"), serviceWorker: "sw.js" },
  });
  writeFileSync(join(folder, "index.html"), page);
  const version = sha256(names.join("\n") + page, "hex").slice(0, 16);
  bundle([
    ...FLAGS,
    "--format=iife",
    "web/sw.ts",
    `--outdir=${folder}`,
    `--define=FILES=${JSON.stringify(names)}`,
    `--define=VERSION=${JSON.stringify(version)}`,
  ], stage);
  writeFileSync(join(folder, "_headers"), HEADERS);
  return folder;
}

/** For hosts that read such a file: what a page cannot say of itself, and what may be kept for good. */
const HEADERS = `/*
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer
  Cross-Origin-Opener-Policy: same-origin
  Content-Security-Policy: frame-ancestors 'none'
/assets/*
  Cache-Control: public, max-age=31536000, immutable
`;

function singleFile({ root, dist, bundle }: WebBuild, stage: string): string {
  const made = join(stage, "single");
  bundle([...FLAGS, "--format=esm", "web/main.ts", "--root=.", `--outdir=${made}`], stage);
  // Of `blob:` addresses of a page from `file://` browsers take no modules.
  bundle([
    ...FLAGS,
    "--format=iife",
    '--define=import.meta.url=""',
    "web/scan/worker.ts",
    "--root=.",
    `--outdir=${made}`,
  ], stage);
  const script = inlined(readFileSync(join(made, "web", "main.js"), "utf8"));
  const worker = readFileSync(join(made, "web", "scan", "worker.js"));
  const style = styleOf(root);
  const file = join(dist, "modelaudit.html");
  const packed = deflateSync(worker, { level: 9 }).toString("base64");
  const page = pageOf(root, {
    policy: policyOf(`'sha256-${sha256(script, "base64")}'`, `'sha256-${sha256(style, "base64")}'`),
    style: `<style>${style}</style>`,
    script: `<script type="text/plain" id="worker">${packed}</script>\n` +
      `<script type="module">${script}</script>`,
    setup: {},
  });
  writeFileSync(file, page);
  return file;
}

/** A script that can stand in a page: nothing in it ends it. */
function inlined(script: string): string {
  const text = script.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
  return `${text.trim()}\n`;
}

/** What the page may do. Before it reads a local file it forbids itself every connection, too. */
function policyOf(scripts: string, styles: string): string {
  return [
    "default-src 'none'",
    `script-src ${scripts} 'wasm-unsafe-eval'`,
    `style-src ${styles}`,
    "img-src data:",
    `worker-src 'self' blob:`,
    "connect-src 'self' https: http://127.0.0.1:* http://localhost:*",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types modelaudit",
  ].join("; ");
}

function pageOf(
  root: string,
  parts: Readonly<Record<"policy" | "style" | "script", string>> & { readonly setup: object },
): string {
  const examples = Object.fromEntries(
    Object.entries(EXAMPLES).map(([kind, path]) => [kind, {
      name: `${kind}.pt`,
      base64: readFileSync(join(root, path)).toString("base64"),
    }]),
  );
  const { setup, ...texts } = parts;
  const all: Readonly<Record<string, string>> = {
    ...texts,
    icon: ICON,
    version: TOOL_VERSION,
    setup: JSON.stringify({ ...setup, examples }),
  };
  return readFileSync(join(root, "web", "index.html"), "utf8")
    .replaceAll(/\{\{(\w+)\}\}/gu, (_, name: string) => all[name] ?? "");
}

function styleOf(root: string): string {
  return STYLES.map((path) => readFileSync(join(root, path), "utf8")).join("")
    .replaceAll(/\n\s*/gu, "\n");
}

function sha256(text: string, form: "hex" | "base64"): string {
  return createHash("sha256").update(text).digest(form);
}
