/**
 * Other ways in which a loader may read the streams of a source, each made only where the bytes give
 * cause, and only what they see beyond the base reading is reported, under the reading's name.
 *
 * @module
 */

import { LimitError, SourceError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Fact, GlobalName, Observation, Reading } from "../../core/types.ts";
import { AlternativeStarts } from "./alternative_starts.ts";
import { type CountedFact, keyOf, underReading } from "../machine/facts.ts";
import { Input } from "./input.ts";
import { STATUS } from "../machine/status.ts";
import { loadedEntries } from "./nested.ts";
import { type ArrayWay, type Run, type RunOptions, runStream } from "./driver.ts";
import { PLACES_BEHIND, PlacesBehind } from "./places_behind.ts";
import { Resync } from "./resync.ts";
import type { StackDepth } from "./stack_depth.ts";

/** Subsets of frame crossings that are tried, each taken or not. Intact files need none. CWE-834. */
const FRAME_READINGS = 16;
/** Ways tried to read arrays whose end is unknown. Intact files need none. CWE-834. */
const ARRAY_READINGS = 16;
/** Window of a reading of frames: as many may be tried as a file has streams. */
const FRAME_WINDOW_BYTES = 16 * 1024;
/** Window of a reading of arrays, which are large. */
const WINDOW_BYTES = 256 * 1024;
/**
 * Places behind frames and in arrays, where no stream begins for the base reading, that are read. Intact
 * files need none. CWE-834.
 */
const ALTERNATIVES_READ = 64;

/** The other readings of one source. */
export class OtherReadings {
  /** Why a run was broken off. */
  broken: Run["broken"];
  /** The same where what comes behind can be read all the same. */
  private stinted: Run["broken"];
  private readonly source: Source;
  private readonly context: FormatContext;
  private readonly input: Input;
  private readonly extensions: Map<number, GlobalName>;
  private readonly loaded: Set<string>;
  /** Where the streams that were read begin, for readings over several. */
  private readonly starts: number[] = [];
  /** Where other loaders begin a stream. */
  private readonly alternatives = new AlternativeStarts();
  /** One Unpickler that loads all streams, and how many it has loaded. */
  private carrier: Run["machine"] | undefined;
  private carriedStreams = 0;
  private carrierInput: Input;

  /**
   * @param input that the base reading reads through
   * @param extensions codes registered so far, by any stream
   * @param loaded places of what streams load, shared with the base reading
   */
  constructor(
    source: Source,
    context: FormatContext,
    input: Input,
    extensions: Map<number, GlobalName>,
    loaded: Set<string>,
  ) {
    this.source = source;
    this.context = context;
    this.input = input;
    this.carrierInput = input;
    this.extensions = extensions;
    this.loaded = loaded;
  }

  /** The base reading has read a stream. */
  begin(run: Run): void {
    this.starts.push(run.start);
    this.alternatives.noteFrames(run, this.input, false);
  }

  /** @throws what broke a run off, once what it saw has been handed out */
  endIfBroken(): void {
    if (this.broken !== undefined) throw this.broken;
  }

  /** @throws what broke a reading off that others did not depend on, at the end of all */
  endIfStinted(): void {
    if (this.stinted !== undefined) throw this.stinted;
  }

  /**
   * What other readings see in the stream that began last, which the base reading read as `run`.
   *
   * @param known facts that were reported before the stream was read to its end, by their keys; grows
   */
  async *of(
    stream: number,
    run: Run,
    options: RunOptions,
    within: readonly string[],
    known: Set<string>,
  ): AsyncGenerator<readonly Observation[]> {
    const { straddles, memoRead } = run.machine.anomalies;
    const joblib = run.stepped + run.objectArrays > 0;
    const arrays = run.framedArrays + run.uncertain > 0;
    if (straddles === 0 && !joblib && !arrays && (stream === 0 || !memoRead)) return;
    for (const { fact } of run.machine.heap.facts.all()) known.add(keyOf(fact));
    for (const array of run.arrays.values()) {
      for (const { fact } of array.machine.heap.facts.all()) known.add(keyOf(fact));
    }
    if (straddles > 0) yield await this.frameReadings(run, options, known, within);
    if (arrays) yield* this.otherArrays(run, options, known, within);
    if (joblib) yield* this.plainly(options, known, within);
    if (stream > 0 && memoRead) yield await this.carried(known, within);
  }

  /** What is seen in bytes behind the last good stream that begin none, read as `run`. */
  async *ofTrailing(
    run: Run,
    options: RunOptions,
    within: readonly string[],
  ): AsyncGenerator<readonly Observation[]> {
    const known = new Set<string>();
    yield this.beyond(run, known, "resync", within);
    const { straddles, memoRead } = run.machine.anomalies;
    if (straddles > 0) yield await this.frameReadings(run, options, known, within);
    if (memoRead) {
      this.starts.push(run.start);
      yield await this.carried(known, within);
    }
  }

  /** What loaders see that do not step over arrays, also of frames, and where they go on. */
  private async *plainly(
    options: RunOptions,
    known: Set<string>,
    within: readonly string[],
  ): AsyncGenerator<readonly Observation[]> {
    const without = { ...options, stepArrays: false };
    const other = await this.another(without);
    if (other === undefined) {
      yield [this.unread(options.start, within)];
      return;
    }
    const { run, input } = other;
    this.alternatives.notePlain(run, input);
    yield this.beyond(run, known, "plain", within, input);
    if (run.machine.anomalies.straddles === 0) return;
    yield await this.frameReadings(run, without, known, within, "plain");
  }

  /**
   * What joblib sees where it is not known what follows an array's wrapper, and where wrappers are built
   * amid frames: each uncertain one taken for an array of objects, too.
   */
  private async *otherArrays(
    run: Run,
    options: RunOptions,
    known: Set<string>,
    within: readonly string[],
  ): AsyncGenerator<readonly Observation[]> {
    const ways: ArrayWay[][] = run.framedArrays > 0 ? [[]] : [];
    let counted = 0;
    const count = (uncertain: number): void => {
      for (; counted < uncertain && ways.length <= ARRAY_READINGS; counted++) {
        ways.push([...Array(counted).fill(undefined), "pickle"]);
      }
    };
    count(run.uncertain);
    let { uncertainAt, uncertainStack } = run;
    for (let tried = 0; tried < ways.length; tried++) {
      if (tried === ARRAY_READINGS) {
        yield [this.tooManyWays("arrays", ARRAY_READINGS, run.start, within)];
        break;
      }
      const arrays = ways[tried] ?? [];
      const other = await this.another({ ...options, framedArrays: true, arrays }, WINDOW_BYTES);
      if (other === undefined) {
        yield [this.unread(run.start, within)];
        return;
      }
      yield this.beyond(other.run, known, "arrays", within, other.input);
      count(other.run.uncertain);
      // The first way takes each for what it says.
      if (tried === 0 && uncertainAt.length === 0) ({ uncertainAt, uncertainStack } = other.run);
      this.alternatives.notePlain(other.run, other.input);
    }
    if (uncertainAt.length > 0) {
      yield* this.behindUnknown(uncertainAt, uncertainStack, options, known, within);
    }
  }

  /**
   * What lies behind an array of unknown length, wherever joblib may go on: each place from which
   * opcodes import something.
   *
   * @param offsets in the source behind the wrappers of such arrays, in their order
   * @param stack what the stack has there at most
   */
  private async *behindUnknown(
    offsets: readonly number[],
    stack: StackDepth,
    options: RunOptions,
    known: Set<string>,
    within: readonly string[],
  ): AsyncGenerator<readonly Observation[]> {
    const [from = 0] = offsets;
    const { access } = this.source;
    const source = access === "random" ? this.source : this.source.again?.();
    if (source === undefined) {
      yield [this.unread(from, within)];
      return;
    }
    const { spoolBytes, resyncBytes } = this.context.limits;
    const checkDeadline = (): void => this.context.checkDeadline();
    const input = new Input(source, spoolBytes);
    const places = new PlacesBehind(
      (depth) => new Resync(input, resyncBytes, checkDeadline, "amid", depth),
      offsets,
      stack,
    );
    for (let arrays = await places.next(); arrays !== undefined; arrays = await places.next()) {
      const other = await this.another({ ...options, framedArrays: true, arrays }, WINDOW_BYTES);
      if (other === undefined) {
        yield [this.unread(from, within)];
        return;
      }
      yield this.beyond(other.run, known, "arrays", within, other.input);
      places.saw(other.run, other.input.actual(other.run.end));
    }
    if (places.cut) {
      yield [this.tooManyWays("bytes behind an array", PLACES_BEHIND, from, within)];
    }
  }

  private tooManyWays(
    what: string,
    most: number,
    offset: number,
    within: readonly string[],
  ): Observation {
    return {
      type: "anomaly",
      rule: "pickle-reading-divergence",
      detail: `more than ${most} ways of reading the ${what}`,
      offset: this.input.actual(offset),
      within,
      unread: true,
    };
  }

  /** A reading that cannot be made, since the bytes cannot be had again. */
  private unread(offset: number, within: readonly string[]): Observation {
    return {
      type: "anomaly",
      rule: "pickle-reading-unread",
      detail: "the bytes cannot be had again to read them as another loader does",
      offset: this.input.actual(offset),
      within,
      unread: true,
    };
  }

  /** Every subset of the crossings at which a C unpickler on a file would drop the frame's rest. */
  private async frameReadings(
    run: Run,
    options: RunOptions,
    known: Set<string>,
    within: readonly string[],
    reading: Reading = "frames",
  ): Promise<Observation[]> {
    const found: Observation[] = [];
    const pending: boolean[][] = [];
    const branch = (taken: readonly boolean[], crossings: number): void => {
      // One more than are tried, to know that there are more; a file may have a million crossings.
      for (let at = taken.length; at < crossings && pending.length <= FRAME_READINGS; at++) {
        pending.push([...taken, ...Array(at - taken.length).fill(false), true]);
      }
    };
    branch([], run.machine.anomalies.straddles);
    for (let tried = 0; pending.length > 0; tried++) {
      if (tried === FRAME_READINGS) {
        const at = run.machine.anomalies.straddleOffset;
        found.push(this.tooManyWays("frames", FRAME_READINGS, at, within));
        break;
      }
      const drops = pending.shift() as boolean[];
      const other = await this.another({ ...options, drops }, FRAME_WINDOW_BYTES);
      if (other === undefined) {
        found.push(this.unread(options.start, within));
        break;
      }
      this.alternatives.noteFrames(other.run, other.input, true);
      found.push(...this.beyond(other.run, known, reading, within, other.input));
      branch(drops, other.run.machine.anomalies.straddles);
    }
    return found;
  }

  /**
   * One Unpickler loading stream after stream keeps its memo. The streams before are run once each,
   * however many follow.
   */
  private async carried(
    known: Set<string>,
    within: readonly string[],
  ): Promise<Observation[]> {
    const stream = this.starts.length - 1;
    for (;;) {
      let seen = 0;
      let run: Run | undefined;
      while (this.carriedStreams <= stream) {
        const start = this.starts[this.carriedStreams++] as number;
        seen = this.carrier?.heap.facts.all().length ?? 0;
        const { carrier, carrierInput } = this;
        run = await this.tried({ start, stepArrays: true, carrier }, carrierInput);
        this.carrier = run?.machine;
        const refused = run !== undefined && (run.machine.anomalies.dataCalled >= 0 ||
          run.machine.heap.facts.all().some(isListed));
        if (run?.status !== STATUS.STOPPED || refused) this.carriedStreams = Infinity;
      }
      if (run !== undefined) {
        return this.starts[stream] === run.start
          ? this.beyond(run, known, "memo", within, this.carrierInput, seen)
          : [];
      }
      const again = this.carrierInput === this.input ? this.source.again?.() : undefined;
      if (again === undefined) return [this.unread(this.starts[stream] ?? 0, within)];
      this.carrierInput = new Input(again, this.context.limits.spoolBytes);
      this.carrier = undefined;
      this.carriedStreams = 0;
    }
  }

  /**
   * Reads again in another way; undefined when the bytes are gone.
   *
   * @param window bytes of the window of an input of its own, for readings that drop bytes
   */
  private async another(
    options: RunOptions,
    window?: number,
  ): Promise<{ readonly run: Run; readonly input: Input } | undefined> {
    const { spoolBytes } = this.context.limits;
    const input = window === undefined ? this.input : new Input(this.source, spoolBytes, window);
    const run = await this.tried(options, input);
    if (run !== undefined) return { run, input };
    const again = this.source.again?.();
    if (again === undefined) return undefined;
    const anew = new Input(again, spoolBytes, window);
    const second = await this.tried(options, anew);
    return second && { run: second, input: anew };
  }

  /** One run; undefined when the bytes are gone. */
  private async tried(options: RunOptions, input: Input): Promise<Run | undefined> {
    const run = await runStream(input, this.context, { ...options, factsHeld: Infinity });
    const { broken } = run;
    if (broken instanceof SourceError && this.source.access === "forward") return undefined;
    // That another reading is too much does not keep the next stream from being read.
    if (broken instanceof LimitError && broken.limit === "values") this.stinted ??= broken;
    else this.broken ??= broken;
    return run;
  }

  /** What a reading saw and loads that the base reading did not, the first `seen` of its facts apart. */
  private beyond(
    run: Run,
    known: Set<string>,
    reading: Reading,
    within: readonly string[],
    input = this.input,
    seen = 0,
  ): Observation[] {
    // Bytes that are opcodes to few loaders or to none: what they spell counts only when it has a name.
    const doubtful = reading !== "frames" && reading !== "memo";
    const { machine } = run;
    const refused = machine.anomalies.refused?.offset ?? Infinity;
    const all = machine.heap.facts.all().slice(seen);
    const { dataCalled } = machine.anomalies;
    const end = reading === "frames"
      ? -1
      : all.findIndex((counted) =>
        isListed(counted) || isAbsent(counted) ||
        (dataCalled >= 0 && counted.offset >= dataCalled)
      );
    const fresh = (end < 0 ? all : all.slice(0, end)).filter((counted) =>
      !known.has(keyOf(counted.fact)) && !(doubtful && isIndexType(counted.fact)) &&
      (!doubtful || wellFormed(counted) ||
        (counted.fact.kind === "unresolved-call" && counted.offset < refused))
    );
    for (const { fact } of fresh) known.add(keyOf(fact));
    const reported = fresh.map(({ fact, count, offset }): Observation => ({
      type: "fact",
      fact: underReading(reading === "memo" ? carriedFact(fact) : fact, reading),
      count,
      offset: input.actual(offset),
      within,
    }));
    if (machine.heap.detailLost) {
      reported.push({
        type: "anomaly",
        rule: "pickle-budget",
        detail: "values were too many to keep the arguments of every call",
        offset: input.actual(run.end),
        within,
        unread: true,
      });
    }
    const arrays = [...run.arrays].flatMap(([index, array]) =>
      this.beyond(array, known, reading, [...within, `array_${index}`], input)
    );
    return [...reported, ...loadedEntries(run, input, this.source, within, this.loaded), ...arrays];
  }

  /** Streams that only begin for loaders that read frames otherwise, or arrays plainly. */
  async *alternativeStreams(): AsyncGenerator<readonly Observation[]> {
    let read = 0;
    for (const [start, reading] of this.alternatives.places()) {
      const within = [reading === "frames" ? "behind_frame" : "in_array"];
      if (this.starts.includes(start)) continue;
      if (read++ === ALTERNATIVES_READ) {
        yield [{
          type: "anomaly",
          rule: "pickle-reading-divergence",
          detail: `more than ${ALTERNATIVES_READ} places where a stream may begin for some loader`,
          offset: start,
          within,
          unread: true,
        }];
        return;
      }
      const options: RunOptions = {
        start,
        stepArrays: reading === "frames",
        extensions: this.extensions,
      };
      const other = await this.another(options);
      if (other === undefined) {
        yield [this.unread(start, within)];
        continue;
      }
      const { run, input } = other;
      const known = new Set<string>();
      yield this.beyond(run, known, reading, within, input);
      if (run.machine.anomalies.straddles > 0) {
        yield await this.frameReadings(run, options, known, within, reading);
      }
      this.alternatives.noteFrames(run, input, false);
      if (reading === "plain") this.alternatives.notePlain(run, input);
      else if (run.stepped + run.objectArrays > 0) yield* this.plainly(options, known, within);
      this.endIfBroken();
    }
  }
}

/**
 * Whether a fact is an import by what a harmless function gave. Memo entries of another stream put any
 * object where a name should be: every unpickler refuses that, and what comes behind is never reached.
 */
function isListed({ fact }: CountedFact): boolean {
  return fact.kind === "unresolved-call" && fact.listed === true;
}

/** Modules that have never had a name `dtype` or `ndarray` (joblib 0.9 to 1.6, pandas 0.24 to 3.1). */
const WITHOUT_NUMPY_NAMES: ReadonlySet<string> = new Set([
  "joblib.numpy_pickle",
  "pandas.core.arrays.categorical",
  "pandas.core.arrays.numpy_",
  "pandas.core.arrays.string_",
  "pandas.core.indexes.category",
]);

/** What pandas writes of an index names where its class is taken for a module, and what its call is given. */
const INDEX_TYPE = "Index.dtype('O8', False, True)";

/**
 * Whether a fact is an import of a name that its module has never had, which ends every unpickler. An array's
 * pickle takes its type from `numpy` by an entry of its own memo; read with the memo around it, where joblib's
 * wrapper comes early or pandas writes an index or an extension array, that entry is another module.
 */
function isAbsent({ fact }: CountedFact): boolean {
  return fact.kind === "import" && (fact.name === "dtype" || fact.name === "ndarray") &&
    WITHOUT_NUMPY_NAMES.has(fact.module);
}

/**
 * Whether a fact is the type of a pandas index, by a module that is mostly none. What comes behind is read on, since
 * a folder may have one.
 */
function isIndexType(fact: Fact): boolean {
  return fact.kind === "call" ? fact.expression === INDEX_TYPE : fact.kind === "import" &&
    fact.module === "Index" && fact.name === "dtype";
}

/**
 * A fact under a memo of other streams. A package on no list that such a memo names is mostly none: what
 * its function would give is a call that is not known, and no import yet.
 */
function carriedFact(fact: Fact): Fact {
  return fact.kind === "unresolved-call" && fact.foreign === true
    ? { ...fact, via: "REDUCE", attribute: false }
    : fact;
}

/** Whether a fact seen in doubtful bytes is more than noise: its names are identifiers. */
function wellFormed({ fact }: CountedFact): boolean {
  return "module" in fact && /^[A-Za-z_][\w.]*$/.test(fact.module) && /^[\w.]*$/.test(fact.name);
}
