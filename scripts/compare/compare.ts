/**
 * Compares the results of scanners for the same samples: this project's own, those that other scanners
 * publish, and calls of every global on their lists.
 *
 *     make compare                                everything, as tables
 *     make compare COMPARE=--write                docs/comparison.md is written
 *     make compare COMPARE="--only pickle"        one family of testdata/
 *     make compare COMPARE="--programs modelaudit,fickling"   some scanners
 *
 * Other scanners are installed from PyPI into `.cache/peers`; without Python or PyPI only this
 * program runs, and the page reports it. No sample is loaded or run.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { ROOT } from "../bench/inputs.ts";
import { type Environment, install } from "../bench/peers.ts";
import { endWithUs, findPython } from "../bench/process.ts";
import {
  type Answer,
  fickling,
  modelscan,
  oursUnderDeno,
  picklescan,
  type Program,
  pythonModelaudit,
} from "../bench/programs.ts";
import { TOOL_VERSION } from "../../src/core/version.ts";
import { answersOf } from "./answers.ts";
import { type Family, familyOfList, ownFamilies, ownList, type Sample } from "./families.ts";
import { foreignFamilies } from "./foreign.ts";
import { type Answers, type Group, page, totals } from "./page.ts";

/** The programs, and their variants with TensorFlow for families that need it. */
interface Scanner {
  readonly program: Program;
  readonly withTensorflow: Program | undefined;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      programs: { type: "string" },
      write: { type: "boolean", default: false },
      jobs: { type: "string", default: String(availableParallelism()) },
    },
  });
  endWithUs();
  const left: string[] = [];
  const python = findPython();
  const environment = had(install(python, "peers"), "other scanners", left);
  const tensorflow = had(install(python, "peers-tensorflow"), "modelscan with TensorFlow", left);
  const scanners = chosen(allScanners(environment, tensorflow), values.programs);
  const groups = allGroups(environment, values.only, left);
  const answers: Answers[] = [];
  for (const scanner of scanners) {
    const one = await ask(scanner, groups, Number(values.jobs));
    answers.push(one);
    // A run takes a while: results of one program are shown before the next starts.
    for (const group of groups) console.error(`\n${group.title}\n\n${totals(group, [one])}`);
  }
  for (const one of left) console.error(`compare: skipped: ${one}`);
  for (const group of groups) console.log(`\n${group.title}\n\n${totals(group, answers)}`);
  if (!values.write) return;
  mkdirSync(join(ROOT, "docs"), { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const text = page({ date, python: python?.version ?? "none", groups, answers, left });
  writeFileSync(join(ROOT, "docs", "comparison.md"), text);
}

function had(
  installation: ReturnType<typeof install>,
  what: string,
  left: string[],
): Environment | undefined {
  if (!("missing" in installation)) return installation;
  left.push(`${what}: ${installation.missing}`);
  return undefined;
}

function allScanners(
  environment: Environment | undefined,
  tensorflow: Environment | undefined,
): Scanner[] {
  const alone = (program: Program): Scanner => ({ program, withTensorflow: undefined });
  const ours = { ...oursUnderDeno(TOOL_VERSION), name: "modelaudit" };
  if (environment === undefined) return [alone(ours)];
  return [
    alone(ours),
    alone(picklescan(environment)),
    {
      program: modelscan(environment),
      withTensorflow: tensorflow === undefined ? undefined : modelscan(tensorflow),
    },
    alone(fickling(environment)),
    alone(pythonModelaudit(environment)),
  ];
}

/** Those whose names stand in a list with commas; all without one. */
function chosen(scanners: readonly Scanner[], names: string | undefined): readonly Scanner[] {
  if (names === undefined) return scanners;
  const selected = names.split(",").map((name) => name.trim());
  const known = scanners.map(({ program }) => program.name);
  const unknown = selected.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(`Cannot run "${unknown}": there are ${known.join(", ")}`);
  }
  return scanners.filter(({ program }) => selected.includes(program.name));
}

function allGroups(
  environment: Environment | undefined,
  only: string | undefined,
  left: string[],
): Group[] {
  const own = ownFamilies();
  if (only !== undefined) {
    const families = own.filter(({ name }) => name === only);
    if (families.length === 0) {
      throw new RangeError(
        `Cannot compare "${only}": there are ${own.map(({ name }) => name).join(", ")}`,
      );
    }
    return [{ title: "Samples of this project", introduction: "", families }];
  }
  const groups: Group[] = [
    { title: "Samples of this project", introduction: OWN, families: own },
  ];
  const lists = [familyOfList("modelaudit", ownList())];
  if (environment !== undefined) {
    const foreign = foreignFamilies(environment);
    left.push(...foreign.left);
    lists.push(...foreign.lists);
    groups.push({ title: "Samples of others", introduction: FOREIGN, families: foreign.samples });
  }
  groups.push({ title: "Calls of listed globals", introduction: LISTED, families: lists });
  return groups.filter(({ families }) => families.length > 0);
}

async function ask(scanner: Scanner, groups: readonly Group[], jobs: number): Promise<Answers> {
  const { program, withTensorflow } = scanner;
  const answers = new Map<Family, ReadonlyMap<Sample, Answer>>();
  for (const family of groups.flatMap(({ families }) => families)) {
    console.error(`compare: ${program.name}: ${family.name}, ${family.samples.length} samples`);
    const graphs = family.samples.some(({ path }) => path.endsWith(".pb"));
    const interpreter = graphs ? withTensorflow ?? program : program;
    answers.set(family, await answersOf(interpreter, family, jobs));
  }
  return { program: program.name, version: program.version, answers };
}

const OWN = `\
Every file of \`testdata/\` with the verdict that its family's \`expected.json\` demands, written by this
project. Repositories count as folders. Left out are files that are no models, those of which more
than one verdict would be right, and anomalies that deserve a low severity only.`;

const FOREIGN = `\
What other scanners ship as bytes in their source distributions: only modelaudit (Python) does. What
is true of each sample was decided by looking at its bytes (\`scripts/compare/foreign_truth.json\`). Left
out are files whose harm is only in their names: Keras configurations that name a class
\`MaliciousLayer\`, which the loading program must bring, text about commands in safetensors' metadata or
in JSON that nothing evaluates, and a template with a syntax error.`;

const LISTED = `\
For every global on a program's list of forbidden ones, a pickle that calls it without arguments. A
list entry that covers a module is tried with a name that does not exist in it. Here a list's owner
decides what is harmful, so that each is at its best on its own list; "modelaudit" are the callables
of published advisories in \`testdata/pickle/callables.txt\`, collected by this project.`;

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(`compare: ${error.message}`);
    process.exitCode = 2;
  }
}
