/**
 * Serialized graphs that a graph computes from constants before it runs them: base64, compressed, cut,
 * joined. What is computed here is exactly what TensorFlow computes; of everything else nothing is known.
 * Variables are not: a checkpoint, and a graph in a constant, may write to them.
 *
 * @module
 */

import { tryInflate } from "../../codecs/decompress.ts";
import { concat } from "../../parsers/bytes.ts";
import type { WireReader } from "../../parsers/protobuf.ts";
import { kindOf } from "./detect.ts";
import { TEXT_BYTES as ATTRIBUTE_BYTES } from "./read.ts";
import {
  dataInputs,
  type Graph,
  type GraphNode,
  indexOf,
  nodeOf,
  type Scope,
  scopesOf,
} from "./graph.ts";

/**
 * Steps back from the operator that runs a graph. No published graph is known to compute another. CWE-834.
 */
const STEPS = 64;
/**
 * Graphs computed for one graph, inputs of a join. No published graph is known to compute another. CWE-834.
 */
const GRAPHS = 64;
const INPUTS = 64;
/** Bytes of a text on the way; graphs of datasets have some kilobytes. CWE-770. */
const TEXT_BYTES = 4 * 1024 * 1024;
/** Bytes computed for one graph in all. No published graph is known to compute another. CWE-770. */
const ALL_BYTES = 64 * 1024 * 1024;

/** Operators whose first output is their first input. */
const COPIES = new Set(
  ("Identity StopGradient PreventGradient Snapshot EnsureShape Reshape ExpandDims Squeeze " +
    "PlaceholderWithDefault").split(" "),
);

/**
 * The graphs that `DatasetFromGraph` is given, where they are computed and known.
 *
 * @param reader of the message that the graph was read from
 * @throws SourceError when bytes of a constant cannot be had
 */
export async function computedGraphs(
  graph: Graph,
  reader: WireReader,
): Promise<ReadonlyMap<GraphNode, Uint8Array>> {
  const found = new Map<GraphNode, Uint8Array>();
  const computing = new Computing(graph, reader);
  for (const scope of scopesOf(graph)) {
    for (const node of scope.nodes) {
      if (node.op !== "DatasetFromGraph" || found.size >= GRAPHS) continue;
      const [input = ""] = dataInputs(node);
      const bytes = await computing.text(scope, input, STEPS);
      const kind = bytes && kindOf(bytes, bytes.length, true);
      if (bytes !== undefined && kind === "graph") found.set(node, bytes);
    }
  }
  return found;
}

class Computing {
  readonly #reader: WireReader;
  /** Tensors of the graph that a loader replaces: the saver's filename, and assets. */
  readonly #given: ReadonlySet<string>;
  #bytes = 0;

  constructor(graph: Graph, reader: WireReader) {
    this.#reader = reader;
    const { savers, assets } = graph;
    this.#given = new Set([...savers, ...assets.map(({ tensor }) => tensor)].map(nodeOf));
  }

  /** A scalar text; undefined where it is not known exactly. */
  async text(scope: Scope, reference: string, steps: number): Promise<Uint8Array | undefined> {
    const node = this.#nodeAt(scope, reference);
    if (node === undefined || steps === 0) return undefined;
    const inputs = dataInputs(node);
    const at = (index: number) => this.text(scope, inputs[index] ?? "", steps - 1);
    if (COPIES.has(node.op)) return await at(0);
    switch (node.op) {
      case "Const":
      case "HostConst":
        return await this.#constant(node);
      case "StringJoin":
        return this.#keep(await this.#joined(scope, node, steps - 1));
      case "DecodeBase64":
        return this.#keep(decodedBase64(await at(0)));
      case "DecodeCompressed":
        return this.#keep(inflated(await at(0), node.texts.get("compression_type") ?? ""));
      case "Substr":
        return this.#keep(this.#cut(scope, node, await at(0)));
      case "StaticRegexReplace": {
        const [pattern = "", rewrite = ""] = [node.texts.get("pattern"), node.texts.get("rewrite")];
        return this.#keep(replaced(await at(0), latin(pattern), latin(rewrite)));
      }
      case "RegexReplace":
        return this.#keep(replaced(await at(0), await at(1), await at(2)));
    }
    return undefined;
  }

  /** The node that makes the first output; undefined for arguments, and for what a loader replaces. */
  #nodeAt(scope: Scope, reference: string): GraphNode | undefined {
    if (reference.startsWith("^") || indexOf(reference) !== 0) return undefined;
    const name = nodeOf(reference);
    const isMain = scope.name === undefined;
    if (isMain ? this.#given.has(name) : scope.inputs.includes(name)) return undefined;
    const node = scope.byName.get(name);
    // What the call of the function fills in is not known here.
    return node !== undefined && node.open.size === 0 ? node : undefined;
  }

  async #constant({ constant }: GraphNode): Promise<Uint8Array | undefined> {
    const [place, other] = constant?.places ?? [];
    if (place === undefined || other !== undefined) return undefined;
    const { start, end } = place;
    if (end - start > TEXT_BYTES) return undefined;
    return this.#keep(await this.#reader.bytes(start, end, TEXT_BYTES));
  }

  async #joined(scope: Scope, node: GraphNode, steps: number): Promise<Uint8Array | undefined> {
    const inputs = dataInputs(node);
    if (inputs.length > INPUTS) return undefined;
    const separator = latin(node.texts.get("separator") ?? "");
    const parts: Uint8Array[] = [];
    for (const input of inputs) {
      const part = await this.text(scope, input, steps);
      if (part === undefined || separator === undefined) return undefined;
      if (parts.length > 0) parts.push(separator);
      parts.push(part);
    }
    return concat(parts);
  }

  /** `Substr` by bytes, from a place in the text. */
  #cut(scope: Scope, node: GraphNode, text: Uint8Array | undefined): Uint8Array | undefined {
    const [, position = "", length = ""] = dataInputs(node);
    const from = this.#nodeAt(scope, position)?.integer;
    const count = this.#nodeAt(scope, length)?.integer;
    const unit = node.texts.get("unit") ?? "BYTE";
    if (text === undefined || !isCount(from) || !isCount(count)) return undefined;
    return unit === "BYTE" && from <= text.length ? text.subarray(from, from + count) : undefined;
  }

  #keep(bytes: Uint8Array | undefined): Uint8Array | undefined {
    this.#bytes += bytes?.length ?? 0;
    return this.#bytes > ALL_BYTES ? undefined : bytes;
  }
}

/** An attribute of ASCII as bytes; undefined for others, of which not all bytes were kept. */
function latin(text: string): Uint8Array | undefined {
  if (text.length >= ATTRIBUTE_BYTES) return undefined;
  // deno-lint-ignore no-control-regex -- all of ASCII
  return /^[\x00-\x7f]*$/u.test(text) ? new TextEncoder().encode(text) : undefined;
}

/** The web-safe alphabet, with or without padding: `core/lib/strings/base64.cc`. */
function decodedBase64(text: Uint8Array | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const letters = new TextDecoder("latin1").decode(text);
  const digits = /^([A-Za-z0-9_-]*)={0,2}$/u.exec(letters)?.[1];
  if (digits === undefined || digits.length % 4 === 1) return undefined;
  const decoded = atob(digits.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(decoded, (character) => character.charCodeAt(0));
}

/** Bytes before and behind the deflated ones: RFC 1950, and RFC 1952 without any optional field. */
const FRAMES: Readonly<Record<string, readonly [before: number, behind: number]>> = {
  ZLIB: [2, 4],
  GZIP: [10, 8],
};

/** `DecodeCompressed` of one stream that fills the text. */
function inflated(text: Uint8Array | undefined, type: string): Uint8Array | undefined {
  if (text === undefined || type === "") return text;
  const [before, behind] = (Object.hasOwn(FRAMES, type) ? FRAMES[type] : undefined) ?? [];
  if (before === undefined || behind === undefined || !isFramed(text, type)) return undefined;
  const { output, failed, ended, consumed } = tryInflate(text.subarray(before), TEXT_BYTES + 1);
  const complete = ended && !failed && before + consumed + behind === text.length;
  return complete && output.length <= TEXT_BYTES ? output : undefined;
}

function isFramed(text: Uint8Array, type: string): boolean {
  const [first = 0, second = 0, method, flags] = text;
  if (type === "GZIP") return first === 0x1f && second === 0x8b && method === 8 && flags === 0;
  // A preset dictionary has the bit 0x20.
  return (first & 0x0f) === 8 && (first << 8 | second) % 31 === 0 && (second & 0x20) === 0;
}

/** A pattern of plain letters that occurs once at most, so that it does not matter whether all are replaced. */
function replaced(
  text: Uint8Array | undefined,
  pattern: Uint8Array | undefined,
  rewrite: Uint8Array | undefined,
): Uint8Array | undefined {
  if (text === undefined || pattern === undefined || rewrite === undefined) return undefined;
  const decoder = new TextDecoder("latin1");
  const [subject, sought] = [decoder.decode(text), decoder.decode(pattern)];
  if (!/^[A-Za-z0-9 ]+$/u.test(sought) || rewrite.includes(0x5c)) return undefined;
  const at = subject.indexOf(sought);
  if (at < 0) return text;
  if (subject.includes(sought, at + 1)) return undefined;
  return concat([text.subarray(0, at), rewrite, text.subarray(at + sought.length)]);
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0;
}
