/**
 * The vocabulary shared by every room: facts, observations and limits here, findings and reports in
 * `findings.ts`. Plain data, no behaviour.
 *
 * @module
 */

import type { ModelAbout } from "./about.ts";
import type { LoaderEntry } from "./loader.ts";
import type { RestrictedLoad } from "./restricted_load.ts";
import type { Source } from "./source.ts";

export * from "./findings.ts";
import type { Severity } from "./findings.ts";

// ---------------------------------------------------------------------------
// Facts: what a format saw. Rules judge them.

/** A Python global as the file names it: module and (possibly dotted) qualified name. */
export interface GlobalName {
  /** Dotted, for instance `os.path`; any text that the file has there. */
  readonly module: string;
  /** Name in the module, dotted where it goes through classes. */
  readonly name: string;
}

/** A piece of what a call was given that a person wants to read in full: code, a command, an address. */
export interface Evidence {
  /** What it is. */
  readonly kind: "code" | "command" | "url" | "address" | "path" | "text";
  /** At most 2 KiB, control characters still raw: a report escapes them. */
  readonly text: string;
  /** True when the text was cut. */
  readonly cut: boolean;
}

/**
 * The way of reading under which a fact was seen, when it is not the plain one:
 * "frames" (a C unpickler on a file drops what is left of a frame), "memo"
 * (memo carried over from the previous stream), "plain" (a joblib file read by
 * plain `pickle.load`), "python2" and so on. Absent for the base reading.
 */
export type Reading = "arrays" | "frames" | "memo" | "plain" | "resync";

/** The unpickler imports a global. */
export interface ImportFact extends GlobalName {
  /** Tells the facts apart. */
  readonly kind: "import";
  /** The opcode that did it, or the function that a fold resolved (for instance `getattr`). */
  readonly via: string;
  /** True when calls put its module or name together, which no pickler does. */
  readonly computed?: boolean;
  /** Absent for the base reading. */
  readonly reading?: Reading;
}

/** The unpickler calls something. */
export interface CallFact extends GlobalName {
  /** Tells the facts apart. */
  readonly kind: "call";
  /** REDUCE, NEWOBJ, OBJ, INST, BUILD (`__setstate__`), … */
  readonly via: string;
  /** What a person would write, for instance `os.system('echo hi')`; at most 2 KiB. */
  readonly expression: string;
  /** What the call was given and a person wants to read in full. */
  readonly evidence: readonly Evidence[];
  /**
   * For a wrapper (`functools.partial`, `getattr`, `map` …): the globals that it is applied to.
   * Undefined when the machine could not resolve them; empty when it is applied to plain data.
   */
  readonly targets?: readonly GlobalName[];
  /** Absent for the base reading. */
  readonly reading?: Reading;
}

/** BUILD, SETITEM(S), APPEND(S) or ADDITEMS on an imported object: a live module, class or function changes. */
export interface MutationFact extends GlobalName {
  /** Tells the facts apart. */
  readonly kind: "mutation";
  /** The opcode that did it. */
  readonly via: string;
  /** What a person would write; at most 2 KiB. */
  readonly expression: string;
  /** Absent for the base reading. */
  readonly reading?: Reading;
}

/** An EXT1/2/4 code that no `copyreg.add_extension` in the file registered. */
export interface ExtensionFact {
  /** Tells the facts apart. */
  readonly kind: "extension";
  /** The number that `copyreg` would look up, 0 to 2^32 - 1. */
  readonly code: number;
  /** Absent for the base reading. */
  readonly reading?: Reading;
}

/** A call on something that is not a global: a value the machine could not resolve. */
export interface UnresolvedCallFact {
  /** Tells the facts apart. */
  readonly kind: "unresolved-call";
  /** True for an import by a name that a known, harmless function gave, which seldom gives one. */
  readonly listed?: boolean;
  /** True for one that a function of a package on no list gave, which may be installed nowhere. */
  readonly foreign?: boolean;
  /** True where it reaches an attribute by a name that is not known. */
  readonly attribute?: boolean;
  /** The opcode that did it. */
  readonly via: string;
  /** What a person would write; at most 2 KiB. */
  readonly expression: string;
  /** Absent for the base reading. */
  readonly reading?: Reading;
}

/** An operator of a program that is not Python bytecode: TorchScript source, a TensorFlow or ONNX graph. */
export interface OperatorFact {
  /** Tells the facts apart. */
  readonly kind: "operator";
  /** For instance `torchscript`, `tensorflow`, `onnx`, `keras`. */
  readonly language: string;
  /** For instance `aten::save`, `ReadFile`, `com.example.Op`. */
  readonly name: string;
  /** What a person would write, for instance `ReadFile("/etc/passwd") in function f`; at most 2 KiB. */
  readonly expression: string;
  /** What part the operator plays, where that changes the verdict: `saver` for a graph's own checkpointing. */
  readonly role?: string;
  /** What it is given and a person wants to read in full: paths, commands. */
  readonly evidence?: readonly Evidence[];
  /** Further plain facts for the finding's details: node, function, signature … */
  readonly details?: Readonly<Record<string, string | number | readonly string[]>>;
  /** Python code that the operator brings along, as far as its names tell; one entry a code object. */
  readonly code?: readonly CodeNames[];
}

/** What a Python code object names. Read, never run. */
export interface CodeNames {
  /** Globals, builtins, attributes and modules, in order of first use. */
  readonly names: readonly string[];
  /** Texts among its constants, each cut at 2 KiB. */
  readonly strings: readonly string[];
}

/** A configuration names a class or function for the loader to look up, and mostly to call. */
export interface ReferenceFact extends GlobalName {
  /** Tells the facts apart. */
  readonly kind: "reference";
  /** Whose configuration: `keras`. The module is empty where the configuration gives none. */
  readonly language: string;
  /** What a person would write, for instance `os.system (function of the layer "x")`; at most 2 KiB. */
  readonly expression: string;
  /** What it is given and a person wants to read in full. */
  readonly evidence: readonly Evidence[];
  /** Further plain facts for the finding's details. */
  readonly details?: Readonly<Record<string, string | number | readonly string[]>>;
}

/** A text in the file that one of the user's patterns matches. */
export interface StringFact {
  /** Tells the facts apart. */
  readonly kind: "string";
  /** Name of the pattern, as `Interest.patternsIn` gave it. */
  readonly pattern: string;
  /** What matched, at most 2 KiB. */
  readonly text: string;
  /** What the text is, for instance `a pickled string`. */
  readonly role: string;
}

/** What a format saw in a file. Rules judge it. */
export type Fact =
  | ImportFact
  | CallFact
  | MutationFact
  | ExtensionFact
  | UnresolvedCallFact
  | OperatorFact
  | ReferenceFact
  | StringFact;

// ---------------------------------------------------------------------------
// Observations: what a format hands to the loop.

/** The files beside one that is a member of an archive, by their paths from its folder. */
export interface Siblings {
  /** Bytes of a file; undefined when there is none. */
  size(path: string): number | undefined;
  /**
   * Marks a member that the scanned file has its loader read as so many bytes of numbers, as a storage
   * of tensors, whatever their values: the caller need not search it.
   */
  claim?(path: string, bytes: number): void;
}

/** One member of an archive or folder. */
export interface Member {
  /** As the archive has it, or a path from the folder with `/`. */
  readonly name: string;
  /** What the archive or the file system says it is. */
  readonly kind: "file" | "folder" | "link" | "hardlink" | "other";
  /** Bytes when expanded; undefined when not known. */
  readonly size?: number | undefined;
  /** Where a link leads, as written. */
  readonly linkTarget?: string | undefined;
  /** Opens the member's bytes. Undefined for what has none. */
  readonly open?: (() => Source) | undefined;
}

/** The members of an archive, a folder or a repository, for the bundles. */
export interface Listing {
  /** Id of the format that produced it, for instance `zip`. */
  readonly format: string;
  /** In the order of the archive; names may come twice. */
  readonly members: readonly Member[];
  /** Whether a member stands at the file's first byte, where its format tells. */
  readonly startsFile?: boolean;
}

/** A file's place in a folder: the folder's listing and the file's name there. */
export interface FolderPlace {
  /** The folder. */
  readonly listing: Listing;
  /** The name in it. */
  readonly member: string;
}

/** What a format states, in batches. `within` names a place inside the source, such as `stream_1`. */
export type Observation =
  | {
    readonly type: "fact";
    readonly fact: Fact;
    /** How often the same fact was seen. */
    readonly count: number;
    /** Byte offset of the first, from the start of the source. */
    readonly offset: number;
    readonly within?: readonly string[];
  }
  | {
    /** Look inside this too. A hint adds to detection, never replaces it. */
    readonly type: "entry";
    readonly source: Source;
    /** Name of the part for the location, for instance the member's name. */
    readonly part: string;
    readonly hint?: string;
    /**
     * "data": bytes that nothing in the file loads (a constant that is itself a pickle):
     * what is in there is at most suspicious. Absent: loaded with its parent.
     */
    readonly loaded?: "data";
    /** The files beside this one. */
    readonly siblings?: Siblings;
    readonly within?: readonly string[];
  }
  | { readonly type: "listing"; readonly listing: Listing }
  /** What the file says of its model. */
  | { readonly type: "about"; readonly about: ModelAbout }
  /** How loaders that refuse code take the file. */
  | { readonly type: "loads"; readonly loads: readonly RestrictedLoad[] }
  | {
    /** Something is wrong with the bytes; `rule` is the id of an anomaly rule. */
    readonly type: "anomaly";
    readonly rule: string;
    readonly detail: string;
    readonly offset?: number;
    /** True when something could not be read: the file becomes `incomplete`. */
    readonly unread?: boolean;
    readonly within?: readonly string[];
  };

/** What the rules want to know more about; compiled from them, handed to formats. */
export interface Interest {
  /**
   * False for a global whose calls are harmless with any arguments (an allowlisted constructor): the
   * machine then keeps neither arguments nor identity of the result.
   */
  argumentsMatter(module: string, name: string): boolean;
  /**
   * True for a class that is harmless to restore, without a call of its `__init__`, although
   * calling it may not be; undefined when the rules make no such difference.
   */
  readonly restoringIsHarmless?: ((module: string, name: string) => boolean) | undefined;
  /**
   * True for a global whose arguments, or what is in them, may become attributes of what a call gives;
   * undefined when the rules know of none.
   */
  readonly fillsResult?: ((module: string, name: string) => boolean) | undefined;
  /**
   * What calls of a global do with their arguments (`rules/callables.toml`), by its path under
   * Python 3 names; mostly nothing that matters.
   */
  readonly meaningsOf?: ((path: string) => readonly string[]) | undefined;
  /** What the rules say of an operator by its name alone; undefined when they cannot tell. */
  readonly operatorKnowledge?:
    | ((language: string, name: string) => OperatorKnowledge)
    | undefined;
  /**
   * The user's patterns that match a text, each at its first place; undefined when there are no
   * patterns, so that a format need not search its texts. Takes time linear in the text.
   */
  readonly patternsIn?: ((text: string) => readonly PatternHit[]) | undefined;
  /** Tells sets of patterns apart; undefined where there are none. */
  readonly patternsId?: string | undefined;
  /** The loaders that run what configurations name; undefined when there is no table of them. */
  readonly loaders?: readonly LoaderEntry[] | undefined;
  /**
   * The severity of calls of a global that a table names as dangerous; undefined for all others. Absent
   * when the rules have no such table.
   */
  readonly dangerOf?: ((module: string, name: string) => Severity | undefined) | undefined;
  /**
   * True for a format that the user forbids to the file at a path, as reports have it; undefined when
   * none is forbidden to any.
   */
  readonly forbidsFormat?: ((id: string, path: string) => boolean) | undefined;
}

/**
 * "harmless": it need not be reported node by node. "named": a rule covers it. "unknown": only the rule
 * for unknown operators does.
 */
export type OperatorKnowledge = "harmless" | "named" | "unknown";

/** One of the user's patterns, and where it matches a text. */
export interface PatternHit {
  /** Its name. */
  readonly pattern: string;
  /** What matched, at most 2 KiB. */
  readonly text: string;
  /** UTF-16 units from the start of the text. */
  readonly at: number;
}

/** Budgets. Every number can be set by the caller; the defaults are in `limits.ts`. */
export interface Limits {
  /** Archives in archives, pickles in constants. */
  readonly depth: number;
  /** Members of one archive, and of all archives in one asset. */
  readonly members: number;
  /** Bytes that decompression may produce for one asset, in all. */
  readonly expandedBytes: number;
  /** Bytes of one compressed member kept in memory for a format that needs random access. */
  readonly spoolBytes: number;
  /** Expanded size over compressed size of one member, looked at beyond 16 MiB. */
  readonly ratio: number;
  /** Milliseconds for one asset; undefined for none. */
  readonly milliseconds: number | undefined;
  /** Opcodes of one asset's pickles, all readings together. */
  readonly opcodes: number;
  /** Memo entries, stack items and container items the machine keeps (each). */
  readonly values: number;
  /** Bytes searched for another stream behind a corrupt one. */
  readonly resyncBytes: number;
  /** Distinct issues kept for one asset; more are counted. */
  readonly issues: number;
}
