/**
 * The pickle machine: steps through opcodes as CPython's C unpickler does
 * (`Modules/_pickle.c`, functions `load_*`), on abstract values.
 *
 * `run` is synchronous and goes on until it needs bytes that are not in the window, meets STOP or an
 * error, or must hand control to its driver. Nothing is awaited and, for values that no rule cares
 * about, nothing is allocated per opcode.
 *
 * @module
 */

import { isAscii, isUtf8, unsigned4 } from "./literals.ts";
import { OP } from "./opcodes.ts";
import { CountedOpcodes, NESTED_FIRST } from "./opcodes_counted.ts";
import { ABSENT, STATUS, type Status } from "./status.ts";
import { CONTAINER, FALSE, grown, KIND, LOST, NONE, TRUE } from "./values.ts";

export {
  type MachineError,
  type MachineNotes,
  type MachineOptions,
  STATUS,
  type Status,
} from "./status.ts";

/** One unpickler's `load`, on abstract values. `restart` loads again with the same memo. */
export class Machine extends CountedOpcodes {
  /** Goes on until there is something for the driver to do. */
  run(): Status {
    for (;;) {
      const { base, length } = this.input;
      if (this.offset < base || this.offset > base + length) {
        if (this.offset > this.input.size) return this.truncated();
        this.wanted = 1;
        return STATUS.NEED;
      }
      const status = this.longLine === ABSENT ? this.step() : this.skipLine();
      if (status !== undefined) return status;
    }
  }

  /**
   * The hot loop, in one piece on purpose: what it keeps in locals is what makes it fast.
   * Opcodes that are rare go through `slow`. Undefined means: enter again.
   */
  protected step(): Status | undefined {
    const input = this.input;
    const buffer = input.buffer;
    const base = input.base;
    const end = input.length;
    const limit = Math.min(end, this.frameEnd - base);
    const { memo, containers } = this;
    const searching = this.options.interest.patternsIn !== undefined;
    let stack = this.stack;
    let sp = this.sp;
    let opcodes = this.opcodes;
    let pos = this.offset - base;
    let begin = pos;
    let short = 0;
    let capacity = stack.length - 1;
    for (;;) {
      begin = pos;
      if (pos >= limit) {
        short = 1;
        break;
      }
      if (sp >= capacity) {
        this.growStack();
        stack = this.stack;
        capacity = stack.length - 1;
      }
      opcodes++;
      const code = buffer[pos++] as number;
      switch (code) {
        case OP.SHORT_BINUNICODE:
        case OP.SHORT_BINBYTES:
        case OP.SHORT_BINSTRING: {
          if (pos >= limit) {
            short = 1;
            break;
          }
          const length = buffer[pos] as number;
          const next = pos + 1 + length;
          if (next > limit) {
            short = 1 + length;
            break;
          }
          if (
            code === OP.SHORT_BINUNICODE && !isAscii(buffer, pos + 1, next) &&
            !isUtf8(buffer.subarray(pos + 1, next))
          ) break;
          if (length > 8 && NESTED_FIRST[buffer[pos + 1] as number] === 1) {
            this.noteNested(base + begin, pos + 1, length);
          }
          if (searching) this.search(code, base + begin, pos + 1, length);
          stack[sp++] = (base + begin) * 16 +
            (code === OP.SHORT_BINBYTES ? KIND.BYTES : KIND.STRING);
          pos = next;
          continue;
        }
        case OP.BINGET: {
          if (pos >= limit) {
            short = 1;
            break;
          }
          const value = memo.first[buffer[pos] as number] as number;
          if (value !== value) break;
          stack[sp++] = value;
          this.notes.memoRead = true;
          pos++;
          continue;
        }
        case OP.LONG_BINGET: {
          if (pos + 4 > limit) {
            short = 4;
            break;
          }
          const value = memo.get(unsigned4(buffer, pos));
          if (value !== value) break;
          stack[sp++] = value;
          this.notes.memoRead = true;
          pos += 4;
          continue;
        }
        case OP.MEMOIZE: {
          if (sp <= this.fence) break;
          this.put(memo.size, stack[sp - 1] as number, begin + base);
          continue;
        }
        case OP.BINPUT:
        case OP.LONG_BINPUT: {
          const width = code === OP.BINPUT ? 1 : 4;
          if (pos + width > limit) {
            short = width;
            break;
          }
          if (sp <= this.fence) break;
          const index = width === 1 ? buffer[pos] as number : unsigned4(buffer, pos);
          this.put(index, stack[sp - 1] as number, begin + base);
          pos += width;
          continue;
        }
        case OP.MARK:
          if (this.mp === this.marks.length) {
            this.marks = grown(this.marks, new Int32Array(this.mp * 2));
          }
          this.marks[this.mp++] = sp;
          this.fence = sp;
          continue;
        case OP.EMPTY_DICT:
          stack[sp++] = containers.create(CONTAINER.DICT);
          continue;
        case OP.EMPTY_LIST:
          stack[sp++] = containers.create(CONTAINER.LIST);
          continue;
        case OP.EMPTY_TUPLE:
          stack[sp++] = containers.create(CONTAINER.TUPLE);
          continue;
        case OP.SETITEMS:
        case OP.APPENDS: {
          if (this.mp === 0) break;
          const mark = this.marks[this.mp - 1] as number;
          const fence = this.mp > 1 ? this.marks[this.mp - 2] as number : 0;
          if (mark <= fence) break;
          const container = stack[mark - 1] as number;
          const kept = container < 0;
          if (!kept && container !== LOST) break;
          if (code === OP.SETITEMS && ((sp - mark) & 1) !== 0) break;
          this.mp--;
          this.fence = fence;
          if (kept) containers.append(container, stack, mark, sp);
          sp = mark;
          continue;
        }
        case OP.SETITEM:
        case OP.APPEND: {
          const from = code === OP.SETITEM ? sp - 2 : sp - 1;
          if (from <= this.fence) break;
          const container = stack[from - 1] as number;
          if (container < 0) containers.append(container, stack, from, sp);
          else if (container !== LOST) break;
          sp = from;
          continue;
        }
        case OP.TUPLE1:
        case OP.TUPLE2:
        case OP.TUPLE3: {
          const from = sp - (code - OP.TUPLE1 + 1);
          if (from < this.fence) break;
          const tuple = containers.create(CONTAINER.TUPLE);
          if (tuple < 0) containers.append(tuple, stack, from, sp);
          sp = from;
          stack[sp++] = tuple;
          continue;
        }
        case OP.BININT1:
          if (pos >= limit) {
            short = 1;
            break;
          }
          stack[sp++] = (buffer[pos] as number) * 16 + KIND.INTEGER;
          pos++;
          continue;
        case OP.BININT2:
          if (pos + 2 > limit) {
            short = 2;
            break;
          }
          stack[sp++] = ((buffer[pos] as number) | (buffer[pos + 1] as number) << 8) * 16 +
            KIND.INTEGER;
          pos += 2;
          continue;
        case OP.BININT: {
          if (pos + 4 > limit) {
            short = 4;
            break;
          }
          const value = unsigned4(buffer, pos) | 0;
          stack[sp++] = value < 0 ? -value * 16 + KIND.NEGATIVE : value * 16 + KIND.INTEGER;
          pos += 4;
          continue;
        }
        case OP.BINFLOAT:
          if (pos + 8 > limit) {
            short = 8;
            break;
          }
          stack[sp++] = (base + begin) * 16 + KIND.NUMBER;
          pos += 8;
          continue;
        case OP.NONE:
          stack[sp++] = NONE;
          continue;
        case OP.NEWTRUE:
          stack[sp++] = TRUE;
          continue;
        case OP.NEWFALSE:
          stack[sp++] = FALSE;
          continue;
      }
      break;
    }
    this.sp = sp;
    this.offset = base + begin;
    if (short > 0) {
      this.opcodes = begin === pos ? opcodes : opcodes - 1;
      return this.shortOf(begin, pos, short);
    }
    this.opcodes = opcodes;
    return this.slow(buffer[begin] as number, begin, pos, limit);
  }
}
