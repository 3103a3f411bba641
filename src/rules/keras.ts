/**
 * Verdicts on what a Keras configuration names: classes and functions that Keras looks up, and the
 * names in the code of its Lambda layers.
 *
 * The pickle tables say what is dangerous in Python, `rules/keras.toml` what is in Keras. The worse
 * of the two counts.
 *
 * @module
 */

import { pathOf } from "../parsers/python/names.ts";
import type { OperatorFact, ReferenceFact } from "../core/types.ts";
import { FALLBACK, type GlobalClassifier, type Match } from "./classify.ts";
import { compareVerdicts } from "./rule.ts";
import type { Rule, Verdict } from "./rule.ts";

/** Ids of the rules for what the tables of Python's globals decide. */
const KERAS_RULES = {
  reference: "keras-dangerous-reference",
  code: "keras-lambda-harmful",
} as const;

/** What is needed of the rules. */
interface Tables {
  readonly classifier: GlobalClassifier;
  readonly rules: ReadonlyMap<string, Rule>;
  operator(fact: OperatorFact): Rule | undefined;
}

/** The rule that a reference falls under, and the entry that decides the verdict. */
interface ReferenceVerdict {
  readonly rule: Rule;
  readonly match: Match;
}

/** Functions of known libraries that load, run or look up what they are given, by their names. */
const ACTING_RULE = "loader-acting-function";
const ACTING = new RegExp(
  "^_?(?:load|loads|open|exec|execute|eval|run|call|system|spawn|launch|import|download|fetch|install|locate|" +
    "resolve|compile|unpickle|deserialize|shell|popen|check_output|urlopen|urlretrieve|wget|" +
    "read_pickle|register_new_resolver|get_class|get_object|get_method|get_obj|import_class)(?:_\\w+)?$|" +
    "_(?:from_(?:file|path|url|string|str|source)|eval|exec|command|subprocess|shell|by_path|by_name)$",
  "u",
);

/** Registries of Keras and the user, in which Keras looks up any name. */
const OWN_NAMES: ReadonlySet<string> = new Set(["", "builtins", "__main__"]);

/**
 * Judges a class or function that a configuration names.
 *
 * @returns undefined when no rule speaks about its language
 */
export function judgeReference(tables: Tables, fact: ReferenceFact): ReferenceVerdict | undefined {
  const { module, name, language, expression } = fact;
  const path = pathOf(module, name);
  const role = module === "" ? "custom" : "reference";
  const reported = (each: string): Rule | undefined =>
    tables.operator({ kind: "operator", language: each, name: path, role, expression });
  const first = reported(language);
  // What one table of known libraries lacks, the table of all loaders may have.
  const other = first?.safety === "suspicious" && language !== "keras"
    ? reported("loader")
    : undefined;
  const own = other?.safety === "innocuous" ? other : first;
  if (own === undefined) return undefined;
  const ours: ReferenceVerdict = {
    rule: own,
    match: { rule: own, reaches: path, effect: own.effect, exactness: 0 },
  };
  if (module === "") return ours;
  const match = tables.classifier.match(module, name, true);
  // A function of the user's that Keras wrote as one of `builtins`.
  if (OWN_NAMES.has(module) && match.exactness === 0) return ours;
  if (match.rule.safety === "innocuous") {
    return own.safety === "suspicious" ? { rule: match.rule, match } : ours;
  }
  const acting = tables.rules.get(ACTING_RULE);
  if (acting !== undefined && language !== "keras" && own.safety === "innocuous") {
    if (match.exactness === 0 && ACTING.test(name)) {
      const reason = { rule: acting, reaches: path, effect: acting.effect, exactness: 0 };
      return { rule: acting, match: reason };
    }
  }
  // A harmless class of a known library, made as it is meant to be.
  if (own.safety === "innocuous" && match.rule.id === FALLBACK.unusualCall) return ours;
  const rule = tables.rules.get(`${language}-dangerous-reference`);
  const worse = compareVerdicts(match.rule, own) < 0;
  // What nothing has classified is reported in Keras' words, where it is Keras' own in particular.
  const known = match.exactness > 0 || own.safety !== "innocuous";
  return rule !== undefined && worse && known ? { rule, match } : ours;
}

/** The verdict on code, and the names that brought it about. */
interface CodeVerdict {
  readonly rule: Rule;
  readonly verdict: Verdict;
  readonly names: readonly string[];
}

/**
 * Judges the code that an operator brings along.
 *
 * @returns undefined when it names nothing dangerous
 */
export function judgeCode(tables: Tables, { code }: OperatorFact): CodeVerdict | undefined {
  const rule = code === undefined ? undefined : tables.rules.get(KERAS_RULES.code);
  if (code === undefined || rule === undefined) return undefined;
  const found = new Map<string, Verdict>();
  for (const { names, strings } of code) {
    const texts = names.some((name) => BY_TEXT.has(name)) ? strings : [];
    for (const list of [names, texts.filter((text) => /^[A-Za-z_][\w.]{0,63}$/.test(text))]) {
      for (const [name, verdict] of dangerousNames(tables.classifier, list)) {
        found.set(name, verdict);
      }
    }
  }
  const sorted = [...found].sort(([, a], [, b]) => compareVerdicts(a, b));
  const worst = sorted[0]?.[1];
  if (worst === undefined) return undefined;
  return { rule, verdict: worst, names: sorted.map(([name]) => name) };
}

/** What looks things up by a text: where code names one of these, its texts are names, too. */
const BY_TEXT: ReadonlySet<string> = new Set([
  ...["getattr", "globals", "locals", "vars", "attrgetter", "methodcaller", "itemgetter"],
  ...["__dict__", "__getattribute__", "__getattr__", "__getitem__", "__import__", "import_module"],
]);

/** Names of one code object that are judged. The most in 750 files of packages in use are 1,058. CWE-834. */
const NAMES_LOOKED_AT = 4096;

/**
 * Module names that are words of every day, too: alone they say nothing, before a function of theirs
 * they do.
 */
const EVERYDAY: ReadonlyMap<string, RegExp> = new Map([
  ["code", /^(?:interact|compile_command|Interactive\w+)$/],
  ["commands", /^getst?\w*output$|^getstatus$/],
  ["imp", /^load_\w+$|^reload$/],
  ["pipes", /^Template$/],
  ["signal", /^(?:alarm|signal|setitimer|raise_signal|pthread_kill|set_wakeup_fd)$/],
  ["test", /^support$/],
  ["trace", /^Trace$/],
]);

/** Functions of TensorFlow and Keras by which code reaches files, libraries or other models. */
const FRAMEWORK_FUNCTIONS: ReadonlySet<string> = new Set([
  "py_function",
  "numpy_function",
  "py_func",
  "eager_py_func",
  "read_file",
  "write_file",
  "gfile",
  "GFile",
  "load_op_library",
  "load_library",
  "load_model",
  "get_file",
  "enable_unsafe_deserialization",
  "func_load",
  "set_global_attribute",
]);
const FRAMEWORK_VERDICT: Verdict = { severity: "high", safety: "dangerous" };
const CRITICAL: Verdict = { severity: "critical", safety: "dangerous" };
const CRITICAL_FUNCTIONS: ReadonlySet<string> = new Set([
  ...["enable_unsafe_deserialization", "load_model", "get_file", "func_load"],
  ...["set_global_attribute", "py_function", "numpy_function", "py_func", "load_op_library"],
]);

/**
 * The dangerous things among the names of a code object. A name may be a builtin, a module or an
 * attribute: bytecode says which, but its form changes with every Python, and the order of names
 * tells as much: a module's function follows it.
 */
function* dangerousNames(
  classifier: GlobalClassifier,
  names: readonly string[],
): Iterable<readonly [string, Verdict]> {
  for (const [index, name] of names.slice(0, NAMES_LOOKED_AT).entries()) {
    if (FRAMEWORK_FUNCTIONS.has(name)) {
      yield [name, CRITICAL_FUNCTIONS.has(name) ? CRITICAL : FRAMEWORK_VERDICT];
    }
    const next = names[index + 1];
    const everyday = EVERYDAY.get(name);
    if (everyday !== undefined && !everyday.test(next ?? "")) continue;
    const builtin = dangerous(classifier.match("builtins", name, true));
    if (builtin !== undefined) yield [name, builtin];
    const pair = next === undefined || EVERYDAY.has(next)
      ? undefined
      : dangerous(classifier.match(name, next, true));
    const alone = dangerous(classifier.match("", name, true));
    if (pair !== undefined && next !== undefined) yield [pathOf(name, next), pair];
    else if (alone !== undefined && builtin === undefined) yield [name, alone];
  }
}

/** The verdict of an entry that names something dangerous. */
function dangerous({ rule }: Match): Verdict | undefined {
  return rule.safety === "dangerous" ? { severity: rule.severity, safety: rule.safety } : undefined;
}
