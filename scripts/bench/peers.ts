/**
 * Installs the other scanners from PyPI into virtual environments of their own, `.cache/peers` and
 * `.cache/peers-tensorflow`, at the versions that `peers.txt` and `peers-tensorflow.txt` name.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ROOT } from "./inputs.ts";
import type { Python } from "./process.ts";

/** A virtual environment with its programs. */
export interface Environment {
  /** Where its programs lie. */
  readonly programs: string;
  readonly python: string;
  /** By the name of the distribution, in lower case. */
  readonly versions: ReadonlyMap<string, string>;
}

/** An environment, or why there is none. */
type Installation = Environment | { readonly missing: string };

/** What the other scanners find in their environment: nothing that reports or fetches. */
export const PEER_ENVIRONMENT: Readonly<Record<string, string | undefined>> = {
  NO_ANALYTICS: "1",
  PROMPTFOO_DISABLE_TELEMETRY: "1",
  DO_NOT_TRACK: "1",
  HF_HUB_OFFLINE: "1",
  // No proxy listens there: an attempt to reach the network fails at once.
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  ALL_PROXY: "http://127.0.0.1:9",
  TF_CPP_MIN_LOG_LEVEL: "3",
  NO_COLOR: "1",
  // A report is wrapped at this width, JSON or not.
  COLUMNS: "100000000",
  PYTHONPATH: undefined,
};

/**
 * Installs what a requirements file of this folder names, unless that was done before.
 *
 * @param requirements its name without `.txt`, which is also the environment's
 */
export function install(python: Python | undefined, requirements: string): Installation {
  if (python === undefined) return { missing: "no Python was found (set PYTHON)" };
  const requirementsFile = fileURLToPath(new URL(`${requirements}.txt`, import.meta.url));
  const folder = join(ROOT, ".cache", requirements);
  const stamp = join(folder, "installed.txt");
  const text = `Python ${python.version}\n${readFileSync(requirementsFile, "utf8")}`;
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== text) {
    console.error(`bench: installing ${requirements}.txt from PyPI into .cache/${requirements}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    const inside = pythonIn(folder);
    for (
      const [command, args] of [
        [python.executable, ["-m", "venv", folder]],
        [inside, [...pip, "--requirement", requirementsFile]],
      ] as const
    ) {
      const done = spawnSync(command, args, { encoding: "utf8" });
      if (done.status === 0) continue;
      const last = (done.stderr ?? "").trim().split("\n").at(-1) ?? "";
      return { missing: `${requirements}.txt could not be installed from PyPI: ${last}` };
    }
    writeFileSync(stamp, text);
  }
  return environmentIn(folder);
}

function programsIn(folder: string): string {
  return join(folder, process.platform === "win32" ? "Scripts" : "bin");
}

function pythonIn(folder: string): string {
  return join(programsIn(folder), "python");
}

function environmentIn(folder: string): Installation {
  const python = pythonIn(folder);
  const code =
    "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions()]";
  const probe = spawnSync(python, ["-c", code], { encoding: "utf8" });
  if (probe.status !== 0) return { missing: `${python} does not run` };
  const versions = new Map(
    probe.stdout.trim().split("\n").map((line) => {
      const [name = "", version = ""] = line.trim().split(" ");
      return [name.toLowerCase(), version];
    }),
  );
  return { programs: programsIn(folder), python, versions };
}
