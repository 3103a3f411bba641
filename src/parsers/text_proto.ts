/**
 * Protocol Buffers in text: fields of messages by name. Types are not known, so that what is read is
 * only how the text nests. https://protobuf.dev/reference/protobuf/textformat-spec/
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";
import { latin1 } from "./bytes.ts";
import { blankEnd } from "./text_blank.ts";
import { endOfText, unescaped } from "./text_strings.ts";

/** One field. */
export interface TextField {
  readonly name: string;
  /** Text of a scalar, of strings what they stand for; undefined for a message or a list. */
  readonly scalar: string | undefined;
  /** Fields of a message, or of the messages of a list. */
  readonly fields: readonly TextField[];
  /** UTF-16 units from the start of the text. */
  readonly at: number;
}

/** Messages in one another; protobuf's own limit. The deepest seen has 2. CWE-674. */
const DEPTH = 100;

const TOKEN = /\[[\w./-]+\]|[A-Za-z_]\w*|-?\s*\.?\d[\w.+-]*|-\s*[A-Za-z_]\w*|[{}<>[\]:;,]/uy;
const NAME = /^(?:[A-Za-z_]\w*|\[[\w./-]+\])$/u;
const SCALAR = /^(?:["'A-Za-z_]|-|\.?\d)/u;

/**
 * Reads a message.
 *
 * @param bytes of the text
 * @throws FormatError when the text is not well-formed
 */
export function readTextProto(bytes: Uint8Array): readonly TextField[] {
  return new Reader(tokensOf(bytes)).fields(undefined, 0);
}

interface Token {
  /** As written; of a text in quotes its first quote. */
  readonly text: string;
  readonly at: number;
  /** What a text in quotes stands for. */
  readonly value?: string;
}

function tokensOf(bytes: Uint8Array): readonly Token[] {
  const text = latin1(bytes, bytes.length);
  const tokens: Token[] = [];
  for (let at = 0;;) {
    at = blankEnd(bytes, at);
    if (at >= text.length) return tokens;
    const invalid = (why: string): FormatError =>
      new FormatError(`Cannot read text at ${at}: ${why}`, at);
    if (bytes[at] === 0x22 || bytes[at] === 0x27) {
      const end = endOfText(bytes, at);
      if (end < 0) throw invalid("it has no end");
      const value = new TextDecoder().decode(unescaped(bytes.subarray(at + 1, end - 1), invalid));
      tokens.push({ text: text.charAt(at), at, value });
      at = end;
      continue;
    }
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text)?.[0];
    if (found === undefined) throw invalid("no token");
    tokens.push({ text: found, at });
    at += found.length;
  }
}

class Reader {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#next]?.text;
  }

  #invalid(why: string): FormatError {
    const at = this.#tokens[this.#next]?.at;
    return new FormatError(`Cannot read protobuf text: ${why}`, at);
  }

  /** @param close token that ends the message; undefined for the end of the text */
  fields(close: string | undefined, depth: number): TextField[] {
    if (depth > DEPTH) throw this.#invalid("it is too deep");
    const fields: TextField[] = [];
    for (;;) {
      const token = this.#tokens[this.#next];
      if (token === undefined) {
        if (close === undefined) return fields;
        throw this.#invalid("a message has no end");
      }
      this.#next++;
      if (token.text === close) return fields;
      if (token.text === ";" || token.text === ",") continue;
      if (!NAME.test(token.text)) throw this.#invalid(`"${token.text}" is no field`);
      fields.push(...this.#field(token, depth));
    }
  }

  #field({ text: name, at }: Token, depth: number): readonly TextField[] {
    const colon = this.#peek() === ":";
    if (colon) this.#next++;
    const opening = this.#peek();
    if (opening === "{" || opening === "<") {
      return [{ name, scalar: undefined, fields: this.#message(depth), at }];
    }
    const messages = opening === "[" && /^[{<\]]$/u.test(this.#tokens[this.#next + 1]?.text ?? "");
    if (!colon && !messages) throw this.#invalid(`"${name}" has no value`);
    // A list of one word looks like the name of an extension.
    if (opening !== undefined && /^\[[\w./-]+\]$/u.test(opening)) {
      this.#next++;
      return [{ name, scalar: opening.slice(1, -1), fields: [], at }];
    }
    if (opening !== "[") return [{ name, scalar: this.#scalar(), fields: [], at }];
    const { fields, scalars } = this.#list(depth);
    const listed = scalars.map((scalar) => ({ name, scalar, fields: [], at }));
    return fields.length > 0 || listed.length === 0
      ? [{ name, scalar: undefined, fields, at }, ...listed]
      : listed;
  }

  #message(depth: number): TextField[] {
    const opening = this.#peek();
    this.#next++;
    return this.fields(opening === "{" ? "}" : ">", depth + 1);
  }

  #list(depth: number): { readonly fields: TextField[]; readonly scalars: string[] } {
    this.#next++;
    const fields: TextField[] = [];
    const scalars: string[] = [];
    for (;;) {
      const token = this.#peek();
      if (token === undefined) throw this.#invalid("a list has no end");
      if (token === "]") {
        this.#next++;
        return { fields, scalars };
      }
      if (token === ",") this.#next++;
      else if (token === "{" || token === "<") fields.push(...this.#message(depth));
      else scalars.push(this.#scalar());
    }
  }

  /** Strings beside one another are one. */
  #scalar(): string {
    const first = this.#tokens[this.#next];
    if (first === undefined || !SCALAR.test(first.text)) throw this.#invalid("a value is missing");
    this.#next++;
    if (first.value === undefined) return first.text;
    const parts = [first.value];
    for (;;) {
      const value = this.#tokens[this.#next]?.value;
      if (value === undefined) return parts.join("");
      parts.push(value);
      this.#next++;
    }
  }
}
