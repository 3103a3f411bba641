/**
 * GGML's files before GGUF: magic number, hyperparameters, vocabulary, and tensors until the file ends.
 * They hold no code. Which hyperparameters there are depends on the program that wrote the file, and
 * the file does not say: each known layout is tried, and one must account for every byte.
 * llama.cpp before August 2023 (`llama_file_loader`), whisper.cpp `whisper_model_load`, and the examples
 * of https://github.com/ggml-org/ggml.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { HINT } from "../../core/hints.ts";
import { sliceSource } from "../../sources/memory.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";

/** How a program lays out what precedes the tensors. */
interface Layout {
  /** For messages. */
  readonly program: string;
  /** 32-bit words of hyperparameters. */
  readonly parameters: number;
  /** True when a matrix of mel filters follows them: rows and columns, then numbers. */
  readonly filters?: true;
  /** Where the number of tokens is: among the hyperparameters, counted from 0, or in a word of its own. */
  readonly tokens: number | "counted";
  /** True when a score follows each token. */
  readonly scores?: true;
  /** Bytes to a multiple of which the numbers of a tensor begin. */
  readonly align?: number;
  /** The numbers of tensors that the program takes, by its hyperparameters; absent for pairs of any. */
  readonly tensors?: (parameters: readonly number[]) => readonly number[];
}

/** `llama_model_load`: three, and nine of each layer. */
const LLAMA: Layout = {
  program: "llama.cpp",
  parameters: 7,
  tokens: 0,
  tensors: ([, , , , layers = NaN]) => [3 + 9 * layers],
};

const WHISPER: Layout = {
  program: "whisper.cpp",
  parameters: 11,
  filters: true,
  tokens: "counted",
  // Eleven, fifteen of each layer of the encoder and 24 of each of the decoder.
  tensors: ([, , , , audio = NaN, , , , text = NaN]) => [11 + 15 * audio + 24 * text],
};

/** Layouts by magic number and, for all but the oldest, version. */
const LAYOUTS: Readonly<Record<string, readonly Layout[]>> = {
  lmgg: [
    WHISPER,
    LLAMA,
    {
      program: "bert.cpp",
      parameters: 7,
      tokens: 0,
      tensors: ([, , , , , layers = NaN]) => [5 + 16 * layers],
    },
    {
      program: "GPT-2",
      parameters: 6,
      tokens: "counted",
      tensors: ([, , , , layers = NaN]) => [4 + 12 * layers, 5 + 12 * layers],
    },
    {
      program: "GPT-J",
      parameters: 7,
      tokens: "counted",
      tensors: ([, , , , layers = NaN]) => [5 + 10 * layers],
    },
    {
      program: "GPT-NeoX",
      parameters: 8,
      tokens: 0,
      tensors: ([, , , , layers = NaN]) => [4 + 12 * layers],
    },
    {
      program: "MPT",
      parameters: 8,
      tokens: 4,
      tensors: ([, , , layers = NaN]) => [2 + 6 * layers],
    },
    {
      program: "Replit",
      parameters: 6,
      tokens: 4,
      scores: true,
      tensors: ([, , , layers = NaN]) => [2 + 6 * layers],
    },
  ],
  fmgg: [{ ...LLAMA, scores: true }],
  tjgg: [{ ...LLAMA, scores: true, align: 32 }],
  algg: [{ program: "llama.cpp's LoRA", parameters: 2, tokens: -1, align: 32 }],
};

/** Numbers in a block, and bytes of a block, by type: `ggml_type_traits`. */
const BLOCKS: Readonly<Record<number, readonly [numbers: number, bytes: readonly number[]]>> = {
  0: [1, [4]],
  1: [1, [2]],
  // Until GGJT's version 3 the factors of these had 32 bits.
  2: [32, [18, 20]],
  3: [32, [20, 24]],
  4: [16, [10]],
  5: [16, [12]],
  6: [32, [22]],
  7: [32, [24]],
  8: [32, [34, 36]],
  9: [32, [36, 40]],
  10: [256, [84]],
  11: [256, [110]],
  12: [256, [144]],
  13: [256, [176]],
  14: [256, [210]],
  15: [256, [292]],
  16: [1, [1]],
  17: [1, [2]],
  18: [1, [4]],
};

/** Type of eight-bit integers. */
const BYTES = 16;
/**
 * Tensors of bytes whose beginnings are searched for other content. No real model is known to have one.
 * CWE-834.
 */
const LOOKED_AT = 256;
/** Tokens of a vocabulary. The largest real one has 256,000. CWE-770. */
const TOKENS = 10_000_000;
/** Bytes of a token or a tensor's name. The longest real token has 256. CWE-770. */
const NAME_BYTES = 4096;
/** Names of tensors are paths of modules. */
const NAME = /^[\w./:-]+$/u;
/** Axes of a tensor, `GGML_MAX_DIMS`. */
const AXES = 4;
/** Tensors of a file. The largest real model has 2,000. CWE-770. */
const TENSORS = 1_000_000;

/** GGML models before GGUF. */
export const ggmlFormat: Format = { id: "ggml", random: true, detect, scan };

function magicOf(head: Uint8Array): string | undefined {
  return Object.keys(LAYOUTS).find((magic) => startsWith(head, ascii(magic)));
}

function detect({ head }: Sample): boolean {
  return magicOf(head) !== undefined;
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const magic = magicOf(context.sample.head);
  if (magic === undefined) return;
  let best: FormatError | undefined;
  for (const layout of LAYOUTS[magic] ?? []) {
    const cursor = new SourceCursor(source, { check: () => context.checkDeadline(), window: 4096 });
    try {
      const bytes = await walk(cursor, magic, layout);
      yield bytes.slice(0, LOOKED_AT).map(({ start, length }) =>
        embeddedEntry(source, start, length)
      );
      return;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      // The layout that came furthest is the most likely one.
      if (best === undefined || (error.offset ?? 0) > (best.offset ?? 0)) best = error;
    }
  }
  throw best ?? new FormatError("Cannot read GGML model: no layout is known", 0);
}

/**
 * Goes through a file by one layout, to its last byte.
 *
 * @returns where tensors of bytes lie
 * @throws FormatError when it is not laid out so
 */
async function walk(
  cursor: SourceCursor,
  magic: string,
  layout: Layout,
): Promise<readonly Stretch[]> {
  await cursor.skip(4);
  let version = 0;
  if (magic !== "lmgg") {
    version = await cursor.u32();
    if (version < 1 || version > 3) throw invalid(cursor, `version ${version} is not known`);
  }
  const parameters: number[] = [];
  while (parameters.length < layout.parameters) parameters.push(await cursor.u32());
  if (layout.filters) {
    const rows = await cursor.u32();
    const columns = await cursor.u32();
    if (rows > 65_536 || columns > 65_536) throw invalid(cursor, "the mel filters are too large");
    await cursor.skip(4 * rows * columns);
  }
  await vocabulary(cursor, layout, parameters);
  const old = hasOldBlocks(magic, version, parameters.at(-1));
  const bytes: Stretch[] = [];
  let tensors = 0;
  while (!(await cursor.atEnd())) {
    if (++tensors > TENSORS) throw invalid(cursor, `it has more than ${TENSORS} tensors`);
    const stretch = await tensor(cursor, layout.align ?? 1, old);
    if (stretch.bytes) bytes.push(stretch);
  }
  const expected = layout.tensors?.(parameters);
  if (tensors === 0 || !(expected?.includes(tensors) ?? tensors % 2 === 0)) {
    const needed = expected?.join(" or ") ?? "pairs of";
    throw invalid(cursor, `${needed} tensors are needed, ${tensors} are there`);
  }
  return bytes;
}

/**
 * Whether factors of blocks have 32 bits. Files without a version say by the thousands of their file
 * type, the last hyperparameter, how numbers are quantized: `GGML_QNT_VERSION_FACTOR`.
 */
function hasOldBlocks(magic: string, version: number, fileType = 0): boolean {
  return magic === "lmgg" ? fileType < 2000 : version < 3;
}

/** A tensor's numbers. */
interface Stretch {
  readonly start: number;
  readonly length: number;
  /** True for numbers of eight bits. */
  readonly bytes: boolean;
}

/** Bytes may be anything; what they begin like is looked at. */
function embeddedEntry(source: Source, start: number, length: number): Observation {
  const part = `bytes_${start}`;
  const inside = sliceSource(part, source, start, length);
  return { type: "entry", source: inside, part, hint: HINT.torchStorage, loaded: "data" };
}

function invalid(cursor: SourceCursor, why: string): FormatError {
  return new FormatError(`Cannot read GGML model: ${why}`, cursor.offset);
}

async function vocabulary(
  cursor: SourceCursor,
  { tokens, scores }: Layout,
  parameters: readonly number[],
): Promise<void> {
  if (tokens === -1) return;
  const count = tokens === "counted" ? await cursor.u32() : parameters[tokens];
  if (count === undefined || count > TOKENS || (count > (parameters[0] ?? 0) && tokens !== 4)) {
    throw invalid(cursor, `it has ${count} tokens`);
  }
  for (let at = 0; at < count; at++) {
    const length = await cursor.u32();
    if (length > NAME_BYTES) throw invalid(cursor, `a token has ${length} bytes`);
    await cursor.skip(length + (scores ? 4 : 0));
  }
}

async function tensor(cursor: SourceCursor, align: number, old: boolean): Promise<Stretch> {
  const axes = await cursor.u32();
  const length = await cursor.u32();
  const type = await cursor.u32();
  const block = BLOCKS[type];
  if (axes < 1 || axes > AXES) throw invalid(cursor, `a tensor has ${axes} axes`);
  if (length < 1 || length > NAME_BYTES) throw invalid(cursor, `a name has ${length} bytes`);
  if (block === undefined) throw invalid(cursor, `a tensor is of type ${type}`);
  const [numbers, sizes] = block;
  let count = 1;
  for (let axis = 0; axis < axes; axis++) count *= await cursor.u32();
  if (count % numbers !== 0) throw invalid(cursor, `a tensor ends within a block`);
  if (!NAME.test(await cursor.text(length))) throw invalid(cursor, "a name is no tensor's");
  const padding = (align - cursor.offset % align) % align;
  const bytes = (old ? sizes.at(-1) : sizes[0]) ?? Infinity;
  const start = cursor.offset + padding;
  const total = count / numbers * bytes;
  await cursor.skip(padding + total);
  return { start, length: total, bytes: type === BYTES };
}
