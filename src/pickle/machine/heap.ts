/**
 * What a machine knows of values beyond their handles: texts, containers, globals, computed objects,
 * and the log of facts.
 *
 * @module
 */

import type { Interest } from "../../core/types.ts";
import { FactLog } from "./facts.ts";
import { foldKey } from "./names.ts";
import type { TextWatch } from "./text_watch.ts";
import type { ByteWindow } from "./window.ts";
import {
  decodeLatin1,
  decodeUtf8,
  encodeLatin1,
  parseFloatLine,
  parseInteger,
  parseLong,
  parseQuoted,
  parseRawUnicode,
  payloadOf,
} from "./literals.ts";
import { OP } from "./opcodes.ts";
import { ContainerPool } from "./containers.ts";
import {
  CONTAINER,
  FALSE,
  type GlobalValue,
  type Handle,
  handleOf,
  indexOf,
  KIND,
  kindOf,
  LOST,
  TRUE,
  UNKNOWN,
  type Value,
} from "./values.ts";

/**
 * The longest text or bytes that is looked at as a whole, in bytes. The longest text seen has 55,825.
 * CWE-770.
 */
export const TEXT_LIMIT = 1024 * 1024;
/** Characters and bytes that computed texts may have in all. The most seen are 399. CWE-770. */
const COMPUTED_LIMIT = 64 * 1024 * 1024;
/**
 * Items of a computed container that are kept, and levels of containers in it. No model is known to compute
 * one of ten. CWE-770.
 */
const DERIVED_ITEMS = 4096;
const DERIVED_DEPTH = 8;
/**
 * What reading values may cost beyond the size of the file, so that a few bytes which ask for the same long
 * value again and again (CWE-405) do not cost hours. The unit is 16 bytes of text, or one item. The most seen
 * in all, the size of the file included, are 513,314.
 */
const READS_FREE = 1 << 24;
/** What finding a literal costs, whatever its length, and a call that a function makes. */
const LITERAL_READS = 8;
const CALL_READS = 8;
/** Characters of a text that is kept for the next who asks, and how many of them are kept. */
const SHORT_TEXT = 64;
const SHORT_TEXTS = 1024;
/**
 * Values that are remembered of what one global's results were given. A few pickles in use pass more; then it
 * is only known that there are more. CWE-770.
 */
const PASSED_KEPT = 256;
/** Items of a state that are kept in its place. The state of an array has five, that of a wrapper twelve. */
const STATE_PARTS = 16;
/**
 * Items of a container in an argument that are looked at for objects at once; longer containers, and those with others
 * in them, are looked at in the end, as many for each function. Of more any object may be among the arguments. CWE-407.
 */
const ITEMS_GIVEN = 64;
const CONTAINERS_GIVEN = 4096;
/**
 * Changed bytearrays that are remembered, and values in an argument, at any depth, that are taken for changed one by
 * one. The most containers seen in an argument are 12. CWE-770.
 */
const CHANGED_KEPT = 4096;
const GIVEN_CHANGED = 1024;
/** Computed objects kept in all: calls, folded texts, imported globals. The most seen are 350. CWE-770. */
const OBJECT_LIMIT = 1 << 20;

export interface HeapOptions {
  readonly interest: Interest;
  /** Container items kept. */
  readonly itemLimit: number;
  /** Containers kept. */
  readonly containerLimit: number;
  /** Keep the order of imports and calls. */
  readonly traced: boolean;
  /** Facts after which the machine comes back, so that they can be taken; as many as are kept unless given. */
  readonly factsHeld?: number | undefined;
  /** Looks at each text that is read or computed. */
  readonly watch?: TextWatch | undefined;
  /**
   * Tell all results of calls apart and keep what objects are given, also where their calls do not matter, so that
   * the value under STOP can be written out.
   */
  readonly rendered?: boolean | undefined;
}

/** One imported or reached global of the stream, which is also the value that an import pushes. */
export interface GlobalEntry extends GlobalValue {
  /** Its path under Python 3 names, which the tables of pure functions use. */
  readonly key: string;
  /** What calls of it do with their arguments, as the rules have it (`Interest.meaningsOf`). */
  readonly meanings: readonly string[];
  /** True when neither arguments nor results of its calls matter. */
  readonly quiet: boolean;
  /** True when at least restoring an instance, without `__init__`, matters to nothing. */
  readonly restorable: boolean;
  /** The handle of the value. */
  readonly handle: Handle;
  /** Call results kept apart so far. */
  results: number;
  /** Values that calls, items and states gave its results, from which a result may be made; no constants. */
  readonly passed: Set<Handle>;
  /** True when there were more than are kept. */
  passedMore: boolean;
  /** Those that calls were given, and whether there were more than are kept. */
  readonly arguments: { readonly values: Set<Handle>; more: boolean };
  /** Classes and functions whose instances and results calls got as arguments, and where one did first. */
  readonly given: Map<GlobalEntry, number>;
  /** Arguments in which such are looked for in the end, and where they were. */
  readonly givenContainers: Map<Handle, number>;
  /** Where an instance first got a state. */
  builtAt: number | undefined;
  /** Where one got items, or became a key, behind that. */
  usedAt: number | undefined;
  /** How many of the values that were passed something may have changed since. */
  changed: number;
  /** True when calls need no look at their arguments at all; undefined until first asked. */
  plain: boolean | undefined;
}

/** Values, globals and facts of one stream. */
export class Heap {
  readonly input: ByteWindow;
  readonly containers: ContainerPool;
  readonly facts: FactLog;
  readonly interest: Interest;
  /** As in `HeapOptions`. */
  readonly rendered: boolean;
  private readonly watch: TextWatch | undefined;
  /** Virtual offset of the stream's first byte. */
  private start = 0;
  /** True when something that was forgotten for want of room would have mattered. */
  detailLost = false;
  /** True once there are values made to be called, such as partials: what was forgotten may hold one. */
  hasFunctions = false;
  /** True once joblib's class of stand-ins for arrays was named. */
  arraysNamed = false;
  /** True when a bytearray got more items: what a literal pushed is no longer all of it. */
  bytesGrown = false;
  /** Bytes that may be a bytearray which something has changed. */
  private readonly changedBytes = new Set<Handle>();
  private allBytesChanged = false;
  /** Computed bytearrays, and literals that stand for one which was made of them. */
  private readonly copiedBytes = new Set<Handle>();
  /** What reading values has cost so far: 16 bytes of text, or one item, each. */
  reads = 0;
  private computed = 0;
  /** Texts read lately, by the offset of their opcode: names of codecs and keys are asked for again and again. */
  private readonly shortTexts = new Map<number, string>();
  private readonly objects: Value[] = [];
  private readonly globals: GlobalEntry[] = [];
  private readonly globalIds = new Map<string, GlobalEntry>();

  constructor(input: ByteWindow, options: HeapOptions) {
    this.input = input;
    this.interest = options.interest;
    this.watch = options.watch;
    this.rendered = options.rendered ?? false;
    this.containers = new ContainerPool(options.itemLimit, options.containerLimit);
    this.facts = new FactLog(options.traced, options.factsHeld);
  }

  /** A stream begins. @param start virtual offset of its first byte */
  begin(start: number): void {
    this.start = start;
  }

  // --- objects and globals ---------------------------------------------------

  /**
   * A handle for a computed value.
   *
   * @throws RangeError when there are too many
   */
  object(value: Value): Handle {
    const handle = this.nextHandle();
    const { type } = value;
    if (type === "partial" || type === "getter" || type === "method") this.hasFunctions = true;
    this.objects.push(value);
    return handle;
  }

  private nextHandle(): Handle {
    if (this.objects.length >= OBJECT_LIMIT) {
      throw new RangeError(`Cannot keep more than ${OBJECT_LIMIT} computed values`);
    }
    return handleOf(KIND.OBJECT, this.objects.length);
  }

  /** The computed value behind a handle, undefined for every other kind. */
  valueOf(handle: Handle): Value | undefined {
    return handle >= 0 && kindOf(handle) === KIND.OBJECT
      ? this.objects[indexOf(handle)]
      : undefined;
  }

  /** Whether a value is what calls made, of which nothing is known. */
  isMade(handle: Handle): boolean {
    const type = this.valueOf(handle)?.type;
    return type === "call" || type === "oneOf" || type === "picked" || type === "method";
  }

  /** The global whose harmless instance this is. */
  instanceOf(handle: Handle): GlobalEntry | undefined {
    return handle >= 0 && kindOf(handle) === KIND.INSTANCE
      ? this.globals[indexOf(handle)]
      : undefined;
  }

  /** What calls of a global do with their arguments. */
  private meaningsOf(module: string, name: string, path: string): readonly string[] {
    const meanings = this.interest.meaningsOf?.(path) ?? [];
    return this.interest.fillsResult?.(module, name) === true && !meanings.includes("attributes")
      ? [...meanings, "attributes"]
      : meanings;
  }

  /** The table entry of a global, made when it is new. Nothing is logged. */
  entryOf(module: string, name: string): GlobalEntry {
    const key = `${module}\0${name}`;
    const known = this.globalIds.get(key);
    if (known !== undefined) return known;
    const path = foldKey(module, name);
    const entry: GlobalEntry = {
      type: "global",
      id: this.globals.length,
      module,
      name,
      key: path,
      meanings: this.meaningsOf(module, name, path),
      quiet: !this.interest.argumentsMatter(module, name),
      restorable: this.interest.restoringIsHarmless?.(module, name) ?? false,
      handle: this.nextHandle(),
      results: 0,
      passed: new Set(),
      passedMore: false,
      arguments: { values: new Set(), more: false },
      given: new Map(),
      givenContainers: new Map(),
      builtAt: undefined,
      usedAt: undefined,
      changed: 0,
      plain: undefined,
    };
    if (/ArrayWrapper(\.|$)/.test(entry.key)) this.arraysNamed = true;
    this.objects.push(entry);
    this.globals.push(entry);
    this.globalIds.set(key, entry);
    return entry;
  }

  /** All globals that were named. */
  get entries(): readonly GlobalEntry[] {
    return this.globals;
  }

  /** The entry behind a handle to a global. */
  globalOf(handle: Handle): GlobalEntry | undefined {
    const value = this.valueOf(handle);
    return value?.type === "global" ? this.globals[value.id] : undefined;
  }

  /**
   * Imports a global: logs it and gives its value.
   *
   * @param computed whether its name is no literal of the file
   */
  importGlobal(
    module: string,
    name: string,
    via: string,
    offset: number,
    computed = false,
  ): Handle {
    const entry = this.entryOf(module, name);
    if (computed) this.facts.add({ kind: "import", module, name, via, computed }, offset);
    else this.facts.addImport(entry, via, offset);
    this.facts.trace?.push(`import ${module} ${name}`);
    return entry.handle;
  }

  // --- making values -----------------------------------------------------------

  /** @throws RangeError when computed texts grow too large in all */
  text(text: string): Handle {
    this.spend(text.length);
    this.watch?.lookAt(text, this.start);
    return this.object({ type: "text", text });
  }

  /**
   * Computed bytes.
   *
   * @param fixed whether they are certainly no bytearray
   * @throws RangeError when computed bytes grow too large in all
   */
  bytes(bytes: Uint8Array, fixed = false): Handle {
    this.spend(bytes.length);
    return this.object({ type: "bytes", bytes, ...(fixed && { fixed }) });
  }

  private spend(length: number): void {
    this.computed += length;
    if (this.computed > COMPUTED_LIMIT) {
      throw new RangeError(`Cannot keep more than ${COMPUTED_LIMIT} bytes of computed text`);
    }
  }

  /**
   * A value that a computation gave. What it is rests on the machine computing exactly as Python
   * does, so a text is no literal any more, and what may be called is marked as picked.
   */
  derived(handle: Handle, depth = 0): Handle {
    if (handle < 0) {
      const items = this.itemsOf(handle);
      if (items === undefined || items.length > DERIVED_ITEMS || depth > DERIVED_DEPTH) {
        return this.object({ type: "picked", value: handle });
      }
      return this.container(
        this.containers.kind(handle),
        items.map((item) => this.derived(item, depth + 1)),
      );
    }
    switch (kindOf(handle)) {
      case KIND.STRING: {
        const text = this.textOf(handle);
        return text === undefined ? UNKNOWN : this.text(text);
      }
      case KIND.INSTANCE:
        return this.object({ type: "picked", value: handle });
      case KIND.OBJECT: {
        const type = this.valueOf(handle)?.type;
        return type === "text" || type === "bytes" || type === "picked"
          ? handle
          : this.object({ type: "picked", value: handle });
      }
      default:
        return handle;
    }
  }

  /** Whether a value is a str literal of the file. */
  isWritten(handle: Handle): boolean {
    return handle >= 0 && kindOf(handle) === KIND.STRING;
  }

  /** An integer; UNKNOWN beyond 2^45 or when it is none. */
  integer(value: number): Handle {
    if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 45) return UNKNOWN;
    return value < 0 ? handleOf(KIND.NEGATIVE, -value) : handleOf(KIND.INTEGER, value);
  }

  container(kind: number, items: readonly Handle[]): Handle {
    const handle = this.containers.create(kind);
    if (handle >= 0) return this.lost();
    this.containers.append(handle, Float64Array.from(items), 0, items.length);
    return handle;
  }

  /**
   * Remembers a state that a result of a global was given: of a short tuple its parts, since `__setstate__` hands out no
   * more, and of the state of joblib's wrapper of an array, which the array replaces at once. States of arrays differ,
   * and all have the same dtype, so that few things are kept of many.
   */
  passState(entry: GlobalEntry, state: Handle): void {
    const { containers } = this;
    const kind = entry.meanings.includes("array-wrapper") ? CONTAINER.DICT : CONTAINER.TUPLE;
    const isShort = state < 0 && containers.kind(state) === kind && !containers.lossy(state) &&
      containers.count(state) <= STATE_PARTS;
    for (const each of isShort ? this.keptItems(state) : [state]) this.pass(entry, each);
  }

  /**
   * Remembers that a result of a global was given a value: by a call, as an item or in a state. Such a
   * result may be that value, or hand it out later.
   */
  pass(entry: GlobalEntry, value: Handle, isArgument = false): void {
    if (entry.passedMore && (!isArgument || entry.arguments.more)) return;
    if (value >= 0) {
      const kind = kindOf(value);
      if (kind !== KIND.OBJECT && kind !== KIND.INSTANCE && value !== LOST && value !== UNKNOWN) {
        return;
      }
    } else if (this.containers.kind(value) === CONTAINER.TUPLE && this.isConstant(value)) return;
    if (entry.passed.size < PASSED_KEPT) entry.passed.add(value);
    else if (!entry.passed.has(value)) entry.passedMore = true;
    if (!isArgument) return;
    const { values } = entry.arguments;
    if (values.size < PASSED_KEPT) values.add(value);
    else if (!values.has(value)) entry.arguments.more = true;
  }

  /** The same of arguments that are not known. */
  passMore(entry: GlobalEntry): void {
    entry.passedMore = true;
    entry.arguments.more = true;
  }

  /** Whether a tuple holds only constants. */
  private isConstant(tuple: Handle): boolean {
    let constant = !this.containers.lossy(tuple);
    this.containers.visit(tuple, (item) => {
      if (item < 0 || item === LOST || item === UNKNOWN) constant = false;
      else {
        const kind = kindOf(item);
        if (kind === KIND.OBJECT || kind === KIND.INSTANCE) constant = false;
      }
      return constant;
    });
    return constant;
  }

  /** Remembers that a call at an offset got an argument, whose methods, or those of its items, it may call. */
  passArgument(entry: GlobalEntry, value: Handle, at: number): void {
    this.noteGiven(entry, value, at);
    if (value < 0) {
      const first = this.containers.list(value, ITEMS_GIVEN);
      for (const item of first) this.noteGiven(entry, item, at);
      const isLong = this.containers.count(value) > ITEMS_GIVEN || first.some((item) => item < 0);
      if (isLong && entry.givenContainers.size <= CONTAINERS_GIVEN) {
        entry.givenContainers.set(value, at);
      }
    }
    this.pass(entry, value, true);
  }

  /**
   * The makers of all objects that calls of a harmless global may have got among their arguments, and where one did
   * first.
   *
   * @throws RangeError when that is too much to look at
   */
  givenTo(entry: GlobalEntry): ReadonlyMap<GlobalEntry, number> {
    if (entry.givenContainers.size > CONTAINERS_GIVEN) {
      const [at = 0] = entry.givenContainers.values();
      for (const maker of this.globals) {
        this.noteGiven(entry, handleOf(KIND.INSTANCE, maker.id), at);
      }
      return entry.given;
    }
    const pending = new Map(entry.givenContainers);
    for (const [each, where] of pending) {
      this.spendReads(this.containers.count(each));
      this.containers.visit(each, (item) => {
        this.noteGiven(entry, item, where);
        if (item < 0 && !pending.has(item)) pending.set(item, where);
        return true;
      });
    }
    return entry.given;
  }

  private noteGiven(entry: GlobalEntry, value: Handle, at: number): void {
    const maker = this.instanceOf(value);
    if (maker === undefined || entry.given.has(maker)) return;
    // A dictionary is asked for nothing but what its class has; what is in one of them is in all.
    if (!maker.meanings.includes("dictionary")) entry.given.set(maker, at);
  }

  /** The same of all items of a container. */
  passItems(entry: GlobalEntry, container: Handle, at: number): void {
    if (container >= 0) this.pass(entry, container, true);
    else {
      this.containers.visit(container, (item) => {
        this.passArgument(entry, item, at);
        return true;
      });
      if (this.containers.lossy(container)) this.passMore(entry);
    }
  }

  /** Something may change a value in place: what it was made of says no longer what it is. */
  change(handle: Handle): void {
    if (handle < 0) {
      if (this.containers.kind(handle) !== CONTAINER.TUPLE) this.containers.change(handle);
      return;
    }
    if (!this.isMutableBytes(handle)) return;
    if (this.changedBytes.size < CHANGED_KEPT) this.changedBytes.add(handle);
    else this.lost();
  }

  /** Whether a value may be a bytearray. */
  isMutableBytes(handle: Handle): boolean {
    if (handle < 0) return false;
    if (this.copiedBytes.has(handle)) return true;
    if (kindOf(handle) !== KIND.BYTES) {
      const value = this.valueOf(handle);
      return value?.type === "bytes" &&
        (value.fixed !== true || this.copiedBytes.size === CHANGED_KEPT);
    }
    if (this.copiedBytes.size === CHANGED_KEPT) return true;
    const code = this.input.bytesAt(indexOf(handle), 1)?.[0];
    return code === undefined || code === OP.BYTEARRAY8;
  }

  /** Computed bytes are a bytearray, or one is a copy of a literal, which stands for it. */
  noteBytearray(handle: Handle): void {
    if (this.copiedBytes.size < CHANGED_KEPT) this.copiedBytes.add(handle);
    // Those that are not remembered would count as bytes, which nothing changes.
    else if (!this.copiedBytes.has(handle)) this.lost();
  }

  /**
   * A function that nothing knows is given values: it may change each, and what is in it. Of more than are followed
   * everything there is may be changed.
   *
   * @param handsOut what a value may hand out that is no container
   */
  give(values: readonly Handle[], handsOut: (value: Handle) => readonly Handle[]): void {
    const pending = new Set(values);
    for (const each of pending) {
      if (pending.size > GIVEN_CHANGED) {
        this.containers.changeAll();
        this.allBytesChanged = true;
        return;
      }
      if (each >= 0) {
        if (this.isMutableBytes(each)) this.change(each);
        else for (const inside of handsOut(each)) pending.add(inside);
        continue;
      }
      if (this.containers.changed(each)) continue;
      this.change(each);
      this.spendReads(this.containers.count(each));
      this.containers.visit(each, (item) => {
        if (item < 0 || this.mayHandOut(item)) pending.add(item);
        return pending.size <= GIVEN_CHANGED;
      });
    }
  }

  /** Whether a value that is no container may change, or hand out what may. */
  private mayHandOut(item: Handle): boolean {
    const kind = kindOf(item);
    return kind === KIND.OBJECT || kind === KIND.INSTANCE || this.isMutableBytes(item);
  }

  /** A dictionary of the stream, or an object that is one, has a key of which it is not known what text it is. */
  noteUnknownKey(): void {
    this.watch?.unknownKey(this.start);
  }

  /** Notes that something forgotten matters. */
  lost(): Handle {
    this.detailLost = true;
    return LOST;
  }

  /** A function calls another one. @throws RangeError when that happens too often for the size of the file */
  spendCall(): void {
    this.spendReads(CALL_READS);
  }

  /** @throws RangeError when values were read too often for the size of the file */
  private spendReads(count: number): void {
    this.reads += count;
    if (this.reads > READS_FREE + this.input.base + this.input.length) {
      throw new RangeError(
        `Cannot read the same values over and over, ${this.reads} items of them`,
      );
    }
  }

  // --- reading values ----------------------------------------------------------

  /** The text of a str; undefined for what is none, is unknown, or is longer than `TEXT_LIMIT`. */
  textOf(handle: Handle): string | undefined {
    if (handle === LOST) this.detailLost = true;
    if (handle < 0) return undefined;
    if (kindOf(handle) === KIND.STRING) {
      const literal = this.literal(indexOf(handle));
      return typeof literal === "string" ? literal : undefined;
    }
    const value = this.valueOf(handle);
    return value?.type === "text" ? value.text : undefined;
  }

  /** The bytes of a bytes or bytearray; undefined for what is none, is unknown or too long. */
  bytesOf(handle: Handle): Uint8Array | undefined {
    if (handle === LOST) this.detailLost = true;
    return this.bytesChanged(handle) ? undefined : this.bytesMade(handle);
  }

  /** Whether something may have changed a bytearray. */
  bytesChanged(handle: Handle): boolean {
    return this.changedBytes.has(handle) || (this.allBytesChanged && this.isMutableBytes(handle));
  }

  /** The bytes as they were made, whatever has changed them since; undefined as for `bytesOf`. */
  bytesMade(handle: Handle): Uint8Array | undefined {
    if (handle < 0) return undefined;
    if (kindOf(handle) === KIND.BYTES) {
      const literal = this.literal(indexOf(handle));
      return typeof literal === "string" ? encodeLatin1(literal) : literal;
    }
    const value = this.valueOf(handle);
    return value?.type === "bytes" ? value.bytes : undefined;
  }

  /** An int, bool or float; undefined otherwise. */
  numberOf(handle: Handle): number | bigint | undefined {
    if (handle === TRUE) return 1;
    if (handle === FALSE) return 0;
    if (handle < 0) return undefined;
    switch (kindOf(handle)) {
      case KIND.INTEGER:
        return indexOf(handle);
      case KIND.NEGATIVE:
        return -indexOf(handle);
      case KIND.NUMBER:
        return this.numberAt(indexOf(handle));
      default:
        return undefined;
    }
  }

  /** An int of safe size; undefined otherwise. */
  integerOf(handle: Handle): number | undefined {
    const value = this.numberOf(handle);
    return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
  }

  /** An int or bool of any size, no float; undefined for anything else. */
  exactInteger(handle: Handle): bigint | undefined {
    const value = this.numberOf(handle);
    if (value === undefined || !Number.isInteger(Number(value))) return undefined;
    if (handle >= 0 && kindOf(handle) === KIND.NUMBER) {
      const code = this.input.bytesAt(indexOf(handle), 1)?.[0];
      if (code === undefined || code === OP.BINFLOAT || code === OP.FLOAT) return undefined;
    }
    return BigInt(value);
  }

  /**
   * The items of a container of one of the kinds; undefined for anything else, when some were forgotten, and
   * when something may have changed them.
   */
  itemsOf(handle: Handle, ...kinds: readonly number[]): Handle[] | undefined {
    if (handle === LOST) this.detailLost = true;
    if (handle >= 0) return undefined;
    if (kinds.length > 0 && !kinds.includes(this.containers.kind(handle))) return undefined;
    if (this.containers.lossy(handle)) {
      this.detailLost = true;
      return undefined;
    }
    if (this.containers.changed(handle)) return undefined;
    return this.keptItems(handle);
  }

  /** Whether a value is a container without items, as far as nothing may have put some into it. */
  isEmpty(handle: Handle): boolean {
    return handle < 0 && this.containers.count(handle) === 0 && !this.containers.changed(handle);
  }

  /** The items of a container that were kept. */
  keptItems(handle: Handle): Handle[] {
    this.spendReads(this.containers.count(handle));
    return this.containers.list(handle);
  }

  /** The number whose opcode is at `offset`. */
  numberAt(offset: number): number | bigint | undefined {
    const code = this.input.bytesAt(offset, 1)?.[0];
    if (code === OP.BINFLOAT) {
      const bytes = this.input.bytesAt(offset + 1, 8);
      return bytes && new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, false);
    }
    if (code === OP.LONG1 || code === OP.LONG4) {
      const payload = this.payload(offset);
      const bytes = payload && this.input.bytesAt(payload.offset, Math.min(payload.length, 64));
      return bytes && payload && payload.length <= 64 ? parseLong(bytes) : undefined;
    }
    const line = this.lineAt(offset + 1);
    if (line === undefined) return undefined;
    if (code === OP.FLOAT) return parseFloatLine(line)?.value;
    const digits = line[line.length - 1] === 0x4c ? line.subarray(0, -1) : line;
    return parseInteger(digits, 0, code === OP.INT)?.value;
  }

  /** Where the payload of the counted opcode at `offset` is: virtual offset and length in bytes. */
  payload(offset: number): { offset: number; length: number } | undefined {
    const room = Math.min(9, this.input.size - offset);
    const head = this.input.bytesAt(offset, room);
    if (head === undefined) return undefined;
    const padded = new Uint8Array(9);
    padded.set(head);
    const found = payloadOf(padded);
    return found && { offset: offset + found.header, length: found.length };
  }

  /** The literal that the opcode at `offset` pushed: str for text opcodes, otherwise bytes. */
  private literal(offset: number): string | Uint8Array | undefined {
    const known = this.shortTexts.get(offset);
    if (known !== undefined) return known;
    const literal = this.readLiteral(offset);
    if (typeof literal === "string" && literal.length <= SHORT_TEXT) {
      if (this.shortTexts.size >= SHORT_TEXTS) this.shortTexts.clear();
      this.shortTexts.set(offset, literal);
    }
    return literal;
  }

  private readLiteral(offset: number): string | Uint8Array | undefined {
    const code = this.input.bytesAt(offset, 1)?.[0];
    if (code === OP.STRING || code === OP.UNICODE) {
      const line = this.lineAt(offset + 1);
      if (line === undefined) return undefined;
      return code === OP.STRING ? parseQuoted(line) : parseRawUnicode(line);
    }
    const payload = this.payload(offset);
    if (payload === undefined || payload.length > TEXT_LIMIT) return undefined;
    this.spendReads(LITERAL_READS + payload.length / 16);
    const bytes = this.input.bytesAt(payload.offset, payload.length);
    switch (code) {
      case OP.SHORT_BINUNICODE:
      case OP.BINUNICODE:
      case OP.BINUNICODE8:
        return bytes && decodeUtf8(bytes);
      case OP.SHORT_BINSTRING:
      case OP.BINSTRING:
        return bytes && decodeLatin1(bytes);
      default:
        return bytes;
    }
  }

  /** Whether the opcode at `offset` pushes a str. */
  isTextLiteral(offset: number): boolean {
    const code = this.input.bytesAt(offset, 1)?.[0];
    return code !== OP.SHORT_BINBYTES && code !== OP.BINBYTES && code !== OP.BINBYTES8 &&
      code !== OP.BYTEARRAY8;
  }

  /** The first bytes of a text or bytes literal, for showing. */
  preview(handle: Handle, limit: number): { bytes: Uint8Array; length: number } | undefined {
    const payload = this.payload(indexOf(handle));
    const bytes = payload && this.input.bytesAt(payload.offset, Math.min(payload.length, limit));
    return bytes && payload && { bytes, length: payload.length };
  }

  /** The line that begins at `offset`, without its newline. */
  private lineAt(offset: number): Uint8Array | undefined {
    for (let length = 256; length <= TEXT_LIMIT; length *= 4) {
      const room = Math.min(length, this.input.size - offset);
      const reachable = Number.isFinite(this.input.size)
        ? room
        : Math.min(room, Math.max(0, this.input.base + this.input.length - offset));
      const bytes = this.input.bytesAt(offset, reachable);
      const newline = bytes?.indexOf(0x0a) ?? -1;
      // Four times as much as other text: its escapes are looked for.
      this.spendReads(reachable / 4);
      if (bytes !== undefined && newline >= 0) return bytes.subarray(0, newline);
      if (bytes === undefined || reachable < length) return undefined;
    }
    return undefined;
  }
}
