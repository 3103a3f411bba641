/**
 * Methods of str, bytes, list, tuple and dict over constants.
 *
 * They give what Python gives, or nothing: where the two may differ (case and white space beyond
 * ASCII, arguments that are rare) they do not compute.
 *
 * @module
 */

import { decodeHex, decodeText, encodeText } from "./codecs.ts";
import { type Heap, TEXT_LIMIT } from "../machine/heap.ts";
import {
  CONTAINER,
  FALSE,
  type Handle,
  KIND,
  kindOf,
  NONE,
  TRUE,
  UNKNOWN,
} from "../machine/values.ts";

type Method<T> = (heap: Heap, self: T, args: readonly Handle[]) => Handle | undefined;

/** What a method of a constant gives; undefined when it cannot be computed. */
export function callMethod(
  heap: Heap,
  self: Handle,
  name: string,
  args: readonly Handle[],
): Handle | undefined {
  const text = heap.textOf(self);
  if (text !== undefined) return STR[name]?.(heap, text, args);
  const bytes = heap.bytesOf(self);
  if (bytes !== undefined) return BYTES[name]?.(heap, bytes, args);
  if (self < 0) return CONTAINERS[name]?.(heap, self, args);
  return undefined;
}

/** Whether constants have a method of this name that touches nothing else. */
export function isPureMethod(heap: Heap, self: Handle, name: string): boolean {
  if (self < 0) return name in CONTAINERS || !name.startsWith("__");
  const kind = kindOf(self);
  const type = heap.valueOf(self)?.type;
  const constant = kind === KIND.STRING || kind === KIND.BYTES || type === "text" ||
    type === "bytes";
  return constant && (name in STR || name in BYTES || !name.startsWith("__"));
}

const STR: Readonly<Record<string, Method<string>>> = {
  __proto__: null as never,
  join: (heap, self, [parts]) => {
    const texts = parts === undefined ? undefined : textsOf(heap, parts);
    return texts === undefined ? undefined : bounded(heap, texts.join(self));
  },
  format: (heap, self, args) => bounded(heap, formatBraces(heap, self, args)),
  replace: (heap, self, [from, to, count]) => {
    const [old, fresh] = [text(heap, from), text(heap, to)];
    if (old === undefined || old === "" || fresh === undefined || count !== undefined) {
      return undefined;
    }
    return self.length * (fresh.length + 1) > TEXT_LIMIT
      ? undefined
      : bounded(heap, self.split(old).join(fresh));
  },
  lower: (heap, self) => bounded(heap, ascii(self)?.toLowerCase()),
  casefold: (heap, self) => bounded(heap, ascii(self)?.toLowerCase()),
  upper: (heap, self) => bounded(heap, ascii(self)?.toUpperCase()),
  swapcase: (heap, self) =>
    bounded(
      heap,
      ascii(self)?.replace(
        /[A-Za-z]/g,
        (c) => c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase(),
      ),
    ),
  capitalize: (heap, self) =>
    bounded(heap, ascii(self) && self.slice(0, 1).toUpperCase() + self.slice(1).toLowerCase()),
  strip: (heap, self, args) => bounded(heap, strip(heap, self, args, true, true)),
  lstrip: (heap, self, args) => bounded(heap, strip(heap, self, args, true, false)),
  rstrip: (heap, self, args) => bounded(heap, strip(heap, self, args, false, true)),
  removeprefix: (heap, self, [prefix]) => {
    const head = text(heap, prefix);
    return head === undefined
      ? undefined
      : bounded(heap, self.startsWith(head) ? self.slice(head.length) : self);
  },
  removesuffix: (heap, self, [suffix]) => {
    const tail = text(heap, suffix);
    if (tail === undefined) return undefined;
    return bounded(heap, tail !== "" && self.endsWith(tail) ? self.slice(0, -tail.length) : self);
  },
  split: (heap, self, [by, most]) => {
    const white = by === undefined || by === NONE;
    const separator = white ? undefined : text(heap, by);
    if (most !== undefined || (!white && (separator ?? "") === "")) return undefined;
    const parts = separator === undefined
      ? ascii(self)?.split(/\s+/).filter((part) => part !== "")
      : self.split(separator);
    return parts === undefined || parts.length > 4096
      ? undefined
      : heap.container(CONTAINER.LIST, parts.map((part) => heap.text(part)));
  },
  encode: (heap, self, [codec, errors]) => {
    if (errors !== undefined) return undefined;
    const bytes = encodeText(self, codec === undefined ? "utf-8" : text(heap, codec) ?? "?");
    return bytes && heap.bytes(bytes, true);
  },
  zfill: (heap, self, [width]) => {
    const wanted = width === undefined ? undefined : heap.integerOf(width);
    if (wanted === undefined || wanted > TEXT_LIMIT || ascii(self) === undefined) return undefined;
    const sign = /^[+-]/.exec(self)?.[0] ?? "";
    return bounded(heap, sign + self.slice(sign.length).padStart(wanted - sign.length, "0"));
  },
  __str__: (heap, self) => bounded(heap, self),
  __add__: (heap, self, [other]) => {
    const tail = text(heap, other);
    return tail === undefined ? undefined : bounded(heap, self + tail);
  },
  __mul__: (heap, self, [count]) => repeat(heap, self, count),
  __mod__: (heap, self, [values]) => bounded(heap, formatPercent(heap, self, values)),
  __getitem__: (heap, self, [index]) => {
    const at = index === undefined ? undefined : heap.integerOf(index);
    const found = at === undefined ? undefined : [...self].at(at);
    return found === undefined ? undefined : heap.text(found);
  },
  translate: (heap, self, [table]) => bounded(heap, translate(heap, self, table)),
};

const BYTES: Readonly<Record<string, Method<Uint8Array>>> = {
  __proto__: null as never,
  decode: (heap, self, [codec, errors]) => {
    if (errors !== undefined) return undefined;
    const result = decodeText(self, codec === undefined ? "utf-8" : text(heap, codec) ?? "?");
    return result === undefined ? undefined : bounded(heap, result);
  },
  hex: (heap, self, [separator]) => {
    if (separator !== undefined) return undefined;
    return bounded(heap, Array.from(self, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  },
  join: (heap, self, [parts]) => {
    const items = parts === undefined ? undefined : heap.itemsOf(parts);
    const list = items?.map((item) => heap.bytesOf(item));
    if (list === undefined || list.includes(undefined)) return undefined;
    const joined: number[] = [];
    list.forEach((part, index) => {
      if (index > 0) joined.push(...self);
      for (const byte of part ?? []) joined.push(byte);
    });
    return joined.length > TEXT_LIMIT ? undefined : heap.bytes(Uint8Array.from(joined));
  },
  __add__: (heap, self, [other]) => {
    const tail = other === undefined ? undefined : heap.bytesOf(other);
    return tail === undefined ? undefined : concat(heap, self, tail);
  },
  replace: (heap, self, [from, to, count]) => {
    const [old, fresh] = [from, to].map((part) =>
      part === undefined ? undefined : heap.bytesOf(part)
    );
    if (old === undefined || old.length === 0 || fresh === undefined || count !== undefined) {
      return undefined;
    }
    if (self.length * (fresh.length + 1) > TEXT_LIMIT) return undefined;
    const replaced = latin1(self).split(latin1(old)).join(latin1(fresh));
    return replaced.length > TEXT_LIMIT
      ? undefined
      : heap.bytes(Uint8Array.from(replaced, (character) => character.charCodeAt(0)));
  },
  fromhex: (heap, _self, [digits]) => {
    const bytes = decodeHex(text(heap, digits) ?? "?");
    return bytes && heap.bytes(bytes);
  },
  __getitem__: (heap, self, [index]) => {
    const at = index === undefined ? undefined : heap.integerOf(index);
    const found = at === undefined ? undefined : self.at(at);
    return found === undefined ? undefined : heap.integer(found);
  },
};

const CONTAINERS: Readonly<Record<string, Method<Handle>>> = {
  __proto__: null as never,
  __getitem__: (heap, self, [key]) => key === undefined ? undefined : itemOf(heap, self, key),
  get: (heap, self, [key, fallback = NONE]) => {
    if (key === undefined || heap.containers.kind(self) !== CONTAINER.DICT) return undefined;
    const found = entryOf(heap, self, key);
    return found === "absent" ? fallback : found;
  },
  keys: (heap, self) => halves(heap, self, 0),
  values: (heap, self) => halves(heap, self, 1),
  copy: (heap, self) => {
    const items = heap.itemsOf(self);
    return items && heap.container(heap.containers.kind(self), items);
  },
};

/** An item of a list, tuple, dict, str or bytes by a constant key. */
export function itemOf(heap: Heap, self: Handle, key: Handle): Handle | undefined {
  const slice = sliceOf(heap, key);
  if (slice === "unknown") return undefined;
  if (slice !== undefined) return sliced(heap, self, slice);
  if (self >= 0) return callMethod(heap, self, "__getitem__", [key]);
  if (heap.containers.kind(self) === CONTAINER.DICT) {
    const found = entryOf(heap, self, key);
    return found === "absent" ? undefined : found;
  }
  const index = heap.integerOf(key);
  return index === undefined
    ? undefined
    : heap.itemsOf(self, CONTAINER.LIST, CONTAINER.TUPLE)?.at(index);
}

/** The value under a key of a dictionary; undefined when a key cannot be compared with it. */
function entryOf(heap: Heap, self: Handle, key: Handle): Handle | "absent" | undefined {
  const wanted = constantKey(heap, key);
  const items = heap.itemsOf(self, CONTAINER.DICT);
  if (wanted === undefined || items === undefined) return undefined;
  let found: Handle | "absent" = "absent";
  for (let at = 0; at + 1 < items.length; at += 2) {
    const known = constantKey(heap, items[at] as number);
    if (known === undefined) return undefined;
    if (known === wanted) found = items[at + 1] as number;
  }
  return found;
}

/** The numbers of a `slice(…)`, where undefined stands for None; "unknown" when one is not known. */
function sliceOf(
  heap: Heap,
  key: Handle,
): readonly (number | undefined)[] | "unknown" | undefined {
  const value = heap.valueOf(key);
  if (value?.type !== "call" || !heap.globalOf(value.callee)?.meanings.includes("slice")) {
    return undefined;
  }
  const args = value.args ?? [UNKNOWN];
  const numbers = args.map((arg) => arg === NONE ? undefined : heap.integerOf(arg));
  if (numbers.some((number, at) => number === undefined && args[at] !== NONE)) return "unknown";
  return numbers.length === 1 ? [undefined, ...numbers] : numbers;
}

function sliced(
  heap: Heap,
  self: Handle,
  slice: readonly (number | undefined)[],
): Handle | undefined {
  const text = heap.textOf(self);
  if (text !== undefined) return heap.text(pick([...text], slice).join(""));
  const bytes = heap.bytesOf(self);
  if (bytes !== undefined) return heap.bytes(Uint8Array.from(pick([...bytes], slice)));
  const items = heap.itemsOf(self, CONTAINER.LIST, CONTAINER.TUPLE);
  return items && heap.container(heap.containers.kind(self), pick(items, slice));
}

/** `items[start:stop:step]` as Python has it. */
function pick<T>(
  items: readonly T[],
  [start, stop, step = 1]: readonly (number | undefined)[],
): T[] {
  if (step === 0) return [];
  const place = (index: number | undefined, otherwise: number): number => {
    if (index === undefined) return otherwise;
    const at = index < 0 ? index + items.length : index;
    return step > 0
      ? Math.max(0, Math.min(at, items.length))
      : Math.max(-1, Math.min(at, items.length - 1));
  };
  const from = place(start, step > 0 ? 0 : items.length - 1);
  const to = place(stop, step > 0 ? items.length : -1);
  const picked: T[] = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) picked.push(items[at] as T);
  return picked;
}

function constantKey(heap: Heap, key: Handle): string | undefined {
  const name = heap.textOf(key);
  if (name !== undefined) return `s${name}`;
  // Python compares ints and floats by their exact values: beyond these only ints are told apart here.
  const number = heap.exactInteger(key) ?? heap.numberOf(key);
  const isExact = typeof number === "bigint" || Math.abs(number ?? NaN) < 2 ** 53;
  return number === undefined || !isExact ? undefined : `n${number}`;
}

function halves(heap: Heap, self: Handle, parity: number): Handle | undefined {
  const items = heap.itemsOf(self, CONTAINER.DICT);
  if (items === undefined) return undefined;
  const keys = items.filter((_, index) => index % 2 === 0).map((key) => constantKey(heap, key));
  if (keys.includes(undefined) || new Set(keys).size < keys.length) return undefined;
  return heap.container(CONTAINER.LIST, items.filter((_, index) => index % 2 === parity));
}

/** The str items of a container, or the characters of a str. */
function textsOf(heap: Heap, handle: Handle): string[] | undefined {
  const text = heap.textOf(handle);
  if (text !== undefined) return [...text];
  const items = heap.itemsOf(handle, CONTAINER.LIST, CONTAINER.TUPLE);
  const texts = items?.map((item) => heap.textOf(item));
  return texts === undefined || texts.includes(undefined) ? undefined : texts as string[];
}

/** A str or bytes many times over. */
export function repeat(
  heap: Heap,
  self: string | Uint8Array,
  count: Handle | undefined,
): Handle | undefined {
  const times = count === undefined ? undefined : heap.integerOf(count);
  if (times === undefined || self.length * times > TEXT_LIMIT) return undefined;
  if (typeof self === "string") return heap.text(self.repeat(Math.max(0, times)));
  const bytes = new Uint8Array(self.length * Math.max(0, times));
  for (let at = 0; at < times; at++) bytes.set(self, at * self.length);
  return heap.bytes(bytes);
}

/** Two runs of bytes as one. */
export function concat(heap: Heap, left: Uint8Array, right: Uint8Array): Handle | undefined {
  if (left.length + right.length > TEXT_LIMIT) return undefined;
  const bytes = new Uint8Array(left.length + right.length);
  bytes.set(left);
  bytes.set(right, left.length);
  return heap.bytes(bytes);
}

/** A text as a value; undefined when there is none or it is too long. */
export function bounded(heap: Heap, value: string | undefined): Handle | undefined {
  return value === undefined || value.length > TEXT_LIMIT ? undefined : heap.text(value);
}

/** `format % values`: %s, %d, %c and %%; undefined when there is anything else. */
export function formatPercent(
  heap: Heap,
  format: string,
  values: Handle | undefined,
): string | undefined {
  if (values === undefined) return undefined;
  const items = heap.itemsOf(values, CONTAINER.TUPLE) ?? [values];
  let at = 0;
  let known = true;
  const result = format.replace(
    /%(?:\((\w+)\))?([sdc%]|$|[^])/g,
    (_, name: string | undefined, kind: string) => {
      if (kind === "%" && name === undefined) return "%";
      const item = name === undefined ? items[at++] : named(heap, values, name);
      const shown = item === undefined ? undefined : percentText(heap, item, kind);
      if (shown === undefined) known = false;
      return shown ?? "";
    },
  );
  return known ? result : undefined;
}

/** A value as `%s`, `%d` or `%c` has it: a bool is a number to the second. */
function percentText(heap: Heap, item: Handle, kind: string): string | undefined {
  if (kind === "d") return heap.exactInteger(item)?.toString();
  return kind === "s" || kind === "c" ? plainText(heap, item, kind === "c") : undefined;
}

/** The value under a name of a dictionary. */
function named(heap: Heap, values: Handle, name: string): Handle | undefined {
  const found = values < 0 ? entryOf(heap, values, heap.text(name)) : undefined;
  return found === "absent" ? undefined : found;
}

function formatBraces(heap: Heap, format: string, args: readonly Handle[]): string | undefined {
  let at = 0;
  let known = true;
  const result = format.replace(
    /\{\{|\}\}|\{(\d*)(?:!s)?(:c)?\}|[{}]/g,
    (match, index: string, c?: string) => {
      if (match === "{{" || match === "}}") return match.slice(1);
      if (match.length === 1) {
        known = false; // a name, an attribute, an item or a format of width and precision
        return match;
      }
      const item = args[index === "" ? at++ : Number(index)];
      const shown = item === undefined ? undefined : plainText(heap, item, c !== undefined);
      if (shown === undefined) known = false;
      return shown ?? "";
    },
  );
  return known ? result : undefined;
}

/** `str()` of a str, int or bool; with `character`, `chr()` of an int. */
export function plainText(heap: Heap, item: Handle, character = false): string | undefined {
  if (!character && item === TRUE) return "True";
  if (!character && item === FALSE) return "False";
  const number = heap.numberOf(item);
  if (character && typeof number === "number") return characterOf(number);
  const integer = typeof number === "bigint" ||
    (item >= 0 && (kindOf(item) === KIND.INTEGER || kindOf(item) === KIND.NEGATIVE));
  return heap.textOf(item) ?? (integer ? String(number) : undefined);
}

/** `chr(code)`; undefined for what is none, and for halves of surrogate pairs, which are one each. */
export function characterOf(code: number): string | undefined {
  return Number.isInteger(code) && code >= 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
    ? String.fromCodePoint(code)
    : undefined;
}

function strip(
  heap: Heap,
  self: string,
  [set]: readonly Handle[],
  left: boolean,
  right: boolean,
): string | undefined {
  const given = set === undefined || set === NONE ? " \t\n\r\f\v" : text(heap, set);
  if (given === undefined || ascii(self) === undefined) return undefined;
  let from = 0;
  let to = self.length;
  while (left && from < to && given.includes(self[from] as string)) from++;
  while (right && to > from && given.includes(self[to - 1] as string)) to--;
  return self.slice(from, to);
}

function translate(heap: Heap, self: string, table: Handle | undefined): string | undefined {
  const items = table === undefined ? undefined : heap.itemsOf(table, CONTAINER.DICT);
  if (items === undefined) return undefined;
  const map = new Map<number, string>();
  for (let at = 0; at + 1 < items.length; at += 2) {
    const from = heap.integerOf(items[at] as number);
    const to = items[at + 1] as number;
    const shown = to === NONE ? "" : plainText(heap, to, true);
    if (from === undefined || shown === undefined) return undefined;
    map.set(from, shown);
  }
  return Array.from(self, (c) => map.get(c.codePointAt(0) ?? 0) ?? c).join("");
}

function text(heap: Heap, handle: Handle | undefined): string | undefined {
  return heap.textOf(handle ?? UNKNOWN);
}

/** A text of printable ASCII and its white space, which are the same to everybody. */
function ascii(text: string): string | undefined {
  return /^[\s\x20-\x7e]*$/.test(text) && !/[\u0080-\uffff]/.test(text) ? text : undefined;
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
