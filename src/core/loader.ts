/**
 * Loaders that run code which a configuration names: the contract between the table in
 * `rules/loaders.toml` and the engine that reads configurations. Plain data.
 *
 * @module
 */

/**
 * What a loader does with a value.
 *
 * - "call": imports what it names and calls it; "import": imports a class, function or module.
 * - "evaluate": evaluates the text as Python.
 * - "prepare": runs the text as a program that prepares data, for which files are its purpose.
 * - "size": evaluates the text, which is an expression over sizes of tensors where it is harmless.
 * - "code": imports a class of a module in the repository (`module.Class`, `repository--module.Class`).
 * - "component": the same for a pair of library and class.
 * - "run": runs a Python file or module of the model's folder.
 * - "trust": a switch that allows code of other repositories.
 * - "open": opens the file; "include": reads the file as more of the configuration; "shard": loads it.
 * - "install": installs packages; "fetch": fetches a repository or an address.
 * - "kernel": fetches a kernel where the value names a repository.
 * - "library": loads a native library; "command": runs a command.
 * - "unpickle": decodes base64 and unpickles it.
 * - "markup": shows the text as HTML.
 * - "operator": runs the operator of PyTorch (`namespace.name`).
 */
export const LOADER_ACTIONS = [
  "call",
  "import",
  "evaluate",
  "prepare",
  "size",
  "code",
  "component",
  "run",
  "trust",
  "open",
  "include",
  "shard",
  "install",
  "fetch",
  "kernel",
  "library",
  "command",
  "unpickle",
  "markup",
  "operator",
] as const;
/** What a loader does with a value. */
export type LoaderAction = typeof LOADER_ACTIONS[number];

/** A place in a configuration where code is named. */
export interface LoaderCode {
  /**
   * Keys from the root: a key, `a|b` for either, `*` for any key or item, `**` for any number of them.
   * Empty for a place that a tag decides.
   */
  readonly at: readonly string[];
  /** Beginning of a YAML tag whose rest is the name; undefined for a place by keys. */
  readonly tag?: string | undefined;
  /** What the loader does with the name or text. */
  readonly does: LoaderAction;
  /** Keys of the same map of which one is there. */
  readonly beside?: readonly string[] | undefined;
  /**
   * Regular expression that the text must match, whose first group is what is named; or "dotted" for a
   * dotted name; or "joined" for the parts of one in a list.
   */
  readonly text?: string | undefined;
  /** Key of the same map whose text is the attribute of the module that is named here. */
  readonly attribute?: string | undefined;
  /** True where the last key itself is what is named, and not its value. */
  readonly key?: boolean | undefined;
  /** True where names that nothing has classified are ordinary, so that only dangerous ones are reported. */
  readonly common?: boolean | undefined;
}

/** How it is known that a loader does what its entry says. */
export interface LoaderProof {
  /** "run": it was run on a payload that wrote a marker; "source": it was read. */
  readonly how: "run" | "source";
  /** The library's release that was run or read. */
  readonly release: string;
  /** Where its source does it: file and function. */
  readonly reference: string;
}

/** A loader. */
export interface LoaderEntry {
  /** In lower case with hyphens. */
  readonly id: string;
  /** The library or program, as people call it. */
  readonly library: string;
  /** Releases that do it, as text. */
  readonly versions: string;
  /** How it is known; undefined for a user's own entry. */
  readonly proof?: LoaderProof | undefined;
  /** Base names or ends of paths with `*`, of which one matches; empty for any. */
  readonly files: readonly string[];
  /** Paths of keys of which one is there; empty for any. */
  readonly keys: readonly (readonly string[])[];
  /** Where code is named, and what the loader does with it. */
  readonly code: readonly LoaderCode[];
  /** Python files that the loader executes, as `files`. */
  readonly runs: readonly string[];
  /** Files of which one lies in the folder of such a file, or in the one above; empty for none. */
  readonly near: readonly string[];
  /** Regular expression that the text of such a file must match; undefined for any. */
  readonly says?: string | undefined;
  /** Language of the rules that judge the names: "loader" unless given. */
  readonly language: string;
  /** Advisories and places in the loader's source. */
  readonly references: readonly string[];
}

/** Files by path that show what an entry finds. */
export type LoaderExample = Readonly<Record<string, string>>;

/** An entry as the table has it. */
export interface LoaderTableEntry extends LoaderEntry {
  /** Of each, one file is at least suspicious. */
  readonly hit: readonly LoaderExample[];
  /** Of each, every file is clean or skipped. */
  readonly miss: readonly LoaderExample[];
}
