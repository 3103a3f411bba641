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

import { FormatError, SourceError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { GlobalName, Observation } from "../../core/types.ts";
import { HINT } from "../../core/hints.ts";
import { hiddenEntry } from "../../parsers/trailing.ts";
import { type CountedFact, FACTS_KEPT, keyOf } from "../machine/facts.ts";
import { Input } from "./input.ts";
import { type LayoutName, LAYOUTS } from "./layouts.ts";
import { STATUS } from "../machine/status.ts";
import type { TextWatch } from "../machine/text_watch.ts";
import { nestedEntries } from "./nested.ts";
import { anomaliesOf } from "./stream_anomalies.ts";
import { readFurther, tryHead } from "./detect.ts";
import { OtherReadings } from "./readings.ts";
import { Resync } from "./resync.ts";
import { type Run, runInSteps, type RunOptions, runStream } from "./driver.ts";

/**
 * Different facts of a stream that are reported as one, and how many of a stream with more are handed out
 * at a time: few enough to be gone before the next collection of garbage.
 */
const FACTS_USUAL = 8192;
const FACTS_AT_A_TIME = 2048;
/** Streams of a file that are read at all. The most seen are 39. CWE-834. */
const STREAMS_READ = 100_000;

/** What a scan of streams needs of its surroundings. */
interface StreamContext extends FormatContext {
  /** Looks at each text of all streams, under all readings. */
  readonly watch?: TextWatch | undefined;
}

/**
 * Scans every stream of a source.
 *
 * @param layout what lies between the streams
 * @param anywhere whether the first need not begin at the start, and what is looked for then: any stream,
 * or one that imports something
 * @throws LimitError when a budget is spent @throws SourceError when bytes cannot be had; what was
 * yielded before counts
 */
export async function* scanStreams(
  source: Source,
  context: StreamContext,
  layout: LayoutName,
  anywhere?: "stream" | "import",
): AsyncGenerator<readonly Observation[]> {
  const scan = new StreamScan(source, context, layout);
  yield* anywhere !== undefined ? scan.scanAnywhere(anywhere) : scan.scan();
}

/** The base reading of a stream. */
interface Base {
  readonly run: Run;
  readonly options: RunOptions;
}

class StreamScan {
  private readonly source: Source;
  private readonly context: StreamContext;
  private readonly layout;
  private readonly input: Input;
  private readonly extensions = new Map<number, GlobalName>();
  /** The first facts of the stream at hand that were handed out while it was read, for readings to know. */
  private handedOut = new Set<string>();
  /** Whether what lies behind the last stream was handed on. */
  private trailingSeen = false;
  private readonly resync: Resync;
  private readonly readings: OtherReadings;
  /** Places of what streams load. */
  private readonly loaded = new Set<string>();

  constructor(source: Source, context: StreamContext, layout: LayoutName) {
    this.source = source;
    this.context = context;
    this.layout = LAYOUTS[layout]();
    this.input = new Input(source, context.limits.spoolBytes);
    this.resync = new Resync(
      this.input,
      context.limits.resyncBytes,
      () => context.checkDeadline(),
    );
    this.readings = new OtherReadings(source, context, this.input, this.extensions, this.loaded);
  }

  /** The same from the first place that looks like a pickle; nothing is said where there is none. */
  async *scanAnywhere(what: "stream" | "import"): AsyncGenerator<readonly Observation[]> {
    let start: number | undefined;
    const search = what === "stream" ? this.resync : this.searchFor(what);
    try {
      start = await this.beginsAtStart(what) ? 0 : await search.find(1);
    } catch (error) {
      // Bytes that break off are reported by who handed them out.
      if (!(error instanceof FormatError)) throw error;
    }
    this.resync.cut ||= search.cut;
    yield* this.searchLimit();
    if (start !== undefined) yield* this.scan(start);
  }

  private searchFor(what: "import"): Resync {
    const check = (): void => this.context.checkDeadline();
    return new Resync(this.input, this.context.limits.resyncBytes, check, what);
  }

  private async beginsAtStart(what: "stream" | "import"): Promise<boolean> {
    if (what === "stream") return await this.resync.hasHeader(0) || await this.resync.plausible(0);
    const { head, size } = this.context.sample;
    const detection = tryHead(head, size, false);
    if (detection !== "undecided") return detection === "pickle";
    return await readFurther(this.source, false, () => this.context.checkDeadline()) === "pickle";
  }

  async *scan(start = 0): AsyncGenerator<readonly Observation[]> {
    let offset = start;
    let found = true;
    let stream = 0;
    while (found) {
      if (stream === STREAMS_READ) {
        yield [this.tooMany(offset)];
        break;
      }
      const { run, options } = yield* this.read(offset, [`stream_${stream}`]);
      const junk = stream > 0 && run.status === STATUS.FAILED &&
        !await this.resync.hasHeader(offset) &&
        !await this.resync.plausible(offset);
      if (junk) {
        yield* this.trailing(run, options);
        this.readings.endIfBroken();
        const next = await this.resync.find(offset + 1);
        yield* this.searchLimit();
        found = next !== undefined;
        offset = next ?? offset;
        continue;
      }
      this.readings.begin(run);
      yield* this.describe(stream++, run, options);
      this.readings.endIfBroken();
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
    yield* this.readings.alternativeStreams();
    this.readings.endIfStinted();
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
  private async *read(
    offset: number,
    within: readonly string[],
  ): AsyncGenerator<readonly Observation[], Base> {
    const { extensions } = this;
    this.handedOut = new Set();
    const usual = { start: offset, stepArrays: true, extensions, factsHeld: FACTS_USUAL };
    const base = yield* this.readOnce(usual, within);
    const { run, options } = base;
    this.readings.broken ??= run.broken;
    if (run.broken !== undefined || options.thorough === true) return base;
    if (!run.machine.heap.detailLost) return base;
    const input = await this.canReread(offset) ? this.input : this.inputAgain();
    if (input === undefined) return base;
    const thorough = { ...options, thorough: true, factsHeld: Infinity };
    const again = await runStream(input, this.context, thorough);
    this.readings.broken ??= again.broken;
    return again.broken === undefined ? { run: again, options: thorough } : base;
  }

  /**
   * One run, whose facts are handed out whenever they are many. Before any are, it begins anew with
   * all detail, since nothing can be determined better afterwards.
   */
  private async *readOnce(
    options: RunOptions,
    within: readonly string[],
  ): AsyncGenerator<readonly Observation[], Base> {
    const running = runInSteps(this.input, this.context, options);
    for (;;) {
      const { done, value } = await running.next();
      if (done) return { run: value, options };
      if (options.thorough !== true && this.source.access === "random") {
        const thorough = { ...options, thorough: true, factsHeld: FACTS_AT_A_TIME };
        return yield* this.readOnce(thorough, within);
      }
      const facts = value.heap.facts.take();
      for (const { fact } of facts) {
        if (this.handedOut.size < FACTS_KEPT) this.handedOut.add(keyOf(fact));
      }
      yield this.reported(facts, within);
    }
  }

  /** Another input of the same bytes, where a forward source can begin again. */
  private inputAgain(): Input | undefined {
    const source = this.source.again?.();
    return source && new Input(source, this.context.limits.spoolBytes);
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
    yield this.reported(run.machine.heap.facts.all(), within);
    yield anomaliesOf(run, this.input, within, this.context.siblings);
    yield* this.arrays(run, within);
    yield nestedEntries(run, this.input, this.source, within, this.loaded);
    yield* this.readings.of(stream, run, options, within, this.handedOut);
  }

  private async *arrays(
    run: Run,
    within: readonly string[],
  ): AsyncGenerator<readonly Observation[]> {
    for (const [index, array] of run.arrays) {
      const inside = [...within, `array_${index}`];
      yield this.reported(array.machine.heap.facts.all(), inside);
      yield anomaliesOf(array, this.input, inside, this.context.siblings);
      yield nestedEntries(array, this.input, this.source, inside, this.loaded);
      yield* this.arrays(array, inside);
    }
  }

  private reported(facts: readonly CountedFact[], within: readonly string[]): Observation[] {
    return facts.map(({ fact, count, offset }) => ({
      type: "fact",
      fact,
      count,
      offset: this.input.actual(offset),
      within,
    }));
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
    yield [noted];
    if (!this.trailingSeen && this.source.access === "random") {
      this.trailingSeen = true;
      const entry = await hiddenEntry(this.source, "(data behind the pickle)", at);
      yield [{ ...entry, hint: HINT.hiddenSearched }];
    }
    yield* this.readings.ofTrailing(run, options, ["trailing"]);
  }
}
