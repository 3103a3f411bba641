/**
 * MessagePack files: checkpoints of Flax and T5X, and maps that loaders read as configurations. Values of
 * the format run nothing; what reaches further are arrays of objects, which msgpack-numpy unpickles, and
 * names in maps. https://github.com/msgpack/msgpack/blob/master/spec.md, `flax/serialization.py`
 *
 * @module
 */

import { mayBeMessagePack } from "./head.ts";
import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext } from "../../core/format.ts";
import { HINT } from "../../core/hints.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { configurationEntries } from "../../parsers/config/metadata.ts";
import { type ConfigNode, isTrue, textOf } from "../../parsers/config_node.ts";
import { type MessagePackBytes, readMessagePack } from "../../parsers/messagepack.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";
import { placeholderAnomalies, storeAnomalies } from "../../parsers/tensorstore.ts";
import { behindEnd } from "../../parsers/trailing.ts";
import { sliceSource } from "../../sources/memory.ts";

/** Values of a file. A checkpoint has some thousands, a vocabulary 300,000. CWE-770. */
const VALUES = 4_000_000;
/** Values of bytes that are looked at; the largest checkpoints have some thousands. CWE-770. */
const BYTES_VALUES = 100_000;
/** Values of bytes that may be pickles and are handed on. No checkpoint is known to have one. CWE-834. */
const PICKLES = 200;
/** Bytes of an extension that are read for what it declares. The longest seen has 46. CWE-770. */
const DECLARED_BYTES = 4096;
/** Extensions in one another, as orbax writes tuples. The samples have none. CWE-674. */
const NESTED = 8;

/** The key of an array's bytes, `msgpack_numpy.encode`. */
const DATA = "data";

/** `flax/serialization.py`, `_MsgpackExtType`; 4 is a tuple of orbax; -1 is the format's own time. */
const EXTENSION = { time: -1, array: 1, complex: 2, scalar: 3, tuple: 4 } as const;

/** MessagePack. */
export const messagePackFormat: Format = {
  id: "msgpack",
  random: true,
  // Names and the first byte are all there is, and the descriptor has looked at them.
  detect: mayBeMessagePack,
  scan,
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const found: MessagePackBytes[] = [];
  const check = (): void => context.checkDeadline();
  const cursor = new SourceCursor(source, { check, bigEndian: true });
  const bytes = (one: MessagePackBytes): void => {
    if (found.length <= BYTES_VALUES) found.push(one);
  };
  const root = await readMessagePack(cursor, { values: VALUES, bytes, textKey: DATA });
  yield configurationEntries("__msgpack__", root);
  // T5X keeps a specification of TensorStore in the place of a large array.
  yield storeAnomalies([root]);
  yield placeholderAnomalies(root);
  // Readers of one value refuse what follows, readers of streams go on.
  yield await behindEnd(source, cursor.offset);
  const search = new EmbeddedSearch(source, check);
  for (const [index, one] of found.slice(0, BYTES_VALUES).entries()) {
    if (index % 1000 === 0) check();
    await search.visit(one, 0);
  }
  yield search.observations;
  if (found.length > BYTES_VALUES) {
    const detail = `It has more than ${BYTES_VALUES} values of bytes, and no more are looked at`;
    yield [{ type: "anomaly", rule: "msgpack-malformed", detail, unread: true }];
  }
}

/** Looks at the values of bytes. */
class EmbeddedSearch {
  readonly observations: Observation[] = [];
  readonly #source: Source;
  readonly #check: () => void;
  readonly #unknown = new Set<number>();
  #pickles = 0;

  constructor(source: Source, check: () => void) {
    this.#source = source;
    this.#check = check;
  }

  async visit(one: MessagePackBytes, depth: number): Promise<void> {
    const { extension, offset, length } = one;
    if (extension === undefined) {
      if (isPickledArray(one)) return this.#pickle(one, HINT.pickle);
      const head = await this.#source.read(offset, Math.min(length, 2));
      if (head[0] === 0x80 && (head[1] ?? 6) <= 5) this.#pickle(one, undefined);
      return;
    }
    switch (extension) {
      case EXTENSION.time:
        return;
      case EXTENSION.array:
      case EXTENSION.complex:
      case EXTENSION.scalar:
      case EXTENSION.tuple:
        return await this.#nested(one, depth);
      default:
        if (this.#unknown.has(extension)) return;
        this.#unknown.add(extension);
        this.observations.push({
          type: "anomaly",
          rule: "msgpack-extension",
          detail: `Extension ${extension}, ${length} bytes`,
          offset,
        });
        this.#pickle(one, undefined);
    }
  }

  /** The payload of an extension of Flax, which is MessagePack again: `(shape, type, bytes)` or a pair. */
  async #nested({ extension, offset, length }: MessagePackBytes, depth: number): Promise<void> {
    if (depth >= NESTED) {
      return this.#wrong(`Extensions lie more than ${NESTED} deep in one another`, offset);
    }
    const inside: MessagePackBytes[] = [];
    const slice = sliceSource("extension", this.#source, offset, length);
    const window = Math.min(length, DECLARED_BYTES);
    const cursor = new SourceCursor(slice, { check: this.#check, bigEndian: true, window });
    let node: ConfigNode;
    try {
      const bytes = (one: MessagePackBytes): void => void inside.push(one);
      node = await readMessagePack(cursor, { values: VALUES, bytes, textKey: DATA });
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return this.#wrong(`Extension ${extension} cannot be read: ${error.message}`, offset);
    }
    if (node.kind !== "list") return this.#wrong(`Extension ${extension} is no list`, offset);
    if (extension === EXTENSION.tuple) {
      this.observations.push(...configurationEntries("tuple", node));
    }
    const type = textOf(node.items[1]) ?? "";
    if (extension !== EXTENSION.tuple && /^\W?O|object/u.test(type)) {
      this.#wrong(`An array of the type "${type.slice(0, 40)}" holds objects`, offset);
    }
    for (const one of inside) {
      await this.visit({ ...one, offset: offset + one.offset }, depth + 1);
    }
  }

  #wrong(detail: string, offset: number): void {
    if (this.observations.length > PICKLES * 2) return;
    this.observations.push({ type: "anomaly", rule: "msgpack-malformed", detail, offset });
  }

  #pickle({ offset, length }: MessagePackBytes, hint: string | undefined): void {
    if (++this.#pickles > PICKLES) {
      if (this.#pickles > PICKLES + 1) return;
      const detail = `More than ${PICKLES} values of bytes may be pickles, and no more are scanned`;
      const rule = "msgpack-malformed";
      this.observations.push({ type: "anomaly", rule, detail, offset, unread: true });
      return;
    }
    const part = `bytes_${offset}`;
    const source = sliceSource(part, this.#source, offset, length);
    this.observations.push({
      type: "entry",
      source,
      part,
      ...(hint === undefined ? { loaded: "data" as const } : { hint }),
    });
  }
}

/**
 * `msgpack_numpy.decode`: the bytes of an array whose kind is `O`, which are unpickled. Of equal keys the last counts;
 * none of them is left out.
 */
function isPickledArray({ node, owner }: MessagePackBytes): boolean {
  const values = (name: string): ConfigNode[] =>
    owner?.members.flatMap(([key, value]) => textOf(key) === name ? [value] : []) ?? [];
  return values(DATA).includes(node) && values("nd").some(isTrue) &&
    values("kind").some((kind) => textOf(kind)?.startsWith("O") === true);
}
