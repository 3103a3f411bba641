/**
 * Protocol Buffers in text: fields of messages by name. Types are not known, so that what is read is
 * only how the text nests. https://protobuf.dev/reference/protobuf/textformat-spec/
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";

/** One field. */
export interface TextField {
  readonly name: string;
  /** Text of a scalar, strings without their quotes; undefined for a message or a list. */
  readonly scalar: string | undefined;
  /** Fields of a message, or of the messages of a list. */
  readonly fields: readonly TextField[];
  /** UTF-16 units from the start of the text. */
  readonly at: number;
}

/** Messages in one another; protobuf's own limit. CWE-674. */
const DEPTH = 100;

const BLANK = /(?:\s|#[^\n]*)*/uy;
const TOKEN =
  /"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|\[[\w./-]+\]|[A-Za-z_]\w*|-?\s*\.?\d[\w.+-]*|-\s*[A-Za-z_]\w*|[{}<>[\]:;,]/uy;
const NAME = /^(?:[A-Za-z_]\w*|\[[\w./-]+\])$/u;
const SCALAR = /^(?:["'A-Za-z_]|-|\.?\d)/u;

/**
 * Reads a message.
 *
 * @throws FormatError when the text is not well-formed
 */
export function readTextProto(text: string): readonly TextField[] {
  const tokens = tokensOf(text);
  const reader = new Reader(tokens);
  const fields = reader.fields(undefined, 0);
  return fields;
}

interface Token {
  readonly text: string;
  readonly at: number;
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0;;) {
    BLANK.lastIndex = at;
    BLANK.exec(text);
    at = BLANK.lastIndex;
    if (at >= text.length) return tokens;
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text)?.[0];
    if (found === undefined) throw new FormatError(`Cannot read text at ${at}: no token`, at);
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
      fields.push(this.#field(token, depth));
    }
  }

  #field({ text: name, at }: Token, depth: number): TextField {
    const colon = this.#peek() === ":";
    if (colon) this.#next++;
    const opening = this.#peek();
    if (opening === "{" || opening === "<") {
      return { name, scalar: undefined, fields: this.#message(depth), at };
    }
    const messages = opening === "[" && /^[{<\]]$/u.test(this.#tokens[this.#next + 1]?.text ?? "");
    if (!colon && !messages) throw this.#invalid(`"${name}" has no value`);
    // A list of one word looks like the name of an extension.
    if (opening !== undefined && /^\[[\w./-]+\]$/u.test(opening)) {
      this.#next++;
      return { name, scalar: undefined, fields: [], at };
    }
    if (opening === "[") return { name, scalar: undefined, fields: this.#list(depth), at };
    return { name, scalar: this.#scalar(), fields: [], at };
  }

  #message(depth: number): TextField[] {
    const opening = this.#peek();
    this.#next++;
    return this.fields(opening === "{" ? "}" : ">", depth + 1);
  }

  #list(depth: number): TextField[] {
    this.#next++;
    const fields: TextField[] = [];
    for (;;) {
      const token = this.#peek();
      if (token === undefined) throw this.#invalid("a list has no end");
      if (token === "]") {
        this.#next++;
        return fields;
      }
      if (token === ",") this.#next++;
      else if (token === "{" || token === "<") fields.push(...this.#message(depth));
      else this.#scalar();
    }
  }

  /** Strings beside one another are one. */
  #scalar(): string {
    const first = this.#peek();
    if (first === undefined || !SCALAR.test(first)) throw this.#invalid("a value is missing");
    let text = "";
    let isFirst = true;
    for (let token: string | undefined = first; token !== undefined; token = this.#peek()) {
      const quoted = /^["']/u.test(token);
      if (!isFirst && !quoted) break;
      isFirst = false;
      this.#next++;
      text += quoted ? token.slice(1, -1) : token;
      if (!quoted) break;
    }
    return text;
  }
}
