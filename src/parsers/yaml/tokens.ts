/**
 * Tokens of a YAML text as PyYAML's scanner reads them, without composing them: scalars with their
 * keys, anchors and aliases. Made for hostile text: it continues after an error that a loader would
 * raise, and reports it. Tags are read by {@linkcode "./yaml_tags.ts"}, wherever they stand.
 * https://yaml.org/spec/1.1/, and PyYAML's `scanner.py` for what loaders make of it
 *
 * @module
 */

import { blockScalar, plainScalar, quotedScalar, type Scalar } from "./scalars.ts";

/** One scalar or alias. */
export interface YamlWord {
  readonly kind: "scalar" | "alias";
  /** What the scalar says, or the alias' name. */
  readonly value: string;
  /** Character of its beginning. */
  readonly at: number;
  /** True when a colon or a question mark makes it a key. */
  key: boolean;
  /** The anchor before it, if any. */
  readonly anchor: string | undefined;
  /** The keys above it, outermost first, as far as they are scalars; of words with a curly bracket. */
  readonly under: readonly string[];
}

/** What a text consists of. */
interface YamlWords {
  readonly words: readonly YamlWord[];
  /** The first thing that loaders refuse; undefined when nothing was seen. */
  readonly syntaxError: { readonly detail: string; readonly at: number } | undefined;
}

/** Nested brackets; PyYAML fails earlier, by Python's recursion limit. CWE-674. */
const DEPTH = 2000;
/** Keys above a token that are reported. The most seen are 12. CWE-779. */
const KEYS_REPORTED = 32;
/** Tokens of one text; configurations have some thousands. CWE-770. */
const WORDS = 2_000_000;

/**
 * Reads the words of all documents of a text.
 *
 * @param text without a byte order mark
 * @param check called now and then; may throw
 */
export function yamlWords(text: string, check: () => void = () => {}): YamlWords {
  return new Scanner(text, check).scan();
}

/** A collection in blocks: its column, and the key that was last. */
interface Block {
  readonly column: number;
  key: string | undefined;
}

interface Flow {
  readonly closing: string;
  readonly at: number;
  key: string | undefined;
}

class Scanner {
  readonly #text: string;
  readonly #check: () => void;
  readonly #words: YamlWord[] = [];
  readonly #anchors = new Set<string>();
  readonly #blocks: Block[] = [];
  readonly #flows: Flow[] = [];
  #at = 0;
  #lineStart = 0;
  #syntaxError: YamlWords["syntaxError"];
  #anchor: string | undefined;
  /** Column of a possible simple key; undefined where none may begin. */
  #candidate: number | undefined;
  /** What a question mark makes a key. */
  #explicitKey = false;
  /** The word that a colon would make a key. */
  #last: YamlWord | undefined;

  constructor(text: string, check: () => void) {
    this.#text = text;
    this.#check = check;
  }

  scan(): YamlWords {
    for (let steps = 1; this.#skip(); steps++) {
      if (this.#words.length >= WORDS) {
        this.#broken(`There are more than ${WORDS} words`);
        break;
      }
      if (steps % 10_000 === 0) this.#check();
      const before = this.#at;
      this.#token();
      if (this.#at === before) {
        this.#broken(`A word begins with ${JSON.stringify(this.#text[before])}`);
        this.#at++;
      }
    }
    const open = this.#flows[0];
    if (open !== undefined) this.#broken("A bracket is never closed", open.at);
    return { words: this.#words, syntaxError: this.#syntaxError };
  }

  #broken(detail: string, at = this.#at): void {
    this.#syntaxError ??= { detail, at };
  }

  /** Steps over white space, line breaks and comments; false at the end. */
  #skip(): boolean {
    while (this.#at < this.#text.length) {
      const letter = this.#text[this.#at] ?? "";
      if (isBreak(letter)) {
        this.#at++;
        this.#lineStart = this.#at;
        if (this.#flows.length === 0) this.#candidate = undefined;
      } else if (letter === "#") {
        while (this.#at < this.#text.length && !isBreak(this.#text[this.#at] ?? "")) this.#at++;
      } else if (letter === " " || letter === "\t" || letter === "\ufeff") this.#at++;
      else return true;
    }
    return false;
  }

  get #column(): number {
    return this.#at - this.#lineStart;
  }

  #token(): void {
    const letter = this.#text[this.#at] ?? "";
    if (this.#column === 0 && this.#documentMark(letter)) return;
    if (this.#flows.length === 0) this.#unwind(this.#column);
    if (/[,[\]{}]/u.test(letter)) return this.#bracket(letter);
    const white = isWhite(this.#text[this.#at + 1]);
    const flow = this.#flows.length > 0;
    if (letter === "-" && white) return this.#entry();
    if (letter === "?" && (white || flow)) return this.#question();
    if (letter === ":" && (white || flow)) return this.#colon();
    if (!flow) this.#candidate ??= this.#column;
    if (letter === "&" || letter === "*") return this.#reference(letter);
    if (letter === "!") return this.#tag();
    if ((letter === "|" || letter === ">") && !flow) {
      this.#scalar(blockScalar(this.#text, this.#at, this.#blocks.at(-1)?.column ?? -1));
      this.#candidate = undefined;
      return;
    }
    if (letter === "'" || letter === '"') return this.#quoted();
    if (/[|>%@`]/u.test(letter)) return;
    const parent = this.#blocks.at(-1)?.column ?? -1;
    this.#scalar(plainScalar(this.#text, this.#at, parent, flow));
  }

  /** A directive, or where a document begins or ends. */
  #documentMark(letter: string): boolean {
    const three = this.#text.slice(this.#at, this.#at + 3);
    const mark = (three === "---" || three === "...") && isWhite(this.#text[this.#at + 3]);
    const directive = letter === "%" && this.#flows.length === 0;
    if (!mark && !directive) return false;
    const [open] = this.#flows;
    if (open !== undefined) this.#broken("A bracket is never closed", open.at);
    this.#flows.length = 0;
    this.#blocks.length = 0;
    this.#explicitKey = false;
    this.#last = this.#anchor = this.#candidate = undefined;
    this.#anchors.clear();
    this.#at += 3;
    if (directive) {
      while (this.#at < this.#text.length && !isBreak(this.#text[this.#at] ?? "")) this.#at++;
    }
    return true;
  }

  #unwind(column: number): void {
    while ((this.#blocks.at(-1)?.column ?? -1) > column) this.#blocks.pop();
  }

  #block(column: number): void {
    if (column > (this.#blocks.at(-1)?.column ?? -1)) this.#blocks.push({ column, key: undefined });
  }

  #bracket(letter: string): void {
    this.#explicitKey = false;
    if (letter === "[" || letter === "{") {
      if (this.#flows.length === 0) this.#candidate ??= this.#column;
      const closing = letter === "[" ? "]" : "}";
      if (this.#flows.length < DEPTH) this.#flows.push({ closing, at: this.#at, key: undefined });
      else this.#broken("Brackets are nested too deep");
    } else {
      const flow = this.#flows.at(-1);
      if (letter === ",") {
        if (flow === undefined) this.#broken("A comma stands where no brackets are");
        else flow.key = undefined;
      } else if (this.#flows.pop()?.closing !== letter) this.#broken("A bracket does not match");
    }
    this.#anchor = this.#last = undefined;
    this.#at++;
  }

  #entry(): void {
    if (this.#flows.length > 0) this.#broken("An entry of a block stands within brackets");
    else this.#block(this.#column);
    this.#candidate = this.#last = this.#anchor = undefined;
    this.#explicitKey = false;
    this.#at++;
  }

  #question(): void {
    if (this.#flows.length === 0) this.#block(this.#column);
    this.#candidate = this.#last = this.#anchor = undefined;
    this.#explicitKey = true;
    this.#at++;
  }

  #colon(): void {
    if (this.#flows.length === 0) this.#block(this.#candidate ?? this.#column);
    const key = this.#last;
    if (key !== undefined) key.key = true;
    const owner = this.#flows.at(-1) ?? this.#blocks.at(-1);
    if (owner !== undefined && key !== undefined) owner.key = key.value;
    if (this.#flows.length === 0) this.#candidate = undefined;
    this.#last = this.#anchor = undefined;
    this.#explicitKey = false;
    this.#at++;
  }

  #reference(letter: string): void {
    const name = /^[\w-]+|^[^\s[\]{},]+/u.exec(this.#text.slice(this.#at + 1, this.#at + 257))?.[0];
    if (name === undefined) return;
    if (letter === "&") {
      this.#anchor = name;
      this.#anchors.add(name);
    } else {
      if (!this.#anchors.has(name)) this.#broken("An alias has no anchor before it");
      this.#word("alias", name, this.#at);
    }
    this.#at += name.length + 1;
  }

  #tag(): void {
    const flow = this.#flows.length > 0;
    while (!isWhite(this.#text[this.#at])) {
      if (flow && /[[\]{},]/u.test(this.#text[this.#at] ?? "")) return;
      this.#at++;
    }
  }

  #quoted(): void {
    const scalar = quotedScalar(this.#text, this.#at);
    if (scalar !== undefined) return this.#scalar(scalar);
    this.#broken("A quoted scalar is never closed");
    this.#at++;
  }

  #scalar({ value, end, error }: Scalar): void {
    if (end === this.#at) return;
    if (error !== undefined) this.#broken(error);
    this.#word("scalar", value, this.#at);
    for (let at = this.#at; at < end; at++) {
      if (isBreak(this.#text[at] ?? "")) this.#lineStart = at + 1;
    }
    this.#at = end;
  }

  #keys(): string[] {
    return [...this.#blocks.slice(-KEYS_REPORTED), ...this.#flows.slice(-KEYS_REPORTED)]
      .flatMap(({ key }) => key ?? []);
  }

  #word(kind: YamlWord["kind"], value: string, at: number): void {
    const word: YamlWord = {
      kind,
      value,
      at,
      key: this.#explicitKey,
      anchor: this.#anchor,
      under: value.includes("{") ? this.#keys() : [],
    };
    this.#words.push(word);
    this.#last = word;
    this.#anchor = undefined;
    this.#explicitKey = false;
  }
}

function isBreak(letter: string): boolean {
  return letter === "\n" || letter === "\r" || letter === "\x85" || letter === "\u2028" ||
    letter === "\u2029";
}

function isWhite(letter: string | undefined): boolean {
  return letter === undefined || letter === " " || letter === "\t" || isBreak(letter);
}
