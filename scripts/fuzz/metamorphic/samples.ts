/**
 * Samples that chains begin with: the pickles of `testdata/`, alone and in containers, and a few of
 * the plainest, which a finding is tried on when it is made smaller.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { existsSync, readFileSync } from "node:fs";
import { VERDICTS } from "../../../src/core/findings.ts";
import type { Verdict } from "../../../src/core/types.ts";
import { join, little } from "../bytes.ts";
import { bytesOfSeed, seedsOf } from "../corpus.ts";
import { written } from "./layout.ts";
import type { Oracle } from "./oracle.ts";
import { RAW, readProgram } from "./program.ts";
import type { Draft, Loader } from "./transformation.ts";

/** A sample, read. */
export interface Sample {
  readonly id: string;
  /** Whether its verdict must not become lower; that of others must not become dangerous. */
  readonly harmful: boolean;
  /** What `testdata/` expects at least of the file itself; undefined of what lies inside one. */
  readonly stated?: Verdict;
  readonly draft: Draft;
}

const FOLDERS =
  /^(?:pickle|joblib|torch|numpy|sklearn|pandas|dill|zip|tar|compressed|xgboost|lightgbm|disguised|skops)\//u;
const HARMFUL = /\/(?:harmful|suspicious)\/|^disguised\//u;
const SAFE = /\/safe\//u;
/** Bytes of a pickle; larger ones cost more than they show. */
const MOST_BYTES = 24 * 1024;

const PAYLOAD = join("cos\nsystem\n(S'echo hi'\ntR.");

/**
 * The plainest harmful pickles of protocols 0, 2 and 4, for findings that are made smaller: a global that is harmful
 * under any name, one that is so only when it is called, and harmless ones with a harmful attribute.
 */
const PLAINEST: readonly (readonly [id: string, bytes: Uint8Array])[] = [
  ["plain-0", join("cos\nsystem\n(S'echo hi'\ntR.")],
  ["plain-0-unicode", join("cos\nsystem\n(Vecho hi\ntR.")],
  ["plain-2", join([0x80, 2], "cos\nsystem\nq\0X", [7, 0, 0, 0], "echo hi", [0x85], "R.")],
  [
    "plain-4",
    join([0x80, 4, 0x8c, 2], "os", [0x8c, 6], "system", [0x93, 0x8c, 7], "echo hi", [0x85], "R."),
  ],
  [
    "plain-loader",
    join(
      [0x80, 3],
      "ctorch.storage\n_load_from_bytes\nB",
      little(4, PAYLOAD.length),
      PAYLOAD,
      [0x85],
      "R.",
    ),
  ],
  [
    "plain-attribute",
    join([0x80, 4], "cbuiltins\ngetattr\n(ccodecs\ngetreader\n", [0x8c, 11], "__globals__tR."),
  ],
];

function draftOf(ops: Draft["ops"], tail: Uint8Array, loader: Loader): Draft {
  const nothing = new Uint8Array();
  const name = loader === "joblib" ? "model.joblib" : "model.pkl";
  const frames = { kind: "none", salt: 0 } as const;
  return { ops, tail, loader, frames, before: nothing, behind: nothing, containers: [], name };
}

/** The plainest samples. */
export function plainest(): readonly Sample[] {
  return PLAINEST.flatMap(([id, bytes]) => {
    const program = readProgram(bytes);
    return program
      ? [{ id, harmful: true, draft: draftOf(program.ops, program.tail, "plain") }]
      : [];
  });
}

/** The least that a folder's `expected.json` wants of a file. */
function expected(path: string): Verdict | undefined {
  const [folder = "", ...rest] = path.split("/");
  const file = new URL(`../../../testdata/${folder}/expected.json`, import.meta.url);
  const all: Record<string, { readonly verdict: Verdict; readonly also?: readonly Verdict[] }> =
    existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const one = all[rest.join("/")];
  if (one === undefined) return undefined;
  const allowed = [one.verdict, ...one.also ?? []].map((verdict) => VERDICTS.indexOf(verdict));
  return VERDICTS[Math.max(...allowed)];
}

/**
 * All pickles of `testdata/` that are read and written again alike, but for frames.
 *
 * @param which whether real ones are wanted besides those that do harm
 */
export async function samples(
  oracle: Oracle,
  which: "all" | "harmful",
): Promise<readonly Sample[]> {
  const found: Sample[] = [];
  for (const seed of seedsOf(FOLDERS)) {
    const harmful = HARMFUL.test(seed.path);
    if ((!harmful && (which === "harmful" || !SAFE.test(seed.path))) || seed.path.endsWith("asm")) {
      continue;
    }
    const bytes = bytesOfSeed(seed);
    for (
      const { where, loader, raws, bytes: inner } of await oracle.survey(
        seed.path,
        bytes,
        MOST_BYTES,
      )
    ) {
      const content = Uint8Array.from(atob(inner), (char) => char.charCodeAt(0));
      const program = readProgram(content, raws);
      if (program === undefined) continue;
      if (raws.length !== program.ops.filter(({ code }) => code === RAW).length) continue;
      // An archive may have two members of one name.
      const same = found.filter(({ id }) => id.replace(/#\d+$/u, "") === where).length;
      const id = same === 0 ? where : `${where}#${same}`;
      const draft = draftOf(program.ops, program.tail, loader);
      // Frames are not kept: a sample that is about its frames is another one without.
      const isWhole = where === seed.path && Buffer.compare(written(draft), content) === 0;
      const stated = harmful && isWhole ? expected(seed.path) : undefined;
      found.push({ id, harmful, draft, ...(stated !== undefined && { stated }) });
    }
  }
  return found;
}
