/**
 * Python's operators, methods and Jinja's filters on constants, as far as names are made with them.
 *
 * @module
 */

/** A value that an expression has. */
export type Value = string | number | boolean | null | readonly Value[];

/** Characters of a computed string: a name has fewer. */
export const CHARACTERS = 4096;

export function size(value: Value): number {
  if (typeof value === "string") return value.length;
  return Array.isArray(value) ? value.reduce((sum: number, one) => sum + size(one), 1) : 1;
}

/** As Python's `str` has it, for what names are made of. */
export function display(value: Value): string {
  if (typeof value === "string") return value;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return Array.isArray(value) ? `[${value.map(display).join(", ")}]` : String(value);
}

export function binary(operator: string, left: Value, right: Value): Value | undefined {
  if (operator === "~") return display(left) + display(right);
  if (operator === "%" && typeof left === "string") {
    return percent(left, Array.isArray(right) ? right : [right]);
  }
  if (operator === "*") return repeat(left, right) ?? repeat(right, left);
  if (operator !== "+" && operator !== "-") return undefined;
  if (typeof left === "number" && typeof right === "number") {
    return operator === "+" ? left + right : left - right;
  }
  if (operator === "-") return undefined;
  if (typeof left === "string" && typeof right === "string") return left + right;
  return Array.isArray(left) && Array.isArray(right) ? [...left, ...right] : undefined;
}

function repeat(value: Value, times: Value): Value | undefined {
  if (typeof times !== "number") return undefined;
  if (typeof value === "number") return value * times;
  if (typeof value !== "string" || times * value.length > CHARACTERS) return undefined;
  return value.repeat(Math.max(0, Math.trunc(times)));
}

/** `'%s%c' % (…)`. */
function percent(pattern: string, given: readonly Value[]): string {
  let next = 0;
  return pattern.replace(/%(?:\(\w*\))?[-+ #0-9.]*([scdrxi%])/gu, (all, kind: string) => {
    if (kind === "%") return "%";
    const value = given[next++];
    if (value === undefined) return all;
    if (kind === "c" && typeof value === "number") return character(value);
    return kind === "x" && typeof value === "number" ? value.toString(16) : display(value);
  });
}

/** `'{}{0}'.format(…)`. */
function braces(pattern: string, given: readonly Value[]): string {
  let next = 0;
  return pattern.replace(/\{(\d*)(?::(c))?\}/gu, (all, index: string, kind?: string) => {
    const value = given[index === "" ? next++ : Number(index)];
    if (value === undefined) return all;
    return kind === "c" && typeof value === "number" ? character(value) : display(value);
  });
}

function character(code: number): string {
  return code >= 0 && code <= 0x10ffff ? String.fromCodePoint(Math.trunc(code)) : "";
}

export function slice(value: Value, parts: readonly (Value | undefined)[]): Value | undefined {
  if (parts.some((part) => part !== undefined && part !== null && typeof part !== "number")) {
    return undefined;
  }
  const items = typeof value === "string" ? [...value] : Array.isArray(value) ? [...value] : [];
  const [start, stop, step] = parts.map((part) => typeof part === "number" ? part : undefined);
  const backward = step !== undefined && step < 0;
  if (step === 0) return undefined;
  const at = (position: number | undefined, fallback: number): number =>
    position === undefined ? fallback : position < 0 ? position + items.length : position;
  const taken: Value[] = [];
  if (backward) {
    const last = at(stop, -1);
    for (let i = Math.min(at(start, items.length - 1), items.length - 1); i > last; i += step) {
      if (i >= 0) taken.push(items[i] ?? null);
      else break;
    }
  } else {
    const last = Math.min(at(stop, items.length), items.length);
    for (let i = Math.max(0, at(start, 0)); i < last; i += step ?? 1) taken.push(items[i] ?? null);
  }
  return typeof value === "string" ? taken.map(display).join("") : taken;
}

function listOf(value: Value): readonly Value[] | undefined {
  if (typeof value === "string") return [...value];
  return Array.isArray(value) ? value : undefined;
}

export function method(name: string, value: Value, given: readonly Value[]): Value | undefined {
  const [first] = given;
  if (typeof value !== "string") return undefined;
  if (name === "join") return first === undefined ? undefined : filter("join", first, [value]);
  if (name === "format") return braces(value, given);
  if (name === "encode" || name === "decode") return value;
  if (name === "strip" || name === "lstrip" || name === "rstrip") {
    return typeof first === "string" ? stripped(name, value, first) : filter("trim", value, []);
  }
  if (name === "split") return typeof first === "string" ? value.split(first) : value.split(/\s+/u);
  return filter(name, value, given);
}

function stripped(name: string, value: string, letters: string): string {
  let [from, to] = [0, value.length];
  if (name !== "rstrip") { while (from < to && letters.includes(value[from] ?? "")) from++; }
  if (name !== "lstrip") { while (to > from && letters.includes(value[to - 1] ?? "")) to--; }
  return value.slice(from, to);
}

export function filter(name: string, value: Value, given: readonly Value[]): Value | undefined {
  const [first, second] = given;
  if (typeof value === "string") {
    switch (name) {
      case "lower":
      case "upper":
        return name === "lower" ? value.toLowerCase() : value.toUpperCase();
      case "swapcase":
        return [...value].map((each) =>
          each === each.toLowerCase() ? each.toUpperCase() : each.toLowerCase()
        ).join("");
      case "capitalize":
        return value.slice(0, 1).toUpperCase() + value.slice(1).toLowerCase();
      case "replace":
        return typeof first === "string" && typeof second === "string"
          ? value.replaceAll(first, second)
          : undefined;
      case "format":
        return percent(value, given);
      case "trim":
        return value.trim();
    }
  }
  const items = listOf(value);
  switch (name) {
    case "string":
    case "safe":
    case "e":
    case "escape":
      return Array.isArray(value) ? undefined : display(value);
    case "default":
    case "d":
      return value;
    case "int":
      return Number.isFinite(Number(value)) ? Math.trunc(Number(value)) : 0;
    case "length":
    case "count":
      return items?.length;
    case "list":
      return items;
    case "first":
      return items?.[0];
    case "last":
      return items?.at(-1);
    case "reverse":
      return typeof value === "string" ? [...value].reverse().join("") : items?.toReversed();
    case "join":
      return items?.map(display).join(typeof first === "string" ? first : "");
    default:
      return undefined;
  }
}
