/**
 * Opcodes that import, call, build, or ask the outside for an object.
 *
 * @module
 */

import { typeOf } from "./classes.ts";
import { unsigned4 } from "./literals.ts";
import type { Handler, Machine } from "./machine.ts";
import { OP } from "./opcodes.ts";
import { leave, type Next, STATUS } from "./status.ts";
import { CONTAINER, type Handle, LOST, UNKNOWN } from "./values.ts";

/** Persistent ids that are kept; a checkpoint has as many as tensors. The most seen are 26. CWE-770. */
const PERSISTENT_KEPT = 1 << 18;

function stackGlobal(machine: Machine, pos: number): Next {
  const { stack, semantics } = machine;
  const name = stack.pop();
  const module = name === undefined ? undefined : stack.pop();
  if (name === undefined || module === undefined) return machine.underflow(pos);
  const value = semantics.stackGlobal(module, name, machine.reader.base + pos - 1);
  if (value === undefined) return machine.fail(pos, "STACK_GLOBAL requires str");
  stack.push(value);
  return machine.goOn(pos);
}

/** REDUCE and NEWOBJ. */
function callTop(machine: Machine, pos: number, code: number): Next {
  const { stack, semantics, anomalies } = machine;
  const args = stack.pop();
  const callee = args === undefined ? undefined : stack.pop();
  if (args === undefined || callee === undefined) return machine.underflow(pos);
  const via = code === OP.REDUCE ? "REDUCE" : "NEWOBJ";
  const at = machine.reader.base + pos - 1;
  if (machine.isNoTuple(args)) anomalies.refuse(at, `${via}'s arguments are no tuple`);
  if (machine.isData(callee)) {
    anomalies.refuse(at, `${via} over what cannot be called`);
    anomalies.addDataCalled(at);
  }
  stack.push(semantics.callTuple(callee, args, undefined, via, at));
  return machine.goOn(pos);
}

function newobjEx(machine: Machine, pos: number): Next {
  const { stack, semantics, anomalies } = machine;
  const kwargs = stack.pop();
  const args = kwargs === undefined ? undefined : stack.pop();
  const callee = args === undefined ? undefined : stack.pop();
  if (kwargs === undefined || args === undefined || callee === undefined) {
    return machine.underflow(pos);
  }
  const at = machine.reader.base + pos - 1;
  if (machine.isNoTuple(args) || machine.isData(callee)) {
    anomalies.refuse(at, "NEWOBJ_EX over what cannot be called");
    if (machine.isData(callee)) anomalies.addDataCalled(at);
  }
  stack.push(semantics.callTuple(callee, args, kwargs, "NEWOBJ_EX", at));
  return machine.goOn(pos);
}

function obj(machine: Machine, pos: number): Next {
  const { stack, semantics } = machine;
  if (stack.markCount === 0) return machine.fail(pos, "OBJ finds no MARK");
  const mark = stack.popMark();
  if (stack.size - mark < 1) return machine.underflow(pos);
  const [callee = UNKNOWN, ...args] = stack.from(mark);
  stack.size = mark;
  stack.push(semantics.call(callee, args, undefined, "OBJ", machine.reader.base + pos - 1));
  return machine.goOn(pos);
}

function build(machine: Machine, pos: number): Next {
  const { stack, semantics, reader } = machine;
  if (stack.size - 2 < stack.fence) return machine.underflow(pos);
  const state = stack.pop() as Handle;
  const target = stack.values[stack.size - 1] as number;
  semantics.build(target, state, reader.base + pos - 1);
  if (!machine.options.stepArrays || !semantics.isArrayWrapper(target)) return machine.goOn(pos);
  machine.arrayWrapper = target;
  reader.offset = reader.base + pos;
  return leave(STATUS.ARRAY);
}

function binpersid(machine: Machine, pos: number): Next {
  const id = machine.stack.pop();
  if (id === undefined) return machine.underflow(pos);
  pushPersistent(machine, id);
  return machine.goOn(pos);
}

/** Pushes what a persistent id stands for. */
export function pushPersistent(machine: Machine, id: Handle): void {
  const { heap, stack, persistentIds } = machine;
  const [tag, module] = heap.itemsOf(id, CONTAINER.TUPLE)?.slice(0, 2) ?? [];
  const name = tag === undefined ? undefined : heap.textOf(tag);
  const isClass = tag !== undefined && module !== undefined && heap.globalOf(module) !== undefined;
  if (isClass && name === "module") {
    // torch's legacy loader gives the class itself (`persistent_load` in torch/serialization.py).
    stack.push(module);
  } else if (persistentIds.length < PERSISTENT_KEPT) {
    persistentIds.push(id);
    const data = heap.object({ type: "persistent", id });
    const unknown = isClass && name === undefined && !machine.isData(tag);
    stack.push(unknown ? heap.object({ type: "oneOf", values: [data, module] }) : data);
  } else stack.push(LOST);
}

function nextBuffer(machine: Machine, pos: number): Next {
  machine.stack.push(UNKNOWN);
  return pos;
}

function readonlyBuffer(machine: Machine, pos: number): Next {
  const { stack, heap, anomalies } = machine;
  if (stack.size <= stack.fence) return machine.underflow(pos);
  const value = stack.values[stack.size - 1] as number;
  if (machine.isData(value) && typeOf(heap, value)?.name !== "bytes") {
    anomalies.refuse(machine.reader.base + pos - 1, "READONLY_BUFFER over what is no buffer");
  }
  return pos;
}

/** EXT1, EXT2 and EXT4. */
function extension(machine: Machine, pos: number, width: 1 | 2 | 4): Next {
  const { reader, stack, semantics } = machine;
  const next = pos + width;
  if (next > reader.limit) return reader.short(pos - 1, pos, width);
  const { buffer } = reader;
  const low = buffer[pos] as number;
  const code = width === 1
    ? low
    : width === 2
    ? low | (buffer[pos + 1] as number) << 8
    : unsigned4(buffer, pos) | 0;
  if (code <= 0) return reader.fail(pos - 1, next, `extension code ${code} is not positive`);
  stack.push(semantics.extension(code, reader.base + pos - 1));
  return machine.goOn(next);
}

/** A byte that is no opcode. */
export function unknownOpcode({ reader }: Machine, pos: number): Next {
  const code = (reader.buffer[pos - 1] as number).toString(16).padStart(2, "0");
  return reader.fail(pos - 1, pos - 1, `0x${code} is no opcode`);
}

/** The handlers by their opcodes. */
export const CALL_OPCODES: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [OP.STACK_GLOBAL, stackGlobal],
  [OP.REDUCE, (machine, pos) => callTop(machine, pos, OP.REDUCE)],
  [OP.NEWOBJ, (machine, pos) => callTop(machine, pos, OP.NEWOBJ)],
  [OP.NEWOBJ_EX, newobjEx],
  [OP.OBJ, obj],
  [OP.BUILD, build],
  [OP.BINPERSID, binpersid],
  [OP.NEXT_BUFFER, nextBuffer],
  [OP.READONLY_BUFFER, readonlyBuffer],
  [OP.EXT1, (machine, pos) => extension(machine, pos, 1)],
  [OP.EXT2, (machine, pos) => extension(machine, pos, 2)],
  [OP.EXT4, (machine, pos) => extension(machine, pos, 4)],
]);
