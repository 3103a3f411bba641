/**
 * What `torch.load(…, weights_only=True)` makes of a pickle: PyTorch's restricted unpickler on abstract
 * values. It says whether that unpickler goes through to the end, and which globals stand in its way.
 *
 * Source: `torch/_weights_only_unpickler.py` of the releases in `allowed.ts`. What the functions that it lets
 * through do with their arguments (a storage too short for its tensor) is not followed.
 *
 * @module
 */

import { python3Path } from "../../parsers/python/names.ts";
import { ALLOWED_BY, ALLOWED_BY_ALL } from "./allowed.ts";

/** How one release takes a pickle. */
export interface WeightsOnlyOutcome {
  /** For instance "2.6". */
  readonly release: string;
  /** Globals that it does not know, each once, in the order of the pickle. */
  readonly globals: readonly string[];
  /** Why it refuses the pickle though all of these were allowed; undefined where it would not. */
  readonly refusal: string | undefined;
}

/** Opcodes after which the deadline is looked at. */
const CHECK_EVERY = 65_536;

/** Globals that are named of one pickle. CWE-779. */
export const GLOBALS_NAMED = 1000;

/** Modules that `add_safe_globals` cannot allow, since 2.6. */
const BLOCKED: ReadonlySet<string> = new Set(["sys", "os", "posix", "nt"]);

/** What differs from release to release besides the list of globals. */
interface Release {
  readonly name: string;
  readonly allowed: ReadonlySet<string>;
  /** 2.4 renames Python 2's modules in pickles of protocol 2 alone. */
  readonly renamesAlways: boolean;
  /** 2.4 makes and fills no objects but these of its own and the user's. */
  readonly buildsAllowed: boolean;
  readonly blocks: boolean;
  /** Since 2.7 or later, only dictionaries take items. */
  readonly checksItems: boolean;
}

const RELEASES: readonly Release[] = Object.entries(ALLOWED_BY).map(([name, own]) => ({
  name,
  allowed: new Set([...ALLOWED_BY_ALL, ...own]),
  renamesAlways: name !== "2.4",
  buildsAllowed: name !== "2.4",
  blocks: name !== "2.4",
  checksItems: name !== "2.4" && name !== "2.6",
}));

/** The releases that are known, oldest first. */
export const WEIGHTS_ONLY_RELEASES: readonly string[] = RELEASES.map(({ name }) => name);

/** A value as far as the unpickler looks at it. */
type Value =
  /** A global that it lets through, by its path. */
  | { readonly kind: "global"; readonly path: string; readonly allowed: boolean }
  /** An object of a class that it does not know. */
  | { readonly kind: "foreign" }
  | { readonly kind: "tuple"; readonly first: Value | undefined }
  | { readonly kind: "text"; readonly isStorage: boolean }
  | {
    readonly kind:
      | ("list" | "dict" | "ordered" | "counter" | "set" | "tensor" | "parameter" | "storage")
      | ("int" | "plain" | "object");
  };

/** What a call of a global gives, where that matters later. */
const RESULTS: Readonly<Record<string, Value["kind"] & string>> = {
  "collections.OrderedDict": "ordered",
  "collections.Counter": "counter",
  "builtins.set": "set",
  "torch.nn.parameter.Parameter": "parameter",
  "torch._utils._rebuild_parameter": "parameter",
  "torch._utils._rebuild_parameter_with_state": "parameter",
  "torch.Tensor": "tensor",
};

/** Globals that are values and not functions: calling one is an error. */
const NOT_CALLABLE =
  /^torch\.(?:(?:float|bfloat|complex|bcomplex|u?int|q?u?int|bits)\d+\w*|bool|per_\w+|(?:cuda\.)?\w+Storage)$/;

/** What Python spreads into arguments; of objects and tensors it is not known here whether it would. */
const ITERABLE: ReadonlySet<Value["kind"]> = new Set(
  ["tuple", "list", "dict", "ordered", "counter", "set", "text"],
);

/** Why the unpickler stops. */
class Refusal extends Error {}

/**
 * Runs the unpickler of each release over one pickle.
 *
 * @param checkDeadline is called now and then; what it throws is let through
 * @returns what each release says, and the offset behind the pickle; undefined where none comes to its end
 */
export function weightsOnlyOutcomes(
  bytes: Uint8Array,
  from: number,
  checkDeadline: () => void,
): { readonly outcomes: readonly WeightsOnlyOutcome[]; readonly end: number | undefined } {
  let end: number | undefined;
  const outcomes = RELEASES.map((release) => {
    const unpickler = new RestrictedUnpickler(bytes, from, release);
    let refusal: string | undefined;
    try {
      end = unpickler.run(checkDeadline);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusal = error.message;
    }
    return {
      release: release.name,
      globals: unpickler.globals(),
      refusal: unpickler.blocked ?? refusal,
    };
  });
  return { outcomes, end };
}

/** One run of one release's unpickler; globals that it does not know are taken as allowed by the user. */
class RestrictedUnpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #release: Release;
  readonly #unknown = new Set<string>();
  readonly #memo = new Map<number, Value>();
  readonly #marks: Value[][] = [];
  #stack: Value[] = [];
  #at: number;
  #protocol = -1;
  /** Why no user could allow what is named. */
  blocked: string | undefined;

  constructor(bytes: Uint8Array, from: number, release: Release) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = from;
    this.#release = release;
  }

  globals(): readonly string[] {
    return [...this.#unknown];
  }

  /** The offset behind STOP. */
  run(checkDeadline: () => void): number {
    for (let count = 1;; count++) {
      if (count % CHECK_EVERY === 0) checkDeadline();
      const opcode = this.#take(1);
      if (opcode === 0x2e) {
        this.#pop();
        return this.#at;
      }
      this.#step(this.#bytes[this.#at - 1] ?? 0);
    }
  }

  #step(opcode: number): void {
    switch (opcode) {
      case 0x63: // GLOBAL
        return this.#global();
      case 0x81: // NEWOBJ
        return this.#newObject();
      case 0x52: // REDUCE
        return this.#reduce();
      case 0x62: // BUILD
        return this.#build();
      case 0x61: // APPEND
        this.#pop();
        return this.#checkList();
      case 0x65: // APPENDS
        this.#popMark();
        return this.#checkList();
      case 0x73: // SETITEM
        this.#pop();
        this.#pop();
        return this.#checkItems();
      case 0x75: // SETITEMS
        if (this.#popMark().length % 2 !== 0) throw new Refusal("SETITEMS with a key alone");
        return this.#checkItems();
      case 0x28: // MARK
        this.#marks.push(this.#stack);
        this.#stack = [];
        return;
      case 0x51: // BINPERSID
        return this.#persistent();
      case 0x80: // PROTO
        this.#protocol = this.#take(1);
        return;
      default:
        return this.#plain(opcode);
    }
  }

  /** Opcodes that make data, and those of the memo. */
  #plain(opcode: number): void {
    switch (opcode) {
      case 0x74: // TUPLE
        return this.#push(tupleOf(this.#popMark()));
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: { // TUPLE3
        const items = Array.from({ length: opcode - 0x84 }, () => this.#pop()).reverse();
        return this.#push(tupleOf(items));
      }
      case 0x29: // EMPTY_TUPLE
        return this.#push(tupleOf([]));
      case 0x4e: // NONE
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        return this.#push({ kind: "plain" });
      case 0x5d: // EMPTY_LIST
        return this.#push({ kind: "list" });
      case 0x7d: // EMPTY_DICT
        return this.#push({ kind: "dict" });
      case 0x8f: // EMPTY_SET
        return this.#push({ kind: "set" });
      case 0x4a: // BININT
        return this.#skip(4, "int");
      case 0x4b: // BININT1
        return this.#skip(1, "int");
      case 0x4d: // BININT2
        return this.#skip(2, "int");
      case 0x47: // BINFLOAT
        return this.#skip(8, "plain");
      case 0x8a: // LONG1
        return this.#skip(this.#take(1), "int");
      case 0x58: // BINUNICODE
        return this.#text(this.#take(4), false);
      case 0x55: // SHORT_BINSTRING
        return this.#text(this.#take(1), true);
      case 0x68: // BINGET
        return this.#get(this.#take(1));
      case 0x6a: // LONG_BINGET
        return this.#get(this.#take(4));
      case 0x71: // BINPUT
        return void this.#memo.set(this.#take(1), this.#top());
      case 0x72: // LONG_BINPUT
        return void this.#memo.set(this.#take(4), this.#top());
      default:
        throw new Refusal(
          `opcode 0x${opcode.toString(16).padStart(2, "0")}, which it does not read`,
        );
    }
  }

  #global(): void {
    const module = this.#line();
    const name = this.#line();
    const renames = this.#release.renamesAlways || this.#protocol === 2;
    const path = (renames ? python3Path(module, name) : undefined) ?? `${module}.${name}`;
    const allowed = this.#release.allowed.has(path);
    if (!allowed && this.#unknown.size < GLOBALS_NAMED) this.#unknown.add(path);
    const home = path.slice(0, path.length - name.length - 1);
    if (this.#release.blocks && BLOCKED.has(home)) {
      this.blocked ??= `the module of ${path} cannot be allowed`;
    }
    this.#push({ kind: "global", path, allowed });
  }

  #newObject(): void {
    this.#pop();
    const made = this.#pop();
    if (made.kind !== "global") throw new Refusal(`NEWOBJ of ${describe(made)}`);
    if (!made.allowed) return this.#push({ kind: "foreign" });
    const isParameter = made.path === "torch.nn.parameter.Parameter";
    if (!isParameter && (!this.#release.buildsAllowed || NOT_CALLABLE.test(made.path))) {
      throw new Refusal(`NEWOBJ of ${made.path}`);
    }
    this.#push(resultOf(made.path));
  }

  #reduce(): void {
    const given = this.#pop();
    const called = this.#pop();
    if (called.kind !== "global") throw new Refusal(`a call of ${describe(called)}`);
    if (!ITERABLE.has(given.kind)) {
      throw new Refusal(`a call of ${called.path} without arguments in a tuple`);
    }
    if (!called.allowed) return this.#push({ kind: "foreign" });
    if (NOT_CALLABLE.test(called.path)) throw new Refusal(`a call of ${called.path}`);
    this.#push(resultOf(called.path));
  }

  #build(): void {
    this.#pop();
    const { kind } = this.#top();
    const own = kind === "tensor" || kind === "parameter" || kind === "ordered" ||
      kind === "foreign";
    const more = this.#release.buildsAllowed && (kind === "counter" || kind === "object");
    if (!own && !more) throw new Refusal(`BUILD of ${describe(this.#top())}`);
  }

  #checkList(): void {
    const target = this.#top();
    // A list's subclass that a user allows may take items in some releases.
    if (target.kind === "list" || target.kind === "foreign" && this.#release.name === "2.14") {
      return;
    }
    throw new Refusal(`APPEND to ${describe(target)}`);
  }

  #checkItems(): void {
    const target = this.#top();
    const { kind } = target;
    if (kind === "dict" || kind === "ordered" || kind === "counter") return;
    if (kind === "foreign" && !this.#release.checksItems) return;
    throw new Refusal(`SETITEM on ${describe(target)}`);
  }

  #persistent(): void {
    const id = this.#pop();
    const isStorage = id.kind === "tuple" && id.first?.kind === "text" && id.first.isStorage;
    if (!isStorage) throw new Refusal("a persistent object that is no storage");
    this.#push({ kind: "storage" });
  }

  #push(value: Value): void {
    this.#stack.push(value);
  }

  #pop(): Value {
    const value = this.#stack.pop();
    if (value === undefined) throw new Refusal("a stack that is empty");
    return value;
  }

  #top(): Value {
    const value = this.#stack.at(-1);
    if (value === undefined) throw new Refusal("a stack that is empty");
    return value;
  }

  #popMark(): readonly Value[] {
    const items = this.#stack;
    const below = this.#marks.pop();
    if (below === undefined) throw new Refusal("a mark that is missing");
    this.#stack = below;
    return items;
  }

  #get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw new Refusal("a memo that has no such entry");
    this.#push(value);
  }

  /** An unsigned number of 1 or 4 bytes, little-endian. */
  #take(length: 1 | 4): number {
    const at = this.#at;
    this.#advance(length);
    return length === 1 ? this.#view.getUint8(at) : this.#view.getUint32(at, true);
  }

  #advance(length: number): void {
    if (this.#at + length > this.#bytes.length) throw new Refusal("an end before STOP");
    this.#at += length;
  }

  #skip(length: number, kind: "int" | "plain"): void {
    this.#advance(length);
    this.#push({ kind });
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw new Refusal("an end before STOP");
    const text = decoded(this.#bytes.subarray(this.#at, end));
    this.#at = end + 1;
    return text;
  }

  /** @param strict true for what is decoded without surrogates, which stand in other texts by "surrogatepass" */
  #text(length: number, strict: boolean): void {
    const from = this.#at;
    this.#advance(length);
    const bytes = this.#bytes.subarray(from, this.#at);
    decoded(strict ? bytes : withoutSurrogates(bytes));
    const isStorage = length === 7 && decoded(bytes) === "storage";
    this.#push({ kind: "text", isStorage });
  }
}

function tupleOf(items: readonly Value[]): Value {
  return { kind: "tuple", first: items[0] };
}

function resultOf(path: string): Value {
  if (/^torch\._(?:utils\._rebuild|tensor\._rebuild)/.test(path) && !Object.hasOwn(RESULTS, path)) {
    return { kind: "tensor" };
  }
  if (/^torch\.(?:(?:cuda|sparse|cuda\.sparse)\.)?\w+Tensor$/.test(path)) return { kind: "tensor" };
  const kind = Object.hasOwn(RESULTS, path) ? RESULTS[path] : undefined;
  return { kind: kind ?? "object" } as Value;
}

function describe(value: Value): string {
  return value.kind === "global" ? value.path : `a value of kind "${value.kind}"`;
}

/** The same bytes with another character of the same length in place of each surrogate: ED A0..BF. */
function withoutSurrogates(bytes: Uint8Array): Uint8Array {
  let copy: Uint8Array | undefined;
  for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
    if ((bytes[at + 1] ?? 0) >= 0xa0) (copy ??= bytes.slice())[at + 1] = 0x9f;
  }
  return copy ?? bytes;
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal("text that is no UTF-8");
  }
}
