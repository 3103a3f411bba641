/**
 * For tests of several threads: scanning in a folder of the test's own, with a main thread that waits.
 *
 * @module
 */

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { baseName } from "../../parsers/base_name.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { type Engine, runScan, type ScanCommandOptions } from "../commands/scan.ts";
import { type ConfigurationText, configuredOf } from "../configuration.ts";
import type { ThreadSupply } from "../../scan/schedule/threads.ts";
import type { ScanSource } from "../../scan/asset/scan_file.ts";
import { testIo, USUAL } from "./io.ts";
import type { Fate } from "./threads.ts";

/** The samples. */
export const TESTDATA = fileURLToPath(new URL("../../../testdata/", import.meta.url));
const HARMFUL = join(TESTDATA, "pickle/harmful/add_extension_ext1.pkl");
/** When tests run. */
export const NOW = 1_750_000_000_000;

const DEFAULTS: ScanCommandOptions = { ...USUAL, format: "ndjson", verbose: true, jobs: 3 };

/** What a test may ask of a scan. */
interface Asked {
  readonly options?: Partial<ScanCommandOptions>;
  readonly files?: readonly ConfigurationText[];
  readonly scan?: ScanSource;
  readonly io?: ReturnType<typeof testIo>;
  readonly isKnown?: Engine["isKnown"];
}

/** Scans with these threads, or alone, as the command does. */
export async function run(
  paths: readonly string[],
  threads: ThreadSupply | undefined,
  asked: Asked = {},
) {
  const { options = {}, files = [], scan = scanSource, isKnown } = asked;
  const io = Object.assign(asked.io ?? testIo({ columns: 100 }), { threads });
  const { rules, configuration, texts } = await configuredOf({ files, now: NOW });
  const engine: Engine = { scan, rules, configuration, texts, isKnown };
  const code = await runScan(paths, { ...DEFAULTS, ...options }, [], io, engine);
  return { code, out: io.stdout.text, err: io.stderr.text };
}

/** What an NDJSON report says, in its order: base names with verdicts, and errors. */
export function reported(out: string): string[] {
  return out.trimEnd().split("\n").map((line) => JSON.parse(line)).flatMap((it) => {
    if (it.type === "error") return [`${baseName(it.path)}: ${it.message}`];
    return it.type === "asset" ? [`${baseName(it.path)} ${it.verdict}`] : [];
  });
}

/** Files `00.pkl`, `01.pkl` …, each harmful, in a folder of their own. */
export async function inFolder(
  count: number,
  body: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-workers-"));
  try {
    for (let index = 0; index < count; index++) {
      copyFileSync(HARMFUL, join(folder, `${String(index).padStart(2, "0")}.pkl`));
    }
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A scan for the main thread that stays in its first file until it is let go. */
export function held(): { scan: ScanSource; letGo: () => void } {
  let letGo = (): void => {};
  const until = new Promise<void>((done) => letGo = done);
  const scan: ScanSource = async (source, options) => {
    await until;
    return await scanSource(source, options);
  };
  return { scan, letGo };
}

/** Counts what workers report, and calls back at a number of reports. */
export function counting(at: number, reached: () => void): { fate: Fate; scanned: Set<number> } {
  const scanned = new Set<number>();
  return {
    scanned,
    fate: {
      sending(message) {
        if (message.type === "scanned") scanned.add(message.index);
        if (scanned.size === at) setTimeout(reached, 5);
        return message;
      },
    },
  };
}
