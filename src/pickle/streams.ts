/**
 * All the pickle streams of a source, under every reading that a loader may have of them.
 *
 * The base reading takes opcodes as they come, without regard to frames, each stream with a fresh memo,
 * joblib's arrays stepped over. It sees all that Python's own unpickler sees, and what C's sees in
 * memory. Other readings are run only for streams on which they can differ; what they see beyond the
 * base reading carries the reading's name.
 *
 * @module
 */

import { FormatError, LimitError, SourceError } from "../errors.ts";
import type { FormatContext } from "../formats/format.ts";
import type { Source } from "../source/source.ts";
import type { GlobalName, Observation, Reading } from "../types.ts";
import { retireAccelerator } from "./accelerator.ts";
import { type CountedFact, FACTS_KEPT, keyOf, underReading } from "./facts.ts";
import { Input } from "./input.ts";
import { type LayoutName, LAYOUTS } from "./layouts.ts";
import { STATUS } from "./machine.ts";
import { loadedEntries, nestedEntries } from "./nested.ts";
import { odditiesOf } from "./oddities.ts";
import { Resync } from "./resync.ts";
import { type Run, type RunOptions, runStream } from "./run.ts";

/** Subsets of frame crossings that are tried, each taken or not. */
const FRAME_READINGS = 16;
/** Window of a reading of frames: as many may be tried as a file has streams. */
const FRAME_WINDOW_BYTES = 16 * 1024;
/** Places behind frames, where no stream begins for the base reading, that are read. */
const ELSEWHERE_READ = 64;
/** Facts of all streams and readings together that are told. */
const FACTS_TOLD = 4 * FACTS_KEPT;
/** Streams of a file that are read at all. */
const STREAMS_READ = 100_000;

/**
 * Scans every stream of a source.
 *
 * @param layout what lies between the streams
 * @param anywhere true when the first need not begin at the start, which may be no pickle at all
 * @throws LimitError when a budget is spent @throws SourceError when bytes cannot be had; what was
 * yielded before counts
 */
export async function* scanStreams(
  source: Source,
  context: FormatContext,
  layout: LayoutName,
  anywhere = false,
): AsyncGenerator<readonly Observation[]> {
  const scan = new StreamScan(source, context, layout);
  yield* anywhere ? scan.scanAnywhere() : scan.scan();
}

class StreamScan {
  private readonly source: Source;
  private readonly context: FormatContext;
  private readonly layout;
  private readonly input: Input;
  /** Where the streams that were read begin, for readings over several. */
  private readonly starts: number[] = [];
  private readonly extensions = new Map<number, GlobalName>();
  /** Where loaders that read frames otherwise begin a stream: offsets in the source. */
  private readonly elsewhere = new Set<number>();
  /** One Unpickler that loads all streams, and how many it has loaded. */
  private carrier: Run["machine"] | undefined;
  private carriedStreams = 0;
  /** Why a run was broken off. */
  private broken: Run["broken"];
  private told = 0;
  private readonly resync: Resync;
  /** Places of what streams load. */
  private readonly loaded = new Set<string>();

  constructor(source: Source, context: FormatContext, layout: LayoutName) {
    this.source = source;
    this.context = context;
    this.layout = LAYOUTS[layout]();
    this.input = new Input(source, context.limits.spoolBytes);
    this.resync = new Resync(
      this.input,
      context.limits.resyncBytes,
      () => context.checkDeadline(),
    );
  }

  /** The same from the first place that looks like a pickle; nothing is said where there is none. */
  async *scanAnywhere(): AsyncGenerator<readonly Observation[]> {
    let start: number | undefined;
    try {
      const atStart = await this.resync.hasHeader(0) || await this.resync.plausible(0);
      start = atStart ? 0 : await this.resync.find(1);
    } catch (error) {
      // Bytes that break off are told by who handed them out.
      if (!(error instanceof FormatError)) throw error;
    }
    yield* this.searchLimit();
    if (start !== undefined) yield* this.scan(start);
  }

  async *scan(start = 0): AsyncGenerator<readonly Observation[]> {
    try {
      yield* this.streams(start);
    } finally {
      retireAccelerator(this.input);
    }
  }

  private async *streams(start: number): AsyncGenerator<readonly Observation[]> {
    let offset = start;
    let found = true;
    let stream = 0;
    while (found) {
      if (stream === STREAMS_READ) {
        yield [this.tooMany(offset)];
        break;
      }
      const { run, options } = await this.read(offset);
      const junk = stream > 0 && run.status === STATUS.FAILED &&
        !await this.resync.hasHeader(offset) &&
        !await this.resync.plausible(offset);
      if (junk) {
        yield* this.trailing(run, options);
        this.endIfBroken();
        const next = await this.resync.find(offset + 1);
        yield* this.searchLimit();
        found = next !== undefined;
        offset = next ?? offset;
        continue;
      }
      this.starts.push(offset);
      this.noteElsewhere(run);
      yield* this.describe(stream++, run, options);
      this.endIfBroken();
      const after = run.status === STATUS.STOPPED
        ? await this.layout.after(stream - 1, run, this.input)
        : undefined;
      if (after?.mismatch !== undefined) {
        yield [{
          type: "anomaly",
          rule: "torch-storage-mismatch",
          detail: after.mismatch,
          offset: after.next,
          ...(after.truncated && { unread: true }),
        }];
      }
      const next = await this.following(run, after?.next ?? run.end, after?.done ?? false);
      yield* this.searchLimit();
      found = next !== undefined;
      offset = next ?? offset;
    }
    yield* this.streamsElsewhere();
  }

  /** Where the next stream begins: right behind a good one, somewhere behind a corrupt one. */
  private async following(run: Run, next: number, done: boolean): Promise<number | undefined> {
    if (done) return undefined;
    if (run.status === STATUS.STOPPED) return await this.hasBytes(next) ? next : undefined;
    return await this.resync.find(run.end + 1);
  }

  /** Says, once, that the search behind corrupt bytes was given up. */
  private *searchLimit(): Generator<readonly Observation[]> {
    if (!this.resync.cut) return;
    this.resync.cut = false;
    yield [{
      type: "anomaly",
      rule: "pickle-resync-limit",
      detail:
        `${this.resync.searched} bytes behind the corrupt stream were searched for another, the rest was not`,
      unread: true,
    }];
  }

  private tooMany(offset: number): Observation {
    return {
      type: "anomaly",
      rule: "pickle-budget",
      detail: `only the first ${STREAMS_READ} streams were read`,
      offset: this.input.actual(offset),
      unread: true,
    };
  }

  private async hasBytes(offset: number): Promise<boolean> {
    if (Number.isFinite(this.input.size)) return offset < this.input.size;
    return (await this.input.peek(offset, 1)).length > 0;
  }

  // --- one stream -------------------------------------------------------------------

  /** The base reading of the stream at `offset`, again with all detail when some was missed. */
  private async read(offset: number): Promise<{ run: Run; options: RunOptions }> {
    const { extensions } = this;
    const options: RunOptions = { start: offset, stepArrays: true, extensions };
    const run = await runStream(this.input, this.context, options);
    this.broken ??= run.broken;
    if (run.broken !== undefined) return { run, options };
    if (!run.machine.detailLost || !await this.canReread(offset)) return { run, options };
    const thorough = { ...options, thorough: true };
    const again = await runStream(this.input, this.context, thorough);
    this.broken ??= again.broken;
    return again.broken === undefined ? { run: again, options: thorough } : { run, options };
  }

  /** @throws what broke a run off, once what it saw has been handed out */
  private endIfBroken(): void {
    if (this.broken !== undefined) throw this.broken;
  }

  /** Whether the window can go back to `offset`. */
  private async canReread(offset: number): Promise<boolean> {
    try {
      await this.input.peek(offset, 1);
      return true;
    } catch (error) {
      if (error instanceof SourceError) return false;
      throw error;
    }
  }

  private async *describe(
    stream: number,
    run: Run,
    options: RunOptions,
  ): AsyncGenerator<readonly Observation[]> {
    const within = [`stream_${stream}`];
    yield this.factsOf(run, this.input, within);
    yield odditiesOf(run, this.input, within, this.context.siblings);
    yield* this.arrays(run, within);
    yield nestedEntries(run, this.input, this.source, within, this.loaded);
    yield* this.readings(stream, run, options, within);
  }

  private async *arrays(
    run: Run,
    within: readonly string[],
  ): AsyncGenerator<readonly Observation[]> {
    for (const [index, array] of run.arrays.entries()) {
      const inside = [...within, `array_${index}`];
      yield this.factsOf(array, this.input, inside);
      yield odditiesOf(array, this.input, inside, this.context.siblings);
      yield nestedEntries(array, this.input, this.source, inside, this.loaded);
      yield* this.arrays(array, inside);
    }
  }

  private factsOf(run: Run, input: Input, within: readonly string[]): Observation[] {
    const facts = run.machine.facts.all();
    this.told += facts.length;
    if (this.told > FACTS_TOLD) {
      const said = `There are more than ${FACTS_TOLD} different imports and calls`;
      this.broken ??= new LimitError("values", said);
    }
    return facts.map(({ fact, count, offset }) => ({
      type: "fact",
      fact,
      count,
      offset: input.actual(offset),
      within,
    }));
  }

  // --- other readings ---------------------------------------------------------------

  private async *readings(
    stream: number,
    run: Run,
    options: RunOptions,
    within: readonly string[],
  ): AsyncGenerator<readonly Observation[]> {
    const known = new Set(run.machine.facts.all().map(({ fact }) => keyOf(fact)));
    for (const array of run.arrays) {
      for (const { fact } of array.machine.facts.all()) known.add(keyOf(fact));
    }
    if (run.machine.notes.straddles > 0) {
      yield await this.frameReadings(run, options, known, within);
    }
    if (run.stepped + run.arrays.length > 0) {
      const plain = await this.another({ ...options, stepArrays: false });
      if (plain !== undefined) yield this.beyond(plain, known, "plain", within);
    }
    if (stream > 0 && run.machine.notes.memoRead) yield await this.carried(known, within);
  }

  /** Every subset of the crossings at which a C unpickler on a file would drop the frame's rest. */
  private async frameReadings(
    run: Run,
    options: RunOptions,
    known: Set<string>,
    within: readonly string[],
  ): Promise<Observation[]> {
    const found: Observation[] = [];
    const pending: boolean[][] = [];
    const branch = (taken: readonly boolean[], crossings: number): void => {
      // One more than are tried, to know that there are more; a file may have a million crossings.
      for (let at = taken.length; at < crossings && pending.length <= FRAME_READINGS; at++) {
        pending.push([...taken, ...Array(at - taken.length).fill(false), true]);
      }
    };
    branch([], run.machine.notes.straddles);
    for (let tried = 0; pending.length > 0; tried++) {
      if (tried === FRAME_READINGS) {
        found.push({
          type: "anomaly",
          rule: "pickle-reading-divergence",
          detail: `more than ${FRAME_READINGS} ways of reading the frames`,
          offset: run.machine.notes.straddleOffset,
          within,
          unread: true,
        });
        break;
      }
      const drops = pending.shift() as boolean[];
      const input = new Input(this.source, this.context.limits.spoolBytes, FRAME_WINDOW_BYTES);
      const other = await this.another({ ...options, drops }, input);
      if (other === undefined) continue;
      this.noteElsewhere(other, input);
      found.push(...this.beyond(other, known, "frames", within, input));
      branch(drops, other.machine.notes.straddles);
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
    let seen = 0;
    let run: Run | undefined;
    while (this.carriedStreams <= stream) {
      const start = this.starts[this.carriedStreams++] as number;
      seen = this.carrier?.facts.all().length ?? 0;
      run = await this.another({ start, stepArrays: true, carrier: this.carrier });
      this.carrier = run?.machine;
      if (run?.status !== STATUS.STOPPED) this.carriedStreams = Infinity;
    }
    return run === undefined || this.starts[stream] !== run.start
      ? []
      : this.beyond(run, known, "memo", within, this.input, seen);
  }

  /** Reads again in another way; undefined when the bytes are gone. */
  private async another(options: RunOptions, input = this.input): Promise<Run | undefined> {
    const run = await runStream(input, this.context, options);
    if (run.broken instanceof SourceError && this.source.access === "forward") return undefined;
    this.broken ??= run.broken;
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
    const doubtful = reading === "plain" || reading === "resync";
    const fresh = run.machine.facts.all().slice(seen).filter((counted) =>
      !known.has(keyOf(counted.fact)) && (!doubtful || wellFormed(counted))
    );
    for (const { fact } of fresh) known.add(keyOf(fact));
    const facts = fresh.map(({ fact, count, offset }): Observation => ({
      type: "fact",
      fact: underReading(fact, reading),
      count,
      offset: input.actual(offset),
      within,
    }));
    return [...facts, ...loadedEntries(run, input, this.source, within, this.loaded)];
  }

  // --- between and behind streams -----------------------------------------------------

  /** Bytes behind the last good stream that begin none: noted, and what they would run all the same. */
  private async *trailing(
    run: Run,
    options: RunOptions,
  ): AsyncGenerator<readonly Observation[]> {
    const at = this.input.actual(run.start);
    const size = this.source.size;
    const length = size === undefined ? "some" : String(size - at);
    const noted: Observation = {
      type: "anomaly",
      rule: "pickle-trailing-data",
      detail: `${length} bytes behind the last stream are no pickle`,
      offset: at,
    };
    const known = new Set<string>();
    const within = ["trailing"];
    yield [noted, ...this.beyond(run, known, "resync", within)];
    const { straddles, memoRead } = run.machine.notes;
    if (straddles > 0) yield await this.frameReadings(run, options, known, within);
    if (memoRead) {
      this.starts.push(run.start);
      yield await this.carried(known, within);
    }
  }

  /**
   * Remembers where other loaders go on behind a stream: those that take a frame from their file as a
   * whole, behind it; under a reading that drops bytes, wherever its STOP is.
   */
  private noteElsewhere(run: Run, input = this.input): void {
    if (run.status !== STATUS.STOPPED) return;
    const { frameEnd } = run.machine;
    if (frameEnd > run.end && frameEnd < input.size) this.elsewhere.add(input.actual(frameEnd));
    if (input !== this.input && run.end < input.size) this.elsewhere.add(input.actual(run.end));
  }

  /** Streams that only begin for loaders that read frames otherwise. */
  private async *streamsElsewhere(): AsyncGenerator<readonly Observation[]> {
    const within = ["behind_frame"];
    let read = 0;
    for (const start of this.elsewhere) {
      if (this.starts.includes(start)) continue;
      if (read++ === ELSEWHERE_READ) {
        yield [{
          type: "anomaly",
          rule: "pickle-reading-divergence",
          detail: `more than ${ELSEWHERE_READ} places where a stream may begin behind a frame`,
          offset: start,
          within,
          unread: true,
        }];
        return;
      }
      const options: RunOptions = { start, stepArrays: true, extensions: this.extensions };
      const run = await this.another(options);
      if (run === undefined) continue;
      const known = new Set<string>();
      yield this.beyond(run, known, "frames", within);
      if (run.machine.notes.straddles > 0) {
        yield await this.frameReadings(run, options, known, within);
      }
      this.noteElsewhere(run);
      this.endIfBroken();
    }
  }
}

/** Whether a fact seen in doubtful bytes is more than noise: its names are identifiers. */
function wellFormed({ fact }: CountedFact): boolean {
  return "module" in fact && /^[A-Za-z_][\w.]*$/.test(fact.module) && /^[\w.]*$/.test(fact.name);
}
