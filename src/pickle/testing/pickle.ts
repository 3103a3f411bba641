/**
 * Helpers for tests of the pickle room: run bytes, see what the machine saw.
 *
 * @module
 */

import { loadRules } from "../../rules/rules.ts";
import { DEFAULT_LIMITS } from "../../core/limits.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { CallFact, Fact, Limits, Observation } from "../../core/types.ts";
import type { FormatContext } from "../../core/format.ts";
import { Input } from "../streams/input.ts";
import type { LayoutName } from "../streams/layouts.ts";
import { type Run, type RunOptions, runStream } from "../streams/driver.ts";
import { scanStreams } from "../streams/streams.ts";

const { meaningsOf } = loadRules().interest;

/** Bytes of Latin-1 pieces and raw numbers. */
export function bytes(...pieces: readonly (string | number | Uint8Array)[]): Uint8Array {
  const out: number[] = [];
  for (const piece of pieces) {
    if (typeof piece === "number") out.push(piece);
    else if (typeof piece === "string") {
      for (const character of piece) out.push(character.charCodeAt(0));
    } else for (const byte of piece) out.push(byte);
  }
  return Uint8Array.from(out);
}

/** SHORT_BINUNICODE of a text. */
export function str(text: string): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  return bytes(0x8c, encoded.length, encoded);
}

/** SHORT_BINBYTES. */
export function byteString(data: Uint8Array): Uint8Array {
  return bytes("C", data.length, data);
}

/** A call in protocol 0: `module.name(args)`, with arguments given as opcodes. */
export function call(module: string, name: string, ...args: (string | Uint8Array)[]): Uint8Array {
  return bytes(`c${module}\n${name}\n(`, ...args, "tR");
}

/** A context for formats; everything matters, nothing is scarce unless said. */
export function context(limits: Partial<Limits> = {}): FormatContext {
  let opcodes = 0;
  const all = { ...DEFAULT_LIMITS, ...limits };
  return {
    sample: {
      name: "x",
      size: undefined,
      head: new Uint8Array(),
      tail: undefined,
      hint: undefined,
    },
    interest: { argumentsMatter: () => true, meaningsOf },
    limits: all,
    depth: 0,
    checkDeadline() {},
    spendExpanded() {},
    spendOpcodes(count) {
      opcodes += count;
      if (opcodes > all.opcodes) throw new RangeError("opcodes spent");
    },
  };
}

/** Runs one stream. */
export function run(data: Uint8Array, options: Partial<RunOptions> = {}): Promise<Run> {
  const input = new Input(bytesSource("test", data), 1 << 20);
  return runStream(input, context(), { start: 0, traced: true, ...options });
}

/** The expressions of the calls that a stream makes. */
export async function calls(data: Uint8Array): Promise<string[]> {
  const { machine } = await run(data);
  return machine.heap.facts.all().map(({ fact }) => fact)
    .filter((fact): fact is CallFact => fact.kind === "call").map((fact) => fact.expression);
}

/** The imports of a stream as `module.name`. */
export async function imports(data: Uint8Array): Promise<string[]> {
  const { machine } = await run(data);
  return machine.heap.facts.all().flatMap(({ fact }) =>
    fact.kind === "import" ? [`${fact.module}.${fact.name}`] : []
  );
}

/** All observations of a source. */
export async function observe(
  data: Uint8Array | Source,
  layout: LayoutName = "pickle",
  limits: Partial<Limits> = {},
): Promise<Observation[]> {
  const source = data instanceof Uint8Array ? bytesSource("test", data) : data;
  const all: Observation[] = [];
  for await (const batch of scanStreams(source, context(limits), layout)) all.push(...batch);
  return all;
}

/** The facts among observations. */
export function factsIn(observations: readonly Observation[]): Fact[] {
  return observations.flatMap((it) => it.type === "fact" ? [it.fact] : []);
}

/** The rule ids of the anomalies among observations. */
export function anomaliesIn(observations: readonly Observation[]): string[] {
  return observations.flatMap((it) => it.type === "anomaly" ? [it.rule] : []);
}
