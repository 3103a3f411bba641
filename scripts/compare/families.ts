/**
 * What is compared: families of samples, each with what is true of it.
 *
 * @module
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { ROOT } from "../bench/inputs.ts";

/**
 * What is true of a sample, independent of the scanner:
 *
 * - `harmful`: loading it runs something that does harm, or reaches out of the model's folder;
 * - `suspicious`: it has code, or names objects, whose effect cannot be established;
 * - `unreadable`: encrypted, cut off, broken, or of a format that cannot be read;
 * - `harmless`: loading it does nothing but make a model.
 */
export type Truth = "harmful" | "suspicious" | "unreadable" | "harmless";

/** A file or folder with what is true of it. */
export interface Sample {
  readonly path: string;
  /** Its path below the family's folder. */
  readonly name: string;
  readonly truth: Truth;
}

/** Samples of one kind, which lie in one folder. */
export interface Family {
  readonly name: string;
  readonly folder: string;
  readonly samples: readonly Sample[];
}

/** Where generated samples lie. */
export const WORK: string = join(ROOT, ".cache", "compare");

const TESTDATA = join(ROOT, "testdata");

/** The truth that a sample's expected verdict implies. */
const TRUTH_OF: Readonly<Record<string, Truth>> = {
  dangerous: "harmful",
  suspicious: "suspicious",
  incomplete: "unreadable",
  clean: "harmless",
};

/** Of repositories the folder counts, and its name's first part says what it is. */
const TRUTH_OF_FOLDER: Readonly<Record<string, Truth>> = {
  harmful: "harmful",
  suspicious: "suspicious",
  safe: "harmless",
};

/**
 * All samples of `testdata/`, family by family. Left out are files that are no models, those of which
 * the documents allow both a clean verdict and another, and those that deserve a low word only.
 */
export function ownFamilies(): Family[] {
  const families: Family[] = [];
  for (const name of readdirSync(TESTDATA).sort()) {
    const folder = join(TESTDATA, name);
    const expected = join(folder, "expected.json");
    if (!existsSync(expected)) continue;
    const samples = name === "repository"
      ? repositories(folder)
      : samplesOf(folder, JSON.parse(readFileSync(expected, "utf8")));
    families.push({ name, folder, samples });
  }
  return families;
}

/** The fields of `expected.json` that are used here. */
interface Expected {
  readonly verdict: string;
  readonly severity?: string;
  readonly also?: readonly string[];
}

/** The truth that an expectation implies; undefined where it leaves the question open. */
export function truthOf({ verdict, severity, also = [] }: Expected): Truth | undefined {
  if (verdict === "suspicious" && severity === "low") return undefined;
  const truth = TRUTH_OF[verdict];
  const both = [verdict, ...also].filter((one) => one !== "skipped");
  const open = both.includes("clean") && both.some((one) => one !== "clean");
  return open ? undefined : truth;
}

function samplesOf(folder: string, expected: Readonly<Record<string, Expected>>): Sample[] {
  return Object.entries(expected).flatMap(([name, expectation]) => {
    const truth = truthOf(expectation);
    return truth === undefined ? [] : [{ path: join(folder, ...name.split("/")), name, truth }];
  });
}

function repositories(folder: string): Sample[] {
  return Object.entries(TRUTH_OF_FOLDER).flatMap(([kind, truth]) =>
    readdirSync(join(folder, kind)).sort().map((one) => ({
      path: join(folder, kind, one),
      name: `${kind}/${one}`,
      truth,
    }))
  );
}

/** A global that a list names as one that no pickle may call. */
interface Listed {
  readonly module: string;
  readonly name: string;
  readonly truth: Truth;
}

/** `testdata/pickle/callables.txt`: callables of published advisories. */
export function ownList(): Listed[] {
  const lines = readFileSync(join(TESTDATA, "pickle", "callables.txt"), "utf8").split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#")).flatMap((line) => {
    const [module = "", name = "", severity = "", safety = ""] = line.split("\t");
    const verdict = safety === "innocuous" ? "clean" : safety;
    const truth = truthOf({ verdict, severity });
    return truth === undefined ? [] : [{ module, name, truth }];
  });
}

/**
 * Writes one pickle for each listed global, in which protocol 0 calls it without arguments. Nothing
 * is looked up or called while writing.
 */
export function familyOfList(name: string, list: readonly Listed[]): Family {
  const folder = join(WORK, "lists", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const samples = list.map((listed) => {
    const file = `${listed.module}.${listed.name}.pkl`.replaceAll(sep, "_");
    const path = join(folder, file);
    writeFileSync(path, `c${listed.module}\n${listed.name}\n(tR.`);
    return { path, name: file, truth: listed.truth };
  });
  return { name, folder, samples };
}
