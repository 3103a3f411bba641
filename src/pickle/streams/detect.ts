/**
 * Whether bytes are a pickle, by running them a little way.
 *
 * @module
 */

import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { Interest } from "../../core/types.ts";
import { looksLikeText } from "../../parsers/bytes.ts";
import { isListedStandardModule, isPython2Only } from "../../parsers/python/names.ts";
import { Input } from "./input.ts";
import type { Machine } from "../machine/machine.ts";
import { STATUS, type Status } from "../machine/status.ts";
import { unpickler } from "../machine/unpickler.ts";
import { pythonSemantics } from "../semantics/higher_order/table.ts";
import { opcodeOf } from "../machine/opcodes.ts";

const NOTHING_MATTERS: Interest = { argumentsMatter: () => false };
/** Opcodes that have to run without an error before bytes with a PROTO header count as a pickle. */
const PLAUSIBLE_OPCODES = 8;
/** The same for bytes without that header, which text may look like. */
const PLAUSIBLE_WITHOUT_HEADER = 24;
/** Streams of two opcodes that are stepped over to see what follows. */
const TINY_STREAMS = 16;
const PERSID = 0x50;
/** PROTO, with which pickles of protocol 2 and newer begin. */
const HEADER = 0x80;
/**
 * Bytes read to decide about arguments longer than a head: as long as lines may be. The pickles seen need
 * none. CWE-770.
 */
const FURTHER_BYTES = 64 * 1024 * 1024;
const FURTHER_WINDOW_BYTES = 64 * 1024;
/**
 * Streams without imports that are stepped over to see whether a later one has some, in a head and beyond.
 * The most seen in a file are 39. CWE-834.
 */
const HEAD_STREAMS = 1024;
const FURTHER_STREAMS = 1 << 16;
/** A look as long as any: members of archives are first looked at for less. */
const LONG_HEAD_BYTES = 65_536;
/**
 * Stack items and memo entries of a machine that detects, each; one with more is undecided. The most that are seen before an import
 * in a file that only its content says to be a pickle are some hundred. CWE-770.
 */
const DETECTION_VALUES = 1 << 16;
const FURTHER_VALUES = 1 << 22;

/**
 * True when a loader would get somewhere with these bytes: to STOP, through a well-formed import
 * followed by a call, or through enough opcodes.
 *
 * @param head the first bytes, cut off anywhere
 * @param size bytes in all; undefined when nothing knows
 */
export function looksLikePickle(head: Uint8Array, size: number | undefined = head.length): boolean {
  return looksLike(head, size, TINY_STREAMS) === "pickle";
}

/**
 * What the first bytes of a source say of its being a pickle: "undecided" where they break off in the
 * middle of an argument, so that only reading on can tell.
 */
type Detection = "pickle" | "other" | "undecided";

/**
 * Tries the head of a source.
 *
 * @param head the first bytes, cut off anywhere
 * @param size bytes in all; undefined when that is not known
 * @param named whether the name claims a pickle, so that text which does nothing may be one
 */
export function tryHead(head: Uint8Array, size: number | undefined, named: boolean): Detection {
  const text = head[0] !== HEADER && !named && looksLikeText(head);
  const detection = looksLike(head, size, TINY_STREAMS);
  return detection === "pickle" && text ? tryText(head, size) : detection;
}

/**
 * Decides where the head did not: parses opcodes as far as they are valid, skipping payloads by their
 * lengths.
 *
 * @param named as for `tryHead`
 * @param checkDeadline throws LimitError once time is spent
 * @returns "undecided" when that took more bytes than `FURTHER_BYTES`
 * @throws SourceError when the bytes cannot be had
 */
export async function readFurther(
  source: Source,
  named: boolean,
  checkDeadline: () => void,
): Promise<Detection> {
  const input = new Input(source, FURTHER_WINDOW_BYTES, FURTHER_WINDOW_BYTES);
  const text = !named && looksLikeText(await source.read(0, FURTHER_WINDOW_BYTES));
  let machine = detectionMachine(input, 0, FURTHER_VALUES);
  let read = 0;
  for (let streams = 0, opcodes = 0;;) {
    const status = step(machine);
    if (effectOf(machine)) return "pickle";
    if (status === "too much") return "undecided";
    if (status === STATUS.NEED) {
      checkDeadline();
      if (read > FURTHER_BYTES) return "undecided";
      const waiting = input.fill(machine.offset, machine.reader.wanted);
      if (waiting !== undefined) await waiting;
      read += input.length;
      continue;
    }
    opcodes += machine.opcodes;
    if (status === STATUS.STOPPED && machine.offset < input.size) {
      if (streams++ === FURTHER_STREAMS) return "undecided";
      machine = detectionMachine(input, machine.offset, FURTHER_VALUES);
      continue;
    }
    const enough = status === STATUS.STOPPED ? 2 : PLAUSIBLE_WITHOUT_HEADER;
    return !text && opcodes > enough ? "pickle" : "other";
  }
}

/** Text is a pickle where a stream among the first ones imports or calls what Python could have. */
function tryText(head: Uint8Array, size: number | undefined): Detection {
  for (let at = 0, streams = 0; at < head.length && streams < HEAD_STREAMS; streams++) {
    const { machine, status } = tried(
      head.subarray(at),
      size === undefined ? undefined : size - at,
    );
    if (effectOf(machine)) return "pickle";
    if (status === "too much") return "undecided";
    if (status !== STATUS.STOPPED || machine.offset === 0) {
      const cut = machine.reader.error?.truncated === true;
      return cut && (size === undefined || size > head.length) ? "undecided" : "other";
    }
    at += machine.offset;
    if (at === size) return "other";
  }
  return "undecided";
}

/** Whether the machine imported something that Python could have, or imported and called. */
function effectOf(machine: Machine): boolean {
  const trace = machine.heap.facts.trace ?? [];
  return trace.some((line) => isImportable(line)) ||
    trace.some((line) => line.startsWith("call ")) &&
      trace.some((line) => WELL_FORMED_IMPORT.test(line));
}

/** Whether a line of a trace imports from a module of Python's own or from within a package. */
function isImportable(line: string): boolean {
  const module = /^import ([A-Za-z_][\w.]*) [A-Za-z_][\w.]*$/.exec(line)?.[1];
  return module !== undefined &&
    (isListedStandardModule(module.split(".")[0] ?? module) || isPython2Only(module) ||
      /[._]/.test(module));
}

/**
 * True when bytes without a header are a pickle that imports something, which no text that merely
 * decodes to bytes does by chance: a name of two words and line breaks, behind opcodes that run.
 *
 * @param head the first bytes, cut off anywhere
 */
export function importsSomething(head: Uint8Array, size: number): boolean {
  if (head[0] === 0x80 || !mayBegin(head)) return false;
  const { machine } = tried(head, size);
  return (machine.heap.facts.trace ?? []).some((line) => WELL_FORMED_IMPORT.test(line));
}

/**
 * True when opcodes import something that Python could have, or import and call, before they end.
 *
 * @param head the first bytes, cut off anywhere
 */
export function startsWithImport(head: Uint8Array, size: number | undefined): boolean {
  return looksLikePickle(head, size) && effectOf(tried(head, size).machine);
}

const WELL_FORMED_IMPORT = /^import [A-Za-z_][\w.]* [A-Za-z_][\w.]*$/;

/** How far detection came: "too much" where there are more values than it keeps. */
type DetectionStatus = Status | "too much";

/** Runs a machine over the bytes as far as they go. */
function tried(
  head: Uint8Array,
  size: number | undefined,
): { readonly machine: Machine; readonly status: DetectionStatus } {
  const input = new Input({ ...bytesSource("head", head), size }, 0, head.length);
  const machine = detectionMachine(input, 0, DETECTION_VALUES);
  return { machine, status: runToEnd(machine, input) };
}

/** A machine to which nothing matters but what is imported and called. */
function detectionMachine(input: Input, start: number, valueLimit: number): Machine {
  return unpickler(input, start, {
    interest: NOTHING_MATTERS,
    drops: [],
    stepArrays: false,
    valueLimit,
    itemLimit: 1024,
    containerLimit: 1024,
    traced: true,
    semantics: pythonSemantics(new Map()),
  });
}

function looksLike(head: Uint8Array, size: number | undefined, tries: number): Detection {
  const header = head[0] === HEADER;
  // Zip archives and safetensors may begin like PERSID, which no plain unpickler gets past.
  if (isZipRecord(head) || isSafetensors(head)) return "other";
  if (header ? (head[1] ?? 6) > 5 : !mayBegin(head)) return "other";
  const { machine, status } = tried(head, size);
  if (status === STATUS.STOPPED) {
    if (header || machine.opcodes > 2) return "pickle";
    return tiny(head, machine.offset, size, tries);
  }
  if (isPlausible(head, size, machine)) return "pickle";
  if (status === "too much") return "undecided";
  const cut = status === STATUS.FAILED && machine.reader.error?.truncated === true;
  return !header && cut && (size === undefined || size > head.length) ? "undecided" : "other";
}

/** Whether a machine that did not come to STOP got far enough. */
function isPlausible(head: Uint8Array, size: number | undefined, machine: Machine): boolean {
  const header = head[0] === HEADER;
  const trace = machine.heap.facts.trace ?? [];
  const wellFormed = trace.some((line) => WELL_FORMED_IMPORT.test(line));
  const calls = trace.some((line) => line.startsWith("call "));
  if (wellFormed && (header || calls || trace.some(isImportable))) return true;
  const long = machine.reader.error?.truncated === true && head.length >= LONG_HEAD_BYTES;
  if (!header && comesToNothing(head, trace, long)) return false;
  const enough = header ? PLAUSIBLE_OPCODES : PLAUSIBLE_WITHOUT_HEADER;
  if (machine.opcodes > enough) return true;
  const cut = machine.reader.error?.truncated === true && machine.offset <= (size ?? Infinity);
  return cut && header && machine.opcodes >= (machine.offset >= head.length ? 2 : 3);
}

/** A header of 80 to 65,360 bytes: PERSID, the rest of its length, and JSON. It is read as what it is. */
function isSafetensors(head: Uint8Array): boolean {
  return head[0] === PERSID && head[8] === 0x7b && head.subarray(2, 8).every((byte) => byte === 0);
}

/** APPNOTE.TXT 4.3: all signatures of records are "PK" and two numbers, mostly consecutive. */
function isZipRecord([first, second, third = 0, fourth]: Uint8Array): boolean {
  if (first !== 0x50 || second !== 0x4b) return false;
  return third < 8 && third % 2 === 1 && fourth === third + 1 ||
    third === 6 && (fourth === 6 || fourth === 7);
}

/**
 * Whether bytes that no unpickler reads to their end do nothing until then, as lists of paths look: an
 * import of a module with a slash in its name, which Python finds nowhere, or a persistent id and no
 * import at all before an error, or as far as a short look goes.
 *
 * @param long whether a long head has nothing else to its end
 */
function comesToNothing(head: Uint8Array, trace: readonly string[], long: boolean): boolean {
  const imported = trace.find((line) => line.startsWith("import "));
  if (imported !== undefined) return /^import [^ ]*\//.test(imported);
  return head[0] === PERSID && !long && trace.length === 0;
}

/** A two-opcode pickle such as `N.` counts only when nothing, or another pickle, follows. */
function tiny(head: Uint8Array, end: number, size: number | undefined, tries: number): Detection {
  if (end >= (size ?? Infinity) || (size === undefined && end === head.length)) return "pickle";
  // So many repetitions are a file of such pickles, whatever bytes follow.
  if (tries === 0) return "pickle";
  if (end >= head.length) return "undecided";
  return looksLike(head.subarray(end), size === undefined ? undefined : size - end, tries - 1);
}

function runToEnd(machine: Machine, input: Input): DetectionStatus {
  for (;;) {
    const status = step(machine);
    if (status !== STATUS.NEED) return status;
    input.fill(machine.offset, machine.reader.wanted);
  }
}

/** Runs on. */
function step(machine: Machine): DetectionStatus {
  try {
    return machine.run();
  } catch (error) {
    if (error instanceof RangeError) return "too much";
    throw error;
  }
}

/** Whether a pickle without PROTO may begin so: an opcode of protocol 0 or 1 that pushes. */
function mayBegin(head: Uint8Array): boolean {
  const opcode = opcodeOf(head[0] ?? 0);
  if (opcode === undefined || head.length < 2) return false;
  return "(c]})IJKLMNFGSTUVXPBC".includes(String.fromCharCode(opcode.code)) ||
    (opcode.code >= 0x82 && opcode.code <= 0x96 && opcode.argument !== "none") ||
    opcode.code === 0x8f || opcode.code === 0x88 || opcode.code === 0x89;
}
