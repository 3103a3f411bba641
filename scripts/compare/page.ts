/**
 * Writes docs/comparison.md.
 *
 * @module
 */

import type { Answer } from "../bench/programs.ts";
import { markdown } from "../bench/table.ts";
import type { Family, Sample } from "./families.ts";
import { countOf, type Mark, markOf } from "./tally.ts";

/** The answers of one program for a group's samples, by family. */
export interface Answers {
  readonly program: string;
  readonly version: string;
  readonly answers: ReadonlyMap<Family, ReadonlyMap<Sample, Answer>>;
}

/** Families that are shown together. */
export interface Group {
  readonly title: string;
  readonly introduction: string;
  readonly families: readonly Family[];
}

/** What the page is written of. */
interface Compared {
  readonly date: string;
  readonly python: string;
  readonly groups: readonly Group[];
  readonly answers: readonly Answers[];
  /** What was unavailable, and why. */
  readonly left: readonly string[];
}

/** docs/comparison.md. */
export function page(compared: Compared): string {
  const { date, python, groups, answers, left } = compared;
  const programs = answers.map(({ program, version }) => `${program} ${version}`).join(", ");
  return [
    "# Comparison",
    "",
    `Written by \`make compare COMPARE=--write\` on ${date}: ${programs}; Python ${python}.`,
    "",
    HOW_TO_READ,
    ...(left.length === 0 ? [] : ["Left out:", "", ...left.map((one) => `- ${one}`), ""]),
    ...groups.flatMap((group) => [
      `## ${group.title}`,
      "",
      group.introduction,
      "",
      totals(group, answers),
      "",
      ...perFamily(group, answers),
    ]),
    "## Every miss and every false alarm",
    "",
    "A sample that a program did not read is no miss and is not listed here.",
    "",
    ...answers.flatMap((one) => listing(groups, one)),
  ].join("\n");
}

function entriesOf(group: Group, { answers }: Answers): (readonly [Sample, Answer])[] {
  return group.families.flatMap((family) => [...answers.get(family) ?? []]);
}

/** One line a program, over all families of a group. */
export function totals(group: Group, answers: readonly Answers[]): string {
  const lines = answers.map((one) => {
    const entries = entriesOf(group, one);
    const harmful = countOf("harmful", entries);
    const suspicious = countOf("suspicious", entries);
    const unreadable = countOf("unreadable", entries);
    const harmless = countOf("harmless", entries);
    return [
      one.program,
      `${harmful.found} of ${harmful.all}`,
      `${harmful.unread}`,
      `${harmful.missed}`,
      `${suspicious.found} of ${suspicious.all}`,
      `${unreadable.missed} of ${unreadable.all}`,
      `${harmless["false alarm"]} of ${harmless.all}`,
      `${harmless.unread}`,
    ];
  });
  return markdown([
    "",
    "harmful found",
    "not read",
    "missed",
    "suspicious found",
    "unreadable called clean",
    "false alarms",
    "harmless not read",
  ], lines);
}

/** Two tables, a line a family: what was found of the harmful, and false alarms. */
function perFamily(group: Group, results: readonly Answers[]): string[] {
  const head = ["", "samples", ...results.map(({ program }) => program)];
  const tables = [
    ["Harmful samples found", "harmful", "found"],
    ["False alarms on harmless samples", "harmless", "false alarm"],
  ] as const;
  return tables.flatMap(([title, truth, mark]) => {
    const lines = group.families.flatMap((family) => {
      const all = family.samples.filter((sample) => sample.truth === truth).length;
      if (all === 0) return [];
      const counts = results.map(({ answers }) =>
        `${countOf(truth, answers.get(family) ?? [])[mark]}`
      );
      return [[family.name, `${all}`, ...counts]];
    });
    return lines.length === 0 ? [] : [`${title}:`, "", markdown(head, lines), ""];
  });
}

function listing(groups: readonly Group[], answers: Answers): string[] {
  const parts = groups.flatMap((group) => {
    const missed = named(group, answers, "missed");
    const alarms = named(group, answers, "false alarm");
    return [
      ...(missed.length === 0
        ? []
        : [`${group.title}, missed or called clean:`, "", ...missed, ""]),
      ...(alarms.length === 0 ? [] : [`${group.title}, false alarms:`, "", ...alarms, ""]),
    ];
  });
  return [`### ${answers.program}`, "", ...(parts.length === 0 ? ["None.", ""] : parts)];
}

function named(group: Group, { answers }: Answers, mark: Mark): string[] {
  return group.families.flatMap((family) => {
    const names = [...answers.get(family) ?? []]
      .filter(([sample, answer]) => markOf(sample.truth, answer) === mark)
      .map(([sample]) =>
        `\`${sample.name}\`${
          sample.truth === "harmful" || sample.truth === "harmless" ? "" : ` (${sample.truth})`
        }`
      );
    return names.length === 0 ? [] : [`- ${family.name}: ${names.join(", ")}`];
  });
}

const HOW_TO_READ = `\
What is true of a sample was written down before it was scanned, from what its loader does:

- **harmful**: loading it runs something that does harm, or reaches out of the model's folder;
- **suspicious**: it brings code, or names something, that is not known to be harmless;
- **unreadable**: encrypted, cut off, broken. A scanner that calls it clean has not read it;
- **harmless**: loading it makes a model and does nothing else.

A program **finds** a sample when, with its usual settings, it ends as it does for something that its
user must act on: exit code 1 and, where one process scans a folder, an issue of that weight at the
file. Lower words count as nothing, for this program as for the others. It did **not read** a sample
when it says so, breaks down, or scans nothing: no protection, but no false comfort either. It
**missed** a harmful or suspicious sample when it read it and ended well.

**What this does not show.** The samples of the first group are this project's own: they were
collected to test it, from the same advisories, and it was mended until it passed them. That it does
well there says little; what it misses there would say much. Samples of the other groups are other
projects', and say more. Programs also aim at different things: picklescan and fickling read pickles
only, modelscan a few formats more, so look at a family that a program reads. modelscan has
TensorFlow for \`.pb\` files and h5py; all have what their packages' extras offer for these formats.
modelaudit (Python) also looks at the source of what a pickle names, where that is installed beside
it: here that is scikit-learn, NumPy and SciPy (\`scripts/bench/peers.txt\`), not torch or pandas.

To repeat: \`make compare\` (needs Python and PyPI; a quarter of an hour or more), \`make compare COMPARE="--only pickle"\`
for one family. Nothing is loaded or run: all samples are scanned as bytes.
`;
