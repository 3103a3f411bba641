/**
 * Torch7's objects: numbers, text, tables, functions and objects of classes by name, each behind its type, in
 * binary or in text. `File.lua` and `lib/TH/THDiskFile.c` of https://github.com/torch/torch7
 *
 * A function is Lua's bytecode, which interpreters do not verify. A class must have been loaded; its own `read`
 * may do anything with what follows.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { behindEnd } from "../../parsers/trailing.ts";
import { BinaryReader, TextReader } from "./encodings.ts";
import { mayBeTorch7 } from "./head.ts";
import { ObjectWalk } from "./walk.ts";

/** Bytes of a `long` where the program was compiled for 64 bits, and for 32 bits or Windows. */
const LONG_BYTES = [8, 4] as const;

/** Torch7's objects. */
export const torch7Format: Format = {
  id: "torch7",
  random: true,
  detect: (sample) => mayBeTorch7(sample) !== undefined,
  scan,
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const { values } = context.limits;
  if (mayBeTorch7(context.sample) === "text") {
    yield* complete(source, new ObjectWalk(new TextReader(source, check), values));
    return;
  }
  const [wide, narrow] = LONG_BYTES.map((bytes) =>
    new ObjectWalk(new BinaryReader(source, check, bytes), values)
  );
  if (wide === undefined || narrow === undefined) return;
  const failure = await failureOf(wide);
  if (!wide.usesLongs) {
    yield* complete(source, wide, failure);
    return;
  }
  const other = await failureOf(narrow);
  if (failure !== undefined && other === undefined) {
    yield* complete(source, narrow);
    return;
  }
  // What a program with another `long` would load counts too.
  yield narrow.functions();
  yield* complete(source, wide, failure);
}

/** Why a walk broke off; undefined where it reached the end of the object. */
async function failureOf(walk: ObjectWalk): Promise<FormatError | undefined> {
  try {
    await walk.run();
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  return undefined;
}

/** What a walk found, and what follows the object. */
async function* complete(
  source: Source,
  walk: ObjectWalk,
  failure?: FormatError,
): AsyncIterable<readonly Observation[]> {
  const broken = walk.started ? failure : await failureOf(walk);
  yield walk.observations();
  if (broken !== undefined) throw broken;
  yield await behindEnd(source, walk.end);
}
