/**
 * One asset from its first byte to its report: formats state, entries are followed, rules judge.
 *
 * @module
 */

import { mergedAbout, type ModelAbout } from "../../core/about.ts";
import type { RestrictedLoad } from "../../core/restricted_load.ts";
import { FormatError, LimitError, SourceError } from "../../core/errors.ts";
import { baseName } from "../../parsers/base_name.ts";
import type { Format, FormatContext, NamedData, Sample } from "../../core/format.ts";
import { FORMATS } from "../../formats/registry.ts";
import type { FormatEntry } from "../../core/format.ts";
import { raisedBy, withDefaults } from "../../core/limits.ts";
import type { Bundle } from "../../core/bundle.ts";
import type { Judged, RuleSet } from "../../core/rule_set.ts";
import { spool } from "../../sources/forward.ts";
import type { Source } from "../../core/source.ts";
import { claimOf } from "./claims.ts";
import type {
  Acceptance,
  Failure,
  FileReport,
  Finding,
  FolderPlace,
  Limits,
  Listing,
  Observation,
  Safety,
  ScanError,
  Severity,
  Siblings,
  Suppression,
} from "../../core/types.ts";
import { type AssetEnd, type AssetFacts, AssetJudge, LIMIT_REPORTED } from "./asset_judge.ts";
import { Budget } from "./budget.ts";
import { folderObservations, isUnobserved } from "./folder.ts";
import { atHead, detect, type Identified, identify, type Match } from "./identify.ts";
import { errorOf, meter, type MeteredSource } from "./metered.ts";
import { type Anomaly, compareWithName } from "./naming.ts";
import { ObservationBuffer } from "./observations.ts";
import { compareFindings, type Outcome } from "./outcome.ts";
import { drain, tailOfStream } from "./sampling.ts";
import { anomalyOf, anomalyOfBroken, describe, isDefect } from "./error_anomalies.ts";

/** Options of a scan. */
export interface ScanOptions {
  /** What judges; `loadRules` gives the embedded ones. */
  readonly rules: RuleSet;
  /** Budgets; those of `limits.ts` unless given. */
  readonly limits?: Partial<Limits>;
  /** Ends the scan early; what was found by then is reported, as incomplete. */
  readonly signal?: { readonly aborted: boolean };
  /** The path for the report; the source's name unless given. */
  readonly path?: string;
  /** Called now and then. */
  onProgress?(progress: { readonly bytesRead: number }): void;
  /** The formats to try; all of the registry unless given. */
  readonly formats?: readonly FormatEntry[];
  /** Decides which findings the user has chosen to let through; they are counted by reason. */
  readonly suppress?: ((finding: Finding) => Suppression | Acceptance | undefined) | undefined;
  /** Also lists what stands around what is found, such as opcodes, in `details.disassembly`. */
  readonly explain?: boolean | undefined;
  /** The packages to try; all unless given. */
  readonly bundles?: readonly Bundle[];
  /** The folder that the source lies in: what concerns several of its files is judged with them. */
  readonly folder?: FolderPlace;
}

/** The same, with what no program but this one asks for. */
export interface AssetScanOptions extends ScanOptions {
  /** Is given what can be judged again, where all was read that there is. */
  readonly facts?: ((facts: AssetFacts) => void) | undefined;
}

/** The reader of indices, once a folder's file asked for it: an import a file costs a tenth of a small one. */
let namedData: typeof import("../../bundles/named/data.ts").namedData | undefined;

/** The most that is said of bytes that nothing in the file loads. */
const DATA_AT_MOST = { safety: "suspicious", severity: "medium" } as const;

/**
 * Observations of one source that are held before the rules judge them; judged together they merge. The most
 * seen are 438. CWE-770.
 */
const OBSERVATIONS_HELD = 4096;

/** A failure of this program. */
const DEFECT: Failure = { kind: "defect", passing: false };

/** Rules for what may be otherwise the next time, whatever the bytes. */
const PASSING_RULES: ReadonlySet<string> = new Set([
  "scan-timeout",
  "scan-cancelled",
  "scan-decoder-missing",
  "scan-defect",
  "file-changed",
  "file-unreadable",
]);

/** Errors of reading that are listed for one asset. A readable file has none. CWE-779. */
const ERRORS_KEPT = 100;

/** A source to look into, and where it is. */
interface Visit {
  readonly source: Source;
  /** Base name, for detection. */
  readonly name: string;
  readonly parts: readonly string[];
  readonly depth: number;
  readonly hint: string | undefined;
  readonly siblings?: Siblings;
  readonly atMost: { readonly safety: Safety; readonly severity: Severity } | undefined;
}

/** A format that read a source, and what it read. */
interface Reader {
  readonly format: Format;
  readonly source: Source;
}

/** Findings of one source that are explained, the worst. CWE-779. */
const EXPLAINED = 8;

/** The places that a finding is about: that of its first observation, and of its calls. */
function offsetsOf({ offset, details }: Finding): readonly number[] {
  const calls: unknown = details["calls"];
  const called = Array.isArray(calls)
    ? calls.map((call: { readonly offset?: unknown }) => call.offset)
    : [];
  return [offset, ...called].filter((it) => typeof it === "number");
}

type Entry = Extract<Observation, { type: "entry" }>;

function forbidden(format: string): Anomaly {
  return { type: "anomaly", rule: "configuration-forbidden-format", detail: format };
}

/** Whether the source is of a format could not be determined. */
function notDecided({ id, label = id }: FormatEntry): Anomaly {
  return {
    type: "anomaly",
    rule: "scan-limit",
    detail: `It may be ${label} whose first arguments are longer than is read to tell`,
    unread: true,
  };
}

/** All bundles, loaded when a listing is first met. */
let loadedBundles: readonly Bundle[] | undefined;

async function allBundles(): Promise<readonly Bundle[]> {
  return loadedBundles ??= (await import("../../bundles/registry.ts")).BUNDLES;
}

/** The scan of one asset; used once. */
export class AssetScan {
  readonly #options: AssetScanOptions;
  readonly #limits: Limits;
  readonly #budget: Budget;
  readonly #root: MeteredSource;
  readonly #path: string;
  readonly #formats: readonly FormatEntry[];
  readonly #judges: AssetJudge;
  readonly #outcome: Outcome;
  readonly #matched = new Set<string>();
  readonly #errors: ScanError[] = [];
  readonly #limitsReached = new Map<string, number>();
  #reported: unknown[] = [];
  #about: ModelAbout | undefined;
  #loads: readonly RestrictedLoad[] | undefined;
  /** True once something was recognised that is more than a container or a program. */
  #recognised = false;
  /** The first name that claims a model whose content nothing recognised, and what it claims. */
  #unproven: { readonly name: string; readonly parts: readonly string[] } | undefined;
  #parts = 0;
  #unsettled = false;

  constructor(source: Source, options: AssetScanOptions) {
    this.#options = options;
    this.#limits = withDefaults(options.limits);
    this.#budget = new Budget(this.#limits, options.signal);
    const { onProgress } = options;
    this.#root = meter(
      source,
      this.#budget,
      onProgress && ((bytesRead) => onProgress.call(options, { bytesRead })),
    );
    this.#path = options.path ?? source.name;
    this.#formats = options.formats ?? FORMATS;
    const { rules, suppress, facts } = options;
    const path = this.#path;
    const { issues } = this.#limits;
    this.#judges = new AssetJudge({ rules, path, issues, suppress, log: facts && [] });
    this.#outcome = this.#judges.outcome;
  }

  /** Scans; never rejects for what is in the bytes. */
  async run(): Promise<FileReport> {
    await this.#visit(this.#rootVisit());
    const { folder } = this.#options;
    if (folder !== undefined && !isUnobserved(folder)) await this.#showFolder();
    const end: AssetEnd = {
      recognised: this.#recognised,
      matched: this.#matched.size > 0,
      unproven: this.#unproven,
      limits: [...this.#limitsReached],
    };
    const { unread } = this.#outcome;
    this.#judges.tellUnproven(end);
    this.#tellStop();
    this.#judges.tellCounted(end);
    this.#giveFacts({ ...end, unread });
    const findings = this.#outcome.sorted();
    const loads = this.#loadsKnown();
    return {
      path: this.#path,
      formats: [...this.#matched],
      size: this.#root.size,
      bytesRead: this.#root.bytesRead,
      ...(this.#about !== undefined && { about: this.#about }),
      ...(loads !== undefined && { loads }),
      verdict: this.#outcome.verdict(this.#recognised),
      riskScore: this.#outcome.riskScore,
      findings,
      errors: this.#errors,
      partsScanned: this.#parts,
      ...((this.#unsettled || this.#budget.stopped !== undefined) && { unsettled: true as const }),
      ...this.#judges.letThrough,
    };
  }

  /** Hands out what can be judged again: all of it, or nothing. */
  #giveFacts(end: AssetEnd & { readonly unread: boolean }): void {
    const { facts, rules: { interest } } = this.#options;
    const { log } = this.#judges;
    const isStopped = this.#budget.stopped !== undefined;
    if (facts === undefined || log === undefined || this.#unsettled || isStopped) return;
    if (this.#errors.length > 0) return;
    const formats = [...this.#matched];
    const path = this.#path;
    facts({
      ...{ path, formats, size: this.#root.size, parts: this.#parts, batches: log, ...end },
      forbidden: formats.filter((id) => interest.forbidsFormat?.(id, path)),
    });
  }

  /** How loaders take the file; that they load it is not known where not all of it was read. */
  #loadsKnown(): readonly RestrictedLoad[] | undefined {
    if (!this.#outcome.unread) return this.#loads;
    const refused = this.#loads?.filter(({ outcome }) => outcome === "refused") ?? [];
    return refused.length === 0 ? undefined : refused;
  }

  #rootVisit(): Visit {
    return {
      source: this.#root,
      name: baseName(this.#path),
      parts: [],
      depth: 0,
      hint: undefined,
      atMost: undefined,
    };
  }

  /** Scans one source; an error is reported at its place, and the scan continues with the next source. */
  async #visit(visit: Visit): Promise<void> {
    const held = new ObservationBuffer();
    const readers: Reader[] = [];
    this.#parts++;
    try {
      if (visit.depth > this.#limits.depth) {
        throw new LimitError(
          "depth",
          `It lies more than ${this.#limits.depth} containers deep${raisedBy("depth")}`,
        );
      }
      this.#budget.spendVisit();
      this.#budget.checkDeadline();
      const pause = this.#budget.pause();
      if (pause !== undefined) await pause;
      await this.#identifyAndScan(visit, held, readers);
    } catch (error) {
      this.#recordError(error, visit, held);
    }
    this.#reportSourceError(visit, held);
    this.#parts += Math.max(0, held.places - 1);
    const explaining = readers.filter(({ format }) => format.explain !== undefined);
    if (explaining.length > 0) await this.#judgeAndExplain(visit, held, explaining);
    else this.#judge(visit, held);
  }

  /**
   * A stream that broke off was not read to its end, although its reader may have taken that for
   * the end. Broken compressed data is reported by the format that opened it, which knows what it is.
   */
  #reportSourceError(visit: Visit, held: ObservationBuffer): void {
    const error = errorOf(visit.source);
    if (error === undefined) return;
    this.#outcome.unread = true;
    const ratio = error instanceof LimitError && error.limit === "ratio";
    if (visit.depth > 0 && (error instanceof FormatError || ratio)) return;
    this.#recordError(error, visit, held);
  }

  async #identifyAndScan(
    initial: Visit,
    held: ObservationBuffer,
    readers: Reader[],
  ): Promise<void> {
    const identified = await this.#identify(initial);
    const { broken } = identified;
    let { sample } = identified;
    const decided = await this.#decide(initial, identified, held);
    const { visit } = decided;
    let { matches } = decided;
    if (visit.source !== initial.source) {
      // A stream that was kept shows its end, too.
      const again = await this.#identify(visit);
      sample = again.sample;
      const known = new Set(again.matches.map(({ entry }) => entry.id));
      matches = [...again.matches, ...matches.filter(({ entry }) => !known.has(entry.id))];
    }
    for (const one of broken) {
      this.#note(held, anomalyOfBroken(one));
      if (one.stage === "detect" && isDefect(one.error)) this.#listError(visit, one.error);
    }
    const ids = matches.map(({ entry }) => entry.id);
    const path = [this.#path, ...visit.parts].join("/");
    const beginning = (): readonly string[] =>
      atHead(sample, matches, this.#options.rules.interest);
    for (const anomaly of compareWithName(sample, ids, visit.depth === 0, beginning, path)) {
      this.#note(held, anomaly);
    }
    this.#weigh(sample, matches, visit);
    for (const id of ids) {
      this.#matched.add(id);
      if (this.#options.rules.interest.forbidsFormat?.(id, this.#path)) {
        this.#note(held, forbidden(id));
      }
    }
    const [source, scannable] = await this.#readable(visit, matches, held);
    for (const match of scannable) {
      if (this.#budget.stopped) return;
      if (this.#options.explain) readers.push({ format: match.format, source });
      await this.#scan(match, { ...visit, source }, sample, held);
    }
    if (this.#options.rules.interest.patternsIn !== undefined) {
      await this.#searchText(source, sample, matches, visit, held);
    }
    if (sample.tail === undefined && source.access === "forward") {
      await this.#checkStreamTail(source, sample, ids, visit, held);
    }
  }

  async #identify({ source, name, hint, depth }: Visit): Promise<Identified> {
    const isRoot = depth === 0;
    const named = isRoot ? await this.#named() : [];
    const { interest } = this.#options.rules;
    return await identify(source, name, hint, isRoot, this.#formats, interest, named);
  }

  /** Lets formats read on where the head did not tell whether the source is of theirs. */
  async #decide(
    visit: Visit,
    { sample, matches, undecided }: Identified,
    held: ObservationBuffer,
  ): Promise<{ readonly visit: Visit; readonly matches: readonly Match[] }> {
    if (undecided.length === 0) return { visit, matches };
    const check = (): void => this.#budget.checkDeadline();
    try {
      const source = visit.source.access === "random"
        ? visit.source
        : meter(await spool(visit.source, this.#limits.spoolBytes), this.#budget, undefined);
      const found: Match[] = [];
      for (const match of undecided) {
        const decided = await match.format.detectFurther?.(source, sample, check);
        if (decided) found.push(match);
        else if (decided === undefined) this.#note(held, notDecided(match.entry));
      }
      return { visit: { ...visit, source }, matches: [...matches, ...found] };
    } catch (error) {
      this.#recordError(error, visit, held);
      return { visit, matches };
    }
  }

  /** The statements of indices in the file's folder about it. */
  async #named(): Promise<readonly NamedData[]> {
    const { folder } = this.#options;
    if (folder === undefined || claimOf(folder.member)?.kind === "other") return [];
    namedData ??= (await import("../../bundles/named/data.ts")).namedData;
    return await namedData(folder);
  }

  /** ObservationBuffer whether a source was recognised, and which name promises a model that is not there. */
  #weigh({ name, claim, head }: Sample, matches: readonly Match[], { parts }: Visit): void {
    if (matches.some(({ entry }) => entry.noModel === undefined)) this.#recognised = true;
    const claims = claim?.kind === "model" && !claim.container && head.length > 0;
    if (!claims || matches.some(({ entry }) => entry.noModel !== "container")) return;
    this.#unproven ??= { name, parts };
  }

  /** The source in a form that every format that matched can read, as far as memory allows. */
  async #readable(
    visit: Visit,
    matches: readonly Match[],
    held: ObservationBuffer,
  ): Promise<[Source, readonly Match[]]> {
    const { source } = visit;
    const isSearched = this.#options.rules.interest.patternsIn !== undefined &&
      matches.some(({ entry }) => entry.patternSearch !== undefined);
    const needed = matches.length > 1 || isSearched || matches.some(({ format }) => format.random);
    if (source.access === "random" || !needed) return [source, matches];
    const tooLong = source.size !== undefined && source.size > this.#limits.spoolBytes;
    try {
      const spooled = await spool(source, this.#limits.spoolBytes);
      return [meter(spooled, this.#budget, undefined), matches];
    } catch (error) {
      this.#recordError(error, visit, held);
      const forward = matches.filter(({ format }) => !format.random).slice(0, 1);
      return [source, tooLong ? forward : []];
    }
  }

  async #scan(match: Match, visit: Visit, sample: Sample, held: ObservationBuffer): Promise<void> {
    const budget = this.#budget;
    const context: FormatContext = {
      sample,
      interest: this.#options.rules.interest,
      limits: this.#limits,
      depth: visit.depth,
      ...(visit.siblings && { siblings: visit.siblings }),
      ...(visit.depth === 0 && this.#options.folder && { folder: this.#options.folder }),
      checkDeadline: () => budget.checkDeadline(),
      spendExpanded: (bytes) => budget.spendExpanded(bytes),
      spendOpcodes: (count) => budget.spendOpcodes(count),
    };
    try {
      for await (const batch of match.format.scan(visit.source, context)) {
        for (const observation of batch) {
          await this.#take(observation, visit, held);
        }
        // A format may hand over what it has before it says that its time was spent.
        if (budget.stopped) throw budget.stopped;
        if (held.count > OBSERVATIONS_HELD) this.#judge(visit, held);
        const pause = budget.pause();
        if (pause !== undefined) await pause;
      }
    } catch (error) {
      this.#recordError(error, visit, held, match.entry.malformedRule);
    }
  }

  async #take(observation: Observation, visit: Visit, held: ObservationBuffer): Promise<void> {
    switch (observation.type) {
      case "fact":
      case "anomaly":
        this.#note(held, observation);
        break;
      case "entry":
        await this.#follow(observation, visit);
        break;
      case "about":
        // Of members of an archive there may be several.
        if (visit.depth === 0 && Object.keys(observation.about).length > 0) {
          this.#about = mergedAbout(this.#about, observation.about);
        }
        break;
      case "loads":
        if (visit.depth === 0) this.#loads ??= observation.loads;
        break;
      case "listing":
        await this.#showBundles(observation.listing, visit, held);
        break;
    }
  }

  async #follow(entry: Entry, parent: Visit): Promise<void> {
    if (this.#budget.stopped) return;
    await this.#visit({
      source: entry.source,
      name: baseName(entry.part),
      parts: [...parent.parts, ...(entry.within ?? []), entry.part],
      depth: parent.depth + 1,
      hint: entry.hint,
      ...(entry.siblings && { siblings: entry.siblings }),
      atMost: entry.loaded === "data" ? DATA_AT_MOST : parent.atMost,
    });
  }

  async #showBundles(listing: Listing, visit: Visit, held: ObservationBuffer): Promise<void> {
    const bundles = this.#options.bundles ?? await allBundles();
    for (const one of bundles) {
      try {
        if (!one.matches(listing)) continue;
        const { interest } = this.#options.rules;
        const check = (): void => this.#budget.checkDeadline();
        for await (const { part, observation } of one.observe(listing, interest, check)) {
          if (observation.type === "entry") await this.#follow(observation, visit);
          else {
            if (observation.type === "about" || observation.type === "loads") {
              await this.#take(observation, visit, held);
              continue;
            }
            const within = [...(part === "" ? [] : [part]), ...(observation.within ?? [])];
            this.#note(held, { ...observation, within });
          }
        }
      } catch (error) {
        this.#recordError(error, visit, held);
      }
    }
  }

  /** What the bundles say of this file as a member of the folder that it lies in. */
  async #showFolder(): Promise<void> {
    const { folder } = this.#options;
    if (folder === undefined || this.#budget.stopped) return;
    const bundles = this.#options.bundles ?? await allBundles();
    const visit = this.#rootVisit();
    const held = new ObservationBuffer();
    try {
      const { interest } = this.#options.rules;
      const check = (): void => this.#budget.checkDeadline();
      for (const observation of await folderObservations(folder, bundles, interest, check)) {
        await this.#take(observation, visit, held);
      }
    } catch (error) {
      this.#recordError(error, visit, held);
    }
    this.#judge(visit, held);
  }

  /** A stream cannot be read again: should its end show a further format, that is said. */
  async #checkStreamTail(
    source: Source,
    sample: Sample,
    ids: readonly string[],
    visit: Visit,
    held: ObservationBuffer,
  ): Promise<void> {
    if (ids.length === 0) {
      // What begins like nothing may still end like an archive. Within one, no loader looks there.
      if (visit.depth > 0) return;
      await drain(source, sample.head.length, () => this.#budget.checkDeadline());
    }
    const tail = tailOfStream(source);
    if (tail === undefined) return;
    const detected = await detect(
      { ...sample, size: source.size, tail },
      this.#formats,
      this.#options.rules.interest,
    );
    const missed = detected.matches.map(({ entry }) => entry.id).filter((id) => !ids.includes(id));
    if (missed.length === 0) return;
    this.#note(held, {
      type: "anomaly",
      rule: "scan-limit",
      detail: `It also ends like ${missed.join(" and ")}, ` +
        "which cannot be read from a stream a second time",
      unread: true,
    });
  }

  #note(held: ObservationBuffer, observation: Judged): void {
    if (observation.type === "anomaly") {
      if (observation.unread) this.#outcome.unread = true;
      if (PASSING_RULES.has(observation.rule)) this.#unsettled = true;
    }
    held.add(observation);
  }

  /** Says what was thrown, once. */
  #recordError(
    error: unknown,
    visit: Visit,
    held: ObservationBuffer,
    malformedRule?: string,
  ): void {
    this.#outcome.unread = true;
    if (this.#reported.includes(error)) return;
    // The same error arrives again by way of a parent or an anomaly, right after it was reported.
    this.#reported = [error, ...this.#reported.slice(0, 7)];
    if (error instanceof LimitError) {
      const times = (this.#limitsReached.get(error.limit) ?? 0) + 1;
      this.#limitsReached.set(error.limit, times);
      if (times > LIMIT_REPORTED) return;
    }
    if (error instanceof SourceError || isDefect(error)) this.#listError(visit, error);
    this.#note(held, anomalyOf(error, malformedRule));
  }

  #listError(visit: Visit, error: unknown): void {
    if (this.#errors.length >= ERRORS_KEPT) return;
    const known = error instanceof SourceError;
    this.#errors.push({
      location: { path: this.#path, parts: visit.parts },
      message: known ? error.message : `The scan failed on this file: ${describe(error)}`,
      remedy: known ? error.remedy : "This is a defect of modelaudit: please report it.",
      ...(known ? error.failure && { failure: error.failure } : { failure: DEFECT }),
    });
  }

  #judge(visit: Visit, held: ObservationBuffer): void {
    this.#judges.keep(this.#judged(visit, held));
  }

  /** The same, with what stands around the worst of what was found. */
  async #judgeAndExplain(
    visit: Visit,
    held: ObservationBuffer,
    readers: readonly Reader[],
  ): Promise<void> {
    let findings = this.#judged(visit, held);
    for (const reader of readers) findings = await this.#explained(findings, reader);
    this.#judges.keep(findings);
  }

  #judged(visit: Visit, held: ObservationBuffer): readonly Finding[] {
    const { parts, atMost } = visit;
    const findings = this.#judges.judged({ observations: held.drain(), parts, atMost });
    for (const { error } of this.#judges.failures.splice(0)) {
      this.#unsettled = true;
      this.#listError(visit, error);
    }
    return findings;
  }

  /** What a format lists of the worst findings; nothing more is found by it, so that no error of it counts. */
  async #explained(
    findings: readonly Finding[],
    { format, source }: Reader,
  ): Promise<readonly Finding[]> {
    const again = source.access === "random" ? source : source.again?.();
    const worst = findings.filter(({ safety }) => safety !== "innocuous").sort(compareFindings)
      .slice(0, EXPLAINED);
    if (again === undefined || worst.length === 0 || this.#budget.stopped) return findings;
    try {
      const listings = await format.explain?.(again, worst.map(offsetsOf), {
        interest: this.#options.rules.interest,
        checkDeadline: () => this.#budget.checkDeadline(),
      }) ?? [];
      return findings.map((finding) => {
        const disassembly = listings[worst.indexOf(finding)] ?? [];
        if (disassembly.length === 0) return finding;
        return { ...finding, details: { ...finding.details, disassembly } };
      });
    } catch {
      return findings;
    }
  }

  /** The user's patterns in plain text and graphs; pickles search their own strings. */
  async #searchText(
    source: Source,
    sample: Sample,
    matches: readonly Match[],
    visit: Visit,
    held: ObservationBuffer,
  ): Promise<void> {
    const { patternsIn } = this.#options.rules.interest;
    if (patternsIn === undefined || this.#budget.stopped) return;
    if (matches.some(({ entry }) => entry.patternSearch === undefined)) return;
    const { searchStrings } = await import("./search_text.ts");
    const budget = { limits: this.#limits, check: () => this.#budget.checkDeadline() };
    try {
      const found = await searchStrings(source, sample, matches, patternsIn, budget);
      for (const one of found) this.#note(held, one);
    } catch (error) {
      this.#recordError(error, visit, held);
    }
  }

  /** A reader may have swallowed the LimitError: the file is incomplete all the same. */
  #tellStop(): void {
    const { stopped } = this.#budget;
    if (stopped === undefined || this.#outcome.unread) return;
    const visit = this.#rootVisit();
    const held = new ObservationBuffer();
    this.#recordError(stopped, visit, held);
    this.#judge(visit, held);
  }
}
