/**
 * How MXNet's graphs are recognised: by the keys of their nodes, wherever in the object they stand.
 *
 * @module
 */

import { type Sample, SAMPLE_BYTES } from "../../core/format.ts";
import { startsWith } from "../../parsers/bytes.ts";
import { jsonLetters } from "../../parsers/json.ts";

/** White space of C, which the loader steps over. */
const BLANKS: readonly number[] = [0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d];

/** True for the beginning of an object in JSON with nodes of operators: `nnvm/src/pass/saveload_json.cc`. */
export function isSymbol({ name, head, hint }: Sample): boolean {
  if (hint !== undefined || head.length < 16 || !isObject(head)) return false;
  // The loader takes any name; under its own nothing else is to be expected.
  return /-symbol\.json$/iu.test(name) || hasNodes(jsonLetters(head));
}

/** True for an object in JSON whose keys may stand behind its beginning; white space alone may be one of any name. */
export function isLongObject({ name, head, hint }: Sample): boolean {
  if (hint !== undefined || head.length < SAMPLE_BYTES) return false;
  if (head.every((byte) => BLANKS.includes(byte))) return true;
  return /\.(?:json|symbol)$/iu.test(name) &&
    (isObject(head) || !/[!-~]/u.test(jsonLetters(head)));
}

/** True for an object that is called JSON, as which any data may be kept. */
export function isLongObjectOfJson({ name, head }: Sample): boolean {
  return /\.json$/iu.test(name) && isObject(head);
}

/** True for text with nodes, operators and inputs. */
export function hasNodes(letters: string): boolean {
  return /"nodes"\s*:\s*\[/u.test(letters) && /"op"\s*:\s*"/u.test(letters) &&
    /"(?:inputs|arg_nodes|heads)"\s*:\s*\[/u.test(letters);
}

function isObject(head: Uint8Array): boolean {
  return /^[^!-~]*\{/u.test(jsonLetters(head.subarray(0, 256)));
}

/** True for parameters: `kMXAPINDArrayListMagic`, `src/ndarray/ndarray.cc`, and a reserved word of zeros. */
export function isParameters({ head }: Sample): boolean {
  return startsWith(head, [0x12, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}
