/**
 * Parses Jinja templates, after the grammar in `jinja2/parser.py`. Every tag is parsed for itself, and
 * one that cannot be parsed keeps its words: what is wrong in one place hides nothing in another.
 *
 * The parsers that exist for JavaScript are made to render what well-meaning models bring. They refuse
 * `include`, `import`, `with`, `raw` and other statements, and give up at deep nesting, which is where
 * hostile templates are.
 *
 * @module
 */

import type { Expression, Tag, Template } from "./ast.ts";
import { nest } from "./blocks.ts";
import { ExpressionParser, Refusal } from "./expressions.ts";
import { lex, type Segment } from "./lexer.ts";

/** Parses a template; never fails. */
export function parseTemplate(text: string): Template {
  const { segments, errors } = lex(text);
  const all = [...errors];
  const tags: Tag[] = [];
  let givenUp: string | undefined;
  for (const segment of segments) {
    if (segment.kind === "data") {
      const { at, texts } = segment;
      const end = at + segment.text.length;
      tags.push({ ...NOTHING, name: "data", text: segment.text, texts, at, end });
      continue;
    }
    try {
      tags.push(new TagParser(segment).parse());
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.limit) givenUp ??= `One of its tags is too long or too deep: ${error.message}`;
      all.push({ at: error.at, detail: error.message });
      tags.push({ ...NOTHING, ...placeOf(segment), name: "loose", loose: segment.tokens });
    }
  }
  const nested = nest(tags);
  all.push(...nested.errors);
  return {
    tags,
    blocks: nested.blocks,
    errors: all,
    ...(givenUp !== undefined && { givenUp }),
  };
}

const NOTHING = { targets: [], expressions: [], parameters: [] } as const;

function placeOf({ at, end }: { readonly at: number; readonly end: number }): {
  at: number;
  end: number;
} {
  return { at, end };
}

class TagParser extends ExpressionParser {
  readonly #output: boolean;

  constructor(segment: Exclude<Segment, { readonly kind: "data" }>) {
    super(segment.tokens, placeOf(segment));
    this.#output = segment.kind === "output";
  }

  parse(): Tag {
    if (this.#output) return this.#tag("output", { expressions: [this.tuple()] });
    const name = this.name();
    switch (name) {
      case "for":
        return this.#for();
      case "set":
        return this.#set();
      case "if":
      case "elif":
      case "do":
      case "extends":
      case "autoescape":
      case "print":
        return this.#tag(name, { expressions: [this.tuple()] });
      case "include":
        return this.#reach(name);
      case "import":
      case "from":
        return this.#import(name);
      case "macro":
        return this.#macro();
      case "call":
        return this.#call();
      case "filter":
        return this.#tag(name, { expressions: [this.filters(undefined, true)] });
      case "with":
        return this.#with();
      case "block":
        return this.#named(name);
      case "trans":
        return this.#trans();
      default:
        // `else`, `endfor`, `block x`, `generation` and what extensions bring.
        this.next = this.tokens.length;
        return this.#tag(name, { ...this.#words() });
    }
  }

  #tag(name: string, parts: Partial<Tag>): Tag {
    const left = this.peek();
    if (left !== undefined) throw this.refusal("the end of the tag");
    return { ...NOTHING, ...this.place, name, ...parts };
  }

  /** Names of an unknown tag are looked at one by one. */
  #words(): Partial<Tag> {
    return this.tokens.length > 1 ? { loose: this.tokens.slice(1) } : {};
  }

  #for(): Tag {
    const targets = this.#targets();
    this.word("in");
    const expressions = [this.tuple(false)];
    const only = this.isWord("if") ? this.expression() : undefined;
    if (only !== undefined) expressions.push(only);
    this.isWord("recursive");
    return this.#tag("for", { targets, expressions, ...(only !== undefined && { only }) });
  }

  #set(): Tag {
    const targets = this.#targets();
    if (this.is("=")) return this.#tag("set", { targets, expressions: [this.tuple()] });
    const filtered = this.isNext("sign", "|") ? [this.filters(undefined, false)] : [];
    return this.#tag("set-block", { targets, expressions: filtered });
  }

  #reach(name: string): Tag {
    const expressions = [this.expression()];
    this.next = this.tokens.length;
    return this.#tag(name, { expressions });
  }

  #import(name: string): Tag {
    const expressions = [this.expression()];
    const targets = this.tokens.slice(this.next).filter(({ kind }) => kind === "name")
      .map(({ text }) => text);
    this.next = this.tokens.length;
    return this.#tag(name, { expressions, targets });
  }

  #macro(): Tag {
    const targets = [this.name()];
    this.sign("(");
    return this.#tag("macro", { targets, ...this.#parameters() });
  }

  #call(): Tag {
    const signature = this.is("(")
      ? this.#parameters()
      : { parameters: [], expressions: [], defaults: [] };
    const expressions = [...signature.expressions, this.expression()];
    return this.#tag("call", { ...signature, expressions });
  }

  #parameters(): { parameters: string[]; expressions: Expression[]; defaults: Expression[] } {
    const parameters: string[] = [];
    const expressions: Expression[] = [];
    while (!this.is(")")) {
      if (parameters.length > 0) this.sign(",");
      if (this.is(")")) break;
      parameters.push(this.name());
      if (this.is("=")) expressions.push(this.expression());
    }
    return { parameters, expressions, defaults: expressions };
  }

  #with(): Tag {
    const targets: string[] = [];
    const expressions: Expression[] = [];
    while (this.peek() !== undefined) {
      if (targets.length > 0) this.sign(",");
      targets.push(this.name());
      this.sign("=");
      expressions.push(this.expression());
    }
    return this.#tag("with", { targets, expressions });
  }

  /** `block name scoped required`. */
  #named(name: string): Tag {
    const targets = [this.name()];
    this.next = this.tokens.length;
    return this.#tag(name, { targets });
  }

  /** `trans "context" count=messages|length, name, trimmed`. */
  #trans(): Tag {
    const targets: string[] = [];
    const expressions: Expression[] = [];
    if (this.peek()?.kind === "string") this.next++;
    while (this.peek() !== undefined) {
      if (this.is(",")) continue;
      const target = this.name();
      if (this.is("=")) {
        targets.push(target);
        expressions.push(this.expression());
      }
    }
    return this.#tag("trans", { targets, expressions });
  }

  /** `a`, `a, b`, `(a, b)`, `ns.a`. */
  #targets(): string[] {
    const targets: string[] = [];
    do {
      if (this.is("(")) {
        targets.push(...this.#targets());
        this.sign(")");
        continue;
      }
      const name = this.peek()?.kind === "name" ? this.name() : "";
      if (name === "") break;
      targets.push(this.is(".") ? `${name}.${this.name()}` : name);
    } while (this.is(","));
    if (targets.length === 0) throw this.refusal("a name");
    return targets;
  }
}
