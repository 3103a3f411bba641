/**
 * How a configuration of Keras is known by its keys, in JSON and in YAML.
 *
 * @module
 */

import { type ConfigNode, hasMember } from "./config_node.ts";
import { jsonLetters } from "./json.ts";

/** An escape of a double-quoted scalar of YAML that stands for a character of ASCII. */
const YAML_ESCAPE = /\\(?:x|u00|U000000)(?<hex>[0-7][0-9a-fA-F])/gu;
/** A collection, and a text in it that holds an object, as checkpoints of Orbax keep a configuration. */
const COLLECTION = /^[^\x21-\x7e]{0,64}[{[]/u;
const OBJECT_IN_TEXT = /[:[,]\s*"\s*\{/u;
/** What may stand before the root of a document: white space, comments, directives, a tag and an anchor. */
const BEFORE_ROOT = /[^!-~]+|#[^\n]*\n|%[^\n]*\n|---|[!&]\S+\s/uy;
const STEPS_PER_CHECK = 4096;

/**
 * True for the beginning of a text that has the keys of a configuration.
 *
 * @param head in any encoding
 */
export function hasKerasKeys(head: Uint8Array): boolean {
  if (isMessage(head)) return false;
  const text = jsonLetters(head);
  // Quotation marks in a text are escaped, with a backslash or as characters by number.
  const isInText = COLLECTION.test(text) && OBJECT_IN_TEXT.test(text) &&
    /\\?"class_name\\?"\s*:/u.test(text) &&
    /\\?"config\\?"\s*:/u.test(text);
  return isInText || hasYamlKeys(head) ||
    COLLECTION.test(text) && /"class_name"\s*:\s*["\[{]/u.test(text) &&
      /"(?:config|registered_name|build_config|keras_version|compile_config)"\s*:/u.test(text);
}

/**
 * A protobuf message whose first field is long, of which the last byte of the length may be a bracket: behind
 * the line feed stands what is no character of UTF-8.
 */
function isMessage([first, second = 0, third = 0]: Uint8Array): boolean {
  return first === 0x0a && second >= 0x80 && third < 0x80;
}

/**
 * True for the beginning of a text that has the keys in a style of YAML, in any order.
 *
 * @param head in any encoding
 */
export function hasYamlKeys(head: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(head).replaceAll("\0", "");
  if (!isWide(head) && head.some(isControl)) return false;
  const plain = text.replace(
    YAML_ESCAPE,
    (_, hex: string) => String.fromCharCode(parseInt(hex, 16)),
  );
  const before = isFlow(plain)
    ? "[\\s{,?]"
    : "(?:^|\\n)[^\\x21-\\x7e\\n]*(?:(?:[-?]|[!&]\\S+)[ \\t]+)*";
  return ["class_name", "config"].every((key) =>
    new RegExp(`${before}["']?${key}["']?\\s*:`, "u").test(plain)
  );
}

/** Whether the root of a document is a collection in brackets. */
function isFlow(text: string): boolean {
  let at = 0;
  for (BEFORE_ROOT.lastIndex = 0; BEFORE_ROOT.test(text);) at = BEFORE_ROOT.lastIndex;
  return text[at] === "{" || text[at] === "[";
}

/**
 * True when a map of a text that was read has the keys, however they were written, or a text in it does.
 *
 * @param check called now and then; may throw
 */
export function isKerasConfig(roots: readonly ConfigNode[], check: () => void): boolean {
  const waiting: ConfigNode[] = [...roots];
  let steps = 0;
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (++steps % STEPS_PER_CHECK === 0) check();
    if (node.kind === "scalar") {
      if (/^\s*\{/u.test(node.text) && hasKerasKeys(new TextEncoder().encode(node.text))) {
        return true;
      }
    } else if (node.kind === "list") {
      for (const item of node.items) waiting.push(item);
    } else if (node.kind === "map") {
      if (hasMember(node, "class_name") && hasMember(node, "config")) return true;
      for (const [, value] of node.members) waiting.push(value);
    }
  }
  return false;
}

/** UTF-16, which PyYAML knows by the byte order mark only. */
function isWide([first, second]: Uint8Array): boolean {
  return first === 0xff && second === 0xfe || first === 0xfe && second === 0xff;
}

/** True for a character that PyYAML refuses: `Reader.NON_PRINTABLE` in its `reader.py`. */
function isControl(byte: number): boolean {
  return byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d || byte === 0x7f;
}
