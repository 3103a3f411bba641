/**
 * Reads the three notations of R's serialization: XDR (big-endian), native binary (in practice
 * little-endian) and ASCII words; `InInteger`, `InString`, `InWord` in R's `src/main/serialize.c`.
 *
 * Steps are synchronous over a window that `ready` fills; what is stepped over is never read.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { readUpTo } from "../../sources/read_all.ts";

/** How numbers are written. */
export type Notation = "xdr" | "little" | "ascii";

/** Bytes that any one step needs: a text of `TEXT_BYTES` in escapes of four, and a few words. */
const AHEAD_BYTES = 16 * 1024;
const WINDOW_BYTES = 256 * 1024;
/** Bytes of a text that are kept. The longest seen has 128. CWE-770. */
const TEXT_BYTES = 2048;
/** `InWord` has a buffer of 128 characters. */
const WORD_CHARACTERS = 127;
/** White space before a word; R writes one line feed. CWE-834. */
const SPACE_CHARACTERS = 1024;

/** Escapes of `OutString` that stand for one character. */
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  v: "\v",
  b: "\b",
  r: "\r",
  f: "\f",
  a: "\x07",
};

/** A position in a source, and what is to be stepped over there. */
export class RdsReader {
  readonly #source: Source;
  readonly #check: () => void;
  notation: Notation = "xdr";
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #start = 0;
  #at = 0;
  #ended = false;
  /** ASCII only: words, or characters of a text, still to be stepped over. */
  #words = 0;
  #characters = 0;

  constructor(source: Source, check: () => void) {
    this.#source = source;
    this.#check = check;
  }

  /** Bytes from the start of the source. */
  get offset(): number {
    return this.#start + this.#at;
  }

  /** True when the next step has what it may need. */
  get isReady(): boolean {
    if (this.#words > 0 || this.#characters > 0) return false;
    return this.#at + AHEAD_BYTES <= this.#bytes.length || (this.#ended && this.#inside);
  }

  get #inside(): boolean {
    return this.#at <= this.#bytes.length;
  }

  /**
   * Fills the window, and steps over what is to be stepped over.
   *
   * @throws SourceError when the bytes cannot be had
   */
  async ready(): Promise<void> {
    while (!this.isReady) {
      this.#check();
      await this.#fill();
      this.#work();
    }
  }

  async #fill(): Promise<void> {
    const offset = this.offset;
    const bytes = await readUpTo(this.#source, offset, WINDOW_BYTES);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    [this.#start, this.#at, this.#ended] = [offset, 0, bytes.length < WINDOW_BYTES];
  }

  /** Steps over words and characters as far as the window goes. */
  #work(): void {
    const far = () => this.#ended || this.#at + AHEAD_BYTES <= this.#bytes.length;
    for (; this.#characters > 0 && far(); this.#characters--) this.#character();
    for (; this.#characters === 0 && this.#words > 0 && far(); this.#words--) this.#word();
  }

  /** @throws FormatError at the end; so do the others */
  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) this.#end();
    this.#at++;
    return byte;
  }

  /** The next byte, which stays; undefined at the end. */
  peek(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** A signed integer; NA of ASCII is the smallest one. */
  int(): number {
    if (this.notation === "ascii") {
      const word = this.#word();
      if (word === "NA") return -0x80000000;
      if (!/^[+-]?\d{1,11}/u.test(word)) {
        throw new FormatError(`"${word}" is no integer`, this.offset);
      }
      return parseInt(word, 10) | 0;
    }
    if (this.#at + 4 > this.#bytes.length) this.#end();
    this.#at += 4;
    return this.#view.getInt32(this.#at - 4, this.notation === "little");
  }

  /** A double. */
  real(): number {
    if (this.notation === "ascii") return Number(this.#word());
    if (this.#at + 8 > this.#bytes.length) this.#end();
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, this.notation === "little");
  }

  /** Steps over numbers. */
  skipNumbers(count: number, width: 1 | 4 | 8 | 16): void {
    if (this.notation === "ascii") this.#words += width === 16 ? 2 * count : count;
    else this.#skip(count * width);
  }

  /**
   * A text of so many bytes, of which at most two thousand are kept.
   *
   * @param length of the text as R counts it, without escapes
   */
  text(length: number): string {
    const kept = Math.min(length, TEXT_BYTES);
    if (this.notation === "ascii") {
      if (length === 0) return "";
      this.#space();
      const bytes = new Uint8Array(kept);
      for (let at = 0; at < kept; at++) bytes[at] = this.#character();
      this.#characters = length - kept;
      return new TextDecoder().decode(bytes);
    }
    if (this.#at + kept > this.#bytes.length) this.#end();
    const text = new TextDecoder().decode(this.#bytes.subarray(this.#at, this.#at + kept));
    this.#skip(length);
    return text;
  }

  /** Steps over a text. */
  skipText(length: number): void {
    if (this.notation !== "ascii") return this.#skip(length);
    if (length === 0) return;
    this.#space();
    this.#characters = length;
  }

  #skip(length: number): void {
    const { size } = this.#source;
    if (size !== undefined && this.offset + length > size) this.#end();
    this.#at += length;
  }

  #space(): void {
    for (let spaces = 0; isSpace(this.#bytes[this.#at]); spaces++, this.#at++) {
      if (spaces > SPACE_CHARACTERS) throw new FormatError("Nothing but white space", this.offset);
    }
  }

  #word(): string {
    this.#space();
    const from = this.#at;
    while (this.#at - from <= WORD_CHARACTERS) {
      const byte = this.#bytes[this.#at];
      // `InWord` wants the space behind a word, too.
      if (byte === undefined) this.#end();
      if (isSpace(byte)) break;
      this.#at++;
    }
    if (this.#at - from > WORD_CHARACTERS) throw new FormatError("A word does not end", from);
    return latin1(this.#bytes.subarray(from, this.#at));
  }

  /** One byte of an ASCII text. */
  #character(): number {
    const byte = this.byte();
    if (byte !== 0x5c) return byte;
    const letter = String.fromCharCode(this.byte());
    if (!/[0-7]/u.test(letter)) return (ESCAPES[letter] ?? letter).charCodeAt(0);
    let code = letter.charCodeAt(0) - 0x30;
    for (let digits = 1; digits < 3; digits++) {
      const next = this.#bytes[this.#at];
      if (next === undefined || next < 0x30 || next > 0x37) break;
      code = code * 8 + next - 0x30;
      this.#at++;
    }
    return code & 0xff;
  }

  /**
   * Bytes left that are no white space, or some of them: what follows the object.
   *
   * @throws FormatError when what was stepped over last is not there
   */
  async rest(): Promise<number> {
    await this.ready();
    if (this.#bytes.length === 0 && this.offset > 0) {
      const last = await this.#source.read(this.offset - 1, 1);
      if (last.length === 0) this.#end();
    }
    // R ends every word and text with a line feed.
    if (this.notation === "ascii" && !isSpace(this.#bytes[this.#at])) this.#end();
    let at = this.#at;
    while (isSpace(this.#bytes[at])) at++;
    return this.#bytes.length - at;
  }

  #end(): never {
    throw new FormatError("It is cut off", this.offset);
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}
