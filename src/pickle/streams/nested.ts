/**
 * Pickles inside constants: what a loader in the file is given, and what merely lies there.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { tryInflate } from "../../codecs/decompress.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { bytesSource, sliceSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { decodeBase64, decodeHex, inflateGzip, inflateZlib } from "../semantics/codecs.ts";
import { CODED_CHARACTERS } from "../machine/opcodes_payload.ts";
import type { Input } from "./input.ts";
import { encodeLatin1 } from "../machine/literals.ts";
import type { Run } from "./driver.ts";
import { importsSomething, looksLikePickle } from "./detect.ts";
import { type Handle, handleOf, indexOf, KIND, kindOf } from "../machine/values.ts";

/** Constants that may be pickles scanned as such, for one stream; the rest is unread. The models seen have none. CWE-834. */
const ENTRIES = 256;
/** Loaded constants, for one stream: a tensor each in a module that is pickled. The rest is unread. CWE-834. */
const LOADED = 16_384;
const GLANCE = 4096;

/**
 * The entries of a stream: first what is loaded, then constants that are pickles.
 *
 * @param known as `loadedEntries` has it
 */
export function nestedEntries(
  run: Run,
  input: Input,
  source: Source,
  within: readonly string[],
  known: Set<string>,
): Observation[] {
  return [
    ...literalEntries(run, input, source, within, known),
    ...constantEntries(run, input, source, within, known),
  ];
}

/**
 * The entries of a stream under another reading: what is loaded, and where that is not known, the constants
 * that it may be.
 *
 * @param known places in the source of what other readings of it load, which are not reported again; this
 * reading's are added
 */
export function loadedEntries(
  run: Run,
  input: Input,
  source: Source,
  within: readonly string[],
  known: Set<string>,
): Observation[] {
  const entries = literalEntries(run, input, source, within, known);
  return run.machine.semantics.loadsUnknown
    ? [...entries, ...constantEntries(run, input, source, within, known)]
    : entries;
}

/** Constants that are pickles. */
function constantEntries(
  run: Run,
  input: Input,
  source: Source,
  within: readonly string[],
  known: Set<string>,
): Observation[] {
  const entries: Observation[] = [];
  const taken = new Set(run.machine.semantics.loaded.map(({ handle }) => handle));
  let reported = 0;
  const { loadsUnknown, mayLoad } = run.machine.semantics;
  for (const offset of new Set([...run.machine.nestedCandidates, ...mayLoad])) {
    if (reported >= ENTRIES) break;
    if (taken.has(handleOf(KIND.BYTES, offset))) continue;
    const place = `constant ${input.actual(offset)}`;
    if (known.has(place)) continue;
    const nested = constantPickle(run, input, source, offset);
    if (nested !== undefined) {
      const part = `constant_${input.actual(offset)}`;
      reported++;
      if (loadsUnknown) known.add(place);
      entries.push({
        type: "anomaly",
        rule: "pickle-nested-data",
        detail: `the constant at byte ${input.actual(offset)}`,
        offset: input.actual(offset),
        within,
      });
      // A loader that gets what is not known may get this.
      const entry = { type: "entry", source: nested, part, within } as const;
      entries.push(
        loadsUnknown ? { ...entry, hint: HINT.pickle } : { ...entry, loaded: "data" },
      );
    }
  }
  if (run.machine.nestedForgotten || reported >= ENTRIES) {
    entries.push({
      type: "anomaly",
      rule: "scan-limit",
      detail: "there are more constants that may be pickles than are looked at",
      offset: input.actual(run.start),
      within,
      unread: true,
    });
  }
  return entries;
}

/** What a stream loads, and how much of it cannot be looked into. */
function literalEntries(
  run: Run,
  input: Input,
  source: Source,
  within: readonly string[],
  known: Set<string>,
): Observation[] {
  const entries: Observation[] = [];
  const handles = new Set(run.machine.semantics.loaded.map(({ handle }) => handle));
  let unread = 0;
  for (const handle of handles) {
    const place = placeOf(run, input, handle);
    if (place !== undefined && known.has(place)) continue;
    if (place !== undefined) known.add(place);
    const full = entries.length === LOADED;
    const opened = full ? undefined : loadedSource(run, input, source, handle);
    if (opened === undefined) {
      unread++;
      continue;
    }
    entries.push({
      type: "entry",
      source: opened,
      part: `loaded_${entries.length}`,
      hint: HINT.loaded,
      within,
    });
  }
  if (unread > 0) {
    entries.push({
      type: "anomaly",
      rule: "pickle-loaded-unread",
      detail: `${unread} of the constants that it loads, too many, too long or behind what is kept`,
      offset: input.actual(run.start),
      within,
      unread: true,
    });
  }
  return entries;
}

/** Where a literal begins and ends in the source; undefined for what is computed. */
function placeOf(run: Run, input: Input, handle: Handle): string | undefined {
  if (kindOf(handle) !== KIND.BYTES) return undefined;
  const payload = run.machine.heap.payload(indexOf(handle));
  return payload &&
    `${input.actual(payload.offset)}-${input.actual(payload.offset + payload.length)}`;
}

/** What a loader is given, as far as it can be had. */
function loadedSource(run: Run, input: Input, source: Source, handle: Handle): Source | undefined {
  if (kindOf(handle) === KIND.BYTES) return literalSource(run, input, source, indexOf(handle));
  const computed = run.machine.heap.bytesMade(handle);
  return computed && bytesSource("loaded", computed);
}

/** The payload of a literal where it lies, or its text as bytes where it does not. */
function literalSource(run: Run, input: Input, source: Source, offset: number): Source | undefined {
  const payload = run.machine.heap.payload(offset);
  const contiguous = payload && input.actual(payload.offset + payload.length) -
          input.actual(payload.offset) === payload.length;
  const raw = run.machine.heap.isTextLiteral(offset);
  if (payload !== undefined && contiguous && !raw && source.access === "random") {
    return sliceSource("loaded", source, input.actual(payload.offset), payload.length);
  }
  const bytes = run.machine.heap.bytesMade(handleOf(KIND.BYTES, offset));
  return bytes && bytesSource("loaded", bytes);
}

/** The pickle that a constant is: raw, compressed, hexadecimal or base64. */
function constantPickle(
  run: Run,
  input: Input,
  source: Source,
  offset: number,
): Source | undefined {
  const { machine } = run;
  const payload = machine.heap.payload(offset);
  if (payload === undefined) return undefined;
  const head = input.bytesAt(payload.offset, Math.min(payload.length, GLANCE));
  if (head === undefined) return undefined;
  const raw = head[0] === 0x5d || head[0] === 0x7d ? importsSomething : looksLikePickle;
  if (raw(head, payload.length)) {
    return literalSource(run, input, source, offset);
  }
  if (compressedPickle(head)) return literalSource(run, input, source, offset);
  const text = machine.heap.textOf(handleOf(KIND.STRING, offset)) ??
    asText(machine.heap.bytesMade(handleOf(KIND.BYTES, offset)));
  if (text === undefined || text.length < CODED_CHARACTERS) return undefined;
  const plain = text.trim();
  const decoded = /^[0-9a-fA-F]+$/.test(plain)
    ? decodeHex(plain)
    : /^[A-Za-z0-9+/_=\s-]+$/.test(plain)
    ? decodeBase64(plain.replaceAll("-", "+").replaceAll("_", "/"))
    : encodeLatin1(text);
  if (decoded === undefined) return undefined;
  const glance = decoded.subarray(0, GLANCE);
  // Of ordinary text some decodes to what begins like an opcode of protocol 0.
  const promising = decoded[0] === 0x80
    ? looksLikePickle(glance, decoded.length)
    : compressedPickle(glance) || importsSomething(glance, decoded.length);
  return promising ? bytesSource("constant", decoded) : undefined;
}

function asText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || !bytes.every((byte) => byte < 0x80)) return undefined;
  return latin1(bytes, 65_536);
}

function compressedPickle(head: Uint8Array): boolean {
  const inflated = head[0] === 0x1f
    ? inflateGzip(head)
    : head[0] === 0x78
    ? inflateZlib(head)
    : undefined;
  if (inflated === undefined || inflated.output.length < 2) return false;
  const { output } = inflated;
  const { ended } = tryInflate(head.subarray(2), 1);
  return looksLikePickle(output.subarray(0, GLANCE), ended ? output.length : undefined);
}
