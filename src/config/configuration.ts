/**
 * What a configuration file says, checked: the shape between TOML and the rules.
 *
 * @module
 */

import type { LoaderEntry } from "../core/loader.ts";
import type { FailOn, Limits, Severity } from "../core/types.ts";

/** Where an entry stands: file and line, for instance `security.toml:12`. */
type Origin = string;

/** A line of `[pickle_rules.…]`. */
export interface GlobalLine {
  readonly severity: Severity;
  readonly module: string;
  readonly names: "*" | readonly string[];
  readonly origin: Origin;
}

/** A line of `[tensorflow_rules]` or `[keras_rules]`. */
export interface OperatorLine {
  readonly language: "tensorflow" | "keras";
  readonly operator: string;
  readonly severity: Severity;
  readonly origin: Origin;
}

/** A `[[loader]]`. */
export interface LoaderLine extends LoaderEntry {
  readonly origin: Origin;
}

/** An item of `[custom_patterns] patterns`. */
export interface PatternLine {
  readonly pattern: string;
  /** True for plain text, false for a regular expression. */
  readonly literal: boolean;
  readonly severity: Severity;
  readonly title: string | undefined;
  readonly origin: Origin;
  /** Throws a ConfigError that marks the pattern. */
  readonly refuse: (reason: string) => never;
}

/** An item of `allow`: a dotted path, or all of a module (`our_package.*`). */
export interface AllowLine {
  readonly path: string;
  readonly wildcard: boolean;
  readonly origin: Origin;
}

/** A line of `[severity]`. */
interface RuleLine {
  readonly rule: string;
  readonly severity: Severity;
  readonly origin: Origin;
}

/** An item of `disable`, `forbid`, `include` or `exclude`. */
export interface NameLine {
  readonly name: string;
  readonly origin: Origin;
}

/** An `[[ignore]]`. */
export interface IgnoreLine {
  /** Glob of paths. */
  readonly path: string;
  /** Only issues of this rule; all when undefined. */
  readonly rule: string | undefined;
  readonly reason: string;
  /** The last day on which it holds, `2027-01-31`; undefined: for ever. */
  readonly expires: string | undefined;
  readonly origin: Origin;
}

/** A `[[policy]]`: what holds for the files below a path. */
export interface PolicyLine {
  /** Glob of paths. */
  readonly path: string;
  readonly reason: string;
  /** The least severity of their issues that fails a run. */
  readonly failOn: FailOn | undefined;
  /** Rules whose issues do not count there. */
  readonly disable: readonly string[];
  /** Formats that no file there may be of. */
  readonly forbid: readonly string[];
  /** True where an incomplete file fails no run; there is an end then. */
  readonly acceptsIncomplete: boolean;
  /** The last day on which it holds, `2027-01-31`; undefined: for ever. */
  readonly expires: string | undefined;
  readonly origin: Origin;
}

/** One file, checked. */
export interface Configuration {
  readonly file: string;
  readonly replace: Origin | undefined;
  readonly failOn: { readonly severity: FailOn; readonly origin: Origin } | undefined;
  /** Globs of the files that are scanned; all when empty. */
  readonly include: readonly NameLine[];
  /** Globs of files and folders that are left out. */
  readonly exclude: readonly NameLine[];
  readonly globals: readonly GlobalLine[];
  readonly operators: readonly OperatorLine[];
  readonly patterns: readonly PatternLine[];
  readonly allow: readonly AllowLine[];
  readonly disable: readonly NameLine[];
  readonly forbid: readonly NameLine[];
  readonly rules: readonly RuleLine[];
  /** Loaders besides those of the table. */
  readonly loaders: readonly LoaderLine[];
  readonly ignores: readonly IgnoreLine[];
  readonly policies: readonly PolicyLine[];
  readonly scores: readonly {
    readonly severity: Severity;
    readonly score: number;
    readonly origin: Origin;
  }[];
  readonly limits: readonly {
    readonly limit: keyof Limits;
    readonly value: number;
    readonly origin: Origin;
  }[];
}
