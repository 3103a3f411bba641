/**
 * INI files as Python's `configparser` reads them: `RawConfigParser._read` and `BasicInterpolation` of
 * `Lib/configparser.py` in CPython 3.13. What it refuses is read on, with an error.
 * https://docs.python.org/3/library/configparser.html
 *
 * @module
 */

/** An option of a section. */
interface IniOption {
  /** As written, in its case. */
  readonly name: string;
  /** Lines joined by line feeds; undefined for a name without a sign. */
  readonly value: string | undefined;
  /** Characters before it. */
  readonly at: number;
}

/** A section; the one without a name holds what stands before the first. */
interface IniSection {
  readonly name: string;
  readonly at: number;
  readonly options: readonly IniOption[];
}

/** A file. */
interface IniDocument {
  /** In their order; one that is opened twice is there twice. */
  readonly sections: readonly IniSection[];
  /** The first thing that `configparser` refuses. */
  readonly error: string | undefined;
}

/** What `str.isspace` takes for white space. */
// deno-lint-ignore no-control-regex -- they are white space to Python
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u;
const BEFORE = new RegExp(`^${SPACE.source}+`, "u");
const SECTION = /^\[(?<name>.+)\]/u;

/** Without white space on both sides, as `str.strip` does. */
function strip(text: string): string {
  return stripEnd(text.replace(BEFORE, ""));
}

function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE.test(text[end - 1] ?? "")) end--;
  return text.slice(0, end);
}

interface OpenOption {
  readonly name: string;
  readonly lines: string[] | undefined;
  readonly at: number;
}

/** Reads a file. */
export function readIniFile(text: string): IniDocument {
  const sections: { name: string; at: number; options: IniOption[] }[] = [];
  let error: string | undefined;
  let options: IniOption[] | undefined;
  let known = new Set<string>();
  const elsewhere = new Map<string, Set<string>>();
  let open: OpenOption | undefined;
  let indent = 0;
  const close = (): void => {
    if (open === undefined) return;
    const { name, lines, at } = open;
    options?.push({ name, value: lines && stripEnd(lines.join("\n")), at });
    open = undefined;
  };
  const begin = (name: string, at: number): void => {
    options = [];
    sections.push({ name, at, options });
    if (elsewhere.has(name) && name !== "DEFAULT") error ??= `section "${name}" is there twice`;
    known = elsewhere.get(name) ?? new Set();
    elsewhere.set(name, known);
  };
  let at = 0;
  for (const line of text.split(/\r\n|\r|\n/u)) {
    const value = strip(line);
    const isComment = value.startsWith("#") || value.startsWith(";");
    const own = BEFORE.exec(line)?.[0].length ?? 0;
    if (value === "" || isComment) {
      // An empty line belongs to a value that goes on behind it.
      if (!isComment) open?.lines?.push("");
    } else if (open !== undefined && own > indent) {
      if (open.lines === undefined) error ??= `"${open.name}" has no value that could go on`;
      open.lines?.push(value);
    } else {
      close();
      indent = own;
      const header = SECTION.exec(value)?.groups?.["name"];
      if (header?.includes("]")) {
        error ??= `"${header.slice(0, 40)}" is another section before CPython 3.8`;
      }
      if (header !== undefined) begin(header, at);
      else {
        if (options === undefined) {
          error ??= "an option stands before the first section";
          begin("", at);
        }
        const sign = value.search(/[=:]/u);
        const name = stripEnd(sign < 0 ? value : value.slice(0, sign));
        if (sign <= 0) error ??= `"${value.slice(0, 40)}" is no option`;
        else if (known.has(name)) error ??= `option "${name}" is there twice`;
        known.add(name);
        open = { name, lines: sign < 0 ? undefined : [strip(value.slice(sign + 1))], at };
      }
    }
    at += line.length + 1;
  }
  close();
  return { sections, error };
}

/** Values within each other: `MAX_INTERPOLATION_DEPTH`. */
const DEPTH = 10;
/** Characters that values of one file name of others. Those in use have some hundred. CWE-409. */
const NAMED_CHARACTERS = 1024 * 1024;

/** The values of a section, those of `[DEFAULT]` too, with `%(name)s` replaced. */
interface IniValues {
  /** By name; of one that is there several times, each value. */
  readonly values: readonly (readonly [name: string, value: string])[];
  /** The first thing that `ConfigParser.get` refuses. */
  readonly error: string | undefined;
}

/** All sections but `[DEFAULT]`, as `ConfigParser` gives them whose `optionxform` changes nothing. */
export function interpolatedSections(
  { sections }: IniDocument,
): readonly (readonly [name: string, values: IniValues])[] {
  const defaults = sections.filter(({ name }) => name === "DEFAULT").flatMap((each) =>
    each.options
  );
  const budget = { left: NAMED_CHARACTERS };
  const names = new Set(sections.map(({ name }) => name));
  names.delete("DEFAULT");
  return [...names].map((name) => {
    const own = sections.filter((each) => each.name === name).flatMap((each) => each.options);
    const names = new Set(own.map((each) => each.name));
    const inherited = defaults.filter((each) => !names.has(each.name));
    return [name, interpolated([...inherited, ...own], budget)] as const;
  });
}

function interpolated(options: readonly IniOption[], budget: { left: number }): IniValues {
  const known = new Map<string, string>();
  for (const { name, value } of options) if (value !== undefined) known.set(name, value);
  let error: string | undefined;
  const put = (text: string, depth: number): string => {
    if (!text.includes("%")) return text;
    if (depth > DEPTH || budget.left < 0) {
      error ??= "values name one another too deeply";
      return "";
    }
    return text.replace(/%(?:%|\((?<name>[^)]+)\)s|)/gu, (found, name?: string) => {
      if (found === "%%") return "%";
      const value = name === undefined ? undefined : known.get(name);
      if (value === undefined) {
        error ??= `"${found}" names no value`;
        return found;
      }
      budget.left -= value.length;
      return put(value, depth + 1);
    });
  };
  const values = options.flatMap(({ name, value }) =>
    value === undefined ? [] : [[name, put(value, 1)] as const]
  );
  return { values, error };
}
