/**
 * Texts of a compiled Core ML model (`X.mlmodelc`): `model.mil`, a program of MIL as text, and
 * `model.espresso.net` with `model.espresso.shape`, a network and its shapes in JSON.
 *
 * Apple publishes neither grammar. The form is that of files as `coremlcompiler` writes them; MIL's is the text of
 * what `mlmodel/format/MIL.proto` of https://github.com/apple/coremltools describes. What is judged is what a model
 * before its compilation is judged by: files that weights are in, and classes of the application.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { latin1 } from "../../parsers/bytes.ts";
import {
  isObject,
  jsonLetters,
  type JsonObject,
  type JsonValue,
  parseJson,
} from "../../parsers/json.ts";
import { leavesFolder } from "../../parsers/leaves_folder.ts";
import { readAll } from "../../sources/read_all.ts";

/** Bytes of a text that are read. Programs of large language models have some 10 MB. CWE-770. */
const BYTES = 128 << 20;
/** Brackets in one another. Real programs have some 20. CWE-674. */
const DEEPEST = 10_000;
/** Observations of one kind that are reported one by one. An intact file has none. CWE-779. */
const REPORTED = 20;
/** Characters of a text that are reported: evidence, and no listing. CWE-779. */
const TEXT_LENGTH = 2048;
/** Tokens between two looks at the clock. */
const CHECKED = 65_536;

const MIL_NAME = /(?:^|[\\/])model\.mil$/iu;
const JSON_NAME = /\.espresso\.(?:net|shape)$/iu;
/** White space, then the version of the program, its attributes or its functions. */
const MIL_HEAD = /^\s*program\s*\([^()]{0,64}\)\s*(?:\[\s*buildInfo\b|\{\s*func\b)/u;
/** Where weights of a package are: `@model_path` is the folder of the model. */
const WEIGHTS = /^@model_path\/weights\/[^/\\]+$/u;

/** Texts of compiled Core ML models. */
export const coremlCompiledFormat: Format = {
  id: "coreml-compiled",
  random: false,
  detect: ({ name, head }) =>
    head.length > 0 && (MIL_NAME.test(name) || JSON_NAME.test(name) || isMil(head) || isNet(head)),
  scan,
};

function isMil(head: Uint8Array): boolean {
  return MIL_HEAD.test(latin1(head.subarray(0, 4096)));
}

/** A network says where its weights are, which version its form has, and its layers. */
function isNet(head: Uint8Array): boolean {
  const letters = jsonLetters(head);
  return /^[^{}[\]"]{0,64}\{/u.test(letters) && /"format_version"\s*:\s*\d/u.test(letters) &&
    /"storage"\s*:\s*"/u.test(letters) && /"layers"\s*:\s*\[/u.test(letters);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = () => context.checkDeadline();
  const bytes = await readAll(source, BYTES, "a compiled model", check);
  const found = new Found();
  try {
    if (isJson(context.sample)) readNetwork(bytes, found, check);
    else new Program(bytes, found, check).read();
  } finally {
    yield found.observations;
  }
}

function isJson({ name, head }: Sample): boolean {
  return JSON_NAME.test(name) || !MIL_NAME.test(name) && !isMil(head);
}

/** What was found, each class once. */
class Found {
  readonly observations: Observation[] = [];
  readonly #stated = new Set<string>();
  readonly #paths = { "coreml-path": 0, "coreml-blob": 0 };

  /** A class of the application. */
  custom(name: string, what: string, offset: number): void {
    const cut = name.slice(0, TEXT_LENGTH);
    if (this.#stated.has(cut) || this.#stated.size > REPORTED) return;
    this.#stated.add(cut);
    const expression = `${cut} (${what})`.slice(0, TEXT_LENGTH);
    const fact = { kind: "operator", language: "coreml", name: cut, expression } as const;
    this.observations.push({ type: "fact", fact, count: 1, offset });
  }

  /** A file that is named. */
  path(rule: "coreml-path" | "coreml-blob", path: string, offset: number): void {
    if (++this.#paths[rule] > REPORTED) return;
    const detail = `weights are in "${path.slice(0, TEXT_LENGTH)}"`;
    this.observations.push({ type: "anomaly", rule, detail, offset });
  }
}

const CLOSING: Readonly<Record<number, number>> = { 0x28: 0x29, 0x5b: 0x5d, 0x7b: 0x7d };
const OPEN = 0x28;
const BODY = 0x7b;
const EQUALS = 0x3d;
const SEMICOLON = 0x3b;
const QUOTE = 0x22;
const SLASH = 0x2f;
const STAR = 0x2a;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
/** Marks that are tokens of their own, besides brackets. */
const MARKS: ReadonlySet<number> = new Set([..."<>,;:=-+?*%@$&"].map((mark) => mark.charCodeAt(0)));
/** Names of arguments that take a file. */
const PATH_KEY = /path|file|url/iu;
const CUSTOM = /custom/iu;
const CLASS_KEY = /^class_?name$/iu;

/** A program of MIL: `program(VERSION)[ATTRIBUTES]{FUNCTIONS}` and nothing behind it. */
class Program {
  readonly #bytes: Uint8Array;
  readonly #found: Found;
  readonly #check: () => void;
  /** Brackets that are open, by what closes them. */
  readonly #open: number[] = [];
  /** The brackets at the outermost level, in order. */
  #groups = "";
  /** The word before this token, and the one that the last `=` stands behind. */
  #word = "";
  #key = "";
  /** True directly behind a `=`, and behind one and a word. */
  #assigned: "no" | "equals" | "word" = "no";
  /** Brackets that were open where the file of a blob began, and whether it was named. */
  #blob: { readonly depth: number; readonly at: number; named: boolean } | undefined;
  /** A custom operator whose class was not seen yet. */
  #custom: { readonly name: string; readonly at: number } | undefined;

  constructor(bytes: Uint8Array, found: Found, check: () => void) {
    this.#bytes = bytes;
    this.#found = found;
    this.#check = check;
  }

  /** @throws FormatError for what is no whole program */
  read(): void {
    try {
      this.#tokens();
    } finally {
      this.#endStatement();
    }
    if (this.#open.length > 0 || !this.#groups.endsWith("{")) {
      this.#fail("The program does not end", this.#bytes.length);
    }
  }

  #tokens(): void {
    const bytes = this.#bytes;
    let tokens = 0;
    for (let at = 0; at < bytes.length;) {
      const byte = bytes[at] ?? 0;
      if (byte === 0x20 || byte >= 0x09 && byte <= 0x0d) {
        at++;
        continue;
      }
      if (byte === SLASH) {
        at = this.#comment(at);
        continue;
      }
      if (++tokens % CHECKED === 0) this.#check();
      if (this.#groups.endsWith("{") && this.#open.length === 0) {
        this.#fail("There is more behind the program", at);
      }
      if (isWord(byte)) at = this.#readWord(at);
      else if (byte === QUOTE) at = this.#string(at);
      else this.#mark(byte, at++);
    }
  }

  #comment(from: number): number {
    const second = this.#bytes[from + 1];
    if (second === SLASH) {
      const end = this.#bytes.indexOf(NEWLINE, from);
      return end < 0 ? this.#bytes.length : end;
    }
    if (second !== STAR) this.#fail("A slash is no token", from);
    for (let at = this.#bytes.indexOf(SLASH, from + 3); at >= 0;) {
      if (this.#bytes[at - 1] === STAR) return at + 1;
      at = this.#bytes.indexOf(SLASH, at + 1);
    }
    this.#fail("A comment does not end", from);
  }

  #readWord(from: number): number {
    let end = from + 1;
    while (isWord(this.#bytes[end] ?? 0)) end++;
    this.#word = latin1(this.#bytes.subarray(from, Math.min(end, from + TEXT_LENGTH)));
    if (this.#open.length === 0 && (this.#word !== "program" || this.#groups !== "")) {
      this.#fail("It does not begin as a program", from);
    }
    this.#assigned = this.#assigned === "equals" ? "word" : "no";
    return end;
  }

  #mark(byte: number, at: number): void {
    if (CLOSING[byte] !== undefined) this.#enter(byte, at);
    else if (byte === this.#open.at(-1)) this.#leave();
    else if (!MARKS.has(byte)) this.#fail("A byte is no token", at);
    else if (this.#open.length === 0) this.#fail("It does not begin as a program", at);
    if (byte === EQUALS) this.#key = this.#word;
    if (byte === SEMICOLON) this.#endStatement();
    this.#assigned = byte === EQUALS ? "equals" : "no";
    this.#word = "";
  }

  #enter(byte: number, at: number): void {
    if (this.#open.length === 0) {
      this.#groups += String.fromCharCode(byte);
      const first = this.#groups.length === 1;
      if (first && this.#word !== "program" || !/^\((?:\[?\{?)$/u.test(this.#groups)) {
        this.#fail("It does not begin as a program", at);
      }
    }
    if (this.#open.length >= DEEPEST) this.#fail("Its brackets are nested too deep", at);
    if (byte === OPEN && this.#blob === undefined && this.#word.toUpperCase() === "BLOBFILE") {
      this.#blob = { depth: this.#open.length, at, named: false };
      this.#key = "";
    } else if (byte === OPEN && this.#assigned === "word" && CUSTOM.test(this.#word)) {
      this.#endStatement();
      this.#custom = { name: this.#word, at };
    } else if (byte === BODY) this.#key = "";
    this.#open.push(CLOSING[byte] ?? 0);
  }

  #leave(): void {
    this.#open.pop();
    if (this.#blob?.depth !== this.#open.length) return;
    const { named, at } = this.#blob;
    this.#blob = undefined;
    if (!named) this.#fail("Weights are in a file that is not named", at);
  }

  /** A custom operator that names no class is known by its own name. */
  #endStatement(): void {
    if (this.#custom !== undefined) {
      this.#found.custom(this.#custom.name, "a custom operator", this.#custom.at);
    }
    this.#custom = undefined;
    this.#key = "";
  }

  #string(from: number): number {
    let end = from + 1;
    for (; this.#bytes[end] !== QUOTE; end++) {
      if (this.#bytes[end] === BACKSLASH) end++;
      if (end >= this.#bytes.length) this.#fail("A text does not end", from);
    }
    if (this.#open.length === 0) this.#fail("It does not begin as a program", from);
    this.#text(from, this.#bytes.subarray(from + 1, end));
    this.#word = "";
    this.#assigned = "no";
    return end + 1;
  }

  /** Escapes stay as they are: a path has none, and one with a backslash is in no folder of weights. */
  #text(at: number, raw: Uint8Array): void {
    const isPath = this.#blob !== undefined || PATH_KEY.test(this.#key) || raw[0] === 0x40;
    const isClass = CLASS_KEY.test(this.#key);
    if (!isPath && !isClass) return;
    const text = new TextDecoder().decode(raw);
    if (isClass) {
      this.#custom = undefined;
      this.#found.custom(text, "a custom operator", at);
    }
    if (!isPath) return;
    if (this.#blob !== undefined && (this.#key === "" || PATH_KEY.test(this.#key))) {
      this.#blob.named = true;
    }
    if (WEIGHTS.test(text) && !leavesFolder(text)) return;
    const leaves = leavesFolder(text.replace(/^@model_path\//u, ""));
    // A text that begins with @ and is used as no path is one where it names the folder.
    if (this.#blob === undefined && !leaves && !text.startsWith("@model_path")) return;
    this.#found.path(leaves ? "coreml-path" : "coreml-blob", text, at);
  }

  #fail(problem: string, at: number): never {
    throw new FormatError(`Cannot read the program: ${problem}`, at);
  }
}

/** Letters, digits, `_` and `.`: names and numbers, which may be hexadecimal (`0x1p-1`). */
function isWord(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a || byte >= 0x30 && byte <= 0x39 || byte === 0x5f ||
    byte === 0x2e;
}

/** Keys whose texts name layers and tensors, which converters take from anywhere: `/model/conv`. */
const LABELS: ReadonlySet<string> = new Set(["name", "bottom", "top", "debug_info", "type"]);

/** A network of Espresso, or the shapes of one. */
function readNetwork(bytes: Uint8Array, found: Found, check: () => void): void {
  const { value, error } = parseJson(bytes);
  if (value !== undefined) readObjects(value, found, check);
  if (error !== undefined) {
    throw new FormatError(`Cannot read the network: ${error.message}`, error.offset);
  }
  if (!isObject(value)) throw new FormatError("Cannot read the network: it is no object", 0);
}

function readObjects(root: JsonValue, found: Found, check: () => void): void {
  const open: { readonly key: string; readonly value: JsonValue; readonly at: number }[] = [
    { key: "", value: root, at: 0 },
  ];
  for (let read = 0, top = open.pop(); top !== undefined; top = open.pop()) {
    if (++read % CHECKED === 0) check();
    const { key, value, at } = top;
    if (typeof value === "string") {
      if (!LABELS.has(key) && leavesFolder(value)) found.path("coreml-path", value, at);
    } else if (typeof value !== "object" || value === null) continue;
    else if (isObject(value)) {
      readCustom(value, found);
      for (const [name, inner] of value.members) {
        open.push({ key: name, value: inner, at: value.at });
      }
    } else for (const item of value.items) open.push({ key, value: item, at: value.at });
  }
}

/** A layer of a kind of the application's own, by its class where it says which. */
function readCustom({ members, at }: JsonObject, found: Found): void {
  let kind: string | undefined;
  let named = false;
  for (const [key, value] of members) {
    if (typeof value !== "string") continue;
    if (/class_?name$/iu.test(key)) {
      named = true;
      found.custom(value, "a custom layer", at);
    } else if (key === "type" && CUSTOM.test(value)) kind = value;
  }
  if (kind !== undefined && !named) found.custom(kind, "a custom layer", at);
}
