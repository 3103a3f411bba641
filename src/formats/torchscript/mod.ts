/**
 * TorchScript source, the `code/**.py` of an archive that `torch.jit.save` wrote: Python in
 * spelling, its names bound by `torch/csrc/jit/serialization/import_source.cpp` (`torch.x` is the
 * operator `aten::x`, `ops.a.b` is `a::b`). It cannot reach Python; what harm it can do it does by
 * operators that touch files or the network, or that a library brings along.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { LimitError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import type { Observation, OperatorFact } from "../../core/types.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import { scanBytecode, scanFlatbuffer } from "./mobile.ts";
import { customClass, isNotable, REMOTE } from "./names.ts";
import { type Token, tokenize } from "./tokens.ts";

const READ_BYTES = 256 * 1024;
/** An expression is evidence, not a listing. */
const EXPRESSION_CHARACTERS = 2048;

/** At offset 4 of a mobile program as a flatbuffer. */
const MOBILE = ascii("PTMF");
const MOBILE_AT = 4;

/** TorchScript: source, and programs of the mobile interpreter. */
export const torchscriptFormat: Format = {
  id: "torchscript",
  random: true,
  detect: (sample: Sample) =>
    sample.hint === HINT.torchscriptSource || sample.hint === HINT.torchBytecode ||
    isMobile(sample),
  scan,
};

function isMobile({ head }: Sample): boolean {
  return startsWith(head.subarray(MOBILE_AT), MOBILE);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  if (context.sample.hint === HINT.torchBytecode) {
    yield await scanBytecode(source, () => context.checkDeadline());
    return;
  }
  if (context.sample.hint !== HINT.torchscriptSource && isMobile(context.sample)) {
    yield* scanFlatbuffer(source, () => context.checkDeadline());
    return;
  }
  const text = await readText(source, context);
  const { tokens, faults } = tokenize(text);
  const found = new Map<string, { fact: OperatorFact; count: number; offset: number }>();
  for (const { name, at } of operators(tokens)) {
    if (!isNotable(name)) continue;
    const known = found.get(name);
    if (known !== undefined) {
      known.count++;
      continue;
    }
    const expression = expressionAt(text, tokens, at);
    const fact: OperatorFact = { kind: "operator", language: "torchscript", name, expression };
    found.set(name, { fact, count: 1, offset: tokens[at]?.offset ?? 0 });
  }
  yield [
    ...Array.from(found.values(), (one): Observation => ({ type: "fact", ...one })),
    ...faults.slice(0, 1).map(({ offset, detail }): Observation => ({
      type: "anomaly",
      rule: "torchscript-malformed",
      detail,
      offset,
    })),
  ];
}

/** The source as text, one character a byte, so that positions are offsets. */
async function readText(source: Source, context: FormatContext): Promise<string> {
  const parts: string[] = [];
  for (let at = 0;;) {
    context.checkDeadline();
    const bytes = await source.read(at, READ_BYTES);
    parts.push(characters(bytes));
    at += bytes.length;
    if (bytes.length < READ_BYTES) return parts.join("");
    if (at > context.limits.spoolBytes) {
      throw new LimitError(
        "spoolBytes",
        `Cannot read "${source.name}": it is longer than ${context.limits.spoolBytes} bytes`,
      );
    }
  }
}

/** One character a byte; `TextDecoder` has no such encoding, its "latin1" is Windows-1252. */
function characters(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return text;
}

/** Operators that the program names, whether it calls them there or later by another name. */
function* operators(tokens: readonly Token[]): Iterable<{ name: string; at: number }> {
  const aliases = new Map<string, readonly string[]>([["torch", ["aten"]], ["ops", []]]);
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token?.kind !== "name" || tokens[at - 1]?.text === ".") continue;
    const chain = [token.text];
    let end = at + 1;
    while (tokens[end]?.text === "." && tokens[end + 1]?.kind === "name") {
      chain.push(tokens[end + 1]?.text ?? "");
      end += 2;
    }
    const path = resolve(chain, aliases);
    if (path === undefined) continue;
    const name = operatorName(path);
    if (name !== undefined) yield { name, at };
    const target = tokens[at - 2];
    const bound = tokens[at - 1]?.text === "=" && target?.kind === "name" &&
      tokens[end]?.text !== "(";
    if (bound) aliases.set(target.text, path);
  }
}

/** Namespace and names of a chain of attributes; undefined when it leads to no operator. */
function resolve(
  chain: readonly string[],
  aliases: ReadonlyMap<string, readonly string[]>,
): readonly string[] | undefined {
  const [first = "", ...rest] = chain;
  const last = chain.at(-1) ?? "";
  if (REMOTE.has(last)) return ["aten", last];
  if (first === "__torch__") {
    return rest[0] === "torch" && rest[1] === "classes"
      ? ["classes", rest.slice(2).join(".")]
      : undefined;
  }
  const base = aliases.get(first);
  if (base === undefined) return undefined;
  // The compiler's own spelling `torch.ops.a.b` is not what archives hold, but it means the same.
  if (first === "torch" && rest[0] === "ops") return rest.slice(1);
  return [...base, ...rest];
}

function operatorName(path: readonly string[]): string | undefined {
  const [namespace, ...names] = path;
  if (namespace === undefined || names.length === 0) return undefined;
  if (namespace === "classes") return customClass(names.join("."));
  return `${namespace}::${names.join(".")}`;
}

/** The source of an operator's call: to the bracket that closes it. */
function expressionAt(text: string, tokens: readonly Token[], at: number): string {
  const start = tokens[at]?.offset ?? 0;
  let end = start;
  let depth = 0;
  for (let i = at; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === undefined || token.offset - start > EXPRESSION_CHARACTERS) break;
    if (depth === 0 && i > at && !isLink(token.text, tokens[i - 1])) break;
    end = token.offset + token.text.length;
    if ("([{".includes(token.text)) depth++;
    else if (")]}".includes(token.text) && --depth === 0) break;
  }
  const raw = text.slice(start, Math.min(end, start + EXPRESSION_CHARACTERS));
  const bytes = Uint8Array.from(raw, (character) => character.charCodeAt(0));
  return new TextDecoder().decode(bytes).replace(/\s+/gu, " ");
}

/** Dots, names behind dots and the opening bracket belong to the expression. */
function isLink(text: string, before: Token | undefined): boolean {
  return text === "." || text === "(" || before?.text === ".";
}
