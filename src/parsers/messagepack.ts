/**
 * MessagePack as a configuration: maps, lists and scalars. Bytes and extensions are handed to the caller
 * by their places; short bytes that are text count as one. Bounded in depth and values, no recursion in the input's length.
 * https://github.com/msgpack/msgpack/blob/master/spec.md
 *
 * @module
 */

import { FormatError, LimitError } from "../core/errors.ts";
import { type ConfigMap, type ConfigNode, textOf } from "./config_node.ts";
import type { SourceCursor } from "./source_cursor.ts";

/** Containers in one another; msgpack-python refuses from 1,024 on, models have some twenty. CWE-674. */
const DEPTH = 512;
/** Bytes of a value of bytes that is read as a text: older writers, and msgpack-numpy, name keys so. */
const NAME_BYTES = 4096;
/** Bytes of one text. The longest real one, a tokenizer, has some megabytes. CWE-770. */
const TEXT_BYTES = 64 * 1024 * 1024;

/** Bytes of the file: of type `bin`, of an extension, or a text that stands for bytes. */
export interface MessagePackBytes {
  /** The extension's type, -128 to 127; undefined for `bin` and texts. */
  readonly extension: number | undefined;
  /** Bytes from the start of the source. */
  readonly offset: number;
  readonly length: number;
  /** What stands for it among the values. */
  readonly node: ConfigNode;
  /** The map that it is a key or a value of, as far as it was read. */
  readonly owner: ConfigMap | undefined;
}

/** What a reader is told besides the values. */
interface MessagePackOptions {
  /** Values that are read, of all containers together. CWE-770. */
  readonly values: number;
  /** Called for each value of bytes, in the order of the file. */
  readonly bytes: (bytes: MessagePackBytes) => void;
  /** The key of a map under which a text is handed out as bytes, too: with `raw=True` Python reads texts as bytes. */
  readonly textKey?: string;
}

/** A container that is being filled. */
interface Open {
  readonly node: ConfigNode;
  readonly assign: (value: ConfigNode) => void;
  /** The key whose value is to come; undefined before a key, and in a list. */
  readonly key?: () => ConfigNode | undefined;
  remaining: number;
}

/**
 * Reads one value.
 *
 * @param cursor big-endian; afterwards behind the value
 * @throws FormatError when it is not well-formed; LimitError past a limit
 */
export async function readMessagePack(
  cursor: SourceCursor,
  options: MessagePackOptions,
): Promise<ConfigNode> {
  return await new Reader(cursor, options).read();
}

class Reader {
  readonly #cursor: SourceCursor;
  readonly #options: MessagePackOptions;
  readonly #open: Open[] = [];
  #remaining: number;

  constructor(cursor: SourceCursor, options: MessagePackOptions) {
    this.#cursor = cursor;
    this.#options = options;
    this.#remaining = options.values;
  }

  async read(): Promise<ConfigNode> {
    for (;;) {
      let node = await this.#value();
      if (this.#isOpen(node)) continue;
      for (;;) {
        const parent = this.#open.at(-1);
        if (parent === undefined) return node;
        parent.assign(node);
        if (--parent.remaining > 0) break;
        this.#open.pop();
        node = parent.node;
      }
    }
  }

  /** True for a container that was begun and has values to come. */
  #isOpen(node: ConfigNode): boolean {
    const last = this.#open.at(-1);
    return last !== undefined && last.node === node && last.remaining > 0;
  }

  async #value(): Promise<ConfigNode> {
    if (--this.#remaining < 0) {
      throw new LimitError("values", "A MessagePack value has more values than are read");
    }
    const cursor = this.#cursor;
    const at = cursor.offset;
    const byte = await cursor.u8();
    if (byte < 0x80) return scalar(at, byte);
    if (byte < 0x90) return this.#map(at, byte & 15);
    if (byte < 0xa0) return this.#list(at, byte & 15);
    if (byte < 0xc0) return await this.#text(at, byte & 31);
    if (byte >= 0xe0) return scalar(at, byte - 256);
    switch (byte) {
      case 0xc0:
        return scalar(at, null);
      case 0xc2:
      case 0xc3:
        return scalar(at, byte === 0xc3);
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return await this.#bytes(at, undefined, await this.#length(byte - 0xc4));
      case 0xc7:
      case 0xc8:
      case 0xc9: {
        const length = await this.#length(byte - 0xc7);
        return await this.#bytes(at, await this.#extension(), length);
      }
      case 0xca:
        return scalar(at, await cursor.f32());
      case 0xcb:
        return scalar(at, await cursor.f64());
      case 0xcc:
      case 0xcd:
      case 0xce:
        return scalar(at, await this.#length(byte - 0xcc));
      case 0xcf:
        return scalar(at, await cursor.u64());
      case 0xd0: {
        const value = await cursor.u8();
        return scalar(at, value > 127 ? value - 256 : value);
      }
      case 0xd1: {
        const value = await cursor.u16();
        return scalar(at, value > 32_767 ? value - 65_536 : value);
      }
      case 0xd2:
        return scalar(at, await cursor.i32());
      case 0xd3:
        return scalar(at, await cursor.i64());
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return await this.#bytes(at, await this.#extension(), 1 << (byte - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return await this.#text(at, await this.#length(byte - 0xd9));
      case 0xdc:
      case 0xdd:
        return this.#list(at, await this.#length(byte - 0xdc + 1));
      case 0xde:
      case 0xdf:
        return this.#map(at, await this.#length(byte - 0xde + 1));
      default: // 0xc1
        throw new FormatError("Cannot read MessagePack: no value begins with 0xc1", at);
    }
  }

  /** A number without sign of 1, 2 or 4 bytes. */
  async #length(power: number): Promise<number> {
    const cursor = this.#cursor;
    return power === 0 ? await cursor.u8() : power === 1 ? await cursor.u16() : await cursor.u32();
  }

  async #extension(): Promise<number> {
    const type = await this.#cursor.u8();
    return type > 127 ? type - 256 : type;
  }

  async #text(at: number, length: number): Promise<ConfigNode> {
    this.#fits(length, at);
    if (length > TEXT_BYTES) {
      throw new LimitError("values", `A text of MessagePack has ${length} bytes`);
    }
    const { offset } = this.#cursor;
    const text = await this.#cursor.text(length);
    const node: ConfigNode = { kind: "scalar", at, text, value: text };
    const parent = this.#open.at(-1);
    const { textKey } = this.#options;
    if (textKey !== undefined && parent !== undefined && textOf(parent.key?.()) === textKey) {
      this.#options.bytes({ extension: undefined, offset, length, node, owner: mapOf(parent) });
    }
    return node;
  }

  async #bytes(at: number, extension: number | undefined, length: number): Promise<ConfigNode> {
    this.#fits(length, at);
    const { offset } = this.#cursor;
    const owner = mapOf(this.#open.at(-1));
    let node = scalar(at, null);
    if (extension === undefined && length <= NAME_BYTES) {
      const text = plain(await this.#cursor.bytes(length));
      if (text !== undefined) node = { kind: "scalar", at, text, value: text };
    } else await this.#cursor.skip(length);
    this.#options.bytes({ extension, offset, length, node, owner });
    return node;
  }

  #list(at: number, length: number): ConfigNode {
    this.#fits(length, at);
    const items: ConfigNode[] = [];
    const node: ConfigNode = { kind: "list", at, items };
    return this.#begin(node, length, (value) => items.push(value));
  }

  #map(at: number, length: number): ConfigNode {
    this.#fits(length * 2, at);
    const members: [ConfigNode, ConfigNode][] = [];
    const node: ConfigNode = { kind: "map", at, members };
    let key: ConfigNode | undefined;
    const assign = (value: ConfigNode): void => {
      if (key === undefined) key = value;
      else {
        members.push([key, value]);
        key = undefined;
      }
    };
    return this.#begin(node, length * 2, assign, () => key);
  }

  #begin(
    node: ConfigNode,
    remaining: number,
    assign: (value: ConfigNode) => void,
    key?: () => ConfigNode | undefined,
  ): ConfigNode {
    if (remaining === 0) return node;
    if (this.#open.length >= DEPTH) {
      throw new LimitError("depth", `MessagePack has more than ${DEPTH} containers in one another`);
    }
    this.#open.push({ node, assign, remaining, ...(key !== undefined && { key }) });
    return node;
  }

  /** Each value takes a byte at least: what cannot be there is not begun. CWE-789. */
  #fits(bytes: number, at: number): void {
    const { left } = this.#cursor;
    if (left === undefined || bytes <= left) return;
    throw new FormatError(
      `Cannot read MessagePack: ${bytes} bytes are to come, ${left} are left`,
      at,
    );
  }
}

/** What is filled, where it is a map. */
function mapOf(open: Open | undefined): ConfigMap | undefined {
  return open?.node.kind === "map" ? open.node : undefined;
}

function scalar(at: number, value: number | boolean | null): ConfigNode {
  return { kind: "scalar", at, text: value === null ? "null" : String(value), value };
}

/** Bytes as text where they are UTF-8 without control characters but line ends and tabs. */
function plain(bytes: Uint8Array): string | undefined {
  if (bytes.some((byte) => byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
    return undefined;
  }
  const text = new TextDecoder().decode(bytes);
  return text.includes("\ufffd") ? undefined : text;
}
