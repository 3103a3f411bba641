/**
 * The tags of an XML text, one after the other, with their attributes. No entity is expanded but the
 * five that XML has itself and numbers; a DOCTYPE is handed out as a tag of that name, with the entities that
 * it declares (`xml_doctype.ts`). https://www.w3.org/TR/xml/
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";
import { readDoctype, type XmlDoctype } from "./xml_doctype.ts";

/** One tag. */
export interface XmlTag {
  /** With its prefix; `!DOCTYPE` for a document type. */
  readonly name: string;
  /** Attributes by name; of equal ones the first, as none may come twice. */
  readonly attributes: ReadonlyMap<string, string>;
  /** `/` before the name, behind it, or neither. */
  readonly kind: "start" | "end" | "empty";
  /** UTF-16 units from the start of the text to its first and behind its last character. */
  readonly at: number;
  readonly end: number;
  /** What a document type declares; for no other tag. */
  readonly doctype?: XmlDoctype;
}

/** Elements in one another, unless a format has more. A network has five levels. CWE-674. */
const DEPTH = 256;

const NAME = /[^\s<>/="'?!]+/uy;
const ATTRIBUTE = /\s+([^\s<>/="']+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/uy;
const CLOSE = /\s*(\/?)>/uy;

/**
 * The tags of a text in order.
 *
 * @param depth elements in one another
 * @throws FormatError when it is not well-formed: elements that do not nest, text without an end
 */
export function* xmlTags(text: string, depth = DEPTH): Generator<XmlTag> {
  const open: string[] = [];
  let roots = 0;
  for (let at = text.indexOf("<"); at >= 0; at = text.indexOf("<", at)) {
    if (text.startsWith("<!DOCTYPE", at)) {
      const doctype = readDoctype(text, at);
      const { end } = doctype;
      yield { name: "!DOCTYPE", attributes: new Map(), kind: "empty", at, end, doctype };
      at = end;
      continue;
    }
    const beyond = special(text, at);
    if (beyond !== undefined) {
      at = beyond;
      continue;
    }
    const tag = tagAt(text, at);
    if (tag.kind === "end") {
      if (open.pop() !== tag.name) throw invalid(`</${tag.name}> closes another element`, at);
    } else {
      if (open.length === 0 && ++roots > 1) throw invalid("it has a second root", at);
      if (tag.kind === "start" && open.push(tag.name) > depth) throw invalid("it is too deep", at);
    }
    yield tag;
    at = tag.end;
  }
  if (open.length > 0) throw invalid(`<${open.at(-1)}> has no end`, text.length);
  if (roots === 0) throw invalid("it has no root", 0);
}

function invalid(why: string, at: number): FormatError {
  return new FormatError(`Cannot read XML: ${why}`, at);
}

/** The end of a comment, CDATA section or processing instruction; else undefined. */
function special(text: string, at: number): number | undefined {
  const pairs = [["<!--", "-->"], ["<![CDATA[", "]]>"], ["<?", "?>"]] as const;
  for (const [begin, end] of pairs) {
    if (!text.startsWith(begin, at)) continue;
    const found = text.indexOf(end, at + begin.length);
    if (found < 0) throw invalid(`${begin} has no end`, at);
    return found + end.length;
  }
  if (text.startsWith("<!", at)) {
    throw invalid("a declaration stands outside of a document type", at);
  }
  return undefined;
}

function tagAt(text: string, at: number): XmlTag {
  const closing = text[at + 1] === "/";
  NAME.lastIndex = at + (closing ? 2 : 1);
  const name = NAME.exec(text)?.[0];
  if (name === undefined) throw invalid("a tag has no name", at);
  const attributes = new Map<string, string>();
  let end = NAME.lastIndex;
  for (;;) {
    ATTRIBUTE.lastIndex = end;
    const found = ATTRIBUTE.exec(text);
    if (found === null) break;
    const [, key = "", double, single] = found;
    if (attributes.has(key)) throw invalid(`"${key}" stands twice`, end);
    attributes.set(key, xmlText(double ?? single ?? ""));
    end = ATTRIBUTE.lastIndex;
  }
  CLOSE.lastIndex = end;
  const close = CLOSE.exec(text);
  if (close === null) throw invalid(`<${name} is not closed`, at);
  const kind = closing ? "end" : close[1] === "/" ? "empty" : "start";
  return { name, attributes, kind, at, end: CLOSE.lastIndex };
}

const ENTITIES: Readonly<Record<string, string>> = {
  __proto__: null as never,
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

/** Text with the five references that XML has itself, and those by number, replaced; others stay. */
export function xmlText(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/giu,
    (reference, decimal, hex, name) => {
      if (name !== undefined) return ENTITIES[name] ?? reference;
      const code = decimal === undefined ? parseInt(hex, 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : reference;
    },
  );
}
