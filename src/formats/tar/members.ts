/**
 * Walks a tar archive from header to header: its members and their anomalies.
 *
 * @module
 */

import type { Window } from "../../parsers/cursor.ts";
import { FormatError } from "../../core/errors.ts";
import type { Member, Observation } from "../../core/types.ts";
import {
  BLOCK_BYTES,
  CONTIGUOUS,
  FOLDER,
  GNU_LONG_LINK,
  GNU_LONG_NAME,
  GNU_SPARSE,
  HARD_LINK,
  isHeader,
  isZero,
  PAX,
  PAX_GLOBAL,
  PAX_SOLARIS,
  readPaxRecords,
  readTarHeader,
  REGULAR,
  SYMBOLIC_LINK,
  type TarHeader,
  textOf,
  WITHOUT_DATA,
} from "./header.ts";

import {
  dataSparseParts,
  extensionSparseParts,
  headerSparseMap,
  isSizeAlone,
  isSound,
  paxSparse,
  type SparseMap,
  type SparsePart,
} from "./sparse.ts";

type Anomaly = Extract<Observation, { readonly type: "anomaly" }>;

/** A member and where its bytes are. */
export interface TarMember {
  readonly name: string;
  readonly kind: Member["kind"];
  readonly linkTarget: string | undefined;
  readonly headerOffset: number;
  readonly dataOffset: number;
  /** Bytes in the archive. */
  readonly size: number;
  /** Where they belong, for a file with holes. */
  readonly sparse: SparseMap | undefined;
}

/** What a walk brought to light. */
interface TarMembers {
  readonly members: readonly TarMember[];
  readonly anomalies: readonly Anomaly[];
  /** True when there are more members than the limit. */
  readonly full: boolean;
  /** Offset of data behind the end of the archive; undefined without any. */
  readonly hidden: number | undefined;
}

/**
 * Bytes of a long name or pax record; longer ones are made to exhaust memory. The longest name in 318 wheels
 * has 128. CWE-770.
 */
const EXTENSION_BYTES = 1024 * 1024;
/**
 * Bytes searched for the next header behind a broken one or behind the end. The most that samples of tar need
 * is 8,704. CWE-834.
 */
const SEARCH_BYTES = 16 * 1024 * 1024;
const WINDOW_BYTES = 64 * 1024;

/** What the headers before a member say of it. */
interface Extensions {
  name?: string;
  linkTarget?: string;
  size?: number;
  /** The map of a sparse member; "data" when it stands there, "broken" when it cannot be read. */
  sparse?: SparseMap | "data" | "broken";
  /** The size of a sparse member whose map is in its data. */
  realSize?: number;
}

/**
 * Walks the archive.
 *
 * @param size of the source
 * @param limit members at most
 * @param check called now and then; throws LimitError once time is spent
 * @throws FormatError when the first block is no header
 */
export async function readTarMembers(
  window: Window,
  size: number,
  limit: number,
  check: () => void,
): Promise<TarMembers> {
  const walk = new Walk(window, size, check);
  await walk.run(limit);
  return walk;
}

class Walk implements TarMembers {
  readonly members: TarMember[] = [];
  readonly anomalies: Anomaly[] = [];
  full = false;
  hidden: number | undefined;
  readonly #window: Window;
  readonly #size: number;
  readonly #check: () => void;
  #at = 0;
  #next: Extensions = {};
  #global: Extensions = {};
  #searched = 0;

  constructor(window: Window, size: number, check: () => void) {
    this.#window = window;
    this.#size = size;
    this.#check = check;
  }

  async run(limit: number): Promise<void> {
    let ended = false;
    let late = false;
    while (this.#at < this.#size) {
      this.#check();
      const block = await this.#window.read(this.#at, BLOCK_BYTES, WINDOW_BYTES);
      if (isHeader(block)) {
        if (this.members.length >= limit) {
          this.full = true;
          return;
        }
        if (ended && !late) this.#report("tar-trailing-data", "Members stand behind the end");
        late = ended;
        await this.#header(block.slice());
      } else if (isZero(block)) {
        ended = true;
        if (!this.#skip()) return;
      } else if (this.#at === 0) {
        throw new FormatError("Cannot read tar archive: its first block is no header", 0);
      } else {
        if (!ended) this.#report("tar-malformed", "A header is broken", true);
        else if (!late) this.#report("tar-trailing-data", "Data stands behind the end");
        if (ended && !late) this.hidden = this.#at;
        late ||= ended;
        if (!await this.#search()) return;
      }
    }
    if (!ended) this.#report("tar-truncated", "The archive has no end", true);
  }

  /** One block on, within what may be searched. */
  #skip(): boolean {
    this.#at += BLOCK_BYTES;
    this.#searched += BLOCK_BYTES;
    if (this.#searched <= SEARCH_BYTES) return true;
    this.#report("tar-trailing-data", "The search for further members was given up", true);
    return false;
  }

  /** Goes to the next header, as GNU tar does. */
  async #search(): Promise<boolean> {
    while (this.#at < this.#size) {
      if (!this.#skip()) return false;
      const block = await this.#window.read(this.#at, BLOCK_BYTES, WINDOW_BYTES);
      if (isHeader(block)) return true;
    }
    return false;
  }

  #report(rule: string, detail: string, unread = false, offset = this.#at): void {
    this.anomalies.push({ type: "anomaly", rule, detail, offset, ...(unread && { unread }) });
  }

  async #header(block: Uint8Array): Promise<void> {
    const start = this.#at;
    let header: TarHeader;
    try {
      header = readTarHeader(block, start);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#report("tar-malformed", error.message, true);
      this.#at += BLOCK_BYTES;
      return;
    }
    this.#at += BLOCK_BYTES;
    switch (header.type) {
      case GNU_LONG_NAME:
        this.#next.name = textOf(await this.#extension(header));
        break;
      case GNU_LONG_LINK:
        this.#next.linkTarget = textOf(await this.#extension(header));
        break;
      case PAX:
      case PAX_SOLARIS:
        this.#next = { ...this.#next, ...this.#pax(await this.#extension(header), start) };
        break;
      case PAX_GLOBAL:
        this.#global = { ...this.#global, ...this.#pax(await this.#extension(header), start) };
        break;
      default:
        await this.#member(header, block, start);
        this.#next = {};
    }
  }

  /** The data of a header that speaks about the next one. */
  async #extension(header: TarHeader): Promise<Uint8Array> {
    const from = this.#at;
    const length = Math.min(header.size, EXTENSION_BYTES);
    const bytes = (await this.#window.read(from, length)).slice();
    if (header.size > EXTENSION_BYTES) {
      this.#report(
        "tar-malformed",
        `A header of ${header.size} bytes is longer than any`,
        true,
        from,
      );
    } else if (bytes.length < length) {
      this.#report("tar-truncated", "A header is cut off", true, from);
    }
    this.#advance(header.size);
    return bytes;
  }

  #pax(bytes: Uint8Array, offset: number): Extensions {
    const { records, wellFormed } = readPaxRecords(bytes);
    if (!wellFormed) this.#report("tar-malformed", "A pax header is not well-formed", true, offset);
    const name = records.get("GNU.sparse.name") ?? records.get("path");
    const linkTarget = records.get("linkpath");
    const isSparse = Array.from(records.keys()).some((key) => key.startsWith("GNU.sparse."));
    const sizeAlone = isSparse && isSizeAlone(records);
    const size = (sizeAlone ? sparseSize(records) : undefined) ?? records.get("size");
    const paxSize = size !== undefined && /^\d{1,16}$/u.test(size) ? Number(size) : undefined;
    if (size !== undefined && paxSize === undefined) {
      this.#report("tar-malformed", "A pax header's size is no number", true, offset);
    }
    const sparse = isSparse && !sizeAlone ? paxSparse(records, bytes) ?? "broken" : undefined;
    const realSize = records.get("GNU.sparse.realsize");
    return {
      ...(name !== undefined && { name }),
      ...(linkTarget !== undefined && { linkTarget }),
      ...(paxSize !== undefined && { size: paxSize }),
      ...(sparse && { sparse }),
      ...(realSize !== undefined && { realSize: Number(realSize) }),
    };
  }

  async #member(header: TarHeader, block: Uint8Array, start: number): Promise<void> {
    const fields = { ...this.#global, ...this.#next };
    const name = fields.name ?? header.name;
    const further = await this.#extensions(header);
    const size = fields.size ?? header.size;
    if (fields.size !== undefined && fields.size !== header.size && header.size !== 0) {
      this.#report(
        "tar-malformed",
        `"${name}" has two sizes, ${header.size} and ${size}`,
        false,
        start,
      );
    }
    const kind = kindOf(header, name);
    const dataOffset = this.#at;
    const data = size > 0 && !(WITHOUT_DATA.has(header.type) && await this.#headerFollows());
    if (data && kind !== "file") {
      this.#report("tar-malformed", `"${name}" is no file and has data`, false, start);
    }
    const there = Math.max(0, Math.min(data ? size : 0, this.#size - dataOffset));
    if (data && there < size) {
      this.#report(
        "tar-truncated",
        `"${name}" should have ${size} bytes, ${there} are there`,
        true,
        start,
      );
    }
    const isLink = kind === "link" || kind === "hardlink";
    const isSparse = header.type === GNU_SPARSE || fields.sparse !== undefined;
    const sparse = isSparse ? await this.#sparse(header, block, further, fields, there) : undefined;
    if (isSparse && sparse === undefined) {
      const detail = `"${name}" is sparse: its parts cannot be put together`;
      this.#report("tar-malformed", detail, true, start);
    }
    const map = sparse?.mapBytes ?? 0;
    this.members.push({
      name,
      kind,
      linkTarget: isLink ? fields.linkTarget ?? header.linkTarget : undefined,
      headerOffset: start,
      dataOffset: dataOffset + map,
      size: there - map,
      sparse: sparse?.map,
    });
    if (data) this.#advance(await this.#step(header.size, size));
  }

  /**
   * Distance to the next header. Python uses the header's own size where only a global header or the
   * keywords of sparse files state another: if a header is there, the bytes after it are read.
   */
  async #step(own: number, size: number): Promise<number> {
    if (own >= size) return size;
    const at = this.#at + Math.ceil(own / BLOCK_BYTES) * BLOCK_BYTES;
    return isHeader(await this.#window.read(at, BLOCK_BYTES, WINDOW_BYTES)) ? own : size;
  }

  /** The blocks of a GNU sparse map that follow its header. */
  async #extensions(header: TarHeader): Promise<readonly SparsePart[]> {
    const parts: SparsePart[] = [];
    for (let extended = header.extended; extended && this.#at < this.#size;) {
      const block = await this.#window.read(this.#at, BLOCK_BYTES, WINDOW_BYTES);
      extended = block.length === BLOCK_BYTES && block[504] !== 0;
      // One by one: a call has only so many arguments.
      for (const part of extensionSparseParts(block)) parts.push(part);
      this.#at += BLOCK_BYTES;
    }
    return parts;
  }

  /** How the parts of a sparse member are put together; undefined when they cannot be. */
  async #sparse(
    header: TarHeader,
    block: Uint8Array,
    further: readonly SparsePart[],
    { sparse, realSize }: Extensions,
    stored: number,
  ): Promise<{ readonly map: SparseMap; readonly mapBytes: number } | undefined> {
    if (sparse === "broken") return undefined;
    if (sparse === "data") {
      const from = this.#at;
      const read = await dataSparseParts(async (offset, length) =>
        (await this.#window.read(from + offset, Math.max(0, Math.min(length, stored - offset))))
          .slice()
      );
      if (read === undefined || realSize === undefined) return undefined;
      const map = { parts: read.parts, size: realSize };
      return isSound(map, stored - read.length) ? { map, mapBytes: read.length } : undefined;
    }
    const old = header.type === GNU_SPARSE ? headerSparseMap(block) : undefined;
    const map = sparse ?? (old && { ...old, parts: [...old.parts, ...further] });
    return map !== undefined && isSound(map, stored) ? { map, mapBytes: 0 } : undefined;
  }

  /** What has no data by its type is followed by the next header, or by the end, at once. */
  async #headerFollows(): Promise<boolean> {
    const block = await this.#window.read(this.#at, BLOCK_BYTES, WINDOW_BYTES);
    return block.length < BLOCK_BYTES || isHeader(block) || isZero(block);
  }

  /** Steps over data, padded to a block. */
  #advance(size: number): void {
    this.#at = Math.min(this.#size, this.#at + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES);
  }
}

function sparseSize(records: ReadonlyMap<string, string>): string | undefined {
  return records.get("GNU.sparse.realsize") ?? records.get("GNU.sparse.size");
}

function kindOf({ type }: TarHeader, name: string): Member["kind"] {
  if (type === SYMBOLIC_LINK) return "link";
  if (type === HARD_LINK) return "hardlink";
  if (type === FOLDER || (type === REGULAR && name.endsWith("/"))) return "folder";
  // Readers take types that they do not know for files.
  return type === REGULAR || type === CONTIGUOUS || !WITHOUT_DATA.has(type) ? "file" : "other";
}
