/**
 * Writes the pickle of a list of nested dictionaries, byte for byte as CPython's C pickler does
 * under protocol 4 (framing, memo, batches), without holding the list. A million of them are about
 * 70 MB and 31 million opcodes. `dictionaries_test.ts` compares with what CPython wrote.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A frame is closed before the first object beyond this; `FRAME_SIZE_TARGET` in CPython's Modules/_pickle.c. */
const FRAME_TARGET = 64 * 1024;
/** Items between MARK and APPENDS; `BATCHSIZE` there. */
const BATCH = 1000;
/** More than one record and one frame's header need. */
const ROOM = 512;

const OPCODE = {
  PROTO: 0x80,
  FRAME: 0x95,
  EMPTY_LIST: 0x5d,
  EMPTY_DICT: 0x7d,
  MEMOIZE: 0x94,
  MARK: 0x28,
  APPENDS: 0x65,
  SETITEM: 0x73,
  SETITEMS: 0x75,
  SHORT_BINUNICODE: 0x8c,
  BINGET: 0x68,
  BININT: 0x4a,
  BININT1: 0x4b,
  BININT2: 0x4d,
  BINFLOAT: 0x47,
  NEWTRUE: 0x88,
  STOP: 0x2e,
} as const;

/** Gathers one frame; hands it on with its header when it is full. */
class FrameWriter {
  readonly #bytes = new Uint8Array(FRAME_TARGET + ROOM);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #keys = new Map<string, number>();
  readonly #emit: (bytes: Uint8Array) => void;
  #length = 0;
  #memo = 0;

  constructor(emit: (bytes: Uint8Array) => void) {
    this.#emit = emit;
  }

  op(opcode: number): void {
    this.#bytes[this.#length++] = opcode;
  }

  /** A container is memoized when it begins. */
  open(opcode: number): void {
    this.#boundary();
    this.op(opcode);
    this.memoize();
  }

  memoize(): void {
    this.op(OPCODE.MEMOIZE);
    this.#memo++;
  }

  /** A frame may end before an object, nowhere else. */
  #boundary(): void {
    if (this.#length >= FRAME_TARGET) this.flush();
  }

  /** Keys are the same string objects throughout: the first is written, the others are fetched. */
  key(text: string): void {
    this.#boundary();
    const index = this.#keys.get(text);
    if (index !== undefined) {
      this.op(OPCODE.BINGET);
      this.op(index);
      return;
    }
    this.op(OPCODE.SHORT_BINUNICODE);
    this.op(text.length);
    for (const letter of new TextEncoder().encode(text)) this.op(letter);
    this.#keys.set(text, this.#memo);
    this.memoize();
  }

  truth(): void {
    this.#boundary();
    this.op(OPCODE.NEWTRUE);
  }

  integer(value: number): void {
    this.#boundary();
    if (value >= 0 && value <= 0xff) {
      this.op(OPCODE.BININT1);
      this.op(value);
    } else if (value >= 0 && value <= 0xffff) {
      this.op(OPCODE.BININT2);
      this.#view.setUint16(this.#length, value, true);
      this.#length += 2;
    } else {
      this.op(OPCODE.BININT);
      this.#view.setInt32(this.#length, value, true);
      this.#length += 4;
    }
  }

  float(value: number): void {
    this.#boundary();
    this.op(OPCODE.BINFLOAT);
    this.#view.setFloat64(this.#length, value, false);
    this.#length += 8;
  }

  flush(): void {
    if (this.#length === 0) return;
    const header = new Uint8Array(9);
    header[0] = OPCODE.FRAME;
    new DataView(header.buffer).setBigUint64(1, BigInt(this.#length), true);
    this.#emit(header);
    this.#emit(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
  }
}

/**
 * The pickle of `count` records, in pieces that are valid until the next. In Python, record `i` is
 *
 *     {"id": i, "score": i / 7, "kind": i % 251,
 *      "position": {"x": -i - 1, "y": i + 70000, "z": i * 3 + 100000, "w": 256 + i % 60000, "done": True},
 *      "extra": {"level": i % 7}}
 *
 * @param count at least 2, for CPython writes a list of one otherwise
 */
export function writeDictionaries(count: number, emit: (bytes: Uint8Array) => void): void {
  if (!(count >= 2)) {
    throw new RangeError(`Cannot write ${count} dictionaries: there must be at least 2`);
  }
  emit(Uint8Array.of(OPCODE.PROTO, 4));
  const writer = new FrameWriter(emit);
  writer.open(OPCODE.EMPTY_LIST);
  for (let start = 0; start < count; start += BATCH) {
    const end = Math.min(start + BATCH, count);
    writer.op(OPCODE.MARK);
    for (let index = start; index < end; index++) writeRecord(writer, index);
    writer.op(OPCODE.APPENDS);
  }
  writer.op(OPCODE.STOP);
  writer.flush();
}

function writeRecord(writer: FrameWriter, index: number): void {
  writer.open(OPCODE.EMPTY_DICT);
  writer.op(OPCODE.MARK);
  writer.key("id");
  writer.integer(index);
  writer.key("score");
  writer.float(index / 7);
  writer.key("kind");
  writer.integer(index % 251);
  writer.key("position");
  writePosition(writer, index);
  writer.key("extra");
  writer.open(OPCODE.EMPTY_DICT);
  writer.key("level");
  writer.integer(index % 7);
  writer.op(OPCODE.SETITEM);
  writer.op(OPCODE.SETITEMS);
}

function writePosition(writer: FrameWriter, index: number): void {
  writer.open(OPCODE.EMPTY_DICT);
  writer.op(OPCODE.MARK);
  writer.key("x");
  writer.integer(-index - 1);
  writer.key("y");
  writer.integer(index + 70_000);
  writer.key("z");
  writer.integer(index * 3 + 100_000);
  writer.key("w");
  writer.integer(256 + index % 60_000);
  writer.key("done");
  writer.truth();
  writer.op(OPCODE.SETITEMS);
}

/** Writes the pickle to a file. */
export function makeDictionaries(path: string, count: number): void {
  const file = openSync(path, "w");
  try {
    writeDictionaries(count, (bytes) => writeSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

/**
 * Writes the same records by CPython's pickler under any protocol.
 *
 * @param python its executable
 * @throws Error when it fails
 */
export function dumpDictionaries(
  python: string,
  path: string,
  count: number,
  protocol: number,
): void {
  const script = fileURLToPath(new URL("dictionaries.py", import.meta.url));
  const args = [script, path, String(count), String(protocol)];
  const { status, stderr } = spawnSync(python, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot write ${path} by ${python}: ${stderr}`);
}
