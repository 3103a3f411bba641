/**
 * Metamorphic fuzzing: pickles are changed so that CPython does the same, and the verdict must hold.
 *
 *     make fuzz FAMILY=metamorphic SEED=1 CASES=200000      or MINUTES=60
 *     make fuzz FAMILY=metamorphic SEED=1 CASE=1234         one case again, with its chain
 *     scripts/fuzz/fuzz --family metamorphic --no-shrink    findings counted by their whole chain
 *     scripts/fuzz/fuzz --family metamorphic --keep FILE    confirmed cases of harmful samples go to a file
 *     scripts/fuzz/fuzz --family metamorphic --like 'REGEXP' [--most 25]
 *                                 as many cases as confirmed of each "chain @ sample" that looks so
 *     scripts/fuzz/fuzz --family metamorphic --only listed  pairs with a transformation of such a name
 *     scripts/fuzz/fuzz --family metamorphic --lists        that for each list, goes on where it ended (lists.ts)
 *     scripts/fuzz/fuzz --family metamorphic --missing A.json,B.json   pairs that these runs did not meet
 *
 * Seed and number give the same case everywhere where the same loaders are installed. A finding is
 * made smaller and written to `.cache/fuzz/`, with its chain.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { VERDICTS } from "../../../src/core/findings.ts";
import { Dice } from "../dice.ts";
import { pythonAvailable } from "../python.ts";
import { applied, chainOf, type Link, pairs, transformations } from "./chains.ts";
import { fileOf, type Scanned, verdictOf, wrong } from "./judge.ts";
import { beginKept, keep } from "./kept.ts";
import { meet, missingPairs } from "./missing.ts";
import { written } from "./layout.ts";
import { Oracle } from "./oracle.ts";
import { plainest, type Sample, samples } from "./samples.ts";
import { type Finding, reduced, shortened } from "./smaller.ts";
import type { Draft } from "./transformation.ts";

const CACHE = fileURLToPath(new URL("../../../.cache/fuzz", import.meta.url));
/** Cases of one batch of the oracle. */
const BATCH = 64;
/** Samples that are tried until a chain changes one. */
const TRIES = 12;
/** One case in so many starts from a real, harmless sample. */
const REAL_EACH = 4;
/** Of the others, one in so many begins with one of the plainest: nothing else in them is anomalous. */
const PLAIN_EACH = 4;
/** Findings of one shortest chain that are written, and after which no more are shortened. */
const KEPT = 2;

interface Case {
  readonly number: number;
  readonly sample: Scanned;
  readonly chain: readonly Link[];
  readonly draft: Draft;
}

interface Counts {
  made: number;
  confirmed: number;
}

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    minutes: { type: "string" },
    cases: { type: "string" },
    case: { type: "string" },
    from: { type: "string", default: "0" },
    only: { type: "string" },
    missing: { type: "string" },
    "no-shrink": { type: "boolean", default: false },
    keep: { type: "string" },
    summary: { type: "string" },
    like: { type: "string", multiple: true, default: [] },
    most: { type: "string", default: "25" },
  },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
if (!pythonAvailable()) {
  console.error("Cannot run the metamorphic family: it needs Python 3.11 or later (set PYTHON).");
  process.exit(2);
}
/** Samples that are less than `testdata/` expects of them. */
let sunken = 0;
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupted = true);
/** Whether the names that transformations put around a call are real ones, no stand-ins: then they are slow. */
const asksListed = values.only?.startsWith("listed") === true || values.missing !== undefined;
if (asksListed) process.env["MODELAUDIT_LISTED"] ??= "1";
const oracle = new Oracle();
try {
  process.exitCode = await run();
} finally {
  oracle.stop();
}

/** Samples whose verdict has something to hold; that a harmful one of `testdata/` has none is a finding. */
async function scanned(from: readonly Sample[]): Promise<readonly Scanned[]> {
  const found: Scanned[] = [];
  for (const sample of from) {
    const { calls, error } = await oracle.baseline(sample.id, sample.draft);
    // What wrappers break behind an error that a sample ends with, the oracle cannot see.
    if (values.only !== undefined && error !== undefined) continue;
    const verdict = await verdictOf(sample.draft.name, written(sample.draft));
    const stated = sample.stated !== undefined && verdict !== "throws" &&
      VERDICTS.indexOf(verdict) > VERDICTS.indexOf(sample.stated);
    if (stated && calls > 0) {
      console.log(`sample ${sample.id} has the verdict ${verdict}, expected ${sample.stated}`);
      sunken++;
    }
    if (verdict === "throws" || (!sample.harmful && verdict === "dangerous")) continue;
    const holds = verdict === "dangerous" || verdict === "suspicious";
    if (sample.harmful && (!holds || calls === 0)) continue;
    found.push({ ...sample, verdict });
  }
  return found;
}

async function run(): Promise<number> {
  const { ready, loaders, containers, listed } = await oracle.ready();
  if (asksListed && listed.length === 0) throw new Error("The oracle's Python has no listed name");
  const installed = Object.entries(loaders).map(([name, version]) => `${name} ${version}`);
  console.log(`seed ${seed}; Python ${ready}, ${installed.join(", ") || "no other loader"}`);
  const plain = await scanned(plainest());
  const all = await scanned(await samples(oracle, values.only === undefined ? "all" : "harmful"));
  const harmful = [...plain, ...all.filter((sample) => sample.harmful)];
  const real = all.filter((sample) => !sample.harmful);
  const links = transformations(containers, listed);
  const wanted = ({ id }: { readonly id: string }) => id.startsWith(values.only ?? "");
  const due = pairs(links).filter((pair) => pair.some(wanted));
  console.log(
    `${harmful.length} harmful pickles, ${real.length} real ones; ` +
      `${links.length} transformations, ${due.length} ordered pairs`,
  );

  const quiet = links.filter(({ hides }) => !hides);
  const quietDue = pairs(quiet);
  const kinds = values.like.map((each) => ({
    like: new RegExp(each, "u"),
    left: Number(values.most),
  }));
  const make = (number: number): Case | undefined => {
    const made = makeAny(number);
    if (made === undefined || kinds.length === 0) return made;
    const shown = `${idsOf(made.chain)} @ ${made.sample.id}`;
    return kinds.some(({ like, left }) => left > 0 && like.test(shown)) ? made : undefined;
  };
  const confirm = ({ chain, sample }: Case): void => {
    for (const kind of kinds) if (kind.like.test(`${idsOf(chain)} @ ${sample.id}`)) kind.left--;
  };
  const makeAny = (number: number): Case | undefined => {
    const dice = new Dice("metamorphic", seed, number);
    const ordinary = number % REAL_EACH === 0 && values.only === undefined;
    const [from, all] = ordinary ? [quiet, quietDue] : [links, due];
    const turn = ordinary ? number / REAL_EACH : number;
    const chain = chainOf(turn + seed * 31, from, all, dice);
    for (let tries = 0; tries < TRIES; tries++) {
      const some = dice.chance(1, PLAIN_EACH) ? plain : harmful;
      const sample = dice.pick(ordinary ? real : some);
      const draft = applied(sample.draft, chain);
      if (draft !== undefined && !(ordinary && isUnreal(draft))) {
        return { number, sample, chain, draft };
      }
    }
    return undefined;
  };

  if (values.missing !== undefined) {
    const missing = missingPairs(due, values.missing.split(","));
    const more = links.filter(({ id }) => !id.startsWith("listed"));
    return await fill(missing, { links: more, samples: harmful, seed }, plain);
  }
  if (values.case !== undefined) return await again(make(Number(values.case)));
  if (values.keep !== undefined) {
    beginKept(values.keep);
    for (const { id, draft, verdict } of harmful) {
      const file = written(draft);
      keep(values.keep, { sample: id, chain: "", name: draft.name, was: verdict, verdict, file });
    }
  }
  const cases = Number(values.cases ?? Infinity);
  const minutes = Number(values.minutes ?? (values.cases === undefined ? 1 : Infinity));
  const plan = { cases, minutes, harmful, plain, links, due, listed: listed.length, confirm };
  return await long(make, plan);
}

/**
 * Whether a real sample is made into what no writer writes. joblib ends its frame before an array, so that
 * loaders which know of no arrays do not stop in the middle of a frame; and lz4 leaves the ends of a short
 * archive as they are, so that the file is that archive too, cut to pieces.
 */
function isUnreal({ loader, frames, containers }: Draft): boolean {
  return (loader === "joblib" && frames.kind !== "none") ||
    (containers.length > 1 && containers.at(-1) === "lz4");
}

function counted(reasons: Readonly<Record<string, readonly string[]>>): number {
  return Object.values(reasons).reduce((sum, { length }) => sum + length, 0);
}

/** Cases of pairs that no run has met. */
async function fill(
  due: ReturnType<typeof missingPairs>,
  from: Parameters<typeof meet>[2],
  plain: readonly Scanned[],
): Promise<number> {
  const keys = new Map<string, number>();
  const met = await meet(
    oracle,
    due,
    from,
    (found, number) => finding(found, number, plain, keys),
  );
  console.log(
    `${due.length} pairs: ${met.confirmed.length} confirmed by the loaders, ` +
      `${counted(met.excluded)} exclude each other, ${
        counted(met.inapplicable)
      } change no sample, ` +
      `${counted(met.refused)} are never confirmed`,
  );
  for (const kind of ["excluded", "inapplicable", "refused"] as const) {
    for (const [reason, some] of Object.entries(met[kind])) {
      console.log(`${kind}: ${reason}: ${some.length}`);
      console.log(`  ${some.join(", ")}`);
    }
  }
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, `metamorphic-${seed}-missing.json`);
  writeFileSync(path, JSON.stringify(met, undefined, 1));
  console.log(`all pairs: ${path}`);
  for (const [key, times] of keys) console.log(`${times}  ${key}`);
  return keys.size === 0 ? 0 : 1;
}

/** One case again. */
async function again(made: Case | undefined): Promise<number> {
  if (made === undefined) {
    console.log("The chain of this case applies to no sample.");
    return 0;
  }
  const { sample, chain, draft } = made;
  const [judgement] = await oracle.judge([{ of: sample.id, draft }]);
  console.log(
    `${sample.id} (${sample.verdict}): ${idsOf(chain)}: ${
      JSON.stringify({ ...judgement, bytes: undefined })
    }`,
  );
  if (!judgement?.same) return 0;
  const file = fileOf(draft, judgement);
  const verdict = await verdictOf(draft.name, file);
  mkdirSync(CACHE, { recursive: true });
  const path = join(CACHE, `case-${seed}-${made.number}-${draft.name}`);
  writeFileSync(path, file);
  const kind = wrong(sample, verdict);
  console.log(`${path}: ${verdict}${kind === undefined ? "" : `, which is a finding: ${kind}`}`);
  return kind === undefined ? 0 : 1;
}

interface Plan {
  readonly cases: number;
  readonly minutes: number;
  readonly harmful: readonly Scanned[];
  readonly plain: readonly Scanned[];
  readonly links: ReturnType<typeof transformations>;
  readonly due: ReturnType<typeof pairs>;
  /** Names of lists that are put around calls. */
  readonly listed: number;
  /** Is told each case that the loaders confirm. */
  readonly confirm: (made: Case) => void;
}

/** Cases one after the other, in batches: the oracle judges the next while the scan reads these. */
async function long(make: (number: number) => Case | undefined, plan: Plan): Promise<number> {
  const until = performance.now() + plan.minutes * 60_000;
  const started = performance.now();
  const singles = new Map<string, Counts>(
    plan.links.map(({ id }) => [id, { made: 0, confirmed: 0 }]),
  );
  const couples = new Map<string, number>(plan.due.map(([a, b]) => [`${a.id} ${b.id}`, 0]));
  const refused = new Map<string, number>();
  const readers = new Map<string, number>();
  const verdicts = new Map<string, number>();
  const keys = new Map<string, number>();
  let confirmed = 0;
  let unchanged = 0;
  let next = Number(values.from);
  const last = next + plan.cases;
  const batch = (): { cases: readonly Case[]; judged: ReturnType<Oracle["judge"]> } => {
    const cases: Case[] = [];
    while (cases.length < BATCH && next < last) {
      const made = make(next++);
      if (made === undefined) unchanged++;
      else cases.push(made);
    }
    return {
      cases,
      judged: oracle.judge(cases.map(({ sample, draft }) => ({ of: sample.id, draft }))),
    };
  };
  let now = batch();
  while (now.cases.length > 0) {
    const judgements = await now.judged;
    const { cases } = now;
    const goesOn = !interrupted && performance.now() < until;
    now = goesOn ? batch() : { cases: [], judged: Promise.resolve([]) };
    for (const [index, made] of cases.entries()) {
      const judgement = judgements[index];
      for (const { transformation } of made.chain) add(singles, transformation.id, "made");
      if (!judgement?.same) {
        const why = judgement?.why?.replace(/[\d'"(].*/u, "") ?? "nothing";
        refused.set(why, (refused.get(why) ?? 0) + 1);
        continue;
      }
      confirmed++;
      plan.confirm(made);
      for (const reader of judgement.readers ?? []) count(readers, reader);
      for (const { transformation } of made.chain) add(singles, transformation.id, "confirmed");
      for (const [at, { transformation }] of made.chain.entries()) {
        for (const later of made.chain.slice(at + 1)) {
          const pair = `${transformation.id} ${later.transformation.id}`;
          if (couples.has(pair)) count(couples, pair);
        }
      }
      const file = fileOf(made.draft, judgement);
      const verdict = await verdictOf(made.draft.name, file);
      count(verdicts, `${made.sample.harmful ? "harmful" : "real"} ${verdict}`);
      const kind = wrong(made.sample, verdict);
      if (values.keep !== undefined && made.sample.harmful) {
        const { number, sample, draft } = made;
        const [chain, was, { name }] = [idsOf(made.chain), sample.verdict, draft];
        keep(values.keep, { number, sample: sample.id, chain, name, was, verdict, file });
      }
      if (kind !== undefined) {
        const { sample, chain, draft } = made;
        await finding({ kind, verdict, sample, chain, draft, file }, made.number, plan.plain, keys);
      }
    }
  }
  const seconds = (performance.now() - started) / 1000;
  const seen = [...couples.values()].filter((times) => times > 0).length;
  const summary = {
    seed,
    listed: plan.listed,
    asked: process.env["MODELAUDIT_LISTED"],
    from: Number(values.from),
    cases: next - Number(values.from),
    unchanged,
    confirmed,
    seconds: Math.round(seconds),
    readers: Object.fromEntries(readers),
    verdicts: Object.fromEntries(verdicts),
    refused: Object.fromEntries([...refused].sort((a, b) => b[1] - a[1]).slice(0, 40)),
    findings: Object.fromEntries([...keys].sort((a, b) => b[1] - a[1])),
    transformations: Object.fromEntries(singles),
    pairs: Object.fromEntries(couples),
  };
  mkdirSync(CACHE, { recursive: true });
  const path = values.summary ?? join(CACHE, `metamorphic-${seed}.json`);
  writeFileSync(path, JSON.stringify(summary, undefined, 1));
  console.log(
    `${summary.cases} cases, ${confirmed} confirmed by the loaders, in ${summary.seconds} s ` +
      `(${Math.round(confirmed / seconds)} a second); ${seen} of ${couples.size} pairs`,
  );
  const never = [...singles].filter(([, counts]) => counts.confirmed === 0).map(([id]) => id);
  if (never.length > 0) console.log(`never confirmed: ${never.join(" ")}`);
  console.log(
    Object.entries(summary.verdicts).map(([name, times]) => `${name} ${times}`).join(", "),
  );
  for (const [key, times] of Object.entries(summary.findings)) console.log(`${times}  ${key}`);
  console.log(`all counts: ${path}`);
  return keys.size + sunken === 0 ? 0 : 1;
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

function add(map: Map<string, Counts>, key: string, what: keyof Counts): void {
  const counts = map.get(key);
  if (counts !== undefined) counts[what]++;
}

function idsOf(chain: readonly Link[]): string {
  return chain.map(({ transformation }) => transformation.id).join(" + ");
}

/** Whether a chain has the links of another, in order. */
function holds(chain: readonly Link[], ids: readonly string[]): boolean {
  let at = 0;
  for (const { transformation } of chain) if (transformation.id === ids[at]) at++;
  return at === ids.length;
}

/** Shortens a finding, counts it under its shortest chain, and writes the first few of a kind. */
async function finding(
  found: Finding,
  number: number,
  plain: readonly Scanned[],
  keys: Map<string, number>,
): Promise<void> {
  for (const [key, times] of keys) {
    const [kind, verdict, ids] = key.split(": ");
    const same = kind === found.kind && verdict === found.verdict;
    if (same && times >= KEPT && holds(found.chain, ids?.split(" + ") ?? [])) {
      keys.set(key, times + 1);
      return;
    }
  }
  if (values["no-shrink"]) {
    count(keys, `${found.kind}: ${found.verdict}: ${idsOf(found.chain)}`);
    return;
  }
  const short = await shortened(oracle, found, plain);
  const key = `${short.kind}: ${short.verdict}: ${idsOf(short.chain)}`;
  const times = (keys.get(key) ?? 0) + 1;
  keys.set(key, times);
  if (times > KEPT) return;
  // What makes a real file rise is seen in its chain; cut to pieces it would be no real file.
  const small = short.sample.harmful ? await reduced(oracle, short) : short;
  mkdirSync(CACHE, { recursive: true });
  const file = `metamorphic-${seed}-${number}-${small.kind}`;
  writeFileSync(join(CACHE, `${file}.bin`), small.file);
  writeFileSync(
    join(CACHE, `${file}.json`),
    JSON.stringify(
      {
        seed,
        number,
        kind: small.kind,
        sample: small.sample.id,
        before: small.sample.verdict,
        verdict: small.verdict,
        name: small.draft.name,
        loader: small.draft.loader,
        chain: small.chain.map(({ transformation, salt }) => ({ id: transformation.id, salt })),
        foundIn: { sample: found.sample.id, chain: idsOf(found.chain) },
        bytes: Buffer.from(small.file.subarray(0, 4000)).toString("base64"),
        length: small.file.length,
      },
      undefined,
      1,
    ),
  );
  console.log(
    `case ${number}: ${key} (${small.sample.id}, was ${small.sample.verdict}), ` +
      `${small.file.length} bytes: .cache/fuzz/${file}.bin`,
  );
}
