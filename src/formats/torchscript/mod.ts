/**
 * TorchScript source, the `code/**.py` of an archive that `torch.jit.save` wrote: Python in
 * spelling, its names bound by `torch/csrc/jit/serialization/import_source.cpp` (`torch.x` is the
 * operator `aten::x`, `ops.a.b` is `a::b`). It cannot reach Python; what harm it can do it does by
 * operators that touch files or the network, or that a library brings along.
 *
 * @module
 */

import { raisedBy } from "../../core/limits.ts";
import { formatBytes } from "../../core/numbers.ts";
import { HINT } from "../../core/hints.ts";
import { LimitError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import type { Observation, OperatorFact } from "../../core/types.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { ascii, latin1, startsWith } from "../../parsers/bytes.ts";
import { scanBytecode, scanFlatbuffer } from "./mobile.ts";
import { customClass, isMethodOfTensors, isNotable, REMOTE } from "./names.ts";
import { type Token, tokenize } from "./tokens.ts";

const READ_BYTES = 256 * 1024;
/** Characters of an expression: evidence, and no listing. CWE-779. */
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
  return startsWith(head, MOBILE, MOBILE_AT);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  if (context.sample.hint === HINT.torchBytecode) {
    yield await scanBytecode(source, context);
    return;
  }
  if (context.sample.hint !== HINT.torchscriptSource && isMobile(context.sample)) {
    yield* scanFlatbuffer(source, context);
    return;
  }
  const text = await readText(source, context);
  const { tokens, lexicalErrors } = tokenize(text);
  const found = new Map<string, { fact: OperatorFact; count: number; offset: number }>();
  for (const { name, at } of operators(tokens)) {
    if (!isNotable(name, context.interest)) continue;
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
    ...lexicalErrors.slice(0, 1).map(({ offset, detail }): Observation => ({
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
    parts.push(latin1(bytes));
    at += bytes.length;
    if (bytes.length < READ_BYTES) return parts.join("");
    if (at > context.limits.spoolBytes) {
      throw new LimitError(
        "spoolBytes",
        `Cannot read "${source.name}": it is longer than ${
          formatBytes(context.limits.spoolBytes)
        }` +
          raisedBy("spoolBytes"),
      );
    }
  }
}

/** Operators that the program names, whether it calls them there or later by another name. */
function* operators(tokens: readonly Token[]): Iterable<{ name: string; at: number }> {
  const bindings = new Bindings(tokens);
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token?.kind !== "name") continue;
    if (tokens[at - 1]?.text === ".") {
      // The methods of a tensor are operators, too.
      if (isMethodOfTensors(token.text)) yield { name: `aten::${token.text}`, at };
      continue;
    }
    const found = bindings.expression(at);
    if (found === undefined) continue;
    for (const method of found.methods) {
      if (isMethodOfTensors(method)) yield { name: `aten::${method}`, at };
    }
    if (found.path === undefined) continue;
    const name = operatorName(found.path);
    if (name !== undefined) yield { name, at };
    if (tokens[found.end]?.text !== "(") bindings.bind(at, found.path);
  }
}

/** Parentheses and calls of `getattr` in one another; no program that PyTorch writes has more than a few. CWE-674. */
const NESTING = 64;
/** Tokens of a type between a name and its value. No real type is known to have as many. CWE-834. */
const TYPE_TOKENS = 64;

/** An expression that may stand for a namespace or an operator. */
interface Expression {
  /** Namespace and names; undefined where it begins at something else, a tensor for instance. */
  readonly path: readonly string[] | undefined;
  /** What `getattr` is given for names. */
  readonly methods: readonly string[];
  /** The word behind it. */
  readonly end: number;
}

/**
 * Follows names: PyTorch's compiler resolves `torch`, `ops`, other names for them, parentheses and
 * `getattr` over a text in the same way (`frontend/ir_emitter.cpp`).
 */
class Bindings {
  readonly #tokens: readonly Token[];
  readonly #aliases = new Map<string, readonly string[]>([["torch", ["aten"]], ["ops", []]]);

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** The expression that begins at a name, from the parentheses around it on. */
  expression(at: number, depth = 0): Expression | undefined {
    const inner = this.#primary(at, depth);
    if (inner === undefined) return undefined;
    let { path, end } = inner;
    const { methods } = inner;
    for (;;) {
      // `(torch).save` is `torch.save`; an opening bracket that is not ours belongs to a call.
      while (this.#text(end) === ")" && this.#text(end + 1) === "." && depth === 0) end++;
      const name = this.#tokens[end + 1];
      if (this.#text(end) !== "." || name?.kind !== "name") break;
      path = path === undefined ? undefined : attribute(path, name.text);
      end += 2;
    }
    return { path, methods, end };
  }

  /** Other names for what stands at a place: `t = u = torch`, `t : Any = (torch)`. */
  bind(at: number, path: readonly string[]): void {
    let before = at - 1;
    while (this.#text(before) === "(") before--;
    while (this.#text(before) === "=") {
      const target = this.#tokens[before - 1];
      if (target?.kind === "name") this.#aliases.set(target.text, path);
      if (this.#text(before - 2) === "=") {
        before -= 2;
        continue;
      }
      this.#bindTyped(before - 1, path);
      return;
    }
  }

  /** The name before the colon of an annotation. */
  #bindTyped(end: number, path: readonly string[]): void {
    for (let at = end; at > Math.max(0, end - TYPE_TOKENS); at--) {
      const text = this.#text(at);
      if (text === "=") return;
      if (text !== ":") continue;
      const target = this.#tokens[at - 1];
      if (target?.kind === "name") this.#aliases.set(target.text, path);
      return;
    }
  }

  #primary(at: number, depth: number): Expression | undefined {
    const token = this.#tokens[at];
    if (token === undefined || depth > NESTING) return undefined;
    if (token.text === "(") {
      const inner = this.expression(at + 1, depth + 1);
      return inner === undefined || this.#text(inner.end) !== ")"
        ? inner
        : { ...inner, end: inner.end + 1 };
    }
    if (token.kind !== "name") return undefined;
    if (token.text === "getattr" && this.#text(at + 1) === "(") return this.#getattr(at, depth);
    if (REMOTE.has(token.text)) return { path: ["aten", token.text], methods: [], end: at + 1 };
    const base = token.text === "__torch__" ? CLASSES : this.#aliases.get(token.text);
    return { path: base, methods: [], end: at + 1 };
  }

  #getattr(at: number, depth: number): Expression {
    const inner = this.expression(at + 2, depth + 1);
    const none = { path: undefined, methods: [], end: at + 1 };
    let end = inner?.end ?? at + 2;
    // What is taken an attribute of may be anything; its text is what counts.
    for (let open = 0; end < this.#tokens.length; end++) {
      const text = this.#text(end);
      if (open === 0 && (text === "," || text === ")")) break;
      if ("([{".includes(text)) open++;
      else if (")]}".includes(text)) open--;
    }
    if (this.#text(end) !== ",") return none;
    const parts: string[] = [];
    for (end++; this.#tokens[end]?.kind === "string"; end++) parts.push(valueOf(this.#text(end)));
    if (parts.length === 0) return none;
    const name = parts.join("");
    const path = inner?.path === undefined ? undefined : attribute(inner.path, name);
    while (end < this.#tokens.length && this.#text(end) !== ")") end++;
    return { path, methods: [...inner?.methods ?? [], name], end: end + 1 };
  }

  #text(at: number): string {
    return this.#tokens[at]?.text ?? "";
  }
}

/** Marks a path that begins at `__torch__`, where the classes of libraries are. */
const CLASSES: readonly string[] = ["__torch__"];

/** The path one attribute on; undefined where it leads to no operator. */
function attribute(path: readonly string[], name: string): readonly string[] | undefined {
  if (REMOTE.has(name)) return ["aten", name];
  if (path[0] === "__torch__") {
    const fullPath = [...path, name];
    return fullPath.length === 3 && fullPath[1] === "torch" && name === "classes"
      ? ["classes"]
      : fullPath.length < 3 && name === "torch"
      ? fullPath
      : undefined;
  }
  // The compiler's own spelling `torch.ops.a.b` is not what archives hold, but it means the same.
  return path.length === 1 && path[0] === "aten" && name === "ops" ? [] : [...path, name];
}

/** The text of a string literal, as `parseStringLiteral` of `frontend/lexer.cpp` reads it. */
function valueOf(literal: string): string {
  const quote = /^(?:"""|'''|"|')/u.exec(literal)?.[0] ?? "";
  const inner = literal.slice(quote.length, literal.length - quote.length);
  return inner.replace(/\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|([^]))/gu, (_, octal, hex, other) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return ESCAPES[other] ?? other;
  });
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\n": "" };

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
