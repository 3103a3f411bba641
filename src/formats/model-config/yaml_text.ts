/**
 * The text of a YAML file, and where its characters lie in bytes.
 *
 * @module
 */

import { looksLikeText } from "../../parsers/bytes.ts";

/** A text, and how its bytes lie. */
export interface YamlText {
  readonly text: string;
  /** UTF-8 or UTF-16, whose units have two bytes. */
  readonly wide: boolean;
  /** Bytes of the byte order mark. */
  readonly mark: number;
}

/** The text of bytes as PyYAML decodes them: UTF-8, or UTF-16 behind its byte order mark. */
export function yamlText(bytes: Uint8Array): YamlText {
  const [first, second, third] = bytes;
  const little = first === 0xff && second === 0xfe;
  if (little || (first === 0xfe && second === 0xff)) {
    const label = little ? "utf-16le" : "utf-16be";
    return { text: new TextDecoder(label).decode(bytes), wide: true, mark: 2 };
  }
  const marked = first === 0xef && second === 0xbb && third === 0xbf;
  return { text: new TextDecoder().decode(bytes), wide: false, mark: marked ? 3 : 0 };
}

/** True when the bytes are text in an encoding of YAML; what is cut off at the end does not matter. */
export function looksLikeYaml(bytes: Uint8Array): boolean {
  const { text, wide } = yamlText(bytes);
  if (!wide) return looksLikeText(bytes);
  return looksLikeText(new TextEncoder().encode(text));
}

/** Line, from 1, and byte of a character; asked with growing places it goes through the text once. */
export function placer(
  { text, wide, mark }: YamlText,
): (at: number) => { line: number; offset: number } {
  let [line, counted, offset] = [1, 0, mark];
  return (at) => {
    for (; counted < at; counted++) {
      const code = text.charCodeAt(counted);
      if (code === 0x0a) line++;
      // Half a surrogate pair has two of its four bytes.
      const bytes = code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 2 : 3;
      offset += wide ? 2 : bytes;
    }
    return { line, offset };
  };
}
