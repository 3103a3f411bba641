/**
 * Takes members out of an archive by 7-Zip, into memory, in passes: a run cannot be paused, so each
 * pass decodes from the start, lets go of what was had already, and is ended once it has as much as
 * may be kept. 7-Zip names each member before its bytes; both arrive in the archive's order.
 *
 * @module
 */

import { isBomb } from "../../codecs/decompress.ts";
import { FormatError, LimitError } from "../../core/errors.ts";
import { type ForwardSource, forwardSource } from "../../sources/forward.ts";
import type { SevenZipMember } from "./listing.ts";
import type { SevenZipRunner } from "../../codecs/sevenzip.ts";

/** What a pass may cost. */
export interface ExtractOptions {
  /** As `-t` has it. */
  readonly type: string;
  /** Bytes of the archive. */
  readonly archiveBytes: number;
  /** Bytes that may be kept at a time. */
  readonly keep: number;
  readonly ratio: number;
  readonly spend: (bytes: number) => void;
}

/** A member, or the part of it that a pass brought. */
export interface Extracted {
  readonly chunks: readonly Uint8Array[];
  /** Bytes of the member decoded by the end of the pass, including those before `chunks`. */
  readonly produced: number;
  /** True when the pass went on behind it. */
  readonly complete: boolean;
  /** Messages of 7-Zip on standard error. */
  readonly diagnostics: readonly string[];
}

/** What a pass brought. */
interface PassResult {
  /** By index; the last may be a part. */
  readonly members: ReadonlyMap<number, Extracted>;
  /** What ended the pass, to be thrown when the members were handed on. */
  readonly limitError: LimitError | undefined;
}

/** Thrown, and caught here, when a pass has enough. */
class Enough extends Error {}

/** Takes members out of one archive. */
export class Extractor {
  readonly #runner: SevenZipRunner;
  readonly #members: readonly SevenZipMember[];
  readonly #options: ExtractOptions;
  /** The indices of each name, ascending. */
  readonly #places = new Map<string, number[]>();

  constructor(
    runner: SevenZipRunner,
    members: readonly SevenZipMember[],
    options: ExtractOptions,
  ) {
    this.#runner = runner;
    this.#members = members;
    this.#options = options;
    members.forEach(({ name }, index) => {
      const places = this.#places.get(name);
      if (places === undefined) this.#places.set(name, [index]);
      else places.push(index);
    });
  }

  /**
   * One pass.
   *
   * @param from index of the first member wanted
   * @param skip bytes of it that were had already
   * @param only true to end behind that member
   * @throws LimitError when a budget is spent and nothing came
   */
  async pass(from: number, skip = 0, only = false): Promise<PassResult> {
    const pass = new Pass(this.#places, from, skip, only, this.#options);
    const { type } = this.#options;
    const unwanted = this.#unwanted(from, only);
    try {
      pass.spend(this.#decodedInPassing(unwanted));
      const memberNames = unwanted.map(({ name }) => name);
      await this.#runner.run(["x", "-so", "-bb1", `-t${type}`], pass, memberNames);
      pass.finish();
    } catch (error) {
      if (error instanceof LimitError && pass.members.size > 0) {
        return { members: pass.members, limitError: error };
      }
      if (!(error instanceof Enough)) throw error;
    }
    return { members: pass.members, limitError: undefined };
  }

  /**
   * A member as a stream, a pass for each part that may be kept.
   *
   * @param first what a pass brought already
   */
  stream(index: number, first?: Extracted): ForwardSource {
    const { name = "", size } = this.#members[index] ?? {};
    const chunks = [...first?.chunks ?? []];
    let produced = first?.produced ?? 0;
    let complete = first?.complete ?? false;
    let error: Error | undefined;
    const pull = async (): Promise<Uint8Array | undefined> => {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) return chunk;
        if (error !== undefined) throw error;
        if (complete) return undefined;
        const result = await this.pass(index, produced, true);
        const next = result.members.get(index);
        error = result.limitError;
        if (next === undefined || (next.produced <= produced && !next.complete)) {
          error ??= new FormatError(`Cannot go on reading "${name}" out of its archive`, produced);
          continue;
        }
        chunks.push(...next.chunks);
        produced = next.produced;
        complete = next.complete;
      }
    };
    return forwardSource(name, pull, size === undefined ? {} : { size });
  }

  /** True when a member states a size that only a bomb has. */
  isBomb(index: number): boolean {
    const { archiveBytes, ratio } = this.#options;
    return isBomb(archiveBytes, this.#members[index]?.size ?? 0, ratio);
  }

  /** Members that need not be decoded again; blocks that hold nothing else are not. */
  #unwanted(from: number, only: boolean): SevenZipMember[] {
    if (from === 0 && !only) return [];
    const kept = new Set<string>();
    for (const { name } of this.#members.slice(from, only ? from + 1 : undefined)) {
      // A folder's name stands for all that is in it.
      for (let end = name.length; end > 0; end = name.lastIndexOf("/", end - 1)) {
        kept.add(name.slice(0, end));
      }
    }
    // A name with wildcards may match other members: they are decoded again, which is harmless.
    return this.#members.filter(({ name }) =>
      !kept.has(name) && /^[\w.-]+(?:\/[\w.-]+)*$/u.test(name)
    );
  }

  /** Bytes of unwanted members that are decoded all the same, for what is behind them in a block. */
  #decodedInPassing(unwanted: readonly SevenZipMember[]): number {
    if (unwanted.length === 0) return 0;
    const remaining = new Set(unwanted);
    const blocks = new Set(
      this.#members.filter((one) => !remaining.has(one) && one.size !== 0).map(({ block }) =>
        block
      ),
    );
    return unwanted.reduce((sum, { block, size }) => sum + (blocks.has(block) ? size ?? 0 : 0), 0);
  }
}

class Pass {
  readonly members = new Map<number, Extracted>();
  readonly #places: ReadonlyMap<string, readonly number[]>;
  readonly #from: number;
  readonly #skip: number;
  readonly #only: boolean;
  readonly #options: ExtractOptions;
  /** The member whose bytes arrive; -1 before the first. */
  #index = -1;
  #chunks: Uint8Array[] = [];
  #produced = 0;
  #diagnostics: string[] = [];
  #kept = 0;
  #total = 0;

  constructor(
    places: ReadonlyMap<string, readonly number[]>,
    from: number,
    skip: number,
    only: boolean,
    options: ExtractOptions,
  ) {
    this.#places = places;
    this.#from = from;
    this.#skip = skip;
    this.#only = only;
    this.#options = options;
  }

  line(text: string): void {
    if (text.startsWith("- ")) this.#begin(text.slice(2));
    else if (text.startsWith("ERROR: ")) this.#complain(text.slice(7));
  }

  /** "Data Error : name"; of what it cannot begin to decode 7-Zip says nothing else. */
  #complain(text: string): void {
    const name = text.slice(text.indexOf(" : ") + 3);
    const here = firstBehind(this.#places.get(name) ?? [], this.#index - 1) === this.#index;
    if (!here) this.#begin(name);
    this.#diagnostics.push(text);
  }

  data(bytes: Uint8Array): void {
    try {
      this.spend(bytes.length);
    } catch (error) {
      this.#put(false);
      throw error;
    }
    const before = this.#produced;
    this.#produced += bytes.length;
    if (this.#index < this.#from) return;
    const skip = this.#index === this.#from ? Math.max(0, this.#skip - before) : 0;
    if (skip >= bytes.length) return;
    this.#chunks.push(skip === 0 ? bytes : bytes.subarray(skip));
    this.#kept += bytes.length - skip;
    if (this.#kept < this.#options.keep) return;
    this.#put(false);
    throw new Enough();
  }

  /** The present member has ended. */
  finish(): void {
    this.#put(true);
    this.#chunks = [];
    this.#produced = 0;
    this.#diagnostics = [];
  }

  #begin(name: string): void {
    const index = this.#next(name);
    if (index === undefined) return;
    this.finish();
    this.#index = index;
    if (this.#only && index > this.#from) throw new Enough();
  }

  /** The next member of that name; 7-Zip writes folders with a slash. */
  #next(name: string): number | undefined {
    const places = this.#places.get(name) ?? this.#places.get(name.replace(/\/$/u, ""));
    return firstBehind(places ?? [], this.#index);
  }

  /** @throws LimitError when a budget is spent, or so little became so much that it is a bomb */
  spend(count: number): void {
    this.#total += count;
    this.#options.spend(count);
    const { ratio, archiveBytes } = this.#options;
    if (isBomb(archiveBytes, this.#total, ratio)) {
      throw new LimitError(
        "ratio",
        `Cannot go on decompressing: ${archiveBytes} bytes have become ${this.#total}, ` +
          "which is more than any model needs",
      );
    }
  }

  #put(complete: boolean): void {
    if (this.#index < this.#from) return;
    this.members.set(this.#index, {
      chunks: this.#chunks,
      produced: this.#produced,
      complete,
      diagnostics: this.#diagnostics,
    });
  }
}

/** The first of ascending indices that is larger than one; there may be a million of one name. */
function firstBehind(places: readonly number[], index: number): number | undefined {
  let [from, to] = [0, places.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((places[middle] ?? 0) > index) to = middle;
    else from = middle + 1;
  }
  return places[from];
}
