/**
 * Opcodes without an argument: stack and mark, containers, imports, calls, BUILD.
 *
 * @module
 */

import { Frames } from "./frames.ts";
import { OP, opcodeOf } from "./opcodes.ts";
import { STATUS, type Status } from "./status.ts";
import { CONTAINER, type Handle, UNKNOWN } from "./values.ts";

/** Items for what is no plain container that are looked at; of keys, all are. */
const ITEMS_SEEN = 64;

/** The machine as far as opcodes without argument go. */
export class PlainOpcodes extends Frames {
  protected plain(code: number, at: number): Status | undefined {
    switch (code) {
      case OP.STOP:
        return this.stop(at);
      case OP.POP:
        if (this.mp > 0 && this.marks[this.mp - 1] === this.sp) this.popMark();
        else if (this.sp <= this.fence) return this.underflow(at, code);
        else this.sp--;
        return undefined;
      case OP.POP_MARK:
        if (this.mp === 0) return this.fail(at, "POP_MARK finds no MARK");
        this.sp = this.popMark();
        return undefined;
      case OP.DUP:
        if (this.sp <= this.fence) return this.underflow(at, code);
        this.push(this.stack[this.sp - 1] as number);
        return undefined;
      case OP.TUPLE:
      case OP.LIST:
      case OP.DICT:
      case OP.FROZENSET:
        return this.collect(code, at);
      case OP.EMPTY_SET:
        this.push(this.containers.create(CONTAINER.SET));
        return undefined;
      case OP.APPEND:
      case OP.APPENDS:
      case OP.SETITEM:
      case OP.SETITEMS:
      case OP.ADDITEMS:
        return this.fillObject(code, at);
      case OP.READONLY_BUFFER:
      case OP.NEXT_BUFFER:
        if (code === OP.READONLY_BUFFER) {
          if (this.sp <= this.fence) return this.underflow(at, code);
          if (this.hasNoBuffer(this.stack[this.sp - 1] as number)) {
            this.refuse(at, "READONLY_BUFFER over what is no buffer");
          }
          return undefined;
        }
        this.push(UNKNOWN);
        return undefined;
      case OP.BINPERSID: {
        const id = this.pop();
        if (id === undefined) return this.underflow(at, code);
        this.persistent(id);
        return undefined;
      }
      default:
        return this.callOpcode(code, at);
    }
  }

  /** Opcodes that import, call or build. */
  protected callOpcode(code: number, at: number): Status | undefined {
    switch (code) {
      case OP.STACK_GLOBAL: {
        const name = this.pop();
        const module = name === undefined ? undefined : this.pop();
        if (name === undefined || module === undefined) return this.underflow(at, code);
        const value = this.semantics.stackGlobal(module, name, at);
        if (value === undefined) return this.fail(at, "STACK_GLOBAL requires str");
        this.push(value);
        return undefined;
      }
      case OP.REDUCE:
      case OP.NEWOBJ: {
        const args = this.pop();
        const callee = args === undefined ? undefined : this.pop();
        if (args === undefined || callee === undefined) return this.underflow(at, code);
        if (this.isNoTuple(args)) {
          this.refuse(at, `${opcodeOf(code)?.name}'s arguments are no tuple`);
        }
        if (this.isData(callee)) {
          this.refuse(at, `${opcodeOf(code)?.name} over what cannot be called`);
        }
        this.push(
          this.semantics.callTuple(
            callee,
            args,
            undefined,
            code === OP.REDUCE ? "REDUCE" : "NEWOBJ",
            at,
          ),
        );
        return undefined;
      }
      case OP.NEWOBJ_EX: {
        const kwargs = this.pop();
        const args = kwargs === undefined ? undefined : this.pop();
        const callee = args === undefined ? undefined : this.pop();
        if (kwargs === undefined || args === undefined || callee === undefined) {
          return this.underflow(at, code);
        }
        if (this.isNoTuple(args) || this.isData(callee)) {
          this.refuse(at, "NEWOBJ_EX over what cannot be called");
        }
        this.push(this.semantics.callTuple(callee, args, kwargs, "NEWOBJ_EX", at));
        return undefined;
      }
      case OP.OBJ:
        return this.obj(at);
      case OP.BUILD:
        return this.build(at);
      default:
        return this.underflow(at, code);
    }
  }

  protected obj(at: number): Status | undefined {
    if (this.mp === 0) return this.fail(at, "OBJ finds no MARK");
    const mark = this.popMark();
    if (this.sp - mark < 1) return this.underflow(at, OP.OBJ);
    const callee = this.stack[mark] as number;
    const args = Array.from(this.stack.subarray(mark + 1, this.sp));
    this.sp = mark;
    this.push(this.semantics.call(callee, args, undefined, "OBJ", at));
    return undefined;
  }

  protected build(at: number): Status | undefined {
    if (this.sp - 2 < this.fence) return this.underflow(at, OP.BUILD);
    const state = this.stack[--this.sp] as number;
    const target = this.stack[this.sp - 1] as number;
    this.semantics.build(target, state, at);
    if (this.options.stepArrays && this.semantics.isArrayWrapper(target)) {
      this.arrayWrapper = target;
      return STATUS.ARRAY;
    }
    return undefined;
  }

  /** To be called when a stream is at its end: what only then is known. */
  settle(): void {
    try {
      this.semantics.settle();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.lost();
    }
  }

  protected stop(at: number): Status {
    if (this.sp <= this.fence) return this.underflow(at, OP.STOP);
    this.result = this.stack[--this.sp] as number;
    this.leftovers = this.sp + this.mp;
    if (this.frameEnd > this.offset && this.frameEnd !== Infinity) this.noteFrame(at);
    return STATUS.STOPPED;
  }

  protected collect(code: number, at: number): Status | undefined {
    if (this.mp === 0) return this.fail(at, `${opcodeOf(code)?.name} finds no MARK`);
    const mark = this.popMark();
    if (code === OP.DICT && ((this.sp - mark) & 1) !== 0) {
      return this.fail(at, "DICT has an odd number of items");
    }
    const kind = code === OP.TUPLE
      ? CONTAINER.TUPLE
      : code === OP.LIST
      ? CONTAINER.LIST
      : code === OP.DICT
      ? CONTAINER.DICT
      : CONTAINER.FROZENSET;
    const container = this.containers.create(kind);
    if (container < 0) this.containers.append(container, this.stack, mark, this.sp);
    this.sp = mark;
    this.push(container);
    return undefined;
  }

  /** APPEND(S), SETITEM(S) or ADDITEMS on what is no plain container, or with something amiss. */
  protected fillObject(code: number, at: number): Status | undefined {
    let from: number;
    if (code === OP.APPEND) from = this.sp - 1;
    else if (code === OP.SETITEM) from = this.sp - 2;
    else {
      if (this.mp === 0) return this.fail(at, `${opcodeOf(code)?.name} finds no MARK`);
      from = this.popMark();
    }
    if (from <= this.fence || from > this.sp) return this.underflow(at, code);
    const items = this.sp - from;
    if (items === 0) return undefined;
    if (code === OP.SETITEMS && (items & 1) !== 0) {
      return this.fail(at, "SETITEMS has an odd number of items");
    }
    const target = this.stack[from - 1] as number;
    if (target < 0) this.containers.append(target, this.stack, from, this.sp);
    else {
      const seen = Math.min(this.sp, from + ITEMS_SEEN);
      const kept: Handle[] = Array.from(this.stack.subarray(from, seen));
      if (code === OP.SETITEMS) kept.push(...this.callableKey(seen));
      this.semantics.fill(target, kept, opcodeOf(code)?.name ?? "", at);
    }
    this.sp = from;
    return undefined;
  }

  /** The first key from there on that may be called, with its value. */
  private callableKey(from: number): Handle[] {
    for (let place = from; place + 1 < this.sp; place += 2) {
      const key = this.stack[place] as number;
      if (this.semantics.isCallable(key)) return [key, this.stack[place + 1] as number];
    }
    return [];
  }
}
