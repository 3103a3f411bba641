/**
 * How loaders that refuse code take a file, in words.
 *
 * @module
 */

import type { Allowing, RestrictedLoad } from "../core/restricted_load.ts";

/** Globals that are named in a sentence. */
const NAMED = 5;

const ALLOWING: Readonly<Record<Allowing, string>> = {
  harmless: "allowing these would be harmless",
  harmful: "never allow these: they do harm",
  unknown: "look at these before you allow them",
};

/**
 * One sentence for each way in which releases take the file, such as "torch.load(weights_only=True) loads it
 * under torch 2.4, 2.6". Raw: reports escape it.
 */
export function loadsTexts(loads: readonly RestrictedLoad[]): string[] {
  const groups = new Map<string, string[]>();
  for (const load of loads) {
    const text = wayOf(load);
    const releases = groups.get(text) ?? [];
    groups.set(text, releases);
    releases.push(load.release);
  }
  return [...groups].map(([text, releases]) => text.replace("{releases}", joined(releases)));
}

function wayOf({ loader, outcome, globals, refusal, allowing }: RestrictedLoad): string {
  if (outcome === "loads") return `${loader} loads it under {releases}`;
  if (outcome === "unrestricted") return `${loader} loads it without restriction under {releases}`;
  const named = globals.slice(0, NAMED).join(", ");
  const more = globals.length > NAMED ? ` and ${globals.length - NAMED} more` : "";
  const reasons = [
    ...(globals.length === 0 ? [] : [`it names ${named}${more}`]),
    ...(refusal === undefined
      ? []
      : [globals.length === 0 ? `it has ${refusal}` : `and ${refusal}`]),
  ].join(", ");
  const advice = allowing === undefined ? "" : ` (${ALLOWING[allowing]})`;
  return `${loader} refuses it under {releases}: ${reasons}${advice}`;
}

/** "torch 2.4, 2.6": the library's name once. */
function joined(releases: readonly string[]): string {
  const [first = ""] = releases;
  const library = first.slice(0, first.lastIndexOf(" ") + 1);
  return [
    first,
    ...releases.slice(1).map((it) => it.startsWith(library) ? it.slice(library.length) : it),
  ]
    .join(", ");
}
