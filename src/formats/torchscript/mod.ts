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
import { type Token, tokenize } from "./tokens.ts";

const READ_BYTES = 256 * 1024;
/** An expression is evidence, not a listing. */
const EXPRESSION_CHARACTERS = 2048;

/**
 * Operators of PyTorch itself that read or write files or talk to other machines: those among the
 * schemas of `torch._C._jit_get_all_schemas()` in PyTorch 2.13, and names that older or other
 * releases bind.
 */
const FAR_REACHING = new Set(
  "save from_file load jit.load jit.save export_chrome_trace".split(" ").map((name) =>
    `aten::${name}`
  ),
);

/** Remote calls, which are written without a namespace or with one of several. */
const REMOTE = new Set(["rpc_async", "rpc_remote", "rpc_sync"]);

/** Namespaces of PyTorch itself whose other operators only compute, from the same schemas. */
const COMPUTING = new Set([
  ..."aten prim prims quantized _quantized static_runtime mkldnn onednn mkl sparse".split(" "),
  ..."mkldnn_prepacked onnx quantization profiler _native inductor_prims rngprims".split(" "),
  ..."xnnpack cuda prepacked fb_prepacked vulkan_prepacked metal_prepacked rnn".split(" "),
]);

/** TorchScript source. */
export const torchscriptFormat: Format = {
  id: "torchscript",
  random: false,
  detect: ({ hint }: Sample) => hint === HINT.torchscriptSource,
  scan,
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
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

/** True for an operator that does more than compute, or that nobody knows. */
function isNotable(name: string): boolean {
  const [namespace = "", rest = ""] = name.split("::", 2);
  return FAR_REACHING.has(name) || REMOTE.has(rest) || !COMPUTING.has(namespace) ||
    (namespace === "aten" && rest.startsWith("distributed."));
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
  if (namespace === "classes") {
    const owner = names[0]?.split(".")[0] ?? "";
    return COMPUTING.has(owner) ? undefined : `classes::${names.join(".")}`;
  }
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
