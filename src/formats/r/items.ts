/**
 * Walks the items of an R serialization, as `ReadItem` in R's `src/main/serialize.c` does, without
 * recursion. Values are kept where they are code, and let go where they are data.
 *
 * @module
 */

import { FormatError, LimitError } from "../../core/errors.ts";
import { MISSING, NULL, OTHER, type RValue, UNBOUND } from "./code.ts";
import { BytecodeFrame } from "./bytecode.ts";
import { PairFrame } from "./pairs.ts";
import type { RdsReader } from "./reader.ts";
import type { Frame, Place, RdsListener, Walk } from "./walk.ts";
import { HAS_ATTRIBUTES, PAIRS, TYPE, WIDTHS } from "./types.ts";

/** Nested items; R's own stack ends long before. The deepest seen has 19. CWE-674. */
const DEPTH = 200_000;
/** Cells of code kept at a time, about a hundred bytes each. The most seen are 362. CWE-770. */
const CELLS = 1_000_000;
/** Elements of a vector of constants that are shown. */
const SHOWN = 4;

/** One walk; used once. */
export class RdsItems implements Walk {
  readonly reader: RdsReader;
  readonly listener: RdsListener;
  readonly #most: number;
  readonly #stack: Frame[] = [];
  /** Cells of code that were kept when each frame began. */
  readonly #marks: number[] = [];
  readonly #references: RValue[] = [];
  #cells = 0;

  /** @param most references that are remembered */
  constructor(reader: RdsReader, listener: RdsListener, most: number) {
    this.reader = reader;
    this.listener = listener;
    this.#most = most;
  }

  /**
   * Reads one object to its end.
   *
   * @param place of it: "root", or "variables" for a workspace
   * @throws FormatError for what R would refuse
   * @throws LimitError beyond the budget
   */
  async read(place: Place): Promise<void> {
    await this.reader.ready();
    this.item(place, false);
    for (let top = this.#stack.at(-1); top !== undefined; top = this.#stack.at(-1)) {
      if (!this.reader.isReady) await this.reader.ready();
      top.step(this);
    }
  }

  /** Begins an item; its value goes to the frame that asks. */
  item(place: Place, keep: boolean): void {
    this.dispatch(this.reader.int(), place, keep);
  }

  push(frame: Frame): void {
    if (this.#stack.length >= DEPTH) {
      throw new LimitError("values", `Items lie more than ${DEPTH} deep in one another`);
    }
    this.#stack.push(frame);
    this.#marks.push(this.#cells);
  }

  /** Ends the frame on top with a value for the one below. */
  pop(value: RValue): void {
    this.#stack.pop();
    this.#marks.pop();
    this.deliver(value);
  }

  deliver(value: RValue): void {
    this.#stack.at(-1)?.take(value, this);
  }

  /** The frame on top keeps nothing of what it has taken. */
  forget(): void {
    this.#cells = this.#marks.at(-1) ?? 0;
  }

  /** Counts a cell of code that is kept. @throws LimitError when there are too many */
  count(): void {
    if (++this.#cells > CELLS) {
      throw new LimitError("values", `There are more than ${CELLS} cells of code in one another`);
    }
  }

  /** @throws LimitError when there are too many */
  addReference(value: RValue): void {
    if (this.#references.length >= this.#most) {
      throw new LimitError("values", `There are more than ${this.#most} references`);
    }
    this.#references.push(value);
  }

  /** A number of things that R makes room for. */
  count32(): number {
    const count = this.reader.int();
    if (count < 0) throw new FormatError(`A number of ${count}`, this.reader.offset);
    return count;
  }

  /** `ReadLENGTH`: -1 before the halves of a length beyond 2^31. */
  length(): number {
    const length = this.reader.int();
    if (length >= 0) return length;
    if (length < -1) throw new FormatError(`A length of ${length}`, this.reader.offset);
    const high = this.reader.int() >>> 0;
    if (high > 65_536) throw new FormatError("A length beyond all reason", this.reader.offset);
    return high * 2 ** 32 + (this.reader.int() >>> 0);
  }

  /** Delivers a value, after the attributes that follow it. */
  attributed(flags: number, value: RValue): void {
    if ((flags & HAS_ATTRIBUTES) === 0) this.deliver(value);
    else this.push(new SequenceFrame(["value"], value));
  }

  /** Begins the item that flags announce. */
  dispatch(flags: number, place: Place, keep: boolean): void {
    const type = flags & 0xff;
    const constant = CONSTANTS.get(type);
    const width = WIDTHS.get(type);
    if (constant !== undefined) this.deliver(constant);
    else if (PAIRS.has(type)) this.push(new PairFrame(flags, place, keep));
    else if (type === TYPE.char) this.#char(flags, keep);
    else if (type === TYPE.reference) this.deliver(this.#reference(flags));
    else if (type === TYPE.symbol) this.push(new SymbolFrame());
    else if (width !== undefined) this.#numbers(flags, width, keep);
    else if (type === TYPE.string || type === TYPE.list || type === TYPE.expression) {
      this.push(new VectorFrame(flags, this.length(), place, keep));
    } else if (type === TYPE.bytecode) {
      // The number of cells used more than once.
      this.count32();
      this.push(new BytecodeFrame(flags));
    } else if (type === TYPE.altrep) this.push(new AltrepFrame(this.reader.offset));
    else this.#registered(flags, type);
  }

  /** What enters the table of references, and the rest. */
  #registered(flags: number, type: number): void {
    switch (type) {
      case TYPE.environment:
        this.reader.int();
        this.addReference(ENVIRONMENT);
        return this.push(new SequenceFrame(["value", "frame", "table", "value"], ENVIRONMENT));
      case TYPE.externalPointer:
        this.addReference(OTHER);
        return this.push(new SequenceFrame(["value", "value", ...attributePlaces(flags)], OTHER));
      case TYPE.weakReference:
        this.addReference(OTHER);
        return this.attributed(flags, OTHER);
      case TYPE.object:
        return this.attributed(flags, OTHER);
      case TYPE.special:
      case TYPE.builtin:
        return this.#builtin(flags);
      case TYPE.persistent:
      case TYPE.package:
      case TYPE.namespace:
        return this.#attributeNames();
      default:
        throw new FormatError(`Items of type ${type} do not exist`, this.reader.offset);
    }
  }

  #char(flags: number, keep: boolean): void {
    const length = this.reader.int();
    if (length < -1) throw new FormatError(`A text of ${length} bytes`, this.reader.offset);
    if (length === -1) return this.attributed(flags, { kind: "text", text: "NA" });
    if (keep) return this.attributed(flags, { kind: "text", text: this.reader.text(length) });
    this.reader.skipText(length);
    this.attributed(flags, OTHER);
  }

  #builtin(flags: number): void {
    const length = this.reader.int();
    if (length < 0) throw new FormatError(`A name of ${length} bytes`, this.reader.offset);
    this.attributed(flags, { kind: "builtin", name: this.reader.text(length) });
  }

  /** `InStringVec`: a zero, a length, and texts. */
  #attributeNames(): void {
    if (this.reader.int() !== 0) throw new FormatError("Names of names", this.reader.offset);
    this.push(new NamesFrame(this.count32()));
  }

  #reference(flags: number): RValue {
    const index = flags >> 8 || this.reader.int();
    const value = this.#references[index - 1];
    if (value !== undefined) return value;
    throw new FormatError(`Reference ${index} of ${this.#references.length}`, this.reader.offset);
  }

  #numbers(flags: number, width: 1 | 4 | 8 | 16, keep: boolean): void {
    const count = this.length();
    if (!keep || count > SHOWN || width === 16 || width === 1) {
      this.reader.skipNumbers(count, width);
      return this.attributed(flags, OTHER);
    }
    const logical = (flags & 0xff) === TYPE.logical;
    const items = Array.from({ length: count }, () => {
      const number = width === 8 ? this.reader.real() : this.reader.int();
      if (number === -0x80000000) return "NA";
      return logical ? (number === 0 ? "FALSE" : "TRUE") : String(number);
    });
    this.attributed(flags, { kind: "constant", items, more: false });
  }
}

const ENVIRONMENT: RValue = { kind: "other", label: "<environment>" };

/** What is said by its type alone. */
const CONSTANTS: ReadonlyMap<number, RValue> = new Map([
  [TYPE.nullValue, NULL],
  [TYPE.unboundValue, UNBOUND],
  [TYPE.missingArgument, MISSING],
  [TYPE.emptyEnvironment, ENVIRONMENT],
  [TYPE.baseEnvironment, ENVIRONMENT],
  [TYPE.baseNamespace, ENVIRONMENT],
  [TYPE.globalEnvironment, ENVIRONMENT],
]);

function attributePlaces(flags: number): Place[] {
  return (flags & HAS_ATTRIBUTES) === 0 ? [] : ["value"];
}

/** Some items one after the other, of which nothing is kept. */
class SequenceFrame implements Frame {
  readonly #places: readonly Place[];
  readonly #value: RValue;
  #next = 0;

  constructor(places: readonly Place[], value: RValue) {
    this.#places = places;
    this.#value = value;
  }

  step(items: Walk): void {
    const place = this.#places[this.#next++];
    if (place === undefined) items.pop(this.#value);
    else items.item(place, false);
  }

  take(_value: RValue, items: Walk): void {
    items.forget();
  }
}

/** A symbol: its name, and a place in the table of references. */
class SymbolFrame implements Frame {
  step(items: Walk): void {
    items.item("value", true);
  }

  take(value: RValue, items: Walk): void {
    const symbol: RValue = { kind: "symbol", name: value.kind === "text" ? value.text : "" };
    items.addReference(symbol);
    items.pop(symbol);
  }
}

/** Names of a package, a namespace, or an object of a persistence hook. */
class NamesFrame implements Frame {
  #remaining: number;

  constructor(count: number) {
    this.#remaining = count;
  }

  step(items: Walk): void {
    if (this.#remaining-- > 0) return items.item("value", false);
    items.addReference(ENVIRONMENT);
    items.pop(ENVIRONMENT);
  }

  take(_value: RValue, items: Walk): void {
    items.forget();
  }
}

/** A vector of texts or of items. */
class VectorFrame implements Frame {
  readonly #flags: number;
  readonly #count: number;
  readonly #place: Place;
  readonly #kept: string[] | undefined;
  #remaining: number;
  #attributes: boolean;

  constructor(flags: number, count: number, place: Place, keep: boolean) {
    this.#flags = flags;
    this.#count = count;
    this.#remaining = count;
    this.#place = place === "table" ? "frame" : "value";
    this.#kept = keep && (flags & 0xff) === TYPE.string ? [] : undefined;
    this.#attributes = (flags & HAS_ATTRIBUTES) !== 0;
  }

  step(items: Walk): void {
    if (this.#remaining > 0) {
      this.#remaining--;
      const kept = this.#kept;
      return items.item(this.#place, kept !== undefined && kept.length < SHOWN);
    }
    if (this.#attributes) {
      this.#attributes = false;
      return items.item("value", false);
    }
    items.pop(this.#value());
  }

  take(value: RValue, items: Walk): void {
    items.forget();
    const kept = this.#kept;
    if (kept !== undefined && kept.length < SHOWN && value.kind === "text") {
      kept.push(JSON.stringify(value.text));
    }
  }

  #value(): RValue {
    const items = this.#kept;
    if (items === undefined) {
      return {
        kind: "other",
        label: (this.#flags & 0xff) === TYPE.expression ? "expression(…)" : "…",
      };
    }
    return { kind: "constant", items, more: this.#count > items.length };
  }
}

/** An object with a representation of its own: class and package, state, attributes. */
class AltrepFrame implements Frame {
  readonly #offset: number;
  #taken = 0;

  constructor(offset: number) {
    this.#offset = offset;
  }

  step(items: Walk): void {
    if (this.#taken === 3) items.pop(OTHER);
    else items.item("value", this.#taken === 0);
  }

  take(value: RValue, items: Walk): void {
    items.forget();
    if (this.#taken++ > 0 || value.kind !== "cell" || value.car.kind !== "symbol") return;
    items.listener.altrep(value.car.name, this.#offset);
  }
}
