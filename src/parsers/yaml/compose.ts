/**
 * A YAML text as the nodes that PyYAML composes of it: block and flow collections, anchors and aliases,
 * merge keys, tags in every spelling, scalars resolved by YAML 1.1. Tolerant where a loader stops: the
 * first error is reported, and what stands behind it is read as far as it makes sense.
 * https://yaml.org/spec/1.1/, and PyYAML's `scanner.py`, `parser.py` and `resolver.py`
 *
 * @module
 */

import type { ConfigDocuments, ConfigNode, ConfigScalar } from "../config_node.ts";
import { blockScalar, plainScalar, quotedScalar, type Scalar } from "./scalars.ts";
import { scalarValue } from "./resolve.ts";

/** Tokens of one text. The largest real configuration has some 200,000. CWE-770. */
const TOKENS = 4_000_000;
/** Collections within each other; PyYAML's recursion ends below 400. The deepest seen has 6. CWE-674. */
const DEPTH = 500;
/** Nodes that merge keys may copy, in all; real files copy dozens. CWE-776. */
const MERGED = 100_000;
/** Merge keys followed from one map. The configurations of packages in use nest none. CWE-674. */
const MERGE_DEPTH = 32;

const PREFIX = "tag:yaml.org,2002:";
const URI = /(?:[-;/?:@&=+$,_.!~*'()[\]#\w]|%[\da-fA-F]{2})+/uy;

type Kind =
  | "document-start"
  | "document-end"
  | "tag-directive"
  | "block-sequence"
  | "block-mapping"
  | "block-end"
  | "["
  | "]"
  | "{"
  | "}"
  | ","
  | "-"
  | "key"
  | "value"
  | "alias"
  | "anchor"
  | "tag"
  | "scalar"
  | "end";

interface Token {
  readonly kind: Kind;
  readonly at: number;
  readonly text: string;
  /** A plain scalar, to which implicit resolvers apply. */
  readonly plain?: boolean;
}

/**
 * Composes all documents of a text.
 *
 * @param text without a byte order mark
 * @param check called now and then; may throw
 */
export function composeYaml(text: string, check: () => void = () => {}): ConfigDocuments {
  const scanner = new Scanner(text, check);
  const tokens = scanner.scan();
  return new Composer(tokens, scanner.syntaxError, check).compose();
}

type ParseError = ConfigDocuments["syntaxError"];

/** Where a simple key may begin: the token before which KEY is put. */
interface Candidate {
  readonly index: number;
  readonly at: number;
  readonly column: number;
}

class Scanner {
  readonly #text: string;
  readonly #check: () => void;
  readonly #tokens: Token[] = [];
  /** Tokens that a colon puts before one that was there already, by its index. */
  readonly #before = new Map<number, Token[]>();
  readonly #indents: number[] = [];
  readonly #flows: string[] = [];
  readonly #candidates: (Candidate | undefined)[] = [undefined];
  #indent = -1;
  #at = 0;
  #lineStart = 0;
  #keyAllowed = true;
  syntaxError: ParseError;

  constructor(text: string, check: () => void) {
    this.#text = text;
    this.#check = check;
  }

  scan(): Token[] {
    for (let steps = 1; this.#skip(); steps++) {
      if (this.#tokens.length >= TOKENS) {
        this.#broken(`It has more than ${TOKENS} words`);
        break;
      }
      if (steps % 4096 === 0) this.#check();
      const before = this.#at;
      this.#token();
      if (this.#at === before) {
        this.#broken(`A word begins with ${JSON.stringify(this.#text[before])}`);
        this.#at++;
      }
    }
    if (this.#flows.length > 0) this.#broken("A bracket is never closed");
    this.#unwind(-1);
    this.#add("end");
    if (this.#before.size === 0) return this.#tokens;
    return this.#tokens.flatMap((token, index) => [...this.#before.get(index) ?? [], token]);
  }

  #broken(message: string, at = this.#at): void {
    this.syntaxError ??= { message, at };
  }

  #add(kind: Kind, text = "", at = this.#at): void {
    this.#tokens.push({ kind, at, text });
  }

  get #column(): number {
    return this.#at - this.#lineStart;
  }

  get #flow(): boolean {
    return this.#flows.length > 0;
  }

  #skip(): boolean {
    const text = this.#text;
    while (this.#at < text.length) {
      const letter = text[this.#at] ?? "";
      if (isBreak(letter)) {
        this.#at += letter === "\r" && text[this.#at + 1] === "\n" ? 2 : 1;
        this.#lineStart = this.#at;
        if (!this.#flow) {
          this.#keyAllowed = true;
          this.#candidates[0] = undefined;
        }
      } else if (letter === "#") {
        while (this.#at < text.length && !isBreak(text[this.#at] ?? "")) this.#at++;
      } else if (letter === " " || letter === "\t" || letter === "\ufeff") this.#at++;
      else return true;
    }
    return false;
  }

  #token(): void {
    if (!this.#flow) this.#unwind(this.#column);
    const letter = this.#text[this.#at] ?? "";
    const next = this.#text[this.#at + 1];
    if (this.#column === 0 && this.#document(letter)) return;
    if (letter === "[" || letter === "{") return this.#open(letter);
    if (letter === "]" || letter === "}") return this.#close(letter);
    if (letter === "," && this.#flow) {
      this.#keyAllowed = true;
      this.#candidates[this.#flows.length] = undefined;
      return this.#single(",");
    }
    if (letter === "-" && isWhite(next)) return this.#entry();
    if (letter === "?" && (this.#flow || isWhite(next))) return this.#question();
    if (letter === ":" && (this.#flow || isWhite(next))) return this.#colon();
    if (letter === "*" || letter === "&") return this.#reference(letter);
    if (letter === "!") return this.#tag();
    if ((letter === "|" || letter === ">") && !this.#flow) {
      const scalar = blockScalar(this.#text, this.#at, this.#indent);
      this.#keyAllowed = true;
      this.#candidates[0] = undefined;
      return this.#scalar(scalar, false);
    }
    if (letter === "'" || letter === '"') {
      const scalar = quotedScalar(this.#text, this.#at);
      if (scalar === undefined) {
        this.#broken("A quoted scalar is never closed");
        this.#at++;
        return;
      }
      this.#saveCandidate();
      this.#keyAllowed = false;
      return this.#scalar(scalar, false);
    }
    if (/[|>%@`]/u.test(letter)) return;
    this.#saveCandidate();
    this.#keyAllowed = false;
    const scalar = plainScalar(this.#text, this.#at, this.#indent, this.#flow);
    if (scalar.end > this.#at) this.#scalar(scalar, true);
  }

  #document(letter: string): boolean {
    const three = this.#text.slice(this.#at, this.#at + 3);
    const mark = (three === "---" || three === "...") && isWhite(this.#text[this.#at + 3]);
    const directive = letter === "%" && !this.#flow;
    if (!mark && !directive) return false;
    if (this.#flow) this.#broken("A bracket is never closed");
    this.#flows.length = 0;
    this.#candidates.length = 1;
    this.#candidates[0] = undefined;
    this.#unwind(-1);
    this.#keyAllowed = false;
    if (directive) {
      const line = /^%TAG[ \t]+(![\w-]*!?)[ \t]+(\S+)/u.exec(
        this.#text.slice(this.#at, this.#at + 2048),
      );
      if (line !== null) this.#add("tag-directive", `${line[1]} ${line[2]}`);
      while (this.#at < this.#text.length && !isBreak(this.#text[this.#at] ?? "")) this.#at++;
      return true;
    }
    this.#add(three === "---" ? "document-start" : "document-end");
    this.#at += 3;
    return true;
  }

  #single(kind: Kind): void {
    this.#add(kind);
    this.#at++;
  }

  #open(letter: "[" | "{"): void {
    this.#saveCandidate();
    this.#flows.push(letter === "[" ? "]" : "}");
    this.#candidates[this.#flows.length] = undefined;
    this.#keyAllowed = true;
    this.#single(letter);
  }

  #close(letter: "]" | "}"): void {
    if (this.#flows.at(-1) !== letter) this.#broken("A bracket does not match");
    this.#candidates[this.#flows.length] = undefined;
    if (this.#flows.length > 0) this.#flows.pop();
    this.#keyAllowed = false;
    this.#single(letter);
  }

  #entry(): void {
    if (!this.#flow) {
      if (!this.#keyAllowed) this.#broken("An entry of a sequence stands where none may");
      if (this.#wind(this.#column)) this.#add("block-sequence");
    }
    this.#keyAllowed = true;
    this.#candidates[this.#flows.length] = undefined;
    this.#single("-");
  }

  #question(): void {
    if (!this.#flow) {
      if (!this.#keyAllowed) this.#broken("A key stands where none may");
      if (this.#wind(this.#column)) this.#add("block-mapping");
    }
    this.#keyAllowed = !this.#flow;
    this.#candidates[this.#flows.length] = undefined;
    this.#single("key");
  }

  #colon(): void {
    const candidate = this.#candidates[this.#flows.length];
    if (candidate !== undefined) {
      this.#candidates[this.#flows.length] = undefined;
      const key: Token = { kind: "key", at: candidate.at, text: "" };
      const added = !this.#flow && this.#wind(candidate.column)
        ? [{ kind: "block-mapping" as const, at: candidate.at, text: "" }, key]
        : [key];
      this.#before.set(candidate.index, added);
      this.#keyAllowed = false;
    } else {
      if (!this.#flow) {
        if (!this.#keyAllowed) this.#broken("A value stands where none may");
        if (this.#wind(this.#column)) this.#add("block-mapping");
      }
      this.#keyAllowed = !this.#flow;
    }
    this.#single("value");
  }

  #reference(letter: string): void {
    this.#saveCandidate();
    this.#keyAllowed = false;
    const rest = this.#text.slice(this.#at + 1, this.#at + 1025);
    const name = /^[\w-]+|^[^\s[\]{},\x85]+/u.exec(rest)?.[0];
    if (name === undefined) return;
    this.#add(letter === "&" ? "anchor" : "alias", name);
    this.#at += 1 + name.length;
  }

  #tag(): void {
    this.#saveCandidate();
    this.#keyAllowed = false;
    const from = this.#at;
    const verbatim = this.#text[from + 1] === "<";
    URI.lastIndex = from + (verbatim ? 2 : 0);
    const uri = URI.exec(this.#text)?.[0] ?? "";
    // Brackets and commas belong to the collection around it: PyYAML reads them into the tag and fails.
    const written = this.#flow && !verbatim ? uri.replace(/(?<=.)[[\],{}].*$/su, "") : uri;
    this.#add("tag", verbatim ? `<${written}` : written);
    this.#at = from + written.length + (verbatim ? 2 : 0);
    if (verbatim && this.#text[this.#at] === ">") this.#at++;
    if (this.#at === from) this.#at++;
  }

  #scalar({ value, end, error }: Scalar, plain: boolean): void {
    if (error !== undefined) this.#broken(error);
    this.#tokens.push({ kind: "scalar", at: this.#at, text: value, plain });
    for (let at = this.#at; at < end; at++) {
      if (!isBreak(this.#text[at] ?? "")) continue;
      this.#lineStart = at + 1;
      // A scalar that continues on another line is no key.
      this.#candidates[this.#flows.length] = undefined;
    }
    this.#at = end;
  }

  #saveCandidate(): void {
    if (!this.#keyAllowed) return;
    this.#candidates[this.#flows.length] = {
      index: this.#tokens.length,
      at: this.#at,
      column: this.#column,
    };
  }

  #wind(column: number): boolean {
    if (this.#indent >= column) return false;
    this.#indents.push(this.#indent);
    this.#indent = column;
    return true;
  }

  #unwind(column: number): void {
    while (this.#indent > column) {
      this.#indent = this.#indents.pop() ?? -1;
      this.#add("block-end");
    }
  }
}

/** Members of a map before merge keys are followed. */
interface OpenMap {
  readonly kind: "map";
  readonly at: number;
  readonly members: (readonly [ConfigNode, ConfigNode])[];
  readonly tag: string | undefined;
}

class Composer {
  readonly #tokens: readonly Token[];
  readonly #check: () => void;
  #syntaxError: ParseError;
  #index = 0;
  #anchors = new Map<string, ConfigNode>();
  #handles = new Map<string, string>();
  #merged = 0;
  #steps = 0;

  constructor(tokens: readonly Token[], syntaxError: ParseError, check: () => void) {
    this.#tokens = tokens;
    this.#syntaxError = syntaxError;
    this.#check = check;
  }

  compose(): ConfigDocuments {
    const roots: ConfigNode[] = [];
    let directives = false;
    let started = false;
    for (let token = this.#peek(); token.kind !== "end"; token = this.#peek()) {
      if (token.kind === "tag-directive") {
        if (!directives) this.#handles = new Map();
        directives = true;
        const [handle = "", prefix = ""] = token.text.split(" ");
        this.#handles.set(handle, unescaped(prefix));
        this.#index++;
      } else if (token.kind === "document-start" || token.kind === "document-end") {
        this.#index++;
        started = false;
        if (!directives && token.kind === "document-start") this.#handles = new Map();
        directives = false;
        this.#anchors = new Map();
      } else {
        const before = this.#index;
        if (started) this.#broken("A second node stands in one document", token.at);
        started = true;
        roots.push(this.#node(0, false));
        if (this.#index === before) {
          this.#broken("A word stands where none may", token.at);
          this.#index++;
        }
      }
    }
    return { roots, syntaxError: this.#syntaxError };
  }

  #broken(message: string, at: number): void {
    this.#syntaxError ??= { message, at };
  }

  #peek(): Token {
    return this.#tokens[this.#index] ?? END;
  }

  #take(kind: Kind): boolean {
    if (this.#peek().kind !== kind) return false;
    this.#index++;
    return true;
  }

  /** One node; an empty scalar where nothing stands. */
  #node(depth: number, indentless: boolean): ConfigNode {
    if (++this.#steps % 4096 === 0) this.#check();
    let anchor: string | undefined;
    let tag: string | undefined;
    for (;;) {
      const { kind, text, at } = this.#peek();
      if (kind === "alias") {
        this.#index++;
        const known = this.#anchors.get(text);
        if (known !== undefined) return known;
        this.#broken("An alias has no anchor before it", at);
        return emptyScalar(at);
      }
      if (kind === "anchor") anchor = text;
      else if (kind === "tag") tag = this.#resolved(text, at);
      else break;
      this.#index++;
    }
    return this.#content({ anchor, tag, depth, indentless });
  }

  #content(
    { anchor, tag, depth, indentless }: {
      readonly anchor: string | undefined;
      readonly tag: string | undefined;
      readonly depth: number;
      readonly indentless: boolean;
    },
  ): ConfigNode {
    const token = this.#peek();
    const { kind, at } = token;
    const named = <T extends ConfigNode>(node: T): T => {
      if (anchor !== undefined) this.#anchors.set(anchor, node);
      return node;
    };
    const deep = depth >= DEPTH;
    if (deep && /^(?:block-|[[{])/u.test(kind)) {
      this.#broken(`Collections are nested more than ${DEPTH} deep`, at);
      this.#index = this.#tokens.length - 1;
      return named(emptyScalar(at));
    }
    if (kind === "scalar") {
      this.#index++;
      return named(scalarOf(token, tag));
    }
    if (kind === "[" || kind === "block-sequence" || (kind === "-" && indentless)) {
      const items: ConfigNode[] = [];
      const list = named({ kind: "list", at, items, tag });
      if (kind === "[") this.#flowSequence(items, depth);
      else this.#blockSequence(items, depth, kind === "-");
      return list;
    }
    if (kind === "{" || kind === "block-mapping") {
      const map: OpenMap = { kind: "map", at, members: [], tag };
      named(map);
      if (kind === "{") this.#flowMapping(map, depth);
      else this.#blockMapping(map, depth);
      return map;
    }
    return named(scalarOf({ kind: "scalar", at, text: "", plain: true }, tag));
  }

  #blockSequence(items: ConfigNode[], depth: number, indentless: boolean): void {
    if (!indentless) this.#index++;
    while (this.#take("-")) {
      const { kind, at } = this.#peek();
      const none = kind === "-" || kind === "block-end" ||
        (indentless && (kind === "key" || kind === "value"));
      items.push(none ? emptyScalar(at) : this.#node(depth + 1, false));
    }
    if (!indentless) this.#blockEnd();
  }

  #blockEnd(): void {
    const { at } = this.#peek();
    if (this.#take("block-end")) return;
    this.#broken("A block is not continued as it began", at);
    // What does not belong here is read as documents of its own by the caller, up to the block's end.
  }

  #blockMapping(map: OpenMap, depth: number): void {
    this.#index++;
    for (;;) {
      const { kind, at } = this.#peek();
      if (kind !== "key" && kind !== "value") break;
      const key = this.#take("key") ? this.#unless("key value block-end", depth) : emptyScalar(at);
      const value = this.#take("value")
        ? this.#unless("key value block-end", depth)
        : emptyScalar(at);
      this.#member(map, key, value);
    }
    this.#blockEnd();
  }

  #unless(kinds: string, depth: number): ConfigNode {
    const { kind, at } = this.#peek();
    return kinds.split(" ").includes(kind) ? emptyScalar(at) : this.#node(depth + 1, true);
  }

  #flowSequence(items: ConfigNode[], depth: number): void {
    this.#index++;
    while (!this.#take("]")) {
      const { kind, at } = this.#peek();
      if (this.#leaves(kind)) return;
      const before = this.#index;
      if (kind === "key" || kind === "value") {
        const pair: OpenMap = { kind: "map", at, members: [], tag: undefined };
        this.#pair(pair, depth, "]");
        items.push(pair);
      } else if (kind !== ",") items.push(this.#node(depth + 1, false));
      this.#separator(before);
    }
  }

  #flowMapping(map: OpenMap, depth: number): void {
    this.#index++;
    while (!this.#take("}")) {
      const { kind, at } = this.#peek();
      if (this.#leaves(kind)) return;
      const before = this.#index;
      if (kind === "key" || kind === "value") this.#pair(map, depth, "}");
      else if (kind !== ",") this.#member(map, this.#node(depth + 1, false), emptyScalar(at));
      this.#separator(before);
    }
  }

  #pair(map: OpenMap, depth: number, closing: string): void {
    const { at } = this.#peek();
    const key = this.#take("key") ? this.#unless(`value , ${closing}`, depth) : emptyScalar(at);
    const value = this.#take("value") ? this.#unless(`, ${closing}`, depth) : emptyScalar(at);
    this.#member(map, key, value);
  }

  /** A comma between items; what stands there instead is an error and is stepped over if need be. */
  #separator(before: number): void {
    const { kind, at } = this.#peek();
    if (this.#take(",") || kind === "]" || kind === "}") {
      if (this.#index === before) this.#index++;
      return;
    }
    this.#broken("A comma is missing", at);
    if (this.#index === before) this.#index++;
  }

  #leaves(kind: Kind): boolean {
    return kind === "end" || kind === "document-start" || kind === "document-end";
  }

  #member(map: OpenMap, key: ConfigNode, value: ConfigNode): void {
    map.members.push([key, value]);
    if (key.kind === "scalar" && key.text === "<<" && key.value !== "") this.#merge(map, value, 0);
  }

  /** The members of a merged map count as the map's own, those that the map overrides too. */
  #merge(map: OpenMap, from: ConfigNode, depth: number): void {
    if (depth > MERGE_DEPTH || from === map) return;
    if (from.kind === "list") { for (const item of from.items) this.#merge(map, item, depth + 1); }
    if (from.kind !== "map") return;
    this.#merged += from.members.length;
    if (this.#merged > MERGED) {
      return this.#broken(`Merge keys copy more than ${MERGED} members`, from.at);
    }
    map.members.push(...from.members);
  }

  #resolved(written: string, at: number): string {
    if (written.startsWith("<")) return unescaped(written.slice(1));
    const handle = /^![\w-]*!/u.exec(written)?.[0];
    const known = handle === undefined ? undefined : this.#handles.get(handle) ??
      (handle === "!!" ? PREFIX : undefined);
    if (handle !== undefined && known !== undefined) {
      return known + unescaped(written.slice(handle.length));
    }
    if (handle !== undefined && handle !== "!!") this.#broken("A tag has an unknown handle", at);
    return (this.#handles.get("!") ?? "!") + unescaped(written.slice(1));
  }
}

const END: Token = { kind: "end", at: 0, text: "" };

function emptyScalar(at: number): ConfigScalar {
  return { kind: "scalar", at, text: "", value: null };
}

function scalarOf({ text, plain, at }: Token, tag: string | undefined): ConfigScalar {
  return { kind: "scalar", at, text, value: scalarValue(text, plain === true, tag), tag };
}

function unescaped(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(/(?:%[\da-fA-F]{2})+/gu, (all) => {
    const codes = all.slice(1).split("%").map((digits) => parseInt(digits, 16));
    return new TextDecoder().decode(Uint8Array.from(codes));
  });
}

function isBreak(letter: string): boolean {
  return letter === "\n" || letter === "\r" || letter === "\x85" || letter === "\u2028" ||
    letter === "\u2029";
}

function isWhite(letter: string | undefined): boolean {
  return letter === undefined || letter === " " || letter === "\t" || isBreak(letter);
}
