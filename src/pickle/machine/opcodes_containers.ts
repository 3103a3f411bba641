/**
 * Opcodes that make and fill tuples, lists, dictionaries and sets.
 *
 * @module
 */

import type { Handler, Machine } from "./machine.ts";
import { OP, opcodeOf } from "./opcodes.ts";
import type { Next } from "./status.ts";
import { CONTAINER, type Handle } from "./values.ts";

/** Items for what is no plain container that are looked at where they are plain data; of others, all are. */
const ITEMS_SEEN = 64;

function emptySet(machine: Machine, pos: number): Next {
  machine.stack.push(machine.heap.containers.create(CONTAINER.SET));
  return pos;
}

/** Puts what is on the stack from `from` on into a new container, in its place. */
function collect(machine: Machine, kind: number, from: number): void {
  const { stack, heap: { containers } } = machine;
  const container = containers.create(kind);
  if (container < 0) containers.append(container, stack.values, from, stack.size);
  stack.size = from;
  stack.push(container);
}

/** TUPLE1, TUPLE2 and TUPLE3. */
function shortTuple(machine: Machine, pos: number, items: number): Next {
  const { stack } = machine;
  const from = stack.size - items;
  if (from < stack.fence) return machine.underflow(pos);
  collect(machine, CONTAINER.TUPLE, from);
  return pos;
}

/** TUPLE, LIST, DICT and FROZENSET: all from the last mark on. */
function collectMarked(machine: Machine, pos: number, code: number, kind: number): Next {
  const { stack } = machine;
  if (stack.markCount === 0) return machine.fail(pos, `${nameOf(code)} finds no MARK`);
  const from = stack.popMark();
  if (code === OP.DICT && ((stack.size - from) & 1) !== 0) {
    return machine.fail(pos, "DICT has an odd number of items");
  }
  collect(machine, kind, from);
  return pos;
}

/** What the loop leaves of APPEND and SETITEM, which fill with the topmost `items` values. */
function fillTop(machine: Machine, pos: number, code: number, items: number): Next {
  const { stack } = machine;
  const from = stack.size - items;
  return from <= stack.fence ? machine.underflow(pos) : fillObject(machine, pos, code, from);
}

/** ADDITEMS, and what the loop leaves of APPENDS and SETITEMS: all from the last mark on. */
function fillMarked(machine: Machine, pos: number, code: number): Next {
  const { stack } = machine;
  if (stack.markCount === 0) return machine.fail(pos, `${nameOf(code)} finds no MARK`);
  const from = stack.popMark();
  if (from <= stack.fence) return machine.underflow(pos);
  const items = stack.size - from;
  if (items === 0) return pos;
  if (code === OP.SETITEMS && (items & 1) !== 0) {
    return machine.fail(pos, "SETITEMS has an odd number of items");
  }
  return fillObject(machine, pos, code, from);
}

/** The values from a place on go into what is under them, which mostly is no container of the file's. */
function fillObject(machine: Machine, pos: number, code: number, from: number): Next {
  const { stack, semantics, heap } = machine;
  const target = stack.values[from - 1] as number;
  if (target < 0) {
    const pairs = code === OP.SETITEM || code === OP.SETITEMS;
    heap.containers.append(target, stack.values, from, stack.size, pairs);
    stack.size = from;
    return pos;
  }
  const seen = heap.rendered ? stack.size : Math.min(stack.size, from + ITEMS_SEEN);
  const kept = stack.from(from, seen);
  if (seen < stack.size) keepCallable(machine, seen, code === OP.SETITEMS ? 2 : 1, kept);
  semantics.fill(target, kept, nameOf(code), machine.reader.base + pos - 1);
  stack.size = from;
  return machine.goOn(pos);
}

/** Adds the items, or keys and values, from a place on of which one may be called, or is a container. */
function keepCallable(
  { stack, semantics }: Machine,
  from: number,
  width: 1 | 2,
  kept: Handle[],
): void {
  const { values, size } = stack;
  for (let place = from; place + width <= size; place += width) {
    const first = values[place] as number;
    const last = values[place + width - 1] as number;
    const keeps = first < 0 || last < 0 || semantics.isCallable(first) ||
      semantics.isCallable(last);
    if (!keeps) continue;
    kept.push(first);
    if (width === 2) kept.push(last);
  }
}

function nameOf(code: number): string {
  return opcodeOf(code)?.name ?? "";
}

/** The handlers by their opcodes. */
export const CONTAINER_OPCODES: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [OP.EMPTY_SET, emptySet],
  [OP.TUPLE1, (machine, pos) => shortTuple(machine, pos, 1)],
  [OP.TUPLE2, (machine, pos) => shortTuple(machine, pos, 2)],
  [OP.TUPLE3, (machine, pos) => shortTuple(machine, pos, 3)],
  [OP.TUPLE, (machine, pos) => collectMarked(machine, pos, OP.TUPLE, CONTAINER.TUPLE)],
  [OP.LIST, (machine, pos) => collectMarked(machine, pos, OP.LIST, CONTAINER.LIST)],
  [OP.DICT, (machine, pos) => collectMarked(machine, pos, OP.DICT, CONTAINER.DICT)],
  [OP.FROZENSET, (machine, pos) => collectMarked(machine, pos, OP.FROZENSET, CONTAINER.FROZENSET)],
  [OP.APPEND, (machine, pos) => fillTop(machine, pos, OP.APPEND, 1)],
  [OP.SETITEM, (machine, pos) => fillTop(machine, pos, OP.SETITEM, 2)],
  [OP.APPENDS, (machine, pos) => fillMarked(machine, pos, OP.APPENDS)],
  [OP.SETITEMS, (machine, pos) => fillMarked(machine, pos, OP.SETITEMS)],
  [OP.ADDITEMS, (machine, pos) => fillMarked(machine, pos, OP.ADDITEMS)],
]);
