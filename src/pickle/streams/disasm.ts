/**
 * Disassembly: every opcode with its argument and what the machine has on its stack behind it.
 * Safe on any input, like the machine itself.
 *
 * @module
 */

import type { Source } from "../../core/source.ts";
import { DEFAULT_LIMITS } from "../../core/limits.ts";
import { Input } from "./input.ts";
import { decodeLatin1, decodeUtf8, payloadOf } from "../machine/literals.ts";
import type { Machine } from "../machine/machine.ts";
import { STATUS, type Status } from "../machine/status.ts";
import { unpickler } from "../machine/unpickler.ts";
import { opcodeOf } from "../machine/opcodes.ts";
import { pythonSemantics } from "../semantics/higher_order/table.ts";
import { render, reprBytes, reprText } from "../tools/render.ts";
import type { GlobalName, Interest } from "../../core/types.ts";

/** Characters of an argument that are shown. */
const ARGUMENT_SHOWN = 60;
/** Characters of a stack value that are shown. */
const VALUE_SHOWN = 60;
/** Values of the stack that are shown, from the top. */
const STACK_SHOWN = 3;
/** Bytes that hold most opcodes with their arguments, and what is shown of the others. */
const OPCODE_BYTES = 1024;
/** Values kept of the stack, memo and containers. CWE-770. */
const KEPT = 1 << 20;

/** One line of a disassembly. */
export interface DisassembledLine {
  readonly stream: number;
  /** Byte offset in the source. */
  readonly offset: number;
  readonly opcode: string;
  /** As a person would write it, cut; control characters raw. */
  readonly argument: string;
  /** The top of the stack behind the opcode, topmost last. */
  readonly stack: readonly string[];
  /** Values and marks on the stack. */
  readonly depth: number;
  /** What the unpickler would raise here. */
  readonly error?: string;
}

/**
 * Disassembles all streams of a source, one behind the other, up to the first that fails.
 *
 * @param interest says what calls mean
 * @throws SourceError when bytes cannot be had
 */
export async function* disassembledLines(
  source: Source,
  interest: Interest,
): AsyncGenerator<DisassembledLine> {
  const extensions = new Map<number, GlobalName>();
  let offset = 0;
  for (let stream = 0; offset < (source.size ?? Infinity); stream++) {
    const input = new OpcodeInput(source, KEPT);
    const machine = unpickler(input, offset, {
      interest: { argumentsMatter: () => true, meaningsOf: interest.meaningsOf },
      drops: [],
      stepArrays: false,
      valueLimit: DEFAULT_LIMITS.values,
      itemLimit: KEPT,
      containerLimit: KEPT,
      traced: false,
      semantics: pythonSemantics(extensions),
    });
    const failed = yield* lines(machine, input, stream);
    if (failed || machine.offset === offset) return;
    offset = machine.offset;
  }
}

/**
 * The same as text: offset, opcode, argument, and the stack behind it.
 *
 * @param write takes one line without its end; control characters of the file are still raw
 * @throws SourceError when bytes cannot be had
 */
export async function disassemble(
  source: Source,
  interest: Interest,
  write: (line: string) => void | Promise<void>,
): Promise<void> {
  let stream = -1;
  for await (const line of disassembledLines(source, interest)) {
    if (line.stream !== stream) {
      stream = line.stream;
      await write(`${stream === 0 ? "" : "\n"}stream_${stream}`);
    }
    await write(lineText(line, 64));
    if (line.error !== undefined) {
      await write(`          ^ the unpickler stops here: ${line.error}`);
    }
  }
}

/**
 * One line as text.
 *
 * @param column where the stack begins
 */
export function lineText(line: DisassembledLine, column: number): string {
  const head = `${String(line.offset).padStart(8)}  ${line.opcode.padEnd(16)} ${line.argument}`;
  const tail = line.stack.length === 0
    ? ""
    : `${line.depth > line.stack.length ? "… " : ""}${line.stack.join(" | ")}`;
  return `${head.padEnd(column)} [${line.depth}] ${tail}`.trimEnd();
}

async function* lines(
  machine: Machine,
  input: OpcodeInput,
  stream: number,
): AsyncGenerator<DisassembledLine, boolean> {
  for (;;) {
    const { offset } = machine;
    await input.fill(offset, machine.reader.wanted);
    if (input.length === 0 && stream > 0) return true;
    const opcode = opcodeOf(input.buffer[0] ?? 0);
    const argument = argumentText(input.buffer.subarray(0, input.length));
    const { status, full } = guarded(machine);
    if (status === STATUS.NEED && machine.offset === offset) continue;
    const line: DisassembledLine = {
      stream,
      offset: input.actual(offset),
      opcode: input.length === 0
        ? "(end)"
        : opcode?.name ?? `0x${(input.buffer[0] ?? 0).toString(16)}`,
      argument,
      stack: machine.stack.top(STACK_SHOWN).map((value) =>
        shortened(render(machine.heap, value), VALUE_SHOWN)
      ),
      depth: machine.stack.depth,
    };
    if (status === STATUS.FAILED) {
      yield { ...line, error: full ?? machine.reader.error?.message ?? "failed" };
      return true;
    }
    yield line;
    if (status === STATUS.STOPPED) return false;
  }
}

/** Runs; a machine that can keep no more says so with a RangeError. */
function guarded(machine: Machine): { readonly status: Status; readonly full?: string } {
  try {
    return { status: machine.run() };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { status: STATUS.FAILED, full: error.message };
  }
}

/** The argument of the opcode that `bytes` hold. */
function argumentText(bytes: Uint8Array): string {
  const layout = opcodeOf(bytes[0] ?? 0)?.argument;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const has = (count: number): boolean => bytes.length > count;
  switch (layout) {
    case "u1":
      return has(1) ? String(view.getUint8(1)) : "";
    case "u2":
      return has(2) ? String(view.getUint16(1, true)) : "";
    case "u4":
      return has(4) ? String(view.getUint32(1, true)) : "";
    case "i4":
      return has(4) ? String(view.getInt32(1, true)) : "";
    case "u8":
      return has(8) ? String(view.getBigUint64(1, true)) : "";
    case "f8":
      return has(8) ? String(view.getFloat64(1, false)) : "";
    case "line":
    case "two-lines": {
      const text = decodeLatin1(bytes.subarray(1, 1 + 4 * ARGUMENT_SHOWN)).trimEnd();
      return shortened(text.replace("\n", " "), ARGUMENT_SHOWN);
    }
    case undefined:
    case "none":
      return "";
    default:
      return payloadText(bytes);
  }
}

function payloadText(bytes: Uint8Array): string {
  const padded = new Uint8Array(9);
  padded.set(bytes.subarray(0, 9));
  const payload = payloadOf(padded);
  if (payload === undefined) return "";
  const shown = bytes.subarray(
    payload.header,
    payload.header + Math.min(payload.length, 4 * ARGUMENT_SHOWN),
  );
  const text = opcodeOf(bytes[0] ?? 0)?.name.includes("UNICODE")
    ? reprText(decodeUtf8(shown))
    : reprBytes(shown);
  return payload.length > 4 * ARGUMENT_SHOWN || text.length > ARGUMENT_SHOWN
    ? `${shortened(text, ARGUMENT_SHOWN)} (${payload.length} bytes)`
    : text;
}

function shortened(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

/** An input whose window ends where the opcode at its start ends, so that the machine stops behind it. */
class OpcodeInput extends Input {
  /** What was read last, from which the windows of the next opcodes are taken. */
  private read: Pick<Input, "buffer" | "base" | "length" | "ended"> | undefined;

  override fill(virtual: number, wanted: number): Promise<void> | undefined {
    if (this.takeRead(virtual, wanted)) {
      this.narrow(wanted);
      return undefined;
    }
    const filled = (): void => {
      const { buffer, base, length, ended } = this;
      this.read = { buffer, base, length, ended };
      this.narrow(wanted);
    };
    const waiting = super.fill(virtual, wanted);
    if (waiting !== undefined) return waiting.then(filled);
    filled();
    return undefined;
  }

  override drop(virtual: number, count: number): void {
    this.read = undefined;
    super.drop(virtual, count);
  }

  /** Moves the window within what was read, where that reaches far enough. */
  private takeRead(virtual: number, wanted: number): boolean {
    if (this.read === undefined || virtual < this.read.base) return false;
    const { buffer, base, length, ended } = this.read;
    const left = base + length - virtual;
    if (left < Math.max(wanted, ended ? 1 : OPCODE_BYTES)) return false;
    this.buffer = buffer.subarray(virtual - base);
    this.base = virtual;
    this.length = left;
    this.ended = ended;
    return true;
  }

  private narrow(wanted: number): void {
    const length = Math.max(wanted, opcodeLength(this.buffer.subarray(0, this.length)));
    if (length >= this.length) return;
    this.length = length;
    this.ended = false;
  }
}

/** Bytes of the opcode at the start of `bytes`, as far as they are there. */
function opcodeLength(bytes: Uint8Array): number {
  const layout = opcodeOf(bytes[0] ?? 0)?.argument ?? "none";
  const fixed = { none: 1, u1: 2, u2: 3, u4: 5, i4: 5, u8: 9, f8: 9 }[layout as string];
  if (fixed !== undefined) return fixed;
  if (layout === "line" || layout === "two-lines") {
    const first = bytes.indexOf(0x0a);
    const last = layout === "line" || first < 0 ? first : bytes.indexOf(0x0a, first + 1);
    return last < 0 ? bytes.length : last + 1;
  }
  const padded = new Uint8Array(9);
  padded.set(bytes.subarray(0, 9));
  const payload = payloadOf(padded);
  return payload === undefined
    ? bytes.length
    : Math.min(bytes.length, payload.header + payload.length);
}
