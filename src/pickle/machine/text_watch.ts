/**
 * Watches the texts of a pickle, as they are read or computed, for some that make a second look worth
 * its time.
 *
 * @module
 */

/**
 * Bytes of the longest text that is looked at; the window grows to hold it. The longest seen has 55,825.
 * CWE-770.
 */
export const WATCHED_BYTES = 64 * 1024 * 1024;

/** One character a byte: what bytes beyond ASCII mean does not matter here. */
const oneByte = new TextDecoder("windows-1252");

/** Remembers where texts were that match. One watch serves all streams and readings of a file. */
export class TextWatch {
  /** The last virtual offset at which a text matched, or may have; -1 when none did. */
  last = -1;
  /** Characters, or bytes, of the longest text that matched. */
  longest = 0;
  private readonly matches: (text: string) => boolean;
  private readonly marks = new Uint8Array(256);

  /**
   * @param matches whether a text is one; takes linear time
   * @param marks ASCII characters of which every text that matches has one
   */
  constructor(matches: (text: string) => boolean, marks: string) {
    this.matches = matches;
    for (const mark of marks) this.marks[mark.charCodeAt(0)] = 1;
  }

  /** Looks at a text that stands in the bytes from `from` to before `to`; `at` is its virtual offset. */
  look(bytes: Uint8Array, from: number, to: number, at: number): void {
    const { marks } = this;
    for (let place = from; place < to; place++) {
      if (marks[bytes[place] as number] !== 0) {
        this.lookAt(oneByte.decode(bytes.subarray(from, to)), at);
        return;
      }
    }
  }

  /** Looks at a text that was decoded or computed. */
  lookAt(text: string, at: number): void {
    if (this.matches(text)) this.matched(at, text.length);
  }

  /** A text that cannot be looked at may match. */
  unread(at: number): void {
    this.matched(at, Infinity);
  }

  /** A key that is not known may be one. */
  unknownKey(at: number): void {
    this.matched(at, 0);
  }

  private matched(at: number, length: number): void {
    this.last = Math.max(this.last, at);
    this.longest = Math.max(this.longest, length);
  }
}
