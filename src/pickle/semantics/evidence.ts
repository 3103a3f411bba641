/**
 * The parts of a call's arguments that a person wants to read in full: code, commands, addresses.
 *
 * @module
 */

import type { Evidence } from "../../core/types.ts";
import type { Heap } from "../machine/heap.ts";
import { decodeLatin1 } from "../machine/literals.ts";
import type { Handle } from "../machine/values.ts";

/** Characters of one piece of evidence. Longer ones are cut: their beginning is evidence. CWE-779. */
const EVIDENCE_LIMIT = 2048;
const PIECES = 8;

const CODE =
  /^builtins\.(eval|exec|compile|execfile)\b|\b(runstring|runctx|run_code|runcode|runsource|timeit)\b|\.run$/;
const COMMAND =
  /^(os|posix|nt|subprocess|pty|commands|asyncio)\.|\b(system|popen|getoutput|spawn\w*|exec[lv]\w*|check_output|pipe_?pager|pipepager)\b/;
const URL = /\b(?:https?|ftp|file|hf|s3|gs):\/\/[^\s'"<>\\]+/;
const ADDRESS = /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/;
const COMMAND_WORDS =
  /(?:^|[\s;|&])(?:curl|wget|bash|sh|nc|python3?|powershell|cmd|chmod|rm|echo)\s/;
const CODE_WORDS = /\b(?:import\s+\w|__import__|exec\(|eval\(|lambda\s|def\s+\w+\(|os\.system)/;

/** What is worth showing among the arguments of a call of `key` (a normalised dotted path). */
export function evidenceOf(
  heap: Heap,
  key: string,
  args: readonly Handle[] | undefined,
  kwargs: Handle | undefined,
): Evidence[] {
  const found: Evidence[] = [];
  const pending: { handle: Handle; depth: number }[] = [];
  for (const handle of [...(args ?? []), ...(kwargs === undefined ? [] : [kwargs])]) {
    pending.push({ handle, depth: 0 });
  }
  for (let seen = 0; seen < 256 && found.length < PIECES; seen++) {
    const next = pending.shift();
    if (next === undefined) break;
    const text = textual(heap, next.handle);
    if (text !== undefined) {
      const kind = kindOfText(key, text);
      if (kind !== undefined) found.push(piece(kind, text));
    } else if (next.handle < 0 && next.depth < 4) {
      for (const handle of heap.containers.list(next.handle, 32)) {
        pending.push({ handle, depth: next.depth + 1 });
      }
    }
  }
  return found;
}

function textual(heap: Heap, handle: Handle): string | undefined {
  const text = heap.textOf(handle);
  if (text !== undefined) return text;
  const bytes = heap.bytesOf(handle);
  return bytes !== undefined && printable(bytes) ? decodeLatin1(bytes) : undefined;
}

function printable(bytes: Uint8Array): boolean {
  return bytes.length <= 65_536 &&
    bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13));
}

function kindOfText(key: string, text: string): Evidence["kind"] | undefined {
  if (CODE.test(key)) return "code";
  if (COMMAND.test(key)) return "command";
  if (URL.test(text)) return "url";
  if (CODE_WORDS.test(text)) return "code";
  if (COMMAND_WORDS.test(text)) return "command";
  return ADDRESS.test(text) ? "address" : undefined;
}

function piece(kind: Evidence["kind"], text: string): Evidence {
  return { kind, text: text.slice(0, EVIDENCE_LIMIT), cut: text.length > EVIDENCE_LIMIT };
}
