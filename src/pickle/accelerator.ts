/**
 * The memory of a machine that runs its hot loop in WebAssembly, and the way in and out of it.
 *
 * Stack, marks, memo, containers and window are arrays of that one memory, which the machine uses as
 * it uses any other; so nothing is copied when control goes from one to the other. A part that
 * outgrows its room moves out of the memory, and from then on `Machine.step` does all the work.
 *
 * @module
 */

import {
  CONTAINERS,
  hotLoopModule,
  ITEMS,
  LAYOUT,
  MARKS,
  MEMO_ENTRIES,
  SHARED,
  STACK_VALUES,
} from "./hot_loop.ts";
import { type Input, WINDOW_BYTES } from "./input.ts";
import type { ContainerArrays, ContainerPool } from "./containers.ts";
import type { Memo } from "./memo.ts";

/** Bytes of a page of WebAssembly memory. */
const PAGE_BYTES = 64 * 1024;

/** What the machine keeps in variables, handed in and handed back. */
export interface HotState {
  sp: number;
  mp: number;
  fence: number;
  /** Opcodes done by the call. */
  opcodes: number;
  memoRead: boolean;
}

type Run = (pos: number, limit: number, base: number) => number;

/** The memory of one machine, with the loop over it. */
export class Accelerator {
  readonly window: Uint8Array;
  readonly stack: Float64Array;
  readonly marks: Int32Array;
  readonly memo: Float64Array;
  readonly containers: ContainerArrays;
  private readonly shared: Int32Array;
  private readonly heads: Uint8Array;
  private readonly loop: Run;

  /** Who has it. */
  user: AcceleratorUser | undefined;

  /** @param module of `hotLoopModule` @throws RangeError when there is no room for the memory */
  constructor(module: WebAssembly.Module) {
    const pages = Math.ceil(LAYOUT.end / PAGE_BYTES);
    // Never grown: growing takes the arrays away from those who hold them.
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { buffer } = memory;
    this.shared = new Int32Array(buffer, LAYOUT.header, Object.keys(SHARED).length);
    this.heads = new Uint8Array(buffer, LAYOUT.nested, 512);
    this.window = new Uint8Array(buffer, LAYOUT.window, WINDOW_BYTES);
    this.stack = new Float64Array(buffer, LAYOUT.stack, STACK_VALUES);
    this.marks = new Int32Array(buffer, LAYOUT.marks, MARKS);
    this.memo = new Float64Array(buffer, LAYOUT.memo, MEMO_ENTRIES);
    this.containers = {
      kinds: new Uint8Array(buffer, LAYOUT.kinds, CONTAINERS),
      heads: new Int32Array(buffer, LAYOUT.heads, CONTAINERS),
      tails: new Int32Array(buffer, LAYOUT.tails, CONTAINERS),
      counts: new Int32Array(buffer, LAYOUT.counts, CONTAINERS),
      values: new Float64Array(buffer, LAYOUT.values, ITEMS),
      nexts: new Int32Array(buffer, LAYOUT.nexts, ITEMS),
    };
    this.loop = new WebAssembly.Instance(module, { env: { memory } }).exports["run"] as Run;
  }

  /** Hands it to another user, or to nobody. */
  handTo(user: AcceleratorUser | undefined, heads: Uint8Array): void {
    this.user?.slowDown();
    this.user = user;
    this.heads.set(heads);
  }

  /** No constant is worth a look any more. */
  lookNoFurther(): void {
    this.heads.fill(0);
  }

  /**
   * Does opcodes from `pos` to the first that is not the loop's, or to `limit`.
   *
   * @param pos place in the window @param limit end of what may be read there
   * @param base virtual offset of the window
   * @param state is brought up to date, and so are the sizes of `memo` and `containers`
   * @returns the place of the opcode that was not done
   */
  run(
    pos: number,
    limit: number,
    base: number,
    state: HotState,
    memo: Memo,
    containers: ContainerPool,
  ): number {
    const { shared } = this;
    shared[SHARED.SP] = state.sp;
    shared[SHARED.MP] = state.mp;
    shared[SHARED.FENCE] = state.fence;
    shared[SHARED.MEMO_SIZE] = memo.size;
    shared[SHARED.MEMO_TOP] = Math.min(memo.top, MEMO_ENTRIES);
    shared[SHARED.CONTAINER_COUNT] = containers.size;
    shared[SHARED.ITEM_COUNT] = containers.items;
    shared[SHARED.OPCODES] = 0;
    shared[SHARED.MEMO_READ] = 0;
    shared[SHARED.MEMO_LIMIT] = Math.min(memo.limit, MEMO_ENTRIES);
    shared[SHARED.CONTAINER_LIMIT] = containers.containerLimit;
    shared[SHARED.ITEM_LIMIT] = containers.itemLimit;
    const begin = this.loop(pos, limit, base);
    state.sp = shared[SHARED.SP] as number;
    state.mp = shared[SHARED.MP] as number;
    state.fence = shared[SHARED.FENCE] as number;
    state.opcodes = shared[SHARED.OPCODES] as number;
    state.memoRead = shared[SHARED.MEMO_READ] === 1;
    memo.size = shared[SHARED.MEMO_SIZE] as number;
    memo.top = shared[SHARED.MEMO_TOP] as number;
    containers.size = shared[SHARED.CONTAINER_COUNT] as number;
    containers.items = shared[SHARED.ITEM_COUNT] as number;
    return begin;
  }
}

/** Who uses an accelerator, and can do without. */
export interface AcceleratorUser {
  readonly input: Input;
  readonly memo: Memo;
  /** Takes what is its own out of the memory, and leaves the memo's part of it zeros. */
  slowDown(): void;
}

/** Memo entries after which the memory is given back rather than kept for the next file. */
const MEMO_KEPT = 1 << 20;

let compiled: WebAssembly.Module | undefined;
/** The memory is large, and collectors do not see how large: there is one, and who comes last has it. */
let only: Accelerator | undefined;

/**
 * The accelerator, for one machine; whoever had it before does without from then on. Undefined where
 * WebAssembly or the memory cannot be had.
 *
 * @param user gives it back when the next one asks
 * @param heads bits by first and second bytes of constants that are worth a look, `NESTED_HEADS`
 */
export function takeAccelerator(
  user: AcceleratorUser,
  heads: Uint8Array,
): Accelerator | undefined {
  try {
    compiled ??= new WebAssembly.Module(hotLoopModule());
    only ??= new Accelerator(compiled);
  } catch {
    // A host without WebAssembly, a policy against it, or no address space: the machine does without.
    return undefined;
  }
  only.handTo(user, heads);
  return only;
}

/** Lets go of the machine that has the accelerator, if it reads this input, and of much memory. */
export function retireAccelerator(input: Input): void {
  if (only?.user?.input !== input) return;
  const large = only.user.memo.top > MEMO_KEPT;
  if (large) only = undefined;
  else only.handTo(undefined, new Uint8Array(512));
}
