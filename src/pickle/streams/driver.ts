/**
 * Drives one machine from its first byte to its end: fills windows, spends budgets, steps over arrays.
 *
 * @module
 */

import { FormatError, LimitError, SourceError } from "../../core/errors.ts";
import type { GlobalName, Interest, Limits } from "../../core/types.ts";
import { type ArrayExtent, arrayExtents } from "./joblib.ts";
import type { Input } from "./input.ts";
import { ANY_DEPTH, type StackDepth } from "./stack_depth.ts";
import { pythonSemantics } from "../semantics/higher_order/table.ts";
import type { Machine } from "../machine/machine.ts";
import { type MachineOptions, STATUS, type Status } from "../machine/status.ts";
import type { TextWatch } from "../machine/text_watch.ts";
import { unpickler } from "../machine/unpickler.ts";
import { type Handle, handleOf, KIND, kindOf } from "../machine/values.ts";

/** What a run needs of its surroundings. */
interface RunContext {
  readonly interest: Interest;
  readonly limits: Limits;
  /** Looks at each text that is read or computed. */
  readonly watch?: TextWatch | undefined;
  checkDeadline(): void;
  spendOpcodes(count: number): void;
}

/** What follows a wrapper: undefined for what it says, a pickle, or bytes up to an offset in the source. */
export type ArrayWay = "pickle" | number | undefined;

/** How to read one stream. */
export interface RunOptions {
  readonly start: number;
  readonly drops?: readonly boolean[];
  readonly stepArrays?: boolean;
  /**
   * Skip arrays inside frames as joblib does: the array is after the frame, whose rest is read first.
   * Drops bytes of the input.
   */
  readonly framedArrays?: boolean;
  /**
   * What follows each wrapper of which that is not known, where it is not what it says: a pickle, or
   * bytes up to an offset in the source.
   */
  readonly arrays?: readonly ArrayWay[];
  /** The machine that has read the stream before, for one Unpickler that loads stream after stream. */
  readonly carrier?: Machine | undefined;
  /** Keep as much detail as the limits allow, instead of as much as most files need. */
  readonly thorough?: boolean;
  /** Keep what objects are given, so that the result can be written out; with `thorough`. */
  readonly rendered?: boolean;
  readonly traced?: boolean;
  /** Facts that `runInSteps` gives the machine for; as many as are kept unless given. */
  readonly factsHeld?: number;
  /** The process's extension registry. */
  readonly extensions?: Map<number, GlobalName>;
  /** Opcodes after which the run is broken off. */
  readonly opcodeLimit?: number;
}

/** One stream, read to its end. */
export interface Run {
  /** Virtual offset of the stream's first byte. */
  readonly start: number;
  readonly machine: Machine;
  readonly status: Status;
  /** Virtual offset behind the stream, or of the opcode that failed. */
  readonly end: number;
  /** Runs of pickled object arrays inside of which there is something to say, by their numbers. */
  readonly arrays: ReadonlyMap<number, Run>;
  /** Pickled object arrays inside, in all. */
  readonly objectArrays: number;
  /** Raw arrays that were stepped over. */
  readonly stepped: number;
  /** Array wrappers built amid a frame, and those of which it is not known what follows. */
  readonly framedArrays: number;
  readonly uncertain: number;
  /** Offsets in the source behind the first of the latter, and in which order they come. */
  readonly uncertainAt: readonly number[];
  /** Values above the last mark, the array among them, and marks, at most at any of these places. */
  readonly uncertainStack: StackDepth;
  /** An array wrapper whose bytes could not be counted, or that go past the end: virtual offset. */
  readonly badArray: number | undefined;
  /** Why the run was broken off, when it was neither the pickle's end nor its error; what came before counts. */
  readonly broken?: Breaking;
}

/** A spent budget, bytes that cannot be had, or a compressed stream around the pickle that is broken. */
type Breaking = LimitError | SourceError | FormatError;

/** Container items and containers kept at first; a stream whose calls need more is read again. */
const ITEMS_USUAL = 1 << 19;
const CONTAINERS_USUAL = 1 << 18;
/** Nested arrays of objects. The arrays seen hold none. CWE-674. */
const ARRAY_DEPTH = 8;
/**
 * Wrappers of which it is not known what follows whose places are kept. The files seen have none. CWE-770.
 */
const UNCERTAIN_KEPT = 64;
/**
 * Pickled object arrays of one stream that are read, and those of them kept until all that they say is
 * reported, ten kilobytes each. A few bytes make one (CWE-405); joblib writes one for a column of texts. The
 * most seen is 1.
 */
const ARRAYS_READ = 100_000;
/**
 * Object arrays kept until all that they contain is reported, ten kilobytes each. The most seen is 1.
 * CWE-770.
 */
const ARRAYS_KEPT = 20_000;

/**
 * Reads one stream. When a budget is spent or bytes cannot be had, `broken` says so.
 */
export async function runStream(
  input: Input,
  context: RunContext,
  options: RunOptions,
  depth = 0,
): Promise<Run> {
  const running = runInSteps(input, context, options, depth);
  for (;;) {
    const { done, value } = await running.next();
    if (done) return value;
  }
}

/**
 * The same, step by step: gives the machine whenever its facts are many, so that they can be taken.
 * The caller that does not want the rest need not ask for it.
 */
export async function* runInSteps(
  input: Input,
  context: RunContext,
  options: RunOptions,
  depth = 0,
): AsyncGenerator<Machine, Run> {
  const machine = options.carrier ??
    unpickler(input, options.start, machineOptions(context, options));
  options.carrier?.restart(options.start);
  const state: State = {
    arrays: new Map(),
    objectArrays: 0,
    stepped: 0,
    framedArrays: 0,
    uncertain: 0,
    uncertainAt: [],
    uncertainStack: { values: 0, marks: 0 },
    badArray: undefined,
    refused: false,
  };
  let spent = machine.opcodes + machine.heap.reads;
  try {
    for (;;) {
      const status = guarded(machine);
      const cost = machine.opcodes + machine.heap.reads;
      context.spendOpcodes(cost - spent);
      spent = cost;
      if (machine.opcodes > (options.opcodeLimit ?? Infinity)) {
        return finished(machine, STATUS.FAILED, state);
      }
      if (status === STATUS.NEED) {
        context.checkDeadline();
        const waiting = input.fill(machine.offset, machine.reader.wanted);
        if (waiting !== undefined) await waiting;
      } else if (status === STATUS.FULL) yield machine;
      else if (status === STATUS.ARRAY) {
        await stepArray(machine, input, context, options, state, depth);
        if (state.refused) return finished(machine, STATUS.FAILED, state);
      } else return finished(machine, status, state);
    }
  } catch (error) {
    if (!isBreaking(error)) throw error;
    return { ...finished(machine, STATUS.FAILED, state), broken: error };
  }
}

function isBreaking(error: unknown): error is Breaking {
  return error instanceof LimitError || error instanceof SourceError ||
    error instanceof FormatError;
}

interface State {
  readonly arrays: Map<number, Run>;
  objectArrays: number;
  stepped: number;
  framedArrays: number;
  uncertain: number;
  readonly uncertainAt: number[];
  uncertainStack: StackDepth;
  badArray: number | undefined;
  /** True once joblib raises at an array. */
  refused: boolean;
}

function finished(machine: Machine, status: Status, { refused: _, ...state }: State): Run {
  machine.settle();
  return { start: machine.start, machine, status, end: machine.offset, ...state };
}

function machineOptions(
  context: RunContext,
  options: RunOptions,
): MachineOptions {
  const { values } = context.limits;
  const thorough = options.thorough ?? false;
  return {
    interest: context.interest,
    drops: options.drops ?? [],
    stepArrays: options.stepArrays ?? false,
    valueLimit: values,
    itemLimit: thorough ? values : Math.min(values, ITEMS_USUAL),
    containerLimit: thorough ? values : Math.min(values, CONTAINERS_USUAL),
    traced: options.traced ?? false,
    factsHeld: options.factsHeld,
    watch: context.watch,
    rendered: options.rendered,
    semantics: pythonSemantics(options.extensions ?? new Map()),
  };
}

/** Runs; a machine that is full says so with a RangeError. */
function guarded(machine: Machine): Status {
  try {
    return machine.run();
  } catch (error) {
    if (error instanceof RangeError) {
      throw new LimitError("values", error.message, { cause: error });
    }
    throw error;
  }
}

/** True for a run that ended well, of which nothing will be reported. */
function saysNothing({ machine, status, arrays, badArray, broken }: Run): boolean {
  const { anomalies } = machine;
  return status === STATUS.STOPPED && broken === undefined && badArray === undefined &&
    arrays.size === 0 && machine.heap.facts.empty && machine.leftovers === 0 &&
    !machine.heap.detailLost &&
    [
      machine.nestedCandidates,
      machine.semantics.loaded,
      machine.semantics.tensorMismatches,
      machine.persistentIds,
    ]
      .every(({ length }) => length === 0) &&
    anomalies.refused === undefined && anomalies.straddles === 0 &&
    [
      anomalies.oddFrame,
      anomalies.looseArgument,
      anomalies.unsearched,
      anomalies.memoRedefined,
      anomalies.oddProtocol,
    ]
      .every((offset) => offset < 0);
}

/**
 * Where joblib reads an array's bytes, and where it continues: after the opcode, or after the frame
 * around it.
 */
async function stepArray(
  machine: Machine,
  input: Input,
  context: RunContext,
  options: RunOptions,
  state: State,
  depth: number,
): Promise<void> {
  const { reader, heap } = machine;
  const framed = reader.frameEnd !== Infinity && reader.frameEnd > machine.offset;
  if (framed) {
    state.framedArrays++;
    // The base reading continues as loaders without support for arrays do; joblib's is another reading.
    if (options.framedArrays !== true) return;
  }
  const wrapper = machine.arrayWrapper;
  const { stated, exact } = arrayExtents(heap, machine.semantics.arrayAttributes(wrapper));
  const at = framed ? reader.frameEnd : machine.offset;
  let extent = stated;
  if (!exact || depth >= ARRAY_DEPTH) {
    state.badArray ??= machine.offset;
    if (depth >= ARRAY_DEPTH) return;
    const way = options.arrays?.[state.uncertain];
    if (state.uncertain++ < UNCERTAIN_KEPT) state.uncertainAt.push(input.actual(at));
    // The rest of a frame comes before the array, and may put anything there.
    state.uncertainStack = framed ? ANY_DEPTH : deeper(state.uncertainStack, machine.stack);
    extent = way === "pickle"
      ? { kind: "pickle" }
      : typeof way === "number"
      ? { kind: "raw", bytes: Math.max(0, way - input.actual(at)), padded: false }
      : stated;
    if (extent === undefined) return;
  }
  const pickled = extent?.kind === "pickle"
    ? await stepPickle(machine, input, context, options, state, { at, depth, exact })
    : undefined;
  const behind = extent?.kind === "raw" ? await stepRaw(input, state, at, extent) : pickled?.behind;
  if (behind === undefined) return;
  // Python's unframer has the frame in memory and continues in it, then after the array.
  if (framed) input.drop(at, behind - at);
  else machine.offset = behind;
  const array = handleOf(KIND.INSTANCE, heap.entryOf("numpy", "ndarray").id);
  machine.stack.pop();
  // Opcodes in the bytes that were passed over may have dropped the array, or put back what the memo has.
  const others = exact || typeof options.arrays?.[state.uncertain - 1] !== "number"
    ? []
    : valuesKept(machine);
  machine.stack.push(
    exact && (extent?.kind === "raw" || pickled?.plain === true)
      ? array
      : heap.object({ type: "oneOf", values: exact ? [array] : [array, wrapper, ...others] }),
  );
}

function deeper({ values, marks }: StackDepth, stack: Machine["stack"]): StackDepth {
  return {
    values: Math.max(values, stack.size - stack.fence),
    marks: Math.max(marks, stack.markCount),
  };
}

/** The topmost values of the stack and the first of the memo that may be called or changed. */
function valuesKept({ stack, memo }: Machine): readonly Handle[] {
  const isObject = (value: Handle): boolean => value >= 0 && OBJECTS.has(kindOf(value));
  const found = new Set<Handle>();
  for (let at = stack.size - 1; at >= 0 && found.size < VALUES_KEPT; at--) {
    const value = stack.values[at] as Handle;
    if (isObject(value)) found.add(value);
  }
  for (let index = 0; index < MEMO_SEARCHED && found.size < 2 * VALUES_KEPT; index++) {
    const value = memo.get(index);
    if (isObject(value)) found.add(value);
  }
  return [...found];
}

const OBJECTS = new Set<number>([KIND.OBJECT, KIND.INSTANCE]);
/** Values of the stack, and as many of the memo, that may be on top behind an array of unknown length. CWE-407. */
const VALUES_KEPT = 8;
/** Entries of the memo that are looked at for them. CWE-407. */
const MEMO_SEARCHED = 256;

/** Steps over raw bytes at a place; gives what lies behind them. */
async function stepRaw(
  input: Input,
  state: State,
  at: number,
  extent: Extract<ArrayExtent, { kind: "raw" }>,
): Promise<number> {
  // At the end of the file there is no padding to count; the array is cut off then, too.
  const [counted] = extent.padded ? await input.peek(at, 1) : [];
  if (extent.padded && counted === undefined) state.badArray ??= at;
  const padding = extent.padded ? 1 + (counted ?? 0) : 0;
  const next = at + padding + extent.bytes;
  if (next > input.size) state.badArray ??= at;
  state.stepped++;
  return next;
}

/** What a pickled array makes known. */
interface PickledArray {
  /** Virtual offset behind it. */
  readonly behind: number;
  /** Whether it is an array in which nothing is to be called, see `isPlain`. */
  readonly plain: boolean;
}

/** Reads a pickle at a place; gives nothing where it is uncertain and there is none. */
async function stepPickle(
  machine: Machine,
  input: Input,
  context: RunContext,
  options: RunOptions,
  state: State,
  { at, depth, exact }: { at: number; depth: number; exact: boolean },
): Promise<PickledArray | undefined> {
  if (state.objectArrays >= ARRAYS_READ || state.arrays.size >= ARRAYS_KEPT) {
    const most = Math.min(ARRAYS_READ, state.objectArrays);
    throw new LimitError("values", `Cannot read more than ${most} object arrays of one stream`);
  }
  const run = await runStream(
    input,
    context,
    { start: at, ...(options.thorough && { thorough: true }) },
    depth + 1,
  );
  const index = state.objectArrays++;
  if (!saysNothing(run)) state.arrays.set(index, run);
  if (run.broken !== undefined) throw run.broken;
  if (run.status === STATUS.STOPPED) return { behind: run.end, plain: isPlain(run) };
  if (!exact) return undefined;
  // joblib raises where the array's pickle does; what others see behind it is the plain reading's.
  state.badArray ??= machine.offset;
  state.refused = true;
  return { behind: run.end, plain: false };
}

/** What makes an array of numpy's (`array_reduce` in numpy's `methods.c`). */
const ARRAY_MAKER = /^numpy\.(_?core\.multiarray\._reconstruct|ndarray)$/;
/** Meanings of what is harmless to call and hands out, or keeps, something that is not. */
const HANDING_OUT: readonly string[] = ["gives-back", "kept"];

/**
 * Whether a pickled array of objects is certainly one of numpy's, and holds nothing to call but what is harmless to
 * call: the same then holds of whatever looks at its items. Its pickle has a memo of its own, so that nothing of the
 * file around it can be in it.
 */
function isPlain({ machine, arrays, badArray }: Run): boolean {
  const { heap, semantics, persistentIds, result } = machine;
  return badArray === undefined && arrays.size === 0 && persistentIds.length === 0 &&
    semantics.loaded.length === 0 && !heap.hasFunctions && !heap.detailLost &&
    ARRAY_MAKER.test(heap.instanceOf(result)?.key ?? "") &&
    heap.entries.every(({ quiet, meanings }) =>
      quiet && !meanings.some((each) => HANDING_OUT.includes(each))
    ) &&
    heap.facts.all().every(({ fact }) => fact.kind === "import" || fact.kind === "call");
}
