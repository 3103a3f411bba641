/**
 * The opcodes around what a pickle imports and calls.
 *
 * @module
 */

import type { ExplainContext, ListingLine } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import { type DisassembledLine, disassembledLines, lineText } from "../../pickle/streams/disasm.ts";

/** Opcodes that are gone through. A checkpoint of today's language models has some 100,000. CWE-834. */
const OPCODES = 200_000;

/** Opcodes after which the deadline is looked at. */
const CHECK_EVERY = 1024;

/** Lines before and behind a place. */
const AROUND = 3;

/** Lines of one listing. CWE-779. */
const LINES = 40;

/** Column at which the stack begins. */
const STACK_AT = 52;

/** As `explain` of a format. */
export async function explainPickle(
  source: Source,
  places: readonly (readonly number[])[],
  { interest, checkDeadline }: ExplainContext,
): Promise<readonly (readonly ListingLine[])[]> {
  const listings = places.map((offsets) => new Listing(offsets));
  let count = 0;
  for await (const line of disassembledLines(source, interest)) {
    if (++count > OPCODES || listings.every((it) => it.done)) break;
    if (count % CHECK_EVERY === 0) checkDeadline();
    for (const it of listings) if (!it.done) it.add(line);
  }
  return listings.map((it) => it.lines());
}

/** The lines around the offsets of one thing. */
class Listing {
  readonly #offsets: Set<number>;
  readonly #lines: ListingLine[] = [];
  readonly #before: DisassembledLine[] = [];
  #left = 0;
  #gap = false;

  constructor(offsets: readonly number[]) {
    this.#offsets = new Set(offsets);
  }

  /** True once all is there that there will be. */
  get done(): boolean {
    return this.#lines.length >= LINES || (this.#offsets.size === 0 && this.#left === 0);
  }

  add(line: DisassembledLine): void {
    if (this.#offsets.delete(line.offset)) {
      if (this.#gap && this.#lines.length > 0) {
        this.#lines.push({ text: "       …", marked: false });
      }
      for (const before of this.#before.splice(0)) this.#push(before, false);
      this.#push(line, true);
      this.#left = AROUND;
      this.#gap = false;
    } else if (this.#left > 0) {
      this.#left--;
      this.#push(line, false);
    } else {
      this.#before.push(line);
      if (this.#before.length > AROUND) {
        this.#before.shift();
        this.#gap = true;
      }
    }
  }

  #push(line: DisassembledLine, marked: boolean): void {
    this.#lines.push({ text: lineText(line, STACK_AT), marked });
  }

  lines(): readonly ListingLine[] {
    return this.#lines.slice(0, LINES);
  }
}
