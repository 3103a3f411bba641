/**
 * The hot loop of the machine once more, in WebAssembly: what `Machine.step` does with the opcodes
 * that large pickles consist of, three times as fast.
 *
 * It does what `step` does, opcode by opcode, or it stops before the opcode and leaves it to `step`:
 * whatever is rare, odd or wrong is handled in one place only. `hot_loop_test.ts` runs both over the
 * same bytes. Where WebAssembly cannot be had, `step` does all of it.
 *
 * @module
 */

import { WINDOW_BYTES } from "./input.ts";
import { OP } from "./opcodes.ts";
import { CONTAINER_LOSSY } from "./containers.ts";
import { CONTAINER, FALSE, KIND, LOST, NONE, TRUE, UNSET } from "./values.ts";
import {
  block,
  branch,
  branchIf,
  type Case,
  type Code,
  dispatch,
  f64,
  FunctionBuilder,
  i32,
  i64,
  type Label,
  type Local,
  loop,
  sequence,
  when,
} from "./wasm.ts";

/** Values that the stack in the memory has room for; a deeper one is `step`'s. */
export const STACK_VALUES = 1 << 16;
/** Marks that the memory has room for. */
export const MARKS = 1 << 14;
/** Containers that the memory has room for. */
export const CONTAINERS = 1 << 18;
/** Items of containers that the memory has room for. */
export const ITEMS = 1 << 19;
/** Memo entries that the memory has room for: whole blocks of `Memo`. */
export const MEMO_ENTRIES = 1 << 24;

/** Numbers that the machine and the loop tell each other, 32-bit integers at the memory's beginning. */
export const SHARED = {
  SP: 0,
  MP: 1,
  FENCE: 2,
  MEMO_SIZE: 3,
  CONTAINER_COUNT: 4,
  ITEM_COUNT: 5,
  /** Opcodes done in this call. */
  OPCODES: 6,
  /** 1 when the memo was read. */
  MEMO_READ: 7,
  MEMO_LIMIT: 8,
  CONTAINER_LIMIT: 9,
  ITEM_LIMIT: 10,
  /** Behind the last memo entry in the memory that is set. */
  MEMO_TOP: 11,
} as const;

const HEADER_BYTES = 64;
/** A string is looked at eight bytes at a time. */
const WINDOW_ROOM = WINDOW_BYTES + 8;

/** Where in the memory each array begins, in bytes; each is a multiple of 8. */
export const LAYOUT = layout({
  header: HEADER_BYTES,
  nested: 512,
  window: WINDOW_ROOM,
  stack: STACK_VALUES * 8,
  marks: MARKS * 4,
  kinds: CONTAINERS,
  heads: CONTAINERS * 4,
  tails: CONTAINERS * 4,
  counts: CONTAINERS * 4,
  values: ITEMS * 8,
  nexts: ITEMS * 4,
  memo: MEMO_ENTRIES * 8,
});

function layout<Name extends string>(bytes: Record<Name, number>): Record<Name | "end", number> {
  let end = 0;
  const places: Partial<Record<Name, number>> = {};
  for (const name in bytes) {
    places[name] = end;
    end += bytes[name];
  }
  return { ...places as Record<Name, number>, end };
}

/** All bytes of a string are below 0x80. */
const ASCII_MASK = 0x8080808080808080n;

/** The parts of the function that its cases share. */
class HotLoop {
  readonly function = new FunctionBuilder();
  /** First byte to look at, in the window. */
  readonly pos = this.function.parameter("i32");
  /** End of what may be looked at, in the window. */
  readonly limit = this.function.parameter("i32");
  /** The window's virtual offset. */
  readonly base = this.function.parameter("f64");
  readonly begin = this.function.local("i32");
  readonly sp = this.function.local("i32");
  readonly mp = this.function.local("i32");
  readonly fence = this.function.local("i32");
  readonly memoSize = this.function.local("i32");
  readonly memoTop = this.function.local("i32");
  readonly containers = this.function.local("i32");
  readonly items = this.function.local("i32");
  readonly opcodes = this.function.local("i32");
  readonly memoRead = this.function.local("i32");
  readonly code = this.function.local("i32");
  readonly at = this.function.local("i32");
  readonly end = this.function.local("i32");
  readonly from = this.function.local("i32");
  readonly below = this.function.local("i32");
  readonly place = this.function.local("i32");
  readonly index = this.function.local("i32");
  readonly value = this.function.local("f64");
  readonly container = this.function.local("f64");

  /** The module's bytes. */
  module(): Uint8Array<ArrayBuffer> {
    const shared = [
      [this.sp, SHARED.SP],
      [this.mp, SHARED.MP],
      [this.fence, SHARED.FENCE],
      [this.memoSize, SHARED.MEMO_SIZE],
      [this.memoTop, SHARED.MEMO_TOP],
      [this.containers, SHARED.CONTAINER_COUNT],
      [this.items, SHARED.ITEM_COUNT],
      [this.opcodes, SHARED.OPCODES],
      [this.memoRead, SHARED.MEMO_READ],
    ] as const;
    const zero = i32.const(0);
    const body = sequence(
      ...shared.map(([local, slot]) => local.set(i32.load(zero, slot * 4))),
      block((done) => loop((next) => sequence(this.opcode(done), branch(next)))),
      ...shared.map(([local, slot]) => i32.store(zero, slot * 4, local.get)),
      this.begin.get,
    );
    return this.function.module(body, "i32");
  }

  /** One opcode; branches to `done` with nothing changed when it is for `step`. */
  private opcode(done: Label): Code {
    return sequence(
      this.begin.set(this.pos.get),
      branchIf(done, i32.geS(this.pos.get, this.limit.get)),
      branchIf(done, i32.geS(this.sp.get, i32.const(STACK_VALUES - 1))),
      this.code.set(i32.load8(this.pos.get, LAYOUT.window)),
      increase(this.pos, i32.const(1)),
      dispatch(this.code.get, [
        ...this.constants(done),
        ...this.memo(done),
        ...this.collections(done),
      ], branch(done)),
      increase(this.opcodes, i32.const(1)),
    );
  }

  private constants(done: Label): Case[] {
    const at = this.pos.get;
    const offset = f64.mul(f64.add(this.base.get, f64.fromI32(this.begin.get)), f64.const(16));
    const small = (value: Code) =>
      f64.fromI32(i32.add(i32.shl(value, i32.const(4)), i32.const(KIND.INTEGER)));
    return [
      { values: [OP.NONE], body: this.push(f64.const(NONE)) },
      { values: [OP.NEWTRUE], body: this.push(f64.const(TRUE)) },
      { values: [OP.NEWFALSE], body: this.push(f64.const(FALSE)) },
      {
        values: [OP.BININT1],
        body: this.argument(done, 1, this.push(small(i32.load8(at, LAYOUT.window)))),
      },
      {
        values: [OP.BININT2],
        body: this.argument(done, 2, this.push(small(i32.load16(at, LAYOUT.window)))),
      },
      { values: [OP.BININT], body: this.argument(done, 4, this.binint()) },
      {
        values: [OP.BINFLOAT],
        body: this.argument(done, 8, this.push(f64.add(offset, f64.const(KIND.NUMBER)))),
      },
      { values: [OP.SHORT_BINUNICODE], body: this.string(done, 1, KIND.STRING, true) },
      { values: [OP.SHORT_BINSTRING], body: this.string(done, 1, KIND.STRING, false) },
      { values: [OP.SHORT_BINBYTES], body: this.string(done, 1, KIND.BYTES, false) },
      { values: [OP.BINUNICODE], body: this.string(done, 4, KIND.STRING, true) },
      { values: [OP.BINSTRING], body: this.string(done, 4, KIND.STRING, false) },
      { values: [OP.BINBYTES], body: this.string(done, 4, KIND.BYTES, false) },
    ];
  }

  private binint(): Code {
    const { value } = this;
    const kinds = (factor: number, kind: number) =>
      this.push(f64.add(f64.mul(value.get, f64.const(factor)), f64.const(kind)));
    return sequence(
      value.set(f64.fromI32(i32.load(this.pos.get, LAYOUT.window))),
      when(
        f64.lt(value.get, f64.const(0)),
        kinds(-16, KIND.NEGATIVE),
        kinds(16, KIND.INTEGER),
      ),
    );
  }

  /**
   * A length of `width` bytes and the payload; what is not whole in the window, text that is not ASCII
   * and what may be a pickle inside are left to `step`.
   */
  private string(done: Label, width: 1 | 4, kind: number, text: boolean): Code {
    const { at, end, pos } = this;
    const longEnough = i32.gtS(i32.sub(end.get, at.get), i32.const(8));
    const length = width === 1
      ? i32.load8(pos.get, LAYOUT.window)
      : i32.load(pos.get, LAYOUT.window);
    return sequence(
      at.set(i32.add(pos.get, i32.const(width))),
      branchIf(done, i32.gtS(at.get, this.limit.get)),
      end.set(length),
      branchIf(done, i32.gtU(end.get, i32.sub(this.limit.get, at.get))),
      end.set(i32.add(at.get, end.get)),
      when(
        longEnough,
        branchIf(
          done,
          i32.and(
            i32.load8(i32.load8(at.get, LAYOUT.window), LAYOUT.nested),
            i32.load8(i32.load8(at.get, LAYOUT.window + 1), LAYOUT.nested + 256),
          ),
        ),
      ),
      ...(text ? [this.ascii(done)] : []),
      this.push(f64.add(
        f64.mul(f64.add(this.base.get, f64.fromI32(this.begin.get)), f64.const(16)),
        f64.const(kind),
      )),
      pos.set(end.get),
    );
  }

  /** To `done` unless the bytes from `at` to `end` are ASCII. */
  private ascii(done: Label): Code {
    const { at, end } = this;
    return sequence(
      block((few) =>
        loop((next) =>
          sequence(
            branchIf(few, i32.gtS(i32.add(at.get, i32.const(8)), end.get)),
            branchIf(
              done,
              i32.eqz(
                i64.eqz(i64.and(i64.load(at.get, LAYOUT.window), i64.const(ASCII_MASK))),
              ),
            ),
            increase(at, i32.const(8)),
            branch(next),
          )
        )
      ),
      block((none) =>
        loop((next) =>
          sequence(
            branchIf(none, i32.geS(at.get, end.get)),
            branchIf(done, i32.geU(i32.load8(at.get, LAYOUT.window), i32.const(0x80))),
            increase(at, i32.const(1)),
            branch(next),
          )
        )
      ),
    );
  }

  private memo(done: Label): Case[] {
    const byte = i32.load8(this.pos.get, LAYOUT.window);
    const long = i32.load(this.pos.get, LAYOUT.window);
    return [
      { values: [OP.BINGET], body: this.argument(done, 1, this.get(done, byte)) },
      { values: [OP.LONG_BINGET], body: this.argument(done, 4, this.get(done, long)) },
      { values: [OP.BINPUT], body: this.argument(done, 1, this.put(done, byte)) },
      { values: [OP.LONG_BINPUT], body: this.argument(done, 4, this.put(done, long)) },
      { values: [OP.MEMOIZE], body: this.put(done, this.memoSize.get) },
    ];
  }

  private get(done: Label, index: Code): Code {
    return sequence(
      this.index.set(index),
      branchIf(done, i32.geU(this.index.get, i32.const(MEMO_ENTRIES))),
      this.value.set(f64.load(i32.shl(this.index.get, i32.const(3)), LAYOUT.memo)),
      branchIf(done, f64.eq(this.value.get, f64.const(UNSET))),
      this.memoRead.set(i32.const(1)),
      this.push(this.value.get),
    );
  }

  /** Into an entry that is not set; what is written a second time is `step`'s. */
  private put(done: Label, index: Code): Code {
    const address = i32.shl(this.index.get, i32.const(3));
    return sequence(
      branchIf(done, i32.leS(this.sp.get, this.fence.get)),
      this.index.set(index),
      branchIf(done, i32.geU(this.index.get, i32.const(MEMO_ENTRIES))),
      branchIf(
        done,
        i32.geS(this.memoSize.get, i32.load(i32.const(0), SHARED.MEMO_LIMIT * 4)),
      ),
      branchIf(done, f64.ne(f64.load(address, LAYOUT.memo), f64.const(UNSET))),
      f64.store(address, LAYOUT.memo, this.top(1)),
      increase(this.memoSize, i32.const(1)),
      when(
        i32.geS(this.index.get, this.memoTop.get),
        this.memoTop.set(i32.add(this.index.get, i32.const(1))),
      ),
    );
  }

  private collections(done: Label): Case[] {
    const create = (kind: number) => this.create(kind, this.push(this.container.get));
    return [
      { values: [OP.MARK], body: this.mark(done) },
      { values: [OP.EMPTY_DICT], body: create(CONTAINER.DICT) },
      { values: [OP.EMPTY_LIST], body: create(CONTAINER.LIST) },
      { values: [OP.EMPTY_TUPLE], body: create(CONTAINER.TUPLE) },
      { values: [OP.SETITEMS], body: this.fillFromMark(done, true) },
      { values: [OP.APPENDS], body: this.fillFromMark(done, false) },
      { values: [OP.SETITEM], body: this.fill(done, 2) },
      { values: [OP.APPEND], body: this.fill(done, 1) },
      { values: [OP.TUPLE], body: this.tupleFromMark(done) },
      { values: [OP.TUPLE1], body: this.tuple(done, 1) },
      { values: [OP.TUPLE2], body: this.tuple(done, 2) },
      { values: [OP.TUPLE3], body: this.tuple(done, 3) },
    ];
  }

  private mark(done: Label): Code {
    return sequence(
      branchIf(done, i32.geS(this.mp.get, i32.const(MARKS - 1))),
      i32.store(i32.shl(this.mp.get, i32.const(2)), LAYOUT.marks, this.sp.get),
      increase(this.mp, i32.const(1)),
      this.fence.set(this.sp.get),
    );
  }

  /** A new container in `container`, or LOST when there is no room for another. */
  private create(kind: number, then: Code): Code {
    const { containers } = this;
    return sequence(
      this.container.set(f64.const(LOST)),
      when(
        i32.ltS(containers.get, i32.load(i32.const(0), SHARED.CONTAINER_LIMIT * 4)),
        sequence(
          this.container.set(f64.fromI32(i32.sub(i32.const(-1), containers.get))),
          i32.store8(containers.get, LAYOUT.kinds, i32.const(kind)),
          i32.store(i32.shl(containers.get, i32.const(2)), LAYOUT.heads, i32.const(-1)),
          i32.store(i32.shl(containers.get, i32.const(2)), LAYOUT.counts, i32.const(0)),
          increase(containers, i32.const(1)),
        ),
      ),
      then,
    );
  }

  private tuple(done: Label, length: number): Code {
    return sequence(
      this.from.set(i32.sub(this.sp.get, i32.const(length))),
      branchIf(done, i32.ltS(this.from.get, this.fence.get)),
      this.create(CONTAINER.TUPLE, this.append()),
      this.sp.set(this.from.get),
      this.push(this.container.get),
    );
  }

  private tupleFromMark(done: Label): Code {
    const { mp, from } = this;
    return sequence(
      branchIf(done, i32.eqz(mp.get)),
      from.set(this.markAt(1)),
      this.leaveMark(),
      this.create(CONTAINER.TUPLE, this.append()),
      this.sp.set(from.get),
      this.push(this.container.get),
    );
  }

  /** The topmost mark, or one below it. */
  private markAt(back: number): Code {
    return i32.load(i32.shl(i32.sub(this.mp.get, i32.const(back)), i32.const(2)), LAYOUT.marks);
  }

  private leaveMark(): Code {
    return sequence(
      this.fence.set(i32.const(0)),
      when(i32.gtS(this.mp.get, i32.const(1)), this.fence.set(this.markAt(2))),
      this.mp.set(i32.sub(this.mp.get, i32.const(1))),
    );
  }

  /** SETITEM and APPEND: the topmost values into the container under them. */
  private fill(done: Label, length: number): Code {
    return sequence(
      this.from.set(i32.sub(this.sp.get, i32.const(length))),
      branchIf(done, i32.leS(this.from.get, this.fence.get)),
      this.intoContainer(done),
    );
  }

  /** SETITEMS and APPENDS: what is above the mark into the container under it. */
  private fillFromMark(done: Label, pairs: boolean): Code {
    const { mp, from, below } = this;
    return sequence(
      branchIf(done, i32.eqz(mp.get)),
      from.set(this.markAt(1)),
      below.set(i32.const(0)),
      when(i32.gtS(mp.get, i32.const(1)), below.set(this.markAt(2))),
      branchIf(done, i32.leS(from.get, below.get)),
      ...(pairs ? [branchIf(done, i32.and(i32.sub(this.sp.get, from.get), i32.const(1)))] : []),
      this.intoContainer(done),
      this.leaveMark(),
    );
  }

  /** The values from `from` on into the container under them; what is no plain container is `step`'s. */
  private intoContainer(done: Label): Code {
    const { container, from } = this;
    return sequence(
      container.set(
        f64.load(i32.shl(i32.sub(from.get, i32.const(1)), i32.const(3)), LAYOUT.stack),
      ),
      branchIf(
        done,
        i32.eqz(i32.or(
          f64.lt(container.get, f64.const(0)),
          f64.eq(container.get, f64.const(LOST)),
        )),
      ),
      this.append(),
      this.sp.set(from.get),
    );
  }

  /** `ContainerPool.append` of the values from `from` to `sp`, unless the container is LOST. */
  private append(): Code {
    const { index, container, from, items, place } = this;
    const count = i32.sub(this.sp.get, from.get);
    const slot = i32.shl(index.get, i32.const(2));
    return when(
      f64.lt(container.get, f64.const(0)),
      sequence(
        index.set(i32.sub(i32.const(-1), i32.truncF64(container.get))),
        i32.store(slot, LAYOUT.counts, i32.add(i32.load(slot, LAYOUT.counts), count)),
        when(
          i32.gtS(
            i32.add(items.get, count),
            i32.load(i32.const(0), SHARED.ITEM_LIMIT * 4),
          ),
          i32.store8(
            index.get,
            LAYOUT.kinds,
            i32.or(i32.load8(index.get, LAYOUT.kinds), i32.const(CONTAINER_LOSSY)),
          ),
          when(
            i32.gtS(count, i32.const(0)),
            sequence(this.link(slot), place.set(items.get), this.copyItems(slot)),
          ),
        ),
      ),
    );
  }

  /** Hangs the item at `items` behind the container's last one. */
  private link(slot: Code): Code {
    const { items } = this;
    return when(
      i32.eq(i32.load(slot, LAYOUT.heads), i32.const(-1)),
      i32.store(slot, LAYOUT.heads, items.get),
      i32.store(
        i32.shl(i32.load(slot, LAYOUT.tails), i32.const(2)),
        LAYOUT.nexts,
        items.get,
      ),
    );
  }

  private copyItems(slot: Code): Code {
    const { place, items, from, at, sp } = this;
    return sequence(
      at.set(from.get),
      loop((next) =>
        sequence(
          f64.store(
            i32.shl(place.get, i32.const(3)),
            LAYOUT.values,
            f64.load(i32.shl(at.get, i32.const(3)), LAYOUT.stack),
          ),
          i32.store(
            i32.shl(place.get, i32.const(2)),
            LAYOUT.nexts,
            i32.add(place.get, i32.const(1)),
          ),
          increase(place, i32.const(1)),
          increase(at, i32.const(1)),
          branchIf(next, i32.ltS(at.get, sp.get)),
        )
      ),
      items.set(place.get),
      place.set(i32.sub(place.get, i32.const(1))),
      i32.store(i32.shl(place.get, i32.const(2)), LAYOUT.nexts, i32.const(-1)),
      i32.store(slot, LAYOUT.tails, place.get),
    );
  }

  /** An argument of `width` bytes, read by `body` at `pos`, which then moves on. */
  private argument(done: Label, width: number, body: Code): Code {
    const end = i32.add(this.pos.get, i32.const(width));
    return sequence(
      branchIf(done, i32.gtS(end, this.limit.get)),
      body,
      this.pos.set(end),
    );
  }

  private push(value: Code): Code {
    return sequence(
      f64.store(i32.shl(this.sp.get, i32.const(3)), LAYOUT.stack, value),
      increase(this.sp, i32.const(1)),
    );
  }

  /** The value `depth` places below the stack's end. */
  private top(depth: number): Code {
    return f64.load(i32.shl(i32.sub(this.sp.get, i32.const(depth)), i32.const(3)), LAYOUT.stack);
  }
}

function increase(local: Local, by: Code): Code {
  return local.set(i32.add(local.get, by));
}

/**
 * The loop's WebAssembly module: exports `run(pos, limit, base)`, which gives the place in the window
 * of the opcode that it left, and imports the memory that `LAYOUT` describes.
 */
export function hotLoopModule(): Uint8Array<ArrayBuffer> {
  return new HotLoop().module();
}
