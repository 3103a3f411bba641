/**
 * Python's operators and methods on texts, numbers and lists of them, as CPython computes them. What is
 * not computed exactly is undefined: a name that is nearly right would hide the one that is reached.
 *
 * @module
 */

/** A value of Python that is known in full. */
export type Plain = string | number | boolean | null | readonly Plain[];

/** As `str()` has it; undefined where that is not exact. */
export function display(value: Plain): string | undefined {
  if (typeof value === "string") return value;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Number.isSafeInteger(value) ? String(value) : undefined;
  const shown = value.map(represent);
  return shown.includes(undefined) ? undefined : `[${shown.join(", ")}]`;
}

/** As `repr()` has it. */
function represent(value: Plain): string | undefined {
  if (typeof value !== "string") return display(value);
  if (!/^[ -~]*$/u.test(value) || value.includes("\\")) return undefined;
  if (!value.includes("'")) return `'${value}'`;
  return value.includes('"') ? undefined : `"${value}"`;
}

/** Whether `if` takes it for true. */
export function truth(value: Plain): boolean {
  if (typeof value === "string" || Array.isArray(value)) return value.length > 0;
  return Boolean(value);
}

/** An operator on two values. */
export function operate(operator: string, left: Plain, right: Plain): Plain | undefined {
  if (operator === "~") {
    const [a, b] = [display(left), display(right)];
    return a === undefined || b === undefined ? undefined : a + b;
  }
  if (operator === "%" && typeof left === "string") return percent(left, [right]);
  const [a, b] = [numeric(left), numeric(right)];
  if (a !== undefined && b !== undefined) return arithmetic(operator, a, b);
  if (operator === "*") return repeat(left, b) ?? repeat(right, a);
  if (operator !== "+") return undefined;
  if (typeof left === "string" && typeof right === "string") return left + right;
  return Array.isArray(left) && Array.isArray(right) ? [...left, ...right] : undefined;
}

function numeric(value: Plain): number | undefined {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "number" ? value : undefined;
}

function arithmetic(operator: string, a: number, b: number): number | undefined {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "//":
      return b === 0 ? undefined : Math.floor(a / b);
    case "%":
      return b === 0 ? undefined : a - b * Math.floor(a / b);
    case "**":
      return b < 0 ? undefined : a ** b;
    default:
      return undefined;
  }
}

/** Characters or items that repetition makes. The most in 120 chat templates are 8. CWE-770. */
const REPEATED = 16_384;

function repeat(value: Plain, times: number | undefined): Plain | undefined {
  if (times === undefined) return undefined;
  const count = Math.max(0, times);
  if (typeof value === "string") {
    return value.length * count > REPEATED ? undefined : value.repeat(count);
  }
  if (!Array.isArray(value) || value.length * count > REPEATED) return undefined;
  return Array.from({ length: count }, () => value).flat();
}

/** `left == right`, for constants of one kind. */
export function compare(operator: string, left: Plain, right: Plain): boolean | undefined {
  if (Array.isArray(left) || Array.isArray(right)) return undefined;
  if (left !== null && right !== null && typeof left !== typeof right) return undefined;
  switch (operator) {
    case "==":
      return left === right;
    case "!=":
      return left !== right;
  }
  if (typeof left !== "number" || typeof right !== "number") return undefined;
  switch (operator) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    default:
      return undefined;
  }
}

const PERCENT = /%(?:\((\w*)\))?([-+ #0]*)(\d*)(?:\.(\d*))?([^])?/gu;

/** `"%s%c" % values` and `"%(name)s" % names`; undefined when a field is of another kind. */
export function percent(
  pattern: string,
  given: readonly Plain[] | undefined,
  names: ReadonlyMap<string, Plain> = new Map(),
): string | undefined {
  let next = 0;
  let exact = true;
  const text = pattern.replace(PERCENT, (_all, key?: string, flags?: string, ...rest: string[]) => {
    const [width, precision, kind] = rest;
    if (kind === "%") return "%";
    const value = key === undefined ? given?.[next++] : names.get(key);
    const shown = value === undefined ? undefined : percentField(value, kind ?? "");
    if (shown === undefined || flags !== "" || precision !== undefined) exact = false;
    return (shown ?? "").padStart(Math.min(Number(width ?? ""), REPEATED));
  });
  return exact && (given === undefined || next >= given.length) ? text : undefined;
}

function percentField(value: Plain, kind: string): string | undefined {
  switch (kind) {
    case "s":
      return display(value);
    case "r":
      return represent(value);
    case "c":
      return typeof value === "string" ? value : character(value);
    case "d":
    case "i":
      return typeof value === "number" ? String(value) : undefined;
    case "x":
      return typeof value === "number" && value >= 0 ? value.toString(16) : undefined;
    default:
      return undefined;
  }
}

function character(code: Plain): string | undefined {
  return typeof code === "number" && code >= 0 && code <= 0x10ffff
    ? String.fromCodePoint(code)
    : undefined;
}

/** A field's value by its specification: `_^9`, `>5`, `c`, `d`, `x`, `s` or nothing. */
export function specified(value: Plain, specification: string): string | undefined {
  const parts = /^(?:(.)?([<>^]))?(0)?(\d*)([sdcx])?$/u.exec(specification);
  if (parts === null) return undefined;
  const [, fill = " ", align, zero, width = "", kind] = parts;
  if (zero !== undefined || (kind !== undefined && kind !== "s" && typeof value !== "number")) {
    return undefined;
  }
  if (specification !== "" && (Array.isArray(value) || value === null)) return undefined;
  if (typeof value === "boolean" && specification !== "") return undefined;
  const shown = kind === "c" || kind === "x" ? percentField(value, kind) : display(value);
  const total = Number(width);
  if (shown === undefined || total > REPEATED) return undefined;
  const missing = Math.max(0, total - [...shown].length);
  const left = align === "^"
    ? Math.floor(missing / 2)
    : (align ?? (typeof value === "number" ? ">" : "<")) === ">"
    ? missing
    : 0;
  return fill.repeat(left) + shown + fill.repeat(missing - left);
}

/** `value[start:stop:step]` of a text or a list. */
export function sliced<Item>(
  items: readonly Item[],
  [start, stop, step = 1]: readonly (number | undefined)[],
): Item[] | undefined {
  if (step === 0) return undefined;
  const { length } = items;
  const clamp = (position: number, low: number, high: number): number =>
    Math.min(Math.max(position < 0 ? position + length : position, low), high);
  const taken: Item[] = [];
  if (step > 0) {
    const last = stop === undefined ? length : clamp(stop, 0, length);
    const first = start === undefined ? 0 : clamp(start, 0, length);
    for (let at = first; at < last; at += step) taken.push(...items.slice(at, at + 1));
  } else {
    const last = stop === undefined ? -1 : clamp(stop, -1, length - 1);
    const first = start === undefined ? length - 1 : clamp(start, -1, length - 1);
    for (let at = first; at > last; at += step) taken.push(...items.slice(at, at + 1));
  }
  return taken;
}

const ASCII = /^[\0-\x7f]*$/u;
/** What `str.strip` takes for white space, of ASCII. */
const SPACES = " \t\n\r\v\f\x1c\x1d\x1e\x1f";

// deno-lint-ignore no-control-regex
const SPACE_RUN = /[ \t\n\r\v\f\x1c-\x1f]+/u;
/** What ends lines for `str.splitlines`, besides line feeds. */
// deno-lint-ignore no-control-regex
const OTHER_LINES = /[\v\f\x1c-\x1e\r]/u;

/** A method of `str` on constants; undefined where it is not computed. */
export function textMethod(
  name: string,
  value: string,
  given: readonly Plain[],
): Plain | undefined {
  const [first, second, third] = given;
  switch (name) {
    case "lower":
    case "casefold":
      return ASCII.test(value) ? value.toLowerCase() : undefined;
    case "upper":
      return ASCII.test(value) ? value.toUpperCase() : undefined;
    case "swapcase":
      return ASCII.test(value) ? swapped(value) : undefined;
    case "capitalize":
      return ASCII.test(value)
        ? value.slice(0, 1).toUpperCase() + value.slice(1).toLowerCase()
        : undefined;
    case "title":
      return ASCII.test(value)
        ? value.toLowerCase().replace(
          /[a-z]+/gu,
          (word) => word.slice(0, 1).toUpperCase() + word.slice(1),
        )
        : undefined;
    case "strip":
    case "lstrip":
    case "rstrip":
      return ASCII.test(value) &&
          (first === undefined || first === null || typeof first === "string")
        ? stripped(name, value, typeof first === "string" ? first : SPACES)
        : undefined;
    case "replace":
      return replaced(value, first, second, third);
    case "join":
      return joined(value, first);
    case "split":
    case "rsplit":
      return parted(name, value, first, second);
    case "splitlines":
      return ASCII.test(value) && given.length === 0 && !OTHER_LINES.test(value)
        ? value.replace(/\n$/u, "").split("\n")
        : undefined;
    case "partition":
    case "rpartition":
      return typeof first === "string" && first !== "" ? partition(name, value, first) : undefined;
    case "removeprefix":
      return typeof first === "string" && value.startsWith(first)
        ? value.slice(first.length)
        : value;
    case "removesuffix":
      return typeof first === "string" && value.endsWith(first)
        ? value.slice(0, value.length - first.length)
        : value;
    case "center":
    case "ljust":
    case "rjust":
    case "zfill":
      return padded(name, value, first, second);
    case "expandtabs":
      return value.includes("\t") ? undefined : value;
    default:
      return undefined;
  }
}

function swapped(value: string): string {
  return [...value].map((each) =>
    each === each.toLowerCase() ? each.toUpperCase() : each.toLowerCase()
  ).join("");
}

function stripped(name: string, value: string, letters: string): string {
  let [from, to] = [0, value.length];
  if (name !== "rstrip") { while (from < to && letters.includes(value[from] ?? "")) from++; }
  if (name !== "lstrip") { while (to > from && letters.includes(value[to - 1] ?? "")) to--; }
  return value.slice(from, to);
}

function replaced(value: string, old?: Plain, by?: Plain, count?: Plain): string | undefined {
  if (typeof old !== "string" || typeof by !== "string") return undefined;
  if (value.length * (by.length + 1) > REPEATED * 4) return undefined;
  if (count === undefined || count === null || count === -1) {
    return old === ""
      ? `${by}${[...value].map((one) => one + by).join("")}`
      : value.replaceAll(old, () => by);
  }
  if (typeof count !== "number" || old === "") return undefined;
  let left = count;
  return value.replaceAll(old, () => left-- > 0 ? by : old);
}

function joined(separator: string, items: Plain | undefined): string | undefined {
  const list = typeof items === "string" ? [...items] : items;
  if (!Array.isArray(list) || !list.every((one) => typeof one === "string")) return undefined;
  const size = list.reduce((sum, one) => sum + one.length, separator.length * list.length);
  return size > REPEATED ? undefined : list.join(separator);
}

function parted(name: string, value: string, by?: Plain, most?: Plain): string[] | undefined {
  if (by === undefined || by === null) {
    if (most !== undefined || !ASCII.test(value)) return undefined;
    return value.split(SPACE_RUN).filter((word) => word !== "");
  }
  if (typeof by !== "string" || by === "") return undefined;
  const all = value.split(by);
  if (most === undefined || most === null || most === -1) return all;
  if (typeof most !== "number") return undefined;
  if (all.length <= most + 1) return all;
  return name === "split"
    ? [...all.slice(0, most), all.slice(most).join(by)]
    : [all.slice(0, all.length - most).join(by), ...all.slice(all.length - most)];
}

function partition(name: string, value: string, by: string): string[] {
  const at = name === "partition" ? value.indexOf(by) : value.lastIndexOf(by);
  if (at < 0) return name === "partition" ? [value, "", ""] : ["", "", value];
  return [value.slice(0, at), by, value.slice(at + by.length)];
}

function padded(name: string, value: string, width?: Plain, fill?: Plain): string | undefined {
  if (typeof width !== "number" || width > REPEATED || !ASCII.test(value)) return undefined;
  const by = fill === undefined ? " " : fill;
  const missing = Math.max(0, width - value.length);
  if (typeof by !== "string" || by.length !== 1) return undefined;
  if (name === "zfill") return /^[-+]/u.test(value) ? undefined : "0".repeat(missing) + value;
  if (name === "ljust") return value + by.repeat(missing);
  if (name === "rjust") return by.repeat(missing) + value;
  // CPython's `str.center` puts the extra one to the left when the width is odd.
  const left = Math.floor(missing / 2) + (missing & width & 1);
  return by.repeat(left) + value + by.repeat(missing - left);
}
