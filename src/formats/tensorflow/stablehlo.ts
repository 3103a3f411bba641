/**
 * Modules of StableHLO, which `XlaCallModule` compiles and runs: MLIR bytecode or text. What they do
 * they do on tensors, but for custom calls, which name a function of the host that XLA calls.
 * https://mlir.llvm.org/docs/BytecodeFormat/
 *
 * @module
 */

import { latin1, startsWith } from "../../parsers/bytes.ts";
import { MAGIC, targetsOf } from "./mlir.ts";
import type { CallTargets } from "./graph.ts";

/** Names of one module that are kept as evidence; real ones have some hundreds. CWE-770. */
const NAMES = 4096;
/** A target in the short form, `custom_call @name`, and in the general one, as an attribute. */
const TEXT_CALL = /custom_call\s*@\s*(?:"(?<quoted>[^"]*)"|(?<plain>[\w.$-]+))/gu;
const CALL_WORD = /custom_call|call_target_name/u;
const TEXT_TARGET = /call_target_name\s*=\s*"(?<quoted>[^"]*)"/gu;

/**
 * The functions of the host that a module calls.
 *
 * @param cut true where only its beginning is at hand
 */
export function callTargets(bytes: Uint8Array, cut: boolean): CallTargets {
  if (cut) return { names: [], kind: "unread" };
  if (!startsWith(bytes, MAGIC)) return textTargets(latin1(bytes, bytes.length));
  const names = targetsOf(bytes);
  if (names === undefined || names.length > NAMES) return { names: [], kind: "unread" };
  return { names, kind: names.length === 0 ? "none" : "named" };
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
    text.split("\n").some(hasCallInComment) || names.some((one) => one.includes("\\"));
  return { names: names.slice(0, NAMES), kind: odd ? "unread" : "named" };
}

/** True for a line with a comment that has a call in it. */
function hasCallInComment(line: string): boolean {
  const at = line.indexOf("//");
  return at >= 0 && CALL_WORD.test(line.slice(at));
}
