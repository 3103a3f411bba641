/**
 * Writes a PyTorch checkpoint as `torch.save` lays it out (stored members, data descriptors, storages
 * aligned to 64 bytes, zip64 end records), with zeros for weights that take no room on a disk that
 * knows sparse files.
 *
 * @module
 */

import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { crc32 } from "../../src/codecs/checksums/crc32.ts";

/** `torch.serialization` aligns storages so; the padding is an extra field named FB. */
const ALIGNMENT = 64;
/** UTF-8 names, sizes in a descriptor behind the data. */
const FLAGS = 0x0808;
/** Four bytes an element. */
const ROWS = 1024;
const STORAGE_BYTES = ROWS * ROWS * 4;

interface Member {
  readonly name: string;
  readonly size: number;
  readonly crc: number;
  readonly offset: number;
}

/** A buffer that grows; little-endian. */
class Bytes {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(this.#length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  u8(...values: number[]): this {
    for (const value of values) this.#view.setUint8(this.#room(1), value);
    return this;
  }

  u16(...values: number[]): this {
    for (const value of values) this.#view.setUint16(this.#room(2), value, true);
    return this;
  }

  u32(...values: number[]): this {
    for (const value of values) this.#view.setUint32(this.#room(4), value, true);
    return this;
  }

  u64(...values: number[]): this {
    for (const value of values) this.#view.setBigUint64(this.#room(8), BigInt(value), true);
    return this;
  }

  text(value: string): this {
    return this.raw(new TextEncoder().encode(value));
  }

  raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Writes the opcodes of protocol 2 that `torch.save` needs, with a memo as Python's pickler numbers it. */
class StatePickle {
  readonly #out = new Bytes();
  readonly #memo = new Map<string, number>();
  #next = 0;

  put(): void {
    const index = this.#next++;
    if (index < 256) this.#out.u8(0x71, index); // BINPUT
    else this.#out.u8(0x72).u32(index); // LONG_BINPUT
  }

  #get(index: number): void {
    if (index < 256) this.#out.u8(0x68, index); // BINGET
    else this.#out.u8(0x6a).u32(index); // LONG_BINGET
  }

  /** What is written once and fetched afterwards. */
  #shared(key: string, write: () => void): void {
    const index = this.#memo.get(key);
    if (index !== undefined) return this.#get(index);
    write();
    this.#memo.set(key, this.#next);
    this.put();
  }

  op(...codes: number[]): this {
    this.#out.u8(...codes);
    return this;
  }

  global(module: string, name: string): void {
    this.#shared(`${module}\n${name}\n`, () => this.#out.text(`c${module}\n${name}\n`));
  }

  string(value: string): void {
    this.#shared(value, () => {
      const bytes = new TextEncoder().encode(value);
      this.#out.u8(0x58).u32(bytes.length).raw(bytes); // BINUNICODE
    });
  }

  integer(value: number): void {
    if (value < 256) this.#out.u8(0x4b, value); // BININT1
    else if (value < 65_536) this.#out.u8(0x4d).u16(value); // BININT2
    else this.#out.u8(0x4a).u32(value); // BININT
  }

  done(): Uint8Array {
    return this.#out.done();
  }
}

/** `OrderedDict` of `storages` square float tensors, each over a storage of its own. */
function stateDict(storages: number): Uint8Array {
  const MARK = 0x28, TUPLE = 0x74, TUPLE2 = 0x86, EMPTY_TUPLE = 0x29, REDUCE = 0x52;
  const pickle = new StatePickle();
  pickle.op(0x80, 2); // PROTO 2
  pickle.global("collections", "OrderedDict");
  pickle.op(EMPTY_TUPLE, REDUCE).put();
  pickle.op(MARK);
  for (let index = 0; index < storages; index++) {
    pickle.string(`layers.${index}.weight`);
    pickle.global("torch._utils", "_rebuild_tensor_v2");
    pickle.op(MARK, MARK);
    pickle.string("storage");
    pickle.global("torch", "FloatStorage");
    pickle.string(String(index));
    pickle.string("cpu");
    pickle.integer(ROWS * ROWS);
    pickle.op(TUPLE).put();
    pickle.op(0x51); // BINPERSID
    pickle.integer(0);
    for (const [first, second] of [[ROWS, ROWS], [ROWS, 1]] as const) {
      pickle.integer(first);
      pickle.integer(second);
      pickle.op(TUPLE2).put();
    }
    pickle.op(0x89); // NEWFALSE
    pickle.global("collections", "OrderedDict");
    pickle.op(EMPTY_TUPLE, REDUCE).put();
    pickle.op(TUPLE).put();
    pickle.op(REDUCE).put();
  }
  return pickle.op(0x75, 0x2e).done(); // SETITEMS STOP
}

/**
 * Writes a checkpoint of `storages` times 4 MiB.
 *
 * @throws RangeError when that is 4 GiB or more, for which the layout is another
 */
export function makeCheckpoint(path: string, storages: number): void {
  if (storages * (STORAGE_BYTES + 256) >= 2 ** 32) {
    throw new RangeError(`Cannot write ${storages} storages of 4 MiB: they must stay below 4 GiB`);
  }
  const file = openSync(path, "w");
  const members: Member[] = [];
  let at = 0;
  const write = (bytes: Uint8Array) => {
    writeSync(file, bytes, 0, bytes.length, at);
    at += bytes.length;
  };
  /** Writes header, data and descriptor; data of zeros is stepped over. */
  const add = (name: string, data: Uint8Array | number, crc: number) => {
    const full = `archive/${name}`;
    const size = typeof data === "number" ? data : data.length;
    members.push({ name: full, size, crc, offset: at });
    write(localHeader(full, at));
    if (typeof data === "number") at += data;
    else write(data);
    write(new Bytes().u32(0x08074b50, crc, size, size).done());
  };
  const addText = (name: string, text: string) => {
    const bytes = new TextEncoder().encode(text);
    add(name, bytes, crc32(bytes));
  };
  try {
    const pickle = stateDict(storages);
    add("data.pkl", pickle, crc32(pickle));
    addText(".format_version", "1");
    addText(".storage_alignment", String(ALIGNMENT));
    addText("byteorder", "little");
    const zeros = crc32(new Uint8Array(STORAGE_BYTES));
    for (let index = 0; index < storages; index++) add(`data/${index}`, STORAGE_BYTES, zeros);
    addText("version", "3\n");
    addText(".data/serialization_id", "0561108523619670529409273596219406478234");
    write(directory(members, at));
    ftruncateSync(file, at);
  } finally {
    closeSync(file);
  }
}

/** Crc and sizes are zero here and stand in the descriptor; the extra field pads to the alignment. */
function localHeader(name: string, at: number): Uint8Array {
  const fixed = at + 30 + name.length + 4;
  const padding = (ALIGNMENT - fixed % ALIGNMENT) % ALIGNMENT;
  return new Bytes().u32(0x04034b50).u16(0, FLAGS, 0, 0, 0).u32(0, 0, 0)
    .u16(name.length, padding + 4).text(name).text("FB").u16(padding).text("Z".repeat(padding))
    .done();
}

/** The central directory with the zip64 and the plain end record. */
function directory(members: readonly Member[], at: number): Uint8Array {
  const out = new Bytes();
  for (const { name, size, crc, offset } of members) {
    out.u32(0x02014b50).u16(0, 0, FLAGS, 0, 0, 0).u32(crc, size, size)
      .u16(name.length, 0, 0, 0, 0).u32(0, offset).text(name);
  }
  const length = out.done().length;
  const count = members.length;
  return out.u32(0x06064b50).u64(44).u16(0x031e, 45).u32(0, 0).u64(count, count, length, at)
    .u32(0x07064b50, 0).u64(at + length).u32(1)
    .u32(0x06054b50).u16(0, 0, count, count).u32(length, at).u16(0)
    .done();
}
