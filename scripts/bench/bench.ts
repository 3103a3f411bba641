/**
 * Measures whole processes, in one run and interleaved: first the figures that this program has to
 * meet (`benches.ts`), then the same inputs side by side with other scanners
 * (`side_by_side.ts`).
 *
 *     make bench                                everything
 *     make bench BENCH="--rounds 9 --write"     more rounds, and docs/benchmarks.md is written
 *     make bench BENCH="--only pickle"          one measurement
 *     make bench BENCH="--no-peers"             without the other scanners
 *     make bench BENCH="--records 10000"        a smaller pickle
 *
 * Python (`PYTHON`, else python3) is needed for comparisons only; the other scanners are installed
 * into `.cache/peers`. Peak memory and reads come from `/proc`, hence on Linux only. What is
 * skipped is reported.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { BENCHES, type Setting } from "./benches.ts";
import { CACHE, ROOT } from "./inputs.ts";
import { machine, page } from "./page.ts";
import { endWithUs, findPython } from "./process.ts";
import { comparisonNames, type Comparisons, comparisonTable, sideBySide } from "./side_by_side.ts";
import { type Row, table } from "./table.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "5" },
      records: { type: "string", default: "1000000" },
      only: { type: "string" },
      write: { type: "boolean", default: false },
      peers: { type: "boolean", default: true },
      "no-peers": { type: "boolean", default: false },
    },
  });
  const { only } = values;
  const names = new Set([...BENCHES.map(({ name }) => name), ...comparisonNames()]);
  if (only !== undefined && !names.has(only)) {
    throw new RangeError(`Cannot run "${only}": there are ${[...names].join(", ")}`);
  }
  mkdirSync(CACHE, { recursive: true });
  endWithUs();
  const setting: Setting = {
    rounds: count(values.rounds, "--rounds"),
    records: count(values.records, "--records"),
    python: findPython(),
  };
  const rows: Row[] = [];
  for (const { name, measure } of BENCHES) {
    if (only === undefined || only === name) rows.push(...await measure(setting));
  }
  if (rows.length > 0) console.log(table(rows));
  let others: Comparisons = { comparisons: [], versions: [], left: [] };
  if (values.peers && !values["no-peers"]) {
    others = await sideBySide(setting, only, (done) => {
      console.log(`\n${done.title}\n\n${comparisonTable(done)}`);
    });
  }
  if (!values.write) return;
  mkdirSync(join(ROOT, "docs"), { recursive: true });
  const text = page({ machine: machine(), setting, rows, ...others, only });
  writeFileSync(join(ROOT, "docs", "benchmarks.md"), text);
}

function count(text: string, option: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new RangeError(`Cannot use ${option} ${text}: it must be an integer above 0`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(`bench: ${error.message}`);
    process.exitCode = 2;
  }
}
