/**
 * `model.bin` of CTranslate2: names, shapes and sizes of variables, each followed by its numbers. It
 * holds no code. `ModelSpec._serialize`, python/ctranslate2/specs/model_spec.py, and `Model::load`,
 * src/models/model.cc.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";
import { behindEnd } from "../../parsers/trailing.ts";

/** Versions of the file with a name and a revision; 6 is the newest of CTranslate2 4. */
const FIRST_VERSION = 2;
const LAST_VERSION = 19;
/** From this version on a variable has a type and a number of bytes, before an item size and a count. */
const TYPED_VERSION = 4;
/** From this version on aliases follow the variables. */
const ALIAS_VERSION = 3;

/** Variables, and aliases, that a file may have. The largest real model has 5,000. CWE-770. */
const VARIABLES = 1_000_000;

/** Bytes of an item by type: float32, int8, int16, int32, float16, bfloat16. */
const ITEM_BYTES: readonly number[] = [4, 1, 2, 4, 2, 2];

/** CTranslate2 models. */
export const ctranslate2Format: Format = { id: "ctranslate2", random: false, detect, scan };

function detect({ head }: Sample): boolean {
  if (head.length < 16) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const version = view.getUint32(0, true);
  const length = view.getUint16(4, true);
  if (version < FIRST_VERSION || version > LAST_VERSION || length < 2 || length > 255) return false;
  const name = latin1(head.subarray(6), length);
  if (!/^[A-Z]\w*Spec\0$/u.test(name)) return false;
  // Revision and number of variables, then the name of the first, with a zero behind.
  const first = 6 + length + 8;
  if (first + 2 > head.length) return true;
  const end = first + 2 + view.getUint16(first, true);
  return end > head.length || head[end - 1] === 0;
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const cursor = new SourceCursor(source, { check: () => context.checkDeadline() });
  const version = await cursor.u32();
  await text(cursor);
  await cursor.skip(4);
  const variableNames = new Set<string>();
  const count = await counted(cursor, "variables");
  for (let at = 0; at < count; at++) variableNames.add(await variable(cursor, version));
  if (version >= ALIAS_VERSION) await aliases(cursor, variableNames);
  yield await behindEnd(source, cursor.offset);
}

async function counted(cursor: SourceCursor, what: string): Promise<number> {
  const at = cursor.offset;
  const count = await cursor.u32();
  if (count > VARIABLES) throw new FormatError(`Cannot read ${count} ${what}`, at);
  return count;
}

/** A text with its length before it and a zero behind. */
async function text(cursor: SourceCursor): Promise<string> {
  const at = cursor.offset;
  const length = await cursor.u16();
  const read = await cursor.text(length);
  if (!read.endsWith("\0")) {
    throw new FormatError(`Cannot read a name at ${at}: no zero ends it`, at);
  }
  return read.slice(0, -1);
}

/** Steps over a variable, whose shape and size must agree. */
async function variable(cursor: SourceCursor, version: number): Promise<string> {
  const name = await text(cursor);
  const at = cursor.offset;
  const rank = await cursor.u8();
  let items = 1;
  for (let axis = 0; axis < rank; axis++) items *= await cursor.u32();
  const kind = await cursor.u8();
  const size = await cursor.u32();
  const item = version < TYPED_VERSION ? kind : ITEM_BYTES[kind];
  if (item === undefined) throw new FormatError(`Invalid type ${kind} of "${name}"`, at);
  const bytes = version < TYPED_VERSION ? size * item : size;
  if (items * item !== bytes) {
    throw new FormatError(
      `Cannot read "${name}": its shape takes ${items * item} bytes, ${bytes} are declared`,
      at,
    );
  }
  await cursor.skip(bytes);
  return name;
}

async function aliases(cursor: SourceCursor, variableNames: ReadonlySet<string>): Promise<void> {
  const count = await counted(cursor, "aliases");
  for (let index = 0; index < count; index++) {
    const at = cursor.offset;
    const alias = await text(cursor);
    const target = await text(cursor);
    if (!variableNames.has(target)) {
      throw new FormatError(`Cannot resolve "${alias}": there is no variable "${target}"`, at);
    }
  }
}
