/**
 * Opcodes that move values on the stack, and read and write the memo; PROTO, FRAME and STOP. Of
 * those whose common case the loop does (`Machine`), what is left.
 *
 * @module
 */

import { unsigned4, unsigned8 } from "./literals.ts";
import type { Handler, Machine } from "./machine.ts";
import { tellTargets } from "./hyper_parameters.ts";
import { OP } from "./opcodes.ts";
import { ABSENT, leave, type Next, STATUS } from "./status.ts";
import { type Handle, UNSET } from "./values.ts";

/** The newest protocol. */
const HIGHEST_PROTOCOL = 5;

function pop(machine: Machine, pos: number): Next {
  const { stack } = machine;
  if (stack.markCount > 0 && stack.fence === stack.size) stack.popMark();
  else if (stack.pop() === undefined) return machine.underflow(pos);
  return pos;
}

function popMark(machine: Machine, pos: number): Next {
  const { stack } = machine;
  if (stack.markCount === 0) return machine.fail(pos, "POP_MARK finds no MARK");
  stack.size = stack.popMark();
  return pos;
}

function dup(machine: Machine, pos: number): Next {
  const { stack } = machine;
  if (stack.size <= stack.fence) return machine.underflow(pos);
  stack.push(stack.values[stack.size - 1] as number);
  return pos;
}

/** What the loop leaves: an argument that is cut off, or an entry that is not set. */
function binget(machine: Machine, pos: number): Next {
  const { reader } = machine;
  if (pos >= reader.limit) return machine.short(pos, 1);
  return pushMemo(machine, pos, pos + 1, reader.buffer[pos] as number, UNSET);
}

function longBinget(machine: Machine, pos: number): Next {
  const { reader } = machine;
  if (pos + 4 > reader.limit) return machine.short(pos, 4);
  const index = unsigned4(reader.buffer, pos);
  return pushMemo(machine, pos, pos + 4, index, machine.memo.get(index));
}

/** GET of every width: pushes what the memo has, for the opcode before `pos`. */
export function pushMemo(
  machine: Machine,
  pos: number,
  next: number,
  index: number,
  value: Handle,
): Next {
  machine.anomalies.memoRead = true;
  if (value === UNSET) {
    return machine.reader.fail(pos - 1, next, `memo entry ${index} is not set`);
  }
  machine.stack.push(value);
  return next;
}

/** What the loop leaves of opcodes with a number of `width` bytes: it is cut off, or the stack empty. */
function leftOver(width: number): Handler {
  return (machine, pos) =>
    pos + width > machine.reader.limit
      ? machine.short(pos, width)
      : machine.underflow(pos, pos + width);
}

/** Writes the top of the stack to the memo, for the opcode before `pos`. */
export function putTop(machine: Machine, pos: number, next: number, index: number): Next {
  const { stack } = machine;
  if (stack.size <= stack.fence) return machine.underflow(pos, next);
  machine.put(index, stack.values[stack.size - 1] as number, machine.reader.base + pos - 1);
  return next;
}

/** What the loop leaves: an argument that is cut off, an empty stack, an index from 2^31 on. */
function longBinput(machine: Machine, pos: number): Next {
  const { reader } = machine;
  if (pos + 4 > reader.limit) return machine.short(pos, 4);
  return putTop(machine, pos, pos + 4, unsigned4(reader.buffer, pos));
}

function proto(machine: Machine, pos: number): Next {
  const { reader, anomalies } = machine;
  if (pos >= reader.limit) return reader.short(pos - 1, pos, 1);
  const version = reader.buffer[pos] as number;
  if (version > HIGHEST_PROTOCOL) {
    return reader.fail(pos - 1, pos + 1, `protocol ${version} is unsupported`);
  }
  const at = reader.base + pos - 1;
  if (at !== machine.start && anomalies.oddProtocol === ABSENT) anomalies.oddProtocol = at;
  machine.protocol = version;
  return pos + 1;
}

function frame(machine: Machine, pos: number): Next {
  const { reader, anomalies } = machine;
  if (pos + 8 > reader.limit) return reader.short(pos - 1, pos, 8);
  const at = reader.base + pos - 1;
  const from = reader.base + pos + 8;
  const end = from + unsigned8(reader.buffer, pos);
  if (end > reader.input.size) {
    anomalies.longFrame = true;
    anomalies.addFrame(at);
  }
  if (from >= reader.frameEnd) reader.frameEnd = Infinity;
  let next = reader.again(pos + 8);
  if (reader.frameEnd !== Infinity) {
    anomalies.addFrame(at);
    if (end <= reader.frameEnd) return next;
    next = reader.leaveFrame(from, end, from);
  }
  reader.frameEnd = end;
  return next;
}

function stop(machine: Machine, pos: number): Next {
  const { reader, stack, anomalies } = machine;
  const result = stack.pop();
  if (result === undefined) return machine.underflow(pos);
  machine.result = result;
  machine.leftovers = stack.depth;
  reader.offset = reader.base + pos;
  tellTargets(machine.heap, result, reader.offset - 1);
  if (reader.frameEnd > reader.offset && reader.frameEnd !== Infinity) {
    anomalies.addFrame(reader.offset - 1);
  }
  return leave(STATUS.STOPPED);
}

/** The handlers by their opcodes. */
export const STACK_OPCODES: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [OP.BININT1, leftOver(1)],
  [OP.BININT2, leftOver(2)],
  [OP.BININT, leftOver(4)],
  [OP.BINFLOAT, leftOver(8)],
  [OP.MEMOIZE, leftOver(0)],
  [OP.BINPUT, leftOver(1)],
  [OP.LONG_BINPUT, longBinput],
  [OP.POP, pop],
  [OP.POP_MARK, popMark],
  [OP.DUP, dup],
  [OP.BINGET, binget],
  [OP.LONG_BINGET, longBinget],
  [OP.PROTO, proto],
  [OP.FRAME, frame],
  [OP.STOP, stop],
]);
