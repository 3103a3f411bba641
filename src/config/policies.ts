/**
 * What `[[policy]]` tables say of the file at a path. Of several that match, the last one holds for
 * `fail_on` and for incomplete files; `disable` and `forbid` add up.
 *
 * A file that is not trusted may forbid formats and lower `fail_on`; the rest of it has no effect.
 *
 * @module
 */

import type { FormatOverride } from "../rules/overrides.ts";
import { globMatcher } from "../sources/glob.ts";
import {
  type Acceptance,
  type FailOn,
  type FilePolicy,
  type IncompleteAcceptance,
  SEVERITIES,
} from "../core/types.ts";
import type { Configuration, PolicyLine } from "./configuration.ts";

/** What the policies say of a file, and which of them match it. */
export interface PolicyMatch extends FilePolicy {
  /** File and line of each that matches, for instance `security.toml:12`. */
  readonly origins: readonly string[];
}

/** Policies that are in force. */
export interface Policies {
  /** What they say of a path, as reports have it; undefined when none matches. */
  readonly of: (path: string) => PolicyMatch | undefined;
  /** By which of them a rule is disabled at a path; undefined when by none. */
  readonly disabledAt: (rule: string, path: string) => Acceptance | undefined;
  /** The formats that they forbid. */
  readonly formats: readonly FormatOverride[];
}

/** A layer of the configuration, as far as policies go. */
interface PolicyLayer {
  readonly configuration: Configuration;
  readonly trusted: boolean;
}

type Compiled = PolicyLine & {
  readonly trusted: boolean;
  readonly covers: (path: string) => boolean;
};

/** A path of a report as globs are compared with it: with `/`, and without `./` in front. */
export function comparedPath(path: string): string {
  return path.replaceAll("\\", "/").replace(/^(?:\.\/)+/, "");
}

/** True for an entry whose last day is over. Both days are written as YYYY-MM-DD. */
export function isOver({ expires }: Pick<PolicyLine, "expires">, today: string): boolean {
  return expires !== undefined && expires < today;
}

/** True when a run that fails on `a` fails on more than one that fails on `b`. */
export function isStricter(a: FailOn, b: FailOn): boolean {
  const severities = (word: FailOn): number => word === "never" ? 0 : SEVERITIES.indexOf(word) + 1;
  return severities(a) > severities(b);
}

/**
 * Policies as functions of a path.
 *
 * @param layers the first one lowest
 * @param today as YYYY-MM-DD: what ended before has no effect
 * @param general what fails a run where no policy says so
 */
export function compilePolicies(
  layers: readonly PolicyLayer[],
  today: string,
  general: FailOn,
): Policies {
  const lines = layers.flatMap(({ configuration, trusted }): Compiled[] =>
    configuration.policies.filter((it) => !isOver(it, today)).map((line) => {
      const matches = globMatcher([line.path]);
      return { ...line, trusted, covers: (path) => matches(comparedPath(path)) };
    })
  );
  const vouched = lines.filter(({ trusted }) => trusted);
  return {
    of(path) {
      const matching = lines.filter(({ covers }) => covers(path));
      return matching.length === 0 ? undefined : matchOf(matching, general);
    },
    disabledAt(rule, path) {
      const line = vouched.findLast(({ disable, covers }) =>
        disable.includes(rule) && covers(path)
      );
      return line && {
        by: "disabled",
        until: line.expires,
        why: line.reason,
        origins: [line.origin],
      };
    },
    formats: lines.flatMap(({ forbid, origin, trusted, covers }) =>
      forbid.map((format) => ({ format, origin, raiseOnly: !trusted, covers }))
    ),
  };
}

function matchOf(matching: readonly Compiled[], general: FailOn): PolicyMatch {
  const vouched = matching.filter(({ trusted }) => trusted);
  const said = vouched.findLast((it) => it.failOn !== undefined)?.failOn;
  const asked = matching.findLast((it) => !it.trusted && it.failOn !== undefined)?.failOn;
  const raises = asked !== undefined && isStricter(asked, said ?? general);
  const failOn = raises ? asked : said;
  const incomplete = incompleteOf(vouched.findLast((it) => it.acceptsIncomplete));
  return {
    origins: matching.map(({ origin }) => origin),
    ...(failOn !== undefined && { failOn }),
    ...(incomplete !== undefined && { incomplete }),
  };
}

function incompleteOf(line: PolicyLine | undefined): IncompleteAcceptance | undefined {
  if (line?.expires === undefined) return undefined;
  return { by: "policy", until: line.expires, why: line.reason };
}
