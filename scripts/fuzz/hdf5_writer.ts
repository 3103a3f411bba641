/**
 * Writes small HDF5 files piece by piece: the records of the older layout (symbol tables, B-trees, local
 * heaps) and of the newer one (links in object headers, checksums). Numbers may be wrong; checksums
 * match what is written.
 *
 * HDF5 File Format Specification 3.0, https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 *
 * @module
 */

import { BOUNDARIES, join, joinAll, little, type Piece } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import { lookup3 } from "./lookup3.ts";

/** No address. */
const UNDEFINED = 0xffff_ffff_ffff_ffffn;

/** Group nodes have room for twice as many entries: superblock versions 0 and 1. */
const LEAF_K = 4;
const INTERNAL_K = 16;
const HEAP_BYTES = 4096;

/** A message of an object header. */
export interface Message {
  readonly type: number;
  readonly data: Uint8Array;
}

/** What a group lists. */
export type Link =
  | { readonly name: string; readonly kind: "hard"; readonly address: number }
  | { readonly name: string; readonly kind: "soft"; readonly target: string }
  | { readonly name: string; readonly kind: "external"; readonly file: string };

/** A file being written: records at addresses that grow. */
export class Hdf5Writer {
  readonly #dice: Dice;
  readonly #pieces: Uint8Array[] = [];
  readonly #wrongFields: number;
  /** Whether groups are written as before HDF5 1.8. */
  readonly old: boolean;
  /** True once some number is not what it should be. */
  lied = false;
  #end = 0;

  constructor(dice: Dice) {
    this.#dice = dice;
    this.old = dice.chance(1, 2);
    this.#wrongFields = dice.chance(1, 2) ? 0 : dice.pick([20, 80, 300]);
    this.put(new Uint8Array(96));
  }

  /** A number of the file, or a wrong one. */
  number(width: number, value: number | bigint): Uint8Array {
    if (this.#wrongFields === 0 || !this.#dice.chance(1, this.#wrongFields)) {
      return little(width, value);
    }
    this.lied = true;
    const near = BigInt(value) + this.#dice.pick([-8n, -1n, 1n, 8n]);
    return little(width, this.#dice.chance(1, 2) ? near : this.#dice.pick(BOUNDARIES));
  }

  /** An address, or that of something else in the file. */
  address(value: number | bigint): Uint8Array {
    if (this.#wrongFields === 0 || !this.#dice.chance(1, this.#wrongFields)) {
      return little(8, value);
    }
    this.lied = true;
    return little(8, this.#dice.chance(2, 3) ? this.#dice.below(this.#end) : UNDEFINED);
  }

  /** Appends a record and gives its address. */
  put(record: Uint8Array): number {
    const at = this.#end;
    const padded = join(record, new Uint8Array((8 - record.length % 8) % 8));
    this.#pieces.push(padded);
    this.#end += padded.length;
    return at;
  }

  /** An object header with its messages, some of them in a second block. */
  object(messages: readonly Message[]): number {
    const split = messages.length > 1 && this.#dice.chance(1, 5)
      ? 1 + this.#dice.below(messages.length - 1)
      : messages.length;
    const first = messages.slice(0, split);
    const rest = messages.slice(split);
    return this.old ? this.#objectV1(first, rest) : this.#objectV2(first, rest);
  }

  #objectV1(first: readonly Message[], rest: readonly Message[]): number {
    const written = (messages: readonly Message[]) =>
      messages.map(({ type, data }) => {
        const padded = join(data, new Uint8Array((8 - data.length % 8) % 8));
        return join(this.number(2, type), this.number(2, padded.length), [0, 0, 0, 0], padded);
      });
    const count = first.length + rest.length + (rest.length > 0 ? 1 : 0);
    const blocks = written(first);
    if (rest.length > 0) {
      const behind = joinAll(written(rest));
      blocks.push(...written([this.#continuation(this.put(behind), behind.length)]));
    }
    const body = joinAll(blocks);
    const front = join(
      [1, 0],
      this.number(2, count),
      this.number(4, 1),
      this.number(4, body.length),
    );
    return this.put(join(front, new Uint8Array(4), body));
  }

  #objectV2(first: readonly Message[], rest: readonly Message[]): number {
    const written = ({ type, data }: Message) =>
      join([type], this.number(2, data.length), [0], data);
    const blocks = first.map(written);
    if (rest.length > 0) {
      const behind = signed(join("OCHK", ...rest.map(written)));
      blocks.push(written(this.#continuation(this.put(behind), behind.length)));
    }
    const body = joinAll(blocks);
    // Flags: the size of the first block has four bytes.
    return this.put(signed(join("OHDR", [2, 2], this.number(4, body.length), body)));
  }

  #continuation(at: number, length: number): Message {
    return { type: 0x10, data: join(this.address(at), this.number(8, length)) };
  }

  /** The messages by which an object is a group. */
  group(links: readonly Link[]): Message[] {
    return this.old ? [this.#symbolTable(links)] : [
      { type: 0x02, data: join([0, 0], little(8, UNDEFINED), little(8, UNDEFINED)) },
      { type: 0x0a, data: join([0, 0]) },
      ...links.map((link) => this.#link(link)),
    ];
  }

  #link(link: Link): Message {
    const external = join([0], link.kind === "external" ? `${link.file}\0/x\0` : "");
    const target: Piece = link.kind === "hard"
      ? this.address(link.address)
      : link.kind === "soft"
      ? join(this.number(2, link.target.length), link.target)
      : join(this.number(2, external.length), external);
    const type = { hard: 0, soft: 1, external: 64 }[link.kind];
    return {
      type: 0x06,
      data: join([1, 8, type], this.number(1, link.name.length), link.name, target),
    };
  }

  /** B-tree of one node, one symbol table node, and the heap of names. */
  #symbolTable(links: readonly Link[]): Message {
    const sorted = [...new Map(links.map((link) => [link.name, link])).values()]
      .filter(({ kind }) => kind !== "external")
      .sort((one, other) => one.name < other.name ? -1 : 1)
      .slice(0, 2 * LEAF_K);
    const names: Piece[] = [new Uint8Array(8)];
    let used = 8;
    const place = (text: string): number => {
      const bytes = join(text, new Uint8Array(8 - text.length % 8));
      names.push(bytes);
      used += bytes.length;
      return used - bytes.length;
    };
    let last = 0;
    const entries = sorted.map((link) => {
      last = place(link.name);
      const soft = link.kind === "soft" ? place(link.target) : 0;
      return join(
        this.number(8, last),
        link.kind === "hard" ? this.address(link.address) : little(8, UNDEFINED),
        little(4, link.kind === "soft" ? 2 : 0),
        new Uint8Array(4),
        this.number(4, soft),
        new Uint8Array(12),
      );
    });
    const data = this.put(joinAll(names));
    // 1: the heap has no free block.
    const heap = this.put(
      join("HEAP", new Uint8Array(4), this.number(8, used), little(8, 1), this.address(data)),
    );
    const node = new Uint8Array(8 + 2 * LEAF_K * 40);
    node.set(join("SNOD", [1, 0], this.number(2, entries.length), ...entries));
    const child = this.put(node);
    const tree = new Uint8Array(24 + (4 * INTERNAL_K + 1) * 8);
    const siblings = join(this.address(UNDEFINED), this.address(UNDEFINED));
    const keys = join(this.number(8, 0), this.address(child), this.number(8, last));
    tree.set(join("TREE", [0, 0], this.number(2, entries.length > 0 ? 1 : 0), siblings, keys));
    return { type: 0x11, data: join(this.address(this.put(tree)), this.address(heap)) };
  }

  /** A collection of the global heap that holds one object, its index 1. */
  heap(data: Uint8Array): number {
    const body = join(data, new Uint8Array((8 - data.length % 8) % 8));
    const size = Math.max(HEAP_BYTES, 48 + body.length);
    const collection = new Uint8Array(size);
    const free = size - 32 - body.length;
    collection.set(join(
      join("GCOL", [1, 0, 0, 0], this.number(8, size)),
      join(this.number(2, 1), [1, 0, 0, 0, 0, 0], this.number(8, data.length), body),
      join(new Uint8Array(8), this.number(8, free)),
    ));
    return this.put(collection);
  }

  /** A heap with the names of the files that hold a dataset's data, and the message about it. */
  externalFile(name: string, size: number): Message {
    const text = join(new Uint8Array(8), name, [0]);
    const data = this.put(text);
    const length = Math.ceil(text.length / 8) * 8;
    const heap = this.put(
      join("HEAP", new Uint8Array(4), this.number(8, length), little(8, 1), this.address(data)),
    );
    const slot = join(this.number(8, 8), little(8, 0), this.number(8, size));
    return {
      type: 0x07,
      data: join([1, 0, 0, 0], this.number(2, 1), this.number(2, 1), this.address(heap), slot),
    };
  }

  /** The file, once the root group is written. */
  finish(root: number): Uint8Array {
    const bytes = joinAll(this.#pieces);
    const magic = join([0x89], "HDF\r\n", [0x1a], "\n");
    const end = this.number(8, this.#end);
    bytes.set(
      this.old
        ? join(
          join(magic, [0, 0, 0, 0, 0, 8, 8, 0], this.number(2, LEAF_K), this.number(2, INTERNAL_K)),
          join(little(4, 0), this.address(0), little(8, UNDEFINED), end, little(8, UNDEFINED)),
          join(little(8, 0), this.address(root), new Uint8Array(24)),
        )
        : signed(
          join(magic, [2, 8, 8, 0], this.address(0), little(8, UNDEFINED), end, this.address(root)),
        ),
    );
    return bytes;
  }
}

/** With its checksum behind it. */
function signed(record: Uint8Array): Uint8Array {
  return join(record, little(4, lookup3(record)));
}
