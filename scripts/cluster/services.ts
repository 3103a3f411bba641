/**
 * Programs that tests of stores and clusters start on this machine, and that end with them.
 *
 * @module
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Where `scripts/cluster/fetch` has put what the tests need. */
const FETCHED = process.env["MODELAUDIT_CLUSTER"] ?? "";

/** The launcher of this checkout. */
export const LAUNCHER = `${ROOT}scripts/modelaudit`;

/** A program that was fetched; undefined where there is none, which skips the test. */
export function fetched(path: string): string | undefined {
  const found = `${FETCHED}/${path}`;
  return FETCHED !== "" && existsSync(found) ? found : undefined;
}

/** A program of the system; undefined where there is none. */
export function installed(name: string): string | undefined {
  const { status, stdout } = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** A port of this machine that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise<void>((done) => server.close(() => done()));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Seconds that a program may take until it listens. */
const START_SECONDS = 90;

/**
 * Runs with a program that listens on a port, and ends it afterwards.
 *
 * @throws Error when it does not come to listen
 */
export async function withService(
  [program, ...args]: readonly [string, ...string[]],
  { port, env = {}, cwd }: {
    readonly port: number;
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
  },
  body: () => Promise<void>,
): Promise<void> {
  let output = "";
  const child: ChildProcess = spawn(program, args, {
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const listen = (chunk: Uint8Array): void => {
    output = (output + new TextDecoder().decode(chunk)).slice(-4000);
  };
  child.stdout?.on("data", listen);
  child.stderr?.on("data", listen);
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  try {
    for (let waited = 0;; waited++) {
      if (child.exitCode !== null || waited > START_SECONDS * 2) {
        throw new Error(`${program} does not listen: ${output}`);
      }
      try {
        await (await fetch(`http://127.0.0.1:${port}/`)).body?.cancel();
        break;
      } catch {
        await new Promise((done) => setTimeout(done, 500));
      }
    }
    await body();
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

/** What a program did. */
export interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program to its end, without blocking servers of this process. */
export async function ran(
  [program, ...args]: readonly [string, ...string[]],
  { env = {}, input, cwd }: {
    readonly env?: Readonly<Record<string, string>>;
    readonly input?: string;
    readonly cwd?: string;
  } = {},
): Promise<Ran> {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
  });
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  child.stdout.on("data", (chunk: Uint8Array) => out.push(chunk));
  child.stderr.on("data", (chunk: Uint8Array) => err.push(chunk));
  child.stdin.on("error", () => {});
  child.stdin.end(input ?? "");
  const status = await new Promise<number | null>((done) => child.once("close", done));
  const text = (chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString("utf8");
  return { status, out: text(out), err: text(err) };
}
