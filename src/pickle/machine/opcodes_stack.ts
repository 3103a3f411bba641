/**
 * Opcodes that push constants, move values on the stack, and read and write the memo; PROTO, FRAME
 * and STOP.
 *
 * @module
 */

import { unsigned4, unsigned8 } from "./literals.ts";
import type { Handler, Machine } from "./machine.ts";
import { OP } from "./opcodes.ts";
import { ABSENT, leave, type Next, STATUS } from "./status.ts";
import { FALSE, type Handle, handleOf, KIND, NONE, TRUE, UNSET } from "./values.ts";

/** The newest protocol. */
const HIGHEST_PROTOCOL = 5;

function binint1(machine: Machine, pos: number): Next {
  const { reader, stack } = machine;
  if (pos >= reader.limit) return machine.short(pos, 1);
  stack.push((reader.buffer[pos] as number) * 16 + KIND.INTEGER);
  return pos + 1;
}

function binint2(machine: Machine, pos: number): Next {
  const { reader, stack } = machine;
  if (pos + 2 > reader.limit) return machine.short(pos, 2);
  const { buffer } = reader;
  stack.push(((buffer[pos] as number) | (buffer[pos + 1] as number) << 8) * 16 + KIND.INTEGER);
  return pos + 2;
}

function binint(machine: Machine, pos: number): Next {
  const { reader, stack } = machine;
  if (pos + 4 > reader.limit) return machine.short(pos, 4);
  const value = unsigned4(reader.buffer, pos) | 0;
  stack.push(value < 0 ? -value * 16 + KIND.NEGATIVE : value * 16 + KIND.INTEGER);
  return pos + 4;
}

function binfloat(machine: Machine, pos: number): Next {
  const { reader, stack } = machine;
  if (pos + 8 > reader.limit) return machine.short(pos, 8);
  stack.push(handleOf(KIND.NUMBER, reader.base + pos - 1));
  return pos + 8;
}

function none(machine: Machine, pos: number): Next {
  machine.stack.push(NONE);
  return pos;
}

function newtrue(machine: Machine, pos: number): Next {
  machine.stack.push(TRUE);
  return pos;
}

function newfalse(machine: Machine, pos: number): Next {
  machine.stack.push(FALSE);
  return pos;
}

function mark(machine: Machine, pos: number): Next {
  machine.stack.mark();
  return pos;
}

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

function binget(machine: Machine, pos: number): Next {
  const { reader } = machine;
  if (pos >= reader.limit) return machine.short(pos, 1);
  const index = reader.buffer[pos] as number;
  return pushMemo(machine, pos, pos + 1, index, machine.memo.first[index] as number);
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
  machine.notes.memoRead = true;
  if (value === UNSET) {
    return machine.reader.fail(pos - 1, next, `memo entry ${index} is not set`);
  }
  machine.stack.push(value);
  return next;
}

function memoize(machine: Machine, pos: number): Next {
  return putTop(machine, pos, pos, machine.memo.size);
}

function binput(machine: Machine, pos: number): Next {
  const { reader } = machine;
  if (pos >= reader.limit) return machine.short(pos, 1);
  return putTop(machine, pos, pos + 1, reader.buffer[pos] as number);
}

function longBinput(machine: Machine, pos: number): Next {
  const { reader } = machine;
  if (pos + 4 > reader.limit) return machine.short(pos, 4);
  return putTop(machine, pos, pos + 4, unsigned4(reader.buffer, pos));
}

/** PUT of every width: writes the top of the stack to the memo, for the opcode before `pos`. */
export function putTop(machine: Machine, pos: number, next: number, index: number): Next {
  const { stack } = machine;
  if (stack.size <= stack.fence) return machine.underflow(pos, next);
  machine.put(index, stack.values[stack.size - 1] as number, machine.reader.base + pos - 1);
  return next;
}

function proto(machine: Machine, pos: number): Next {
  const { reader, notes } = machine;
  if (pos >= reader.limit) return reader.short(pos - 1, pos, 1);
  const version = reader.buffer[pos] as number;
  if (version > HIGHEST_PROTOCOL) {
    return reader.fail(pos - 1, pos + 1, `protocol ${version} is unsupported`);
  }
  const at = reader.base + pos - 1;
  if (at !== machine.start && notes.oddProtocol === ABSENT) notes.oddProtocol = at;
  machine.protocol = version;
  return pos + 1;
}

function frame(machine: Machine, pos: number): Next {
  const { reader, notes } = machine;
  if (pos + 8 > reader.limit) return reader.short(pos - 1, pos, 8);
  const at = reader.base + pos - 1;
  const from = reader.base + pos + 8;
  const end = from + unsigned8(reader.buffer, pos);
  if (end > reader.input.size) {
    notes.longFrame = true;
    notes.noteFrame(at);
  }
  if (from >= reader.frameEnd) reader.frameEnd = Infinity;
  let next = reader.again(pos + 8);
  if (reader.frameEnd !== Infinity) {
    notes.noteFrame(at);
    if (end <= reader.frameEnd) return next;
    next = reader.leaveFrame(from, end, from);
  }
  reader.frameEnd = end;
  return next;
}

function stop(machine: Machine, pos: number): Next {
  const { reader, stack, notes } = machine;
  const result = stack.pop();
  if (result === undefined) return machine.underflow(pos);
  machine.result = result;
  machine.leftovers = stack.depth;
  reader.offset = reader.base + pos;
  if (reader.frameEnd > reader.offset && reader.frameEnd !== Infinity) {
    notes.noteFrame(reader.offset - 1);
  }
  return leave(STATUS.STOPPED);
}

/** The handlers by their opcodes. */
export const STACK_OPCODES: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [OP.BININT1, binint1],
  [OP.BININT2, binint2],
  [OP.BININT, binint],
  [OP.BINFLOAT, binfloat],
  [OP.NONE, none],
  [OP.NEWTRUE, newtrue],
  [OP.NEWFALSE, newfalse],
  [OP.MARK, mark],
  [OP.POP, pop],
  [OP.POP_MARK, popMark],
  [OP.DUP, dup],
  [OP.BINGET, binget],
  [OP.LONG_BINGET, longBinget],
  [OP.MEMOIZE, memoize],
  [OP.BINPUT, binput],
  [OP.LONG_BINPUT, longBinput],
  [OP.PROTO, proto],
  [OP.FRAME, frame],
  [OP.STOP, stop],
]);
