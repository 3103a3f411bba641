/**
 * Where keys and values stand in a TOML text, so that mistakes can be shown.
 *
 * The TOML parser gives values without places. This walks a text that it accepted; what is wrong as
 * TOML never gets here. Grammar: https://toml.io/en/v1.0.0
 *
 * @module
 */

/** A way into a document: keys of tables, indexes of arrays. */
export type Path = readonly (string | number)[];

/** Offsets in UTF-16 units from the start of the text. */
export interface Positions {
  /** Where the key, or the item of an array, begins; undefined for what is not written. */
  key(path: Path): number | undefined;
  /** Where the value begins. */
  value(path: Path): number | undefined;
}

/** Walks a valid TOML text. */
export function positionsOf(text: string): Positions {
  const walker = new Walker(text);
  walker.document();
  return {
    key: (path) => walker.keys.get(JSON.stringify(path)),
    value: (path) => walker.values.get(JSON.stringify(path)),
  };
}

class Walker {
  readonly keys = new Map<string, number>();
  readonly values = new Map<string, number>();
  /** Tables of each array of tables, counted. */
  readonly #arrays = new Map<string, number>();
  #at = 0;

  constructor(readonly text: string) {}

  document(): void {
    let table: Path = [];
    for (;;) {
      this.#skip(/(?:\s|#[^\n]*)*/y);
      if (this.#at >= this.text.length) return;
      if (this.text[this.#at] === "[") table = this.#header();
      else this.#pair(table);
    }
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #header(): Path {
    const start = this.#at;
    const list = this.#skip(/\[{1,2}\s*/y).startsWith("[[");
    let path: Path = [];
    const keys = this.#keysOf();
    for (const [index, { key, at }] of keys.entries()) {
      path = [...path, key];
      const name = JSON.stringify(path);
      if (!this.keys.has(name)) this.keys.set(name, at);
      const last = index === keys.length - 1;
      if (last && list) this.#arrays.set(name, (this.#arrays.get(name) ?? 0) + 1);
      const count = this.#arrays.get(name);
      if (count !== undefined) path = [...path, count - 1];
    }
    if (!this.values.has(JSON.stringify(path))) this.values.set(JSON.stringify(path), start);
    if (list) this.keys.set(JSON.stringify(path), start);
    this.#skip(/[^\S\n]*\]{1,2}/y);
    return path;
  }

  #keysOf(): { key: string; at: number }[] {
    const keys: { key: string; at: number }[] = [];
    do {
      this.#skip(/[^\S\n]*/y);
      const at = this.#at;
      const written = this.#skip(/"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s=.\]]+/y);
      keys.push({ key: unquoted(written), at });
      this.#skip(/[^\S\n]*/y);
    } while (this.#skip(/\./y) !== "");
    return keys;
  }

  #pair(table: Path): void {
    let path = table;
    for (const { key, at } of this.#keysOf()) {
      path = [...path, key];
      const name = JSON.stringify(path);
      if (!this.keys.has(name)) this.keys.set(name, at);
    }
    this.#skip(/[^\S\n]*=[^\S\n]*/y);
    this.#value(path);
  }

  #value(path: Path): void {
    this.values.set(JSON.stringify(path), this.#at);
    const first = this.text[this.#at];
    if (first === "[") this.#array(path);
    else if (first === "{") this.#inline(path);
    else this.#scalar();
  }

  #scalar(): void {
    const string = /"""(?:[^\\]|\\[^])*?"{3,5}|'''[^]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y;
    // Anything but progress would be for ever.
    if (this.#skip(string) === "" && this.#skip(/[^,\]}#\n]+/y) === "") this.#at++;
  }

  #array(path: Path): void {
    const blank = /(?:\s|,|#[^\n]*)*/y;
    this.#at++;
    for (let index = 0;; index++) {
      this.#skip(blank);
      if (this.#at >= this.text.length || this.#skip(/\]/y) !== "") return;
      this.keys.set(JSON.stringify([...path, index]), this.#at);
      this.#value([...path, index]);
    }
  }

  #inline(path: Path): void {
    this.#at++;
    for (;;) {
      this.#skip(/(?:\s|,|#[^\n]*)*/y);
      if (this.#at >= this.text.length || this.#skip(/\}/y) !== "") return;
      this.#pair(path);
    }
  }
}

/** A key without its quotes; escapes of basic strings are those of JSON, and `\U`. */
function unquoted(written: string): string {
  if (written.startsWith("'")) return written.slice(1, -1);
  if (!written.startsWith('"')) return written;
  const json = written.replace(
    /\\(?:U([0-9a-fA-F]{8})|(e)|x([0-9a-fA-F]{2})|.)/g,
    (all, long: string | undefined, escape: string | undefined, short: string | undefined) => {
      if (escape !== undefined) return "\\u001b";
      if (short !== undefined) return `\\u00${short}`;
      if (long === undefined) return all;
      return JSON.stringify(String.fromCodePoint(parseInt(long, 16))).slice(1, -1);
    },
  );
  try {
    return String(JSON.parse(json));
  } catch {
    return written.slice(1, -1);
  }
}
