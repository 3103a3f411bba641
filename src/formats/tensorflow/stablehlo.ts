/**
 * Modules of StableHLO, which `XlaCallModule` compiles and runs: MLIR bytecode or text. What they do
 * they do on tensors, but for custom calls, which name a function of the host that XLA calls.
 * https://mlir.llvm.org/docs/BytecodeFormat/
 *
 * @module
 */

import { ascii, latin1, startsWith } from "../../parsers/bytes.ts";
import type { CallTargets } from "./graph.ts";

const MAGIC = ascii("ML\xefR");
/** The section of all strings: operations, attributes, targets. */
const STRINGS = 0;
/** Names of one module that are kept as evidence; real ones have some hundreds. CWE-770. */
const NAMES = 4096;
const NAME_CHARACTERS = 256;
/** The operation, in each dialect and version that has one. */
const CUSTOM_CALL = /^(?:\w+\.)?custom_call(?:_v\d+)?$/u;
/** A target in the short form, `custom_call @name`, and in the general one, as an attribute. */
const TEXT_CALL = /custom_call\s*@\s*(?:"(?<quoted>[^"]*)"|(?<plain>[\w.$-]+))/gu;
const COMMENTED = /\/\/[^\n]*(?:custom_call|call_target_name)/u;
const TEXT_TARGET = /call_target_name\s*=\s*"(?<quoted>[^"]*)"/gu;

/**
 * The functions of the host that a module calls.
 *
 * @param cut true where only its beginning is at hand
 */
export function callTargets(bytes: Uint8Array, cut: boolean): CallTargets {
  if (cut) return { names: [], kind: "unread" };
  if (!startsWith(bytes, MAGIC)) return textTargets(latin1(bytes, bytes.length));
  const strings = stringSection(bytes);
  if (strings === undefined) return { names: [], kind: "unread" };
  if (!strings.some((text) => CUSTOM_CALL.test(text))) return { names: [], kind: "none" };
  return { names: strings.slice(0, NAMES), kind: strings.length > NAMES ? "unread" : "among" };
}

function textTargets(text: string): CallTargets {
  if (!text.includes("custom_call")) {
    // What is neither bytecode nor the text of a module is read by a release to come.
    return { names: [], kind: /\b(?:module|func)\b/u.test(text) ? "none" : "unread" };
  }
  const names = [TEXT_CALL, TEXT_TARGET].flatMap((pattern) =>
    Array.from(text.matchAll(pattern), ({ groups }) => groups?.quoted ?? groups?.plain ?? "")
  );
  // Each call must have its target, and nothing else may look like one: a comment could, beside a call
  // whose attribute is written as text with escapes.
  const short = Array.from(text.matchAll(TEXT_CALL)).length;
  const odd = names.length !== text.split("custom_call").length - 1 || names.length > NAMES ||
    names.length - short !== text.split("call_target_name").length - 1 ||
    COMMENTED.test(text) || names.some((one) => one.includes("\\"));
  return { names: names.slice(0, NAMES), kind: odd ? "unread" : "named" };
}

/** All strings of a module in bytecode; undefined when it is not well-formed. */
function stringSection(bytes: Uint8Array): string[] | undefined {
  const at = { offset: MAGIC.length };
  if (varint(bytes, at) === undefined) return undefined;
  const producer = bytes.indexOf(0, at.offset);
  if (producer < 0) return undefined;
  at.offset = producer + 1;
  while (at.offset < bytes.length) {
    const id = bytes[at.offset++] ?? 0;
    const length = varint(bytes, at);
    if (length === undefined) return undefined;
    if ((id & 0x80) !== 0) {
      const alignment = varint(bytes, at);
      if (alignment === undefined || alignment < 1 || alignment > 4096) return undefined;
      at.offset = Math.ceil(at.offset / alignment) * alignment;
    }
    const end = at.offset + length;
    if (end > bytes.length) return undefined;
    if ((id & 0x7f) === STRINGS) return stringsOf(bytes.subarray(at.offset, end));
    at.offset = end;
  }
  return undefined;
}

/** Lengths from the last string to the first, each with its final zero, then the strings. */
function stringsOf(section: Uint8Array): string[] | undefined {
  const at = { offset: 0 };
  const count = varint(section, at);
  if (count === undefined || count > section.length) return undefined;
  const lengths: number[] = [];
  for (let i = 0; i < count; i++) {
    const length = varint(section, at);
    if (length === undefined || length > section.length) return undefined;
    lengths.push(length);
  }
  const strings: string[] = [];
  let from = section.length - lengths.reduce((sum, length) => sum + length, 0);
  if (from < at.offset) return undefined;
  for (const length of lengths.reverse()) {
    strings.push(latin1(section.subarray(from, from + Math.max(0, length - 1)), NAME_CHARACTERS));
    from += length;
  }
  return strings;
}

/** MLIR's prefix varint: as many zeros at the low end of the first byte as bytes follow it. */
function varint(bytes: Uint8Array, at: { offset: number }): number | undefined {
  const first = bytes[at.offset];
  if (first === undefined) return undefined;
  const more = first === 0 ? 8 : 31 - Math.clz32(first & -first);
  if (at.offset + more >= bytes.length) return undefined;
  let value = first === 0 ? 0 : Math.floor(first / 2 ** (more + 1));
  let scale = first === 0 ? 1 : 2 ** (7 - more);
  for (let i = 1; i <= more; i++) {
    value += (bytes[at.offset + i] ?? 0) * scale;
    scale *= 256;
  }
  at.offset += more + 1;
  return Number.isSafeInteger(value) ? value : undefined;
}
