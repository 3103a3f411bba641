/**
 * Pure functions of Python's library, computed over constants so that hiding behind them fails.
 *
 * @module
 */

import {
  codecName,
  decodeBase32,
  decodeBase64,
  decodeBase85,
  decodeHex,
  decodeText,
  encodeText,
  inflateGzip,
  inflateZlib,
  rot13,
} from "./codecs.ts";
import type { Heap } from "../machine/heap.ts";
import { decodeLatin1, encodeLatin1, unescape } from "../machine/literals.ts";
import {
  bounded,
  callMethod,
  characterOf,
  concat,
  formatPercent,
  itemOf,
  plainText,
  repeat,
} from "./methods.ts";
import {
  CONTAINER,
  FALSE,
  type Handle,
  handleOf,
  indexOf,
  KIND,
  kindOf,
  LOST,
  NONE,
  TRUE,
  UNKNOWN,
} from "../machine/values.ts";

/** Computes a call over its positional arguments; undefined when they are not all known. */
type Fold = (heap: Heap, args: readonly Handle[]) => Handle | undefined;

/** The function that computes calls of a global, by its key (see `foldKey`). */
export function foldOf(key: string): Fold | undefined {
  const method = /^builtins\.(?:str|bytes|bytearray|list|tuple|dict)\.(\w+)$/.exec(key)?.[1];
  if (method !== undefined) {
    return (heap, [self, ...rest]) => {
      if (method === "fromhex") {
        const made = bytesResult(heap, decodeHex(text(heap, self) ?? "?"));
        if (made !== undefined && key.startsWith("builtins.bytearray")) heap.noteBytearray(made);
        return made;
      }
      return self === undefined ? undefined : callMethod(heap, self, method, rest);
    };
  }
  const string = /^string\.(\w+)$/.exec(key)?.[1];
  if (string !== undefined && string !== "Template") {
    return (heap, [self, ...rest]) =>
      self === undefined
        ? undefined
        : string.startsWith("join")
        ? callMethod(heap, rest[0] ?? heap.text(" "), "join", [self])
        : callMethod(heap, self, string, rest);
  }
  return FOLDS[key] ?? SCALARS[SCALAR.exec(key)?.[1] ?? ""];
}

/** numpy's scalar types that Python's own make, under every path that numpy gives them. */
const SCALAR = /^numpy\.(?:\w+\.)*(object_|str_|unicode_|bytes_|string_)$/;

const SCALARS: Readonly<Record<string, Fold>> = {
  __proto__: null as never,
  // An array of one object without axes is the object itself (`object_arrtype_new` in numpy's
  // `scalartypes.c.src`); sequences become arrays.
  "object_": (_heap, [value]) => value === undefined ? NONE : value < 0 ? undefined : value,
  "str_": (heap, args) => FOLDS["builtins.str"]?.(heap, args),
  "unicode_": (heap, args) => FOLDS["builtins.str"]?.(heap, args),
  "bytes_": (heap, args) => numpyBytes(heap, args),
  "string_": (heap, args) => numpyBytes(heap, args),
};

const FOLDS: Readonly<Record<string, Fold>> = {
  __proto__: null as never,
  "builtins.chr": (heap, [code]) => {
    const value = code === undefined ? undefined : heap.integerOf(code);
    return bounded(heap, value === undefined ? undefined : characterOf(value));
  },
  "builtins.ord": (heap, [character]) => {
    const code = text(heap, character)?.codePointAt(0) ?? bytes(heap, character)?.[0];
    return code === undefined ? undefined : heap.integer(code);
  },
  "builtins.str": (heap, [value, codec, errors]) => {
    if (errors !== undefined) return undefined;
    if (value === undefined) return heap.text("");
    if (codec !== undefined) return textResult(heap, decoded(heap, value, codec));
    return bounded(heap, plainText(heap, value));
  },
  "builtins.bytes": (heap, args) => makeBytes(heap, args),
  "builtins.bytearray": (heap, args) => {
    const made = makeBytes(heap, args);
    if (made !== undefined) heap.noteBytearray(made);
    return made;
  },
  "builtins.int": (heap, [value, base]) => {
    const radix = base === undefined ? 10 : heap.integerOf(base);
    const digits = text(heap, value);
    if (digits !== undefined) return parsedInteger(heap, digits, radix);
    const number = value === undefined ? 0 : heap.integerOf(value);
    return number === undefined ? undefined : heap.integer(number);
  },
  "builtins.list": (heap, [items]) => collected(heap, CONTAINER.LIST, items),
  "builtins.tuple": (heap, [items]) => collected(heap, CONTAINER.TUPLE, items),
  "builtins.reversed": (heap, [items]) => {
    const list = sequence(heap, items);
    return list && heap.container(CONTAINER.LIST, list.reverse());
  },
  "builtins.sorted": (heap, [items]) => {
    const list = sequence(heap, items);
    const texts = list?.map((item) => heap.textOf(item));
    const simple = texts?.every((each) => each !== undefined && /^[\0-\x7f]*$/.test(each));
    if (list === undefined || texts === undefined || simple !== true) return undefined;
    return heap.container(
      CONTAINER.LIST,
      (texts as string[]).sort().map((item) => heap.text(item)),
    );
  },
  "builtins.sum": (heap, [items, start]) => {
    const list = sequence(heap, items);
    return list?.reduce<Handle | undefined>(
      (sum, item) => sum === undefined ? undefined : add(heap, [sum, item]),
      start ?? handleOf(KIND.INTEGER, 0),
    );
  },
  // Constants, functions and classes are their own copies (`_copy_immutable` in CPython's `copy.py`).
  "copy.copy": (heap, args) => copied(heap, args, 1),
  "copy.deepcopy": (heap, args) => copied(heap, args, 2),
  "typing.cast": (_heap, [, value]) => value,
  "builtins.max": (heap, args) => extreme(heap, args, 1),
  "builtins.min": (heap, args) => extreme(heap, args, -1),
  // An iterator stands for what it goes over; what it has given already is not known.
  "builtins.iter": (heap, args) => args.length === 1 ? iterated(heap, args[0]) : undefined,
  // With something to give at the end, it may be that.
  "builtins.next": (heap, [items, end]) => {
    const known = items !== undefined && items < 0 && end === undefined;
    const list = known ? heap.itemsOf(items) : undefined;
    return list?.length === 1 ? list[0] : undefined;
  },
  "codecs.decode": (heap, [value, codec]) => codecsDecode(heap, value, codec),
  "codecs.encode": (heap, [value, codec]) => codecsEncode(heap, value, codec),
  // Bytes, and how many were decoded.
  "codecs.escape_decode": (heap, [value, errors]) => {
    const data = errors === undefined ? bytes(heap, value) : undefined;
    const decoded = data && encodeLatin1(unescape(decodeLatin1(data), false));
    return decoded && data &&
      heap.container(CONTAINER.TUPLE, [heap.bytes(decoded), heap.integer(data.length)]);
  },
  "base64.b64decode": (heap, [value, alphabet]) =>
    alphabet === undefined || alphabet === NONE ? ofAscii(heap, value, decodeBase64) : undefined,
  "base64.standard_b64decode": (heap, [value]) => ofAscii(heap, value, decodeBase64),
  "base64.urlsafe_b64decode": (heap, [value]) =>
    ofAscii(heap, value, (it) => decodeBase64(it.replaceAll("-", "+").replaceAll("_", "/"))),
  "base64.decodebytes": (heap, [value]) => ofAscii(heap, value, decodeBase64),
  "base64.decodestring": (heap, [value]) => ofAscii(heap, value, decodeBase64),
  "base64.b32decode": (heap, [value]) => ofAscii(heap, value, decodeBase32),
  "base64.b16decode": (heap, [value]) => ofAscii(heap, value, decodeHex),
  "base64.b85decode": (heap, [value]) => ofAscii(heap, value, (it) => decodeBase85(it, false)),
  "base64.a85decode": (heap, [value]) => ofAscii(heap, value, (it) => decodeBase85(it, true)),
  "binascii.a2b_base64": (heap, [value]) => ofAscii(heap, value, decodeBase64),
  "binascii.a2b_hex": (heap, [value]) => ofAscii(heap, value, decodeHex),
  "binascii.unhexlify": (heap, [value]) => ofAscii(heap, value, decodeHex),
  "zlib.decompress": (heap, [value, bits]) => {
    const width = bits === undefined ? 15 : heap.integerOf(bits);
    const data = width === undefined ? undefined : bytes(heap, value);
    return bytesResult(heap, data && completeOutput(inflateZlib(data, width)));
  },
  "gzip.decompress": (heap, [value]) => {
    const data = bytes(heap, value);
    return bytesResult(heap, data && completeOutput(inflateGzip(data)));
  },
  "operator.add": (heap, args) => add(heap, args),
  "operator.__add__": (heap, args) => add(heap, args),
  "operator.concat": (heap, args) => add(heap, args),
  "operator.__concat__": (heap, args) => add(heap, args),
  "operator.iadd": (heap, args) => add(heap, args),
  "operator.iconcat": (heap, args) => add(heap, args),
  "operator.mul": (heap, [left, right]) => {
    const self = text(heap, left) ?? bytes(heap, left);
    if (self !== undefined) return repeat(heap, self, right);
    return arithmetic(heap, left, right, (a, b) => a * b);
  },
  "operator.sub": (heap, [left, right]) => arithmetic(heap, left, right, (a, b) => a - b),
  // Of two bools it is a bool.
  "operator.xor": (heap, [left, right]) =>
    [left, right].some((each) => each === TRUE || each === FALSE)
      ? undefined
      : arithmetic(heap, left, right, (a, b) => a ^ b),
  "operator.mod": (heap, [left, right]) => {
    const format = text(heap, left);
    if (format !== undefined) return bounded(heap, formatPercent(heap, format, right));
    return arithmetic(heap, left, right, (a, b) => b === 0n ? undefined : ((a % b) + b) % b);
  },
  "operator.getitem": (heap, [self, key]) =>
    self === undefined || key === undefined ? undefined : itemOf(heap, self, key),
  "os.path.join": (heap, args) => {
    const parts = args.map((part) => heap.textOf(part));
    return parts.includes(undefined) ? undefined : bounded(heap, parts.join("/"));
  },
};

function text(heap: Heap, handle: Handle | undefined): string | undefined {
  return heap.textOf(handle ?? UNKNOWN);
}

function bytes(heap: Heap, handle: Handle | undefined): Uint8Array | undefined {
  return heap.bytesOf(handle ?? UNKNOWN);
}

/** What decompressing gave, where that is all. */
function completeOutput(
  inflated: { readonly output: Uint8Array; readonly complete: boolean } | undefined,
): Uint8Array | undefined {
  return inflated?.complete === true ? inflated.output : undefined;
}

/** What a function of the characters of a str or bytes gives; nothing when they are not known. */
function ofAscii(
  heap: Heap,
  handle: Handle | undefined,
  decode: (text: string) => Uint8Array | undefined,
): Handle | undefined {
  const data = bytes(heap, handle);
  const known = text(heap, handle) ?? (data && decodeText(data, "latin-1"));
  return known === undefined ? undefined : bytesResult(heap, decode(known));
}

function textResult(heap: Heap, value: string | undefined): Handle | undefined {
  return bounded(heap, value);
}

/** What functions of the standard library give that return `bytes`. */
function bytesResult(heap: Heap, value: Uint8Array | undefined): Handle | undefined {
  return value && heap.bytes(value, true);
}

function decoded(heap: Heap, value: Handle, codec: Handle): string | undefined {
  const data = bytes(heap, value);
  return data && decodeText(data, text(heap, codec) ?? "?");
}

function codecsDecode(
  heap: Heap,
  value: Handle | undefined,
  codec: Handle | undefined,
): Handle | undefined {
  const name = codecName(codec === undefined ? "utf-8" : text(heap, codec) ?? "?");
  switch (name) {
    case "rot13":
    case "rot_13": {
      const source = text(heap, value);
      return textResult(heap, source === undefined ? undefined : rot13(source));
    }
    case "hex":
      return ofAscii(heap, value, decodeHex);
    case "base64":
      return ofAscii(heap, value, decodeBase64);
    case "zlib":
    case "zip": {
      const data = bytes(heap, value);
      return bytesResult(heap, data && completeOutput(inflateZlib(data)));
    }
    default: {
      const data = bytes(heap, value) ?? encodeLatin1(text(heap, value) ?? "\u0100");
      return textResult(heap, data && decodeText(data, name));
    }
  }
}

function codecsEncode(
  heap: Heap,
  value: Handle | undefined,
  codec: Handle | undefined,
): Handle | undefined {
  const name = codecName(codec === undefined ? "utf-8" : text(heap, codec) ?? "?");
  if (name === "latin1" && value !== undefined && value >= 0 && kindOf(value) === KIND.STRING) {
    // The commonest call of all (bytes under protocol 2): the literal itself, read as bytes.
    return handleOf(KIND.BYTES, indexOf(value));
  }
  const source = text(heap, value);
  if (source === undefined) return undefined;
  return name === "rot13"
    ? textResult(heap, rot13(source))
    : bytesResult(heap, encodeText(source, name));
}

/** `int(digits, base)`, digits and a sign only. */
function parsedInteger(heap: Heap, digits: string, radix = 0): Handle | undefined {
  if (!/^[+-]?[0-9a-z]+$/i.test(digits) || radix < 2 || radix > 36) return undefined;
  const valid = [...digits.replace(/^[+-]/, "")].every((digit) => parseInt(digit, 36) < radix);
  return valid ? heap.integer(parseInt(digits, radix) || 0) : undefined;
}

function makeBytes(heap: Heap, [value, codec, errors]: readonly Handle[]): Handle | undefined {
  if (errors !== undefined) return undefined;
  if (value === undefined) return heap.bytes(new Uint8Array());
  const source = text(heap, value);
  if (source !== undefined) {
    return bytesResult(
      heap,
      encodeText(source, codec === undefined ? "?" : text(heap, codec) ?? "?"),
    );
  }
  if (bytes(heap, value) !== undefined) return value;
  const items = heap.itemsOf(value, CONTAINER.LIST, CONTAINER.TUPLE);
  const numbers = items?.map((item) => heap.integerOf(item));
  return numbers === undefined || numbers.some((n) => n === undefined || n < 0 || n > 255)
    ? undefined
    : heap.bytes(Uint8Array.from(numbers as number[]));
}

/** The items of a list, tuple, or str. */
function sequence(heap: Heap, items: Handle | undefined): Handle[] | undefined {
  if (items === undefined) return [];
  const text = heap.textOf(items);
  if (text !== undefined) {
    return text.length > 4096 ? undefined : [...text].map((character) => heap.text(character));
  }
  return heap.itemsOf(items, CONTAINER.LIST, CONTAINER.TUPLE);
}

function copied(heap: Heap, args: readonly Handle[], most: number): Handle | undefined {
  const [value] = args;
  if (value === undefined || args.length > most || value < 0) return undefined;
  const type = heap.valueOf(value)?.type;
  const same = kindOf(value) === KIND.OBJECT
    ? type === "global" || type === "text" || type === "bytes"
    : kindOf(value) !== KIND.INSTANCE && value !== UNKNOWN && value !== LOST;
  return same ? value : undefined;
}

/** Numbers of a range that are computed. The longest seen has 1000. CWE-770. */
const RANGE_ITEMS = 4096;

/** The numbers of a `range` of known, short extent. */
function rangeItems(heap: Heap, value: Handle): Handle[] | undefined {
  const made = heap.valueOf(value);
  if (made?.type !== "call" || heap.globalOf(made.callee)?.key !== "builtins.range") {
    return undefined;
  }
  const [start, stop, step] = made.args?.map((arg) => heap.integerOf(arg)) ?? [];
  if (made.args?.length !== 3 || made.kwargs !== undefined) return undefined;
  if (start === undefined || stop === undefined || step === undefined || step === 0) {
    return undefined;
  }
  const count = Math.max(0, Math.ceil((stop - start) / step));
  return count > RANGE_ITEMS
    ? undefined
    : Array.from({ length: count }, (_, index) => heap.integer(start + index * step));
}

/** What `iter` goes over: the items of a list, tuple or set, the keys of a dictionary, characters. */
function iterated(heap: Heap, items: Handle | undefined): Handle | undefined {
  if (items === undefined) return undefined;
  if (items >= 0) {
    const list = rangeItems(heap, items) ?? sequence(heap, items);
    return list && heap.container(CONTAINER.LIST, list);
  }
  if (heap.containers.kind(items) !== CONTAINER.DICT) return items;
  const pairs = heap.itemsOf(items);
  return pairs && heap.container(CONTAINER.LIST, pairs.filter((_, index) => index % 2 === 0));
}

/** `max` or `min` of one item, of equal ones, or of texts or ints. */
function extreme(heap: Heap, args: readonly Handle[], sign: 1 | -1): Handle | undefined {
  const list = args.length === 1 ? sequence(heap, args[0]) : args;
  const [first, ...others] = list ?? [];
  if (first === undefined || others.every((each) => each === first)) return first;
  const texts = list?.map((each) => heap.textOf(each));
  const numbers = list?.map((each) => heap.integerOf(each));
  const isAscii = texts?.every((each) => each !== undefined && /^[\0-\x7f]*$/.test(each));
  const values = isAscii === true
    ? texts
    : numbers?.every((each) => each !== undefined)
    ? numbers
    : undefined;
  if (values === undefined || list === undefined) return undefined;
  let best = 0;
  values.forEach((value, index) => {
    const other = values[best];
    if (value === undefined || other === undefined || value === other) return;
    if ((value > other) === (sign > 0)) best = index;
  });
  return list[best];
}

/** `numpy.bytes_`: a str of ASCII without a codec, too. */
function numpyBytes(heap: Heap, args: readonly Handle[]): Handle | undefined {
  const source = args.length === 1 ? text(heap, args[0]) : undefined;
  if (source === undefined) return makeBytes(heap, args);
  return bytesResult(heap, encodeText(source, "ascii"));
}

function collected(heap: Heap, kind: number, items: Handle | undefined): Handle | undefined {
  const list = sequence(heap, items);
  return list && heap.container(kind, list);
}

function add(heap: Heap, [left, right]: readonly Handle[]): Handle | undefined {
  if (left === undefined || right === undefined || left === NONE) return undefined;
  const [a, b] = [heap.textOf(left), heap.textOf(right)];
  if (a !== undefined && b !== undefined) return bounded(heap, a + b);
  const [x, y] = [heap.bytesOf(left), heap.bytesOf(right)];
  if (x !== undefined && y !== undefined) return concat(heap, x, y);
  if (left < 0 && right < 0) {
    const [these, those] = [sequence(heap, left), sequence(heap, right)];
    return these && those && heap.container(heap.containers.kind(left), [...these, ...those]);
  }
  return arithmetic(heap, left, right, (m, n) => m + n);
}

function arithmetic(
  heap: Heap,
  left: Handle | undefined,
  right: Handle | undefined,
  compute: (a: bigint, b: bigint) => bigint | undefined,
): Handle | undefined {
  // Of floats it is a float, whose text is another.
  const [a, b] = [heap.exactInteger(left ?? UNKNOWN), heap.exactInteger(right ?? UNKNOWN)];
  const result = a === undefined || b === undefined ? undefined : compute(a, b);
  return result === undefined ? undefined : heap.integer(Number(result));
}
