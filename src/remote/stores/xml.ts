/**
 * The answers of stores in XML. A document type is refused.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { type XmlTag, xmlTags, xmlText } from "../../parsers/xml_tags.ts";

/** Elements of an XML text as they end, with the text in them where they have no other elements. */
export function* leavesOf(
  text: string,
): Generator<{
  readonly path: readonly string[];
  readonly value: string;
  readonly attributes: XmlTag["attributes"];
}> {
  const path: string[] = [];
  let begin = 0;
  let attributes: XmlTag["attributes"] = new Map();
  for (const tag of xmlTags(text, 8)) {
    if (tag.name === "!DOCTYPE") throw new FormatError("it has a document type");
    if (tag.kind === "end") {
      yield { path, value: begin > 0 ? characters(text.slice(begin, tag.at)) : "", attributes };
      path.pop();
      begin = 0;
      continue;
    }
    path.push(tag.name);
    attributes = tag.attributes;
    begin = tag.end;
    if (tag.kind === "empty") {
      yield { path, value: "", attributes };
      path.pop();
      begin = 0;
    }
  }
}

/** Text in an element, with the sections that stand for themselves. https://www.w3.org/TR/xml/#sec-cdata-sect */
function characters(text: string): string {
  return text.split(/(<!\[CDATA\[[^]*?\]\]>|<!--[^]*?-->)/u)
    .map((it) =>
      it.startsWith("<![CDATA[") ? it.slice(9, -3) : it.startsWith("<!--") ? "" : xmlText(it)
    ).join("");
}
