/**
 * Other ways in which a loader may read the streams of a source, each made only where the bytes give
 * cause, and only what they see beyond the base reading is told, under the reading's name.
 *
 * @module
 */

import { LimitError, SourceError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { GlobalName, Observation, Reading } from "../../core/types.ts";
import { Elsewhere } from "./alternative_starts.ts";
import { type CountedFact, keyOf, underReading } from "../machine/facts.ts";
import { Input } from "./input.ts";
import { STATUS } from "../machine/status.ts";
import { loadedEntries } from "./nested.ts";
import { type Run, type RunOptions, runStream } from "./driver.ts";

/** Subsets of frame crossings that are tried, each taken or not. */
const FRAME_READINGS = 16;
/** Window of a reading of frames: as many may be tried as a file has streams. */
const FRAME_WINDOW_BYTES = 16 * 1024;
/** Places behind frames and in arrays, where no stream begins for the base reading, that are read. */
const ELSEWHERE_READ = 64;

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
  private readonly elsewhere = new Elsewhere();
  /** One Unpickler that loads all streams, and how many it has loaded. */
  private carrier: Run["machine"] | undefined;
  private carriedStreams = 0;

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
    this.extensions = extensions;
    this.loaded = loaded;
  }

  /** The base reading has read a stream. */
  begin(run: Run): void {
    this.starts.push(run.start);
    this.elsewhere.noteFrames(run, this.input, false);
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
   * @param known facts that were told before the stream was read to its end, by their keys; grows
   */
  async *of(
    stream: number,
    run: Run,
    options: RunOptions,
    within: readonly string[],
    known: Set<string>,
  ): AsyncGenerator<readonly Observation[]> {
    const { straddles, memoRead } = run.machine.notes;
    const joblib = run.stepped + run.objectArrays > 0;
    if (straddles === 0 && !joblib && (stream === 0 || !memoRead)) return;
    for (const { fact } of run.machine.heap.facts.all()) known.add(keyOf(fact));
    for (const array of run.arrays.values()) {
      for (const { fact } of array.machine.heap.facts.all()) known.add(keyOf(fact));
    }
    if (straddles > 0) yield await this.frameReadings(run, options, known, within);
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
    const { straddles, memoRead } = run.machine.notes;
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
    const run = await this.another(without);
    if (run === undefined) return;
    this.elsewhere.notePlain(run, this.input);
    yield this.beyond(run, known, "plain", within);
    if (run.machine.notes.straddles === 0) return;
    yield await this.frameReadings(run, without, known, within, "plain");
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
      this.elsewhere.noteFrames(other, input, true);
      found.push(...this.beyond(other, known, reading, within, input));
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
      seen = this.carrier?.heap.facts.all().length ?? 0;
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
    const doubtful = reading === "plain" || reading === "resync";
    const fresh = run.machine.heap.facts.all().slice(seen).filter((counted) =>
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

  /** Streams that only begin for loaders that read frames otherwise, or arrays plainly. */
  async *streamsElsewhere(): AsyncGenerator<readonly Observation[]> {
    let read = 0;
    for (const [start, reading] of this.elsewhere.places()) {
      const within = [reading === "frames" ? "behind_frame" : "in_array"];
      if (this.starts.includes(start)) continue;
      if (read++ === ELSEWHERE_READ) {
        yield [{
          type: "anomaly",
          rule: "pickle-reading-divergence",
          detail: `more than ${ELSEWHERE_READ} places where a stream may begin for some loader`,
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
      const run = await this.another(options);
      if (run === undefined) continue;
      const known = new Set<string>();
      yield this.beyond(run, known, reading, within);
      if (run.machine.notes.straddles > 0) {
        yield await this.frameReadings(run, options, known, within, reading);
      }
      this.elsewhere.noteFrames(run, this.input, false);
      if (reading === "plain") this.elsewhere.notePlain(run, this.input);
      else if (run.stepped + run.objectArrays > 0) yield* this.plainly(options, known, within);
      this.endIfBroken();
    }
  }
}

/** Whether a fact seen in doubtful bytes is more than noise: its names are identifiers. */
function wellFormed({ fact }: CountedFact): boolean {
  return "module" in fact && /^[A-Za-z_][\w.]*$/.test(fact.module) && /^[\w.]*$/.test(fact.name);
}
