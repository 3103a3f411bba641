/**
 * The document type of an XML text: the entities that it declares, and files that it names. Nothing is fetched or
 * expanded. https://www.w3.org/TR/xml/#sec-prolog-dtd
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";

/** A declared entity. */
interface XmlEntity {
  readonly name: string;
  /** True for one that only declarations may refer to. */
  readonly parameter: boolean;
  /** Address of a file that is its text; undefined for one whose text stands in the declaration. */
  readonly address: string | undefined;
  /** Its text as declared; empty for one in a file. */
  readonly text: string;
}

/** A document type. */
export interface XmlDoctype {
  /** Address of a file of further declarations. */
  readonly address: string | undefined;
  readonly entities: readonly XmlEntity[];
  /** Places where declarations are referred to that an entity holds. */
  readonly references: number;
  /** UTF-16 units from the start of the text to behind it. */
  readonly end: number;
}

/** Entities of one document type; no model has any. CWE-770. */
const ENTITIES = 10_000;

const SPACE = /\s*/uy;
const NAME = /[^\s<>/="'?![\]%&;]+/uy;
const LITERAL = /"([^"]*)"|'([^']*)'/uy;
const REFERENCE = /%[^\s<>/="'?![\]%&;]+;/uy;

/**
 * Reads a document type.
 *
 * @param at where `<!DOCTYPE` stands, in UTF-16 units
 * @throws FormatError when it is not well-formed
 */
export function readDoctype(text: string, at: number): XmlDoctype {
  const reader = new Reader(text, at + "<!DOCTYPE".length);
  reader.space();
  reader.name();
  const address = reader.identifier();
  const entities: XmlEntity[] = [];
  let references = 0;
  reader.space();
  if (reader.take("[")) {
    reader.space();
    while (!reader.take("]")) {
      if (reader.skipped(REFERENCE)) references++;
      else if (reader.take("<!ENTITY")) entities.push(entity(reader));
      else if (reader.take("<!--")) reader.until("-->");
      else if (reader.take("<?")) reader.until("?>");
      else if (reader.take("<!")) reader.declaration();
      else throw reader.invalid();
      if (entities.length > ENTITIES) throw reader.invalid();
      reader.space();
    }
  }
  reader.space();
  if (!reader.take(">")) throw reader.invalid();
  return { address, entities, references, end: reader.at };
}

function entity(reader: Reader): XmlEntity {
  reader.space();
  const parameter = reader.take("%");
  reader.space();
  const name = reader.name();
  const address = reader.identifier();
  reader.space();
  const text = address === undefined ? reader.literal() : "";
  if (text === undefined) throw reader.invalid();
  reader.space();
  if (reader.take("NDATA")) {
    reader.space();
    reader.name();
    reader.space();
  }
  if (!reader.take(">")) throw reader.invalid();
  return { name, parameter, address, text };
}

class Reader {
  readonly #text: string;
  at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  invalid(): FormatError {
    return new FormatError("Cannot read XML: its document type is not well-formed", this.at);
  }

  take(text: string): boolean {
    if (!this.#text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  skipped(form: RegExp): boolean {
    form.lastIndex = this.at;
    if (!form.test(this.#text)) return false;
    this.at = form.lastIndex;
    return true;
  }

  space(): void {
    this.skipped(SPACE);
  }

  name(): string {
    const from = this.at;
    if (!this.skipped(NAME)) throw this.invalid();
    return this.#text.slice(from, this.at);
  }

  literal(): string | undefined {
    LITERAL.lastIndex = this.at;
    const found = LITERAL.exec(this.#text);
    if (found === null) return undefined;
    this.at = LITERAL.lastIndex;
    return found[1] ?? found[2] ?? "";
  }

  /** The address behind `SYSTEM`, or behind `PUBLIC` and a name; undefined where there is neither. */
  identifier(): string | undefined {
    this.space();
    const isPublic = this.take("PUBLIC");
    if (!isPublic && !this.take("SYSTEM")) return undefined;
    this.space();
    const first = this.literal();
    if (first === undefined) throw this.invalid();
    this.space();
    const second = isPublic ? this.literal() : first;
    // A public name alone is what HTML has.
    return second ?? first;
  }

  until(end: string): void {
    const found = this.#text.indexOf(end, this.at);
    if (found < 0) throw this.invalid();
    this.at = found + end.length;
  }

  /** The rest of a declaration of no entity: up to its end outside of quotes. */
  declaration(): void {
    for (;;) {
      if (this.take(">")) return;
      if (this.literal() !== undefined) continue;
      const character = this.#text[this.at];
      if (character === undefined || /["'<]/u.test(character)) throw this.invalid();
      this.at++;
    }
  }
}

/**
 * Characters that the text of a document has once its entities are expanded; infinite where one is part of
 * itself. References in declared texts, and those in the text itself, count.
 *
 * @param text the document
 */
export function expandedLength(text: string, { entities, end }: XmlDoctype): number {
  const texts = new Map<string, string>();
  // Of equal names the first counts.
  for (const { name, text, parameter } of entities) {
    if (!parameter && !texts.has(name)) texts.set(name, text);
  }
  const lengths = new Map<string, number>();
  const open = new Set<string>();
  const lengthOf = (name: string): number => {
    const known = lengths.get(name);
    if (known !== undefined) return known;
    const declared = texts.get(name);
    if (declared === undefined) return 0;
    // Parsers have limits of their own for entities in one another.
    if (open.has(name) || open.size > NESTED) return Infinity;
    open.add(name);
    const length = lengthWithin(declared, lengthOf);
    open.delete(name);
    lengths.set(name, length);
    return length;
  };
  return lengthWithin(text.slice(end), lengthOf);
}

/** Entities in one another; CWE-674. */
const NESTED = 256;

function lengthWithin(text: string, lengthOf: (name: string) => number): number {
  let length = text.length;
  for (const [, name = ""] of text.matchAll(/&([^\s<>&;#]{1,1024});/gu)) length += lengthOf(name);
  return length;
}
