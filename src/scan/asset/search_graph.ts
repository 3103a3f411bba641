/**
 * The user's patterns in the strings of a protobuf message of any schema: graphs of ONNX and
 * TensorFlow. A payload is searched when it is printable text, and parsed when it is a valid message;
 * tensors are neither.
 *
 * @module
 */

import { type WireMessage, WireReader } from "../../parsers/protobuf.ts";
import { FormatError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import type { Interest, Limits, PatternHit } from "../../core/types.ts";

/** Bytes of a payload that is searched as text. No name or path is known to have a thousandth. CWE-770. */
const TEXT_BYTES = 1024 * 1024;

/** Nested messages; graphs in attributes of nodes nest some six levels each. CWE-674. */
const DEPTH = 64;

/** A match, with where its text begins. */
interface GraphHit extends PatternHit {
  /** Bytes from the start of the source. */
  readonly offset: number;
}

/**
 * Searches every string of a message.
 *
 * @throws SourceError when the bytes cannot be had
 * @throws LimitError when there are too many fields, or time is up
 */
export async function searchGraph(
  source: Source,
  patternsIn: NonNullable<Interest["patternsIn"]>,
  limits: Limits,
  checkDeadline: () => void,
): Promise<readonly GraphHit[]> {
  const hits = new Map<string, GraphHit>();
  const reader = new WireReader(source, { limits: { values: limits.opcodes }, checkDeadline });
  const stack: WireMessage[] = [reader.message()];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const field = await nextField(top);
    if (field === undefined) {
      stack.pop();
      continue;
    }
    if (field.end <= field.start || field.type !== 2) continue;
    if (field.end - field.start <= TEXT_BYTES) {
      const text = await reader.text(field, TEXT_BYTES);
      if (isPrintable(text)) {
        for (const hit of patternsIn(text)) {
          if (!hits.has(hit.pattern)) hits.set(hit.pattern, { ...hit, offset: field.start });
        }
      }
    }
    if (stack.length < DEPTH) stack.push(top.enter(field));
  }
  return [...hits.values()];
}

/** The next field; none where the bytes are no message, which most payloads are not. */
async function nextField(message: WireMessage) {
  try {
    return await message.next();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Text without control characters and without bytes that are no UTF-8. */
function isPrintable(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return !/[\u0000-\u0008\u000e-\u001a\ufffd]/u.test(text);
}
