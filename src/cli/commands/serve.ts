/**
 * `modelaudit serve [PATH…]`: the browser page on this machine, with the files named as arguments. It writes nothing,
 * runs nothing, and connects to nothing.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { ConfigError, SourceError } from "../../core/errors.ts";
import { formatCount } from "../../core/numbers.ts";
import { jsonText } from "../../report/escape.ts";
import { sizeOf, walk } from "../../sources/file.ts";
import type { Io } from "../io.ts";
import { startPageServer } from "../serve/server.ts";
import { tell } from "../terminal.ts";

/** What `serve` takes. */
interface ServeOptions {
  /** 0 for any port that is free. */
  readonly port: number;
}

/** Bytes of the token in the page's address. */
const TOKEN_BYTES = 18;

/** A file as the page is given it; `web/setup.ts` reads it. */
interface ServedFile {
  readonly prefix: string;
  readonly name: string;
  readonly size: number;
  readonly url: string;
}

/**
 * Serves until it is interrupted.
 *
 * @returns the exit code
 * @throws ConfigError when there is no page, or a port or a path cannot be had
 */
export async function runServe(
  paths: readonly string[],
  { port }: ServeOptions,
  io: Io,
): Promise<number> {
  const page = io.page?.();
  if (page === undefined) throw new ConfigError("serve", "Cannot serve the browser page here");
  const files: { readonly path: string; readonly size: number }[] = [];
  const served: ServedFile[] = [];
  for (const found of walk(paths, {})) {
    if (found.kind === "error") {
      const { message, remedy } = found.error;
      throw new SourceError(found.path, message, { remedy });
    }
    const { path, argument } = found;
    const size = sizeOf(path);
    if (size === undefined) throw new SourceError(path, `Cannot read "${path}": it is gone`);
    served.push({ ...namesOf(path, argument), size, url: `files/${files.length}` });
    files.push({ path, size });
  }
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  const server = await startPageServer({
    ...{ page: withSetup(page, { served }), files, port, token },
  }).catch(
    (cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ConfigError("--port", `Cannot serve at port ${port}: ${reason}`, { cause });
    },
  );
  // The socket is open; from now on nothing else is connected to.
  io.confine({ network: false });
  const stopped = new Promise<void>((done) => {
    io.onInterrupt(done);
    io.onTerminate(done);
  });
  await io.stdout.write(`${server.url}\n`);
  const given = served.length === 0 ? "" : `, which scans ${formatCount(served.length, "file")}`;
  await tell(io, `Open this address in a browser on this machine${given}. Ctrl-C ends.`);
  await stopped;
  await server.close();
  return 0;
}

/** The group that the page puts a file into, and its name there: as reports of the command line have its path. */
function namesOf(path: string, argument: string): Pick<ServedFile, "prefix" | "name"> {
  const shown = path.replaceAll("\\", "/");
  const folder = `${argument.replaceAll("\\", "/").replace(/\/+$/u, "")}/`;
  if (path !== argument && shown.startsWith(folder)) {
    return { prefix: folder, name: shown.slice(folder.length) };
  }
  const slash = shown.lastIndexOf("/") + 1;
  return { prefix: shown.slice(0, slash), name: shown.slice(slash) };
}

/**
 * Puts what the page is given into its block of data.
 *
 * @throws ConfigError when the page has none
 */
function withSetup(page: string, setup: object): string {
  const start = '<script type="application/json" id="setup">{';
  const at = page.indexOf(start);
  if (at < 0) throw new ConfigError("serve", "Cannot serve the browser page: it is none of ours");
  // "<" is never within: nothing in it can end the block.
  const text = jsonText(setup).trim().replaceAll("<", "\\u003c").slice(1, -1);
  const behind = at + start.length;
  return `${page.slice(0, behind)}${text},${page.slice(behind)}`;
}
