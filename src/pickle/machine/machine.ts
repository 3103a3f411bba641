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
import { NESTED_HEADS } from "./nested_heads.ts";
import { CountedOpcodes } from "./opcodes_counted.ts";
import { ABSENT, STATUS, type Status } from "./status.ts";
import { CONTAINER, FALSE, grown, KIND, LOST, NONE, TRUE, UNSET } from "./values.ts";

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
      if (this.facts.full) return STATUS.FULL;
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
    let first = memo.first;
    let memoRead = false;
    let stack = this.stack;
    let sp = this.sp;
    let marks = this.marks;
    let mp = this.mp;
    let fence = this.fence;
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
        case 0x8c /* SHORT_BINUNICODE */:
        case 0x43 /* SHORT_BINBYTES */:
        case 0x55 /* SHORT_BINSTRING */: {
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
            !isUtf8(buffer, pos + 1, next)
          ) break;
          if (
            length > 8 &&
            ((NESTED_HEADS[buffer[pos + 1] as number] as number) &
                (NESTED_HEADS[256 + (buffer[pos + 2] as number)] as number)) !== 0
          ) {
            this.noteNested(base + begin, pos + 1, length);
          }
          if (searching) this.search(code, base + begin, pos + 1, length);
          stack[sp++] = (base + begin) * 16 +
            (code === OP.SHORT_BINBYTES ? KIND.BYTES : KIND.STRING);
          pos = next;
          continue;
        }
        case 0x68 /* BINGET */: {
          if (pos >= limit) {
            short = 1;
            break;
          }
          const value = first[buffer[pos] as number] as number;
          if (value === UNSET) break;
          stack[sp++] = value;
          memoRead = true;
          pos++;
          continue;
        }
        case 0x6a /* LONG_BINGET */: {
          if (pos + 4 > limit) {
            short = 4;
            break;
          }
          const value = memo.get(unsigned4(buffer, pos));
          if (value === UNSET) break;
          stack[sp++] = value;
          memoRead = true;
          pos += 4;
          continue;
        }
        case 0x94 /* MEMOIZE */: {
          if (sp <= fence) break;
          this.put(memo.size, stack[sp - 1] as number, begin + base);
          first = memo.first;
          continue;
        }
        case 0x71 /* BINPUT */:
        case 0x72 /* LONG_BINPUT */: {
          const width = code === OP.BINPUT ? 1 : 4;
          if (pos + width > limit) {
            short = width;
            break;
          }
          if (sp <= fence) break;
          const index = width === 1 ? buffer[pos] as number : unsigned4(buffer, pos);
          this.put(index, stack[sp - 1] as number, begin + base);
          first = memo.first;
          pos += width;
          continue;
        }
        case 0x28 /* MARK */:
          if (mp === marks.length) {
            marks = this.marks = grown(marks, new Int32Array(mp * 2));
          }
          marks[mp++] = sp;
          fence = sp;
          continue;
        case 0x7d /* EMPTY_DICT */:
          stack[sp++] = containers.create(CONTAINER.DICT);
          continue;
        case 0x5d /* EMPTY_LIST */:
          stack[sp++] = containers.create(CONTAINER.LIST);
          continue;
        case 0x29 /* EMPTY_TUPLE */:
          stack[sp++] = containers.create(CONTAINER.TUPLE);
          continue;
        case 0x75 /* SETITEMS */:
        case 0x65 /* APPENDS */: {
          if (mp === 0) break;
          const mark = marks[mp - 1] as number;
          const below = mp > 1 ? marks[mp - 2] as number : 0;
          if (mark <= below) break;
          const container = stack[mark - 1] as number;
          const kept = container < 0;
          if (!kept && container !== LOST) break;
          if (code === OP.SETITEMS && ((sp - mark) & 1) !== 0) break;
          mp--;
          fence = below;
          if (kept) containers.append(container, stack, mark, sp);
          sp = mark;
          continue;
        }
        case 0x73 /* SETITEM */:
        case 0x61 /* APPEND */: {
          const from = code === OP.SETITEM ? sp - 2 : sp - 1;
          if (from <= fence) break;
          const container = stack[from - 1] as number;
          if (container < 0) containers.append(container, stack, from, sp);
          else if (container !== LOST) break;
          sp = from;
          continue;
        }
        case 0x85 /* TUPLE1 */:
        case 0x86 /* TUPLE2 */:
        case 0x87 /* TUPLE3 */: {
          const from = sp - (code - OP.TUPLE1 + 1);
          if (from < fence) break;
          const tuple = containers.create(CONTAINER.TUPLE);
          if (tuple < 0) containers.append(tuple, stack, from, sp);
          sp = from;
          stack[sp++] = tuple;
          continue;
        }
        case 0x4b /* BININT1 */:
          if (pos >= limit) {
            short = 1;
            break;
          }
          stack[sp++] = (buffer[pos] as number) * 16 + KIND.INTEGER;
          pos++;
          continue;
        case 0x4d /* BININT2 */:
          if (pos + 2 > limit) {
            short = 2;
            break;
          }
          stack[sp++] = ((buffer[pos] as number) | (buffer[pos + 1] as number) << 8) * 16 +
            KIND.INTEGER;
          pos += 2;
          continue;
        case 0x4a /* BININT */: {
          if (pos + 4 > limit) {
            short = 4;
            break;
          }
          const value = unsigned4(buffer, pos) | 0;
          stack[sp++] = value < 0 ? -value * 16 + KIND.NEGATIVE : value * 16 + KIND.INTEGER;
          pos += 4;
          continue;
        }
        case 0x47 /* BINFLOAT */:
          if (pos + 8 > limit) {
            short = 8;
            break;
          }
          stack[sp++] = (base + begin) * 16 + KIND.NUMBER;
          pos += 8;
          continue;
        case 0x4e /* NONE */:
          stack[sp++] = NONE;
          continue;
        case 0x88 /* NEWTRUE */:
          stack[sp++] = TRUE;
          continue;
        case 0x89 /* NEWFALSE */:
          stack[sp++] = FALSE;
          continue;
      }
      break;
    }
    this.sp = sp;
    this.mp = mp;
    this.fence = fence;
    if (memoRead) this.notes.memoRead = true;
    this.offset = base + begin;
    if (short > 0) {
      this.opcodes = begin === pos ? opcodes : opcodes - 1;
      return this.shortOf(begin, pos, short);
    }
    this.opcodes = opcodes;
    return this.slow(buffer[begin] as number, begin, pos, limit);
  }
}
