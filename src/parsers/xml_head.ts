/**
 * The encoding of an XML text, and its root. https://www.w3.org/TR/xml/#sec-guessing
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";
import { readDoctype } from "./xml_doctype.ts";

/** XML as text. */
interface XmlText {
  readonly text: string;
  /** A label of `TextDecoder`. */
  readonly encoding: string;
}

/** First bytes by which parsers know the encoding: byte order marks, or `<` with zeros around it. */
const SIGNATURES: readonly (readonly [encoding: string, ...bytes: readonly number[]])[] = [
  ["utf-32le", 0xff, 0xfe, 0, 0],
  ["utf-32be", 0, 0, 0xfe, 0xff],
  ["utf-8", 0xef, 0xbb, 0xbf],
  ["utf-16le", 0xff, 0xfe],
  ["utf-16be", 0xfe, 0xff],
  ["utf-32be", 0, 0, 0, 0x3c],
  ["utf-32le", 0x3c, 0, 0, 0],
  ["utf-16be", 0, 0x3c],
  ["utf-16le", 0x3c, 0],
];

const DECLARED = /^<\?xml\s[^>]*?\sencoding\s*=\s*["']([\w.:-]{1,64})["']/u;

/**
 * Decodes XML; what is not well-formed in its encoding becomes U+FFFD.
 *
 * @param declared whether an encoding counts that the text declares itself, as in parsers that conform
 * @throws FormatError for a declared encoding that is unknown
 */
export function decodeXml(bytes: Uint8Array, declared = false): XmlText {
  const found = SIGNATURES.find(([, ...signature]) =>
    signature.every((byte, index) => bytes[index] === byte)
  );
  if (found !== undefined) return decoded(bytes, found[0]);
  const label = declared
    ? DECLARED.exec(new TextDecoder("latin1").decode(bytes.subarray(0, 256)))?.[1]
    : undefined;
  // That it is of wider characters is contradicted by its first bytes.
  return decoded(
    bytes,
    label === undefined || /^(?:utf|ucs|iso-10646)/iu.test(label) ? "utf-8" : label,
  );
}

function decoded(bytes: Uint8Array, encoding: string): XmlText {
  if (!encoding.startsWith("utf-32")) {
    try {
      return { text: new TextDecoder(encoding).decode(bytes), encoding };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new FormatError(`Cannot read XML: its encoding "${encoding}" is unknown`, 0);
    }
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: string[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const code = view.getUint32(at, encoding === "utf-32le");
    const valid = code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000);
    if (code !== 0xfeff) parts.push(valid ? String.fromCodePoint(code) : "\ufffd");
  }
  return { text: parts.join(""), encoding };
}

/** The root of a text, as far as it is at hand. */
interface XmlRoot {
  /** As written, with its prefix. */
  readonly name: string;
  /** What stands behind the name up to the end of the tag, or of the text. */
  readonly attributes: string;
  /** False where the text ends within the tag. */
  readonly complete: boolean;
}

const ROOT = /<([^\s<>/="'?!]+)((?:[^>"']|"[^"]*"|'[^']*')*)/uy;

/**
 * The root element, behind whatever may stand before it: a declaration, comments, instructions, a document type,
 * and text, which lenient parsers step over.
 *
 * @param text the beginning of a text
 * @returns "cut" when the text ends before the root; undefined when there is none
 */
export function xmlRoot(text: string): XmlRoot | "cut" | undefined {
  for (let at = text.indexOf("<"); at >= 0; at = text.indexOf("<", at)) {
    const end = PAIRS.find(([begin]) => text.startsWith(begin, at));
    if (end !== undefined) {
      const [begin, close] = end;
      const found = text.indexOf(close, at + begin.length);
      if (found < 0) return "cut";
      at = found + close.length;
    } else if (text.startsWith("<!DOCTYPE", at)) {
      const behind = behindDoctype(text, at);
      if (behind === undefined) return "cut";
      at = behind;
    } else if (text.startsWith("<!", at)) {
      // No parser takes it for an element; lenient ones step over it.
      const found = text.indexOf(">", at);
      if (found < 0) return "cut";
      at = found;
    } else {
      ROOT.lastIndex = at;
      const [, name, attributes = ""] = ROOT.exec(text) ?? [];
      if (name === undefined) return at + 1 >= text.length ? "cut" : undefined;
      return { name, attributes, complete: text[ROOT.lastIndex] === ">" };
    }
  }
  return "cut";
}

const PAIRS: readonly (readonly [begin: string, end: string])[] = [
  ["<!--", "-->"],
  ["<![CDATA[", "]]>"],
  ["<?", "?>"],
];

/** What is not well-formed is stepped over up to the next end of a tag, as lenient parsers do. */
function behindDoctype(text: string, at: number): number | undefined {
  try {
    return readDoctype(text, at).end;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const end = text.indexOf(">", at);
    return end < 0 ? undefined : end + 1;
  }
}
