/**
 * Samples that chains begin with: the pickles of `testdata/`, alone and in containers, and a few of
 * the plainest, which a finding is tried on when it is made smaller.
 *
 * @module
 */

import { join } from "../bytes.ts";
import { bytesOfSeed, seedsOf } from "../corpus.ts";
import type { Oracle } from "./oracle.ts";
import { RAW, readProgram } from "./program.ts";
import type { Draft, Loader } from "./transformation.ts";

/** A sample, read. */
export interface Sample {
  readonly id: string;
  /** Whether its verdict must not sink; the verdict of others must not rise to dangerous. */
  readonly harmful: boolean;
  readonly draft: Draft;
}

const FOLDERS =
  /^(?:pickle|joblib|torch|numpy|sklearn|pandas|dill|zip|tar|compressed|xgboost|lightgbm|disguised|skops)\//u;
const HARMFUL = /\/(?:harmful|suspicious)\/|^disguised\//u;
const SAFE = /\/safe\//u;
/** Bytes of a pickle; larger ones cost more than they show. */
const MOST_BYTES = 24 * 1024;

/** The plainest harmful pickles of protocols 0, 2 and 4, for findings that are made smaller. */
const PLAINEST: readonly (readonly [id: string, bytes: Uint8Array])[] = [
  ["plain-0", join("cos\nsystem\n(S'echo hi'\ntR.")],
  ["plain-0-unicode", join("cos\nsystem\n(Vecho hi\ntR.")],
  ["plain-2", join([0x80, 2], "cos\nsystem\nq\0X", [7, 0, 0, 0], "echo hi", [0x85], "R.")],
  [
    "plain-4",
    join([0x80, 4, 0x8c, 2], "os", [0x8c, 6], "system", [0x93, 0x8c, 7], "echo hi", [0x85], "R."),
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

/** All pickles of `testdata/` that are read and written again alike, but for frames. */
export async function samples(oracle: Oracle): Promise<readonly Sample[]> {
  const found: Sample[] = [];
  for (const seed of seedsOf(FOLDERS)) {
    const harmful = HARMFUL.test(seed.path);
    if ((!harmful && !SAFE.test(seed.path)) || seed.path.endsWith("asm")) continue;
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
      found.push({ id, harmful, draft: draftOf(program.ops, program.tail, loader) });
    }
  }
  return found;
}
