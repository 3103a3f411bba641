/**
 * Applies the table of loaders to one configuration, as observations: names that are imported and
 * called, text that is evaluated, switches, files and packages. Independent of the table, a value under
 * any key that is a critical callable, or Python that calls one, is observed too.
 *
 * @module
 */

import { endOf } from "../../parsers/ends.ts";
import { leavesFolder } from "../../parsers/leaves_folder.ts";
import { type CodeReference, referenceOf } from "../../bundles/remote_code.ts";
import type { LoaderCode, LoaderEntry } from "../../core/loader.ts";
import type { Interest, Observation, OperatorFact } from "../../core/types.ts";
import { HINT } from "../../core/hints.ts";
import { keysOf, type LoaderHit, loaderTable, type TextVisit } from "../../parsers/config/match.ts";
import { type ConfigNode, hasMember, isTrue, textOf } from "../../parsers/config_node.ts";
import {
  evaluatedPython,
  type EvaluationBudget,
  mayBePython,
} from "../../parsers/python/evaluated.ts";
import { isListedStandardModule } from "../../parsers/python/names.ts";
import { isSizeExpression } from "../../parsers/sympy.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { bytesSource } from "../../sources/memory.ts";

/** Characters kept of a text. The longest text seen has 10,213: its beginning is evidence. CWE-779. */
const TEXT_CHARACTERS = 2048;
/** Different names and texts reported of one file; more leave it unread. The most seen are 11. CWE-779. */
const REPORTED = 500;
/** Characters of a text at any key that is read as Python. The longest text seen has 10,213. CWE-770. */
const NET_CHARACTERS = 64 * 1024;
/** Texts of one file at any key that are read as Python; real files have a few. CWE-834. */
const NET_TEXTS = 2000;
/** Different texts of one file and loader that are evaluated. The largest real one has some 300. CWE-400. */
const PROGRAMS = 5000;
/** Steps and characters that reading the Python of one file may take. The costliest real one takes 18,513. CWE-400. */
const PYTHON_STEPS = 2_000_000;
/** Characters of a key that may be that of a vocabulary. The longest real one has some 30. CWE-407. */
const VOCABULARY_KEY = 256;
/**
 * Characters of a text that is looked at each time, and longer texts whose answer is kept. The most seen are
 * 1,602 texts, of up to 10,213. CWE-407.
 */
const SHORT_TEXT = 64;
const TEXTS_LOOKED = 4096;
/** Items of a list beyond which it is a vocabulary and no list of names. */
const VOCABULARY_ITEMS = 64;

const DOTTED = /^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)+$/u;
const VOCABULARY =
  /tokens|^(?:vocab\w*|merges|id2label|label2id|names|labels|classes|reverse_vocab)$/iu;
/** Modules of the critical table whose names are no English words: every name in them counts. */
const PLAIN_MODULES =
  /^(?:os|posix|nt|subprocess|builtins|__builtins?__|importlib|runpy|pty|marshal|_\w+|cProfile|timeit|pydoc|multiprocessing)(?:\.|$)/u;
/** What runs code in the other modules, by its name. */
const RUNNERS =
  /^(?:Interactive\w+|interact|runcode|getoutput|getstatusoutput|load\w*|main|_?run\w*|exec\w*|eval\w*|call|system|popen|set(?:trace|profile)|addaudithook|create_subprocess_\w+|CDLL|cdll|LoadLibrary|PyDLL|compile\w*|spawn\w*|import\w*|FunctionType|CodeType|GuardBuilder\.get|evaluate_\w+)$/u;
/** What hands out any module, and is called by every program while it is imported. */
const IMPORTERS =
  /^(?:importlib\.(?:import_module|__import__)|pydoc\.locate|pkgutil\.resolve_name)$/u;
/** Modules whose every name is in the critical table, and their functions that act (CPython 2.7 to 3.14). */
const SYSTEM = /^(?:os|posix|nt|subprocess|importlib)$/u;
const SYSTEM_CALLS =
  /^(?:system|popen\d?|exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?|fork\w*|startfile|kill(?:pg)?|abort|_exit|remove|removedirs|unlink|rmdir|renames?|replace|open|openpty|fdopen|write|pwritev?|chmod|chown|lchown|chroot|chflags|symlink|link|mknod|mkfifo|truncate|ftruncate|putenv|unsetenv|set\w*id|setgroups|dup2?|pipe2?|sendfile|memfd_create|add_dll_directory|_get_exports_list|Popen|run|call|check_call|check_output|getoutput|getstatusoutput|import_module|reload|_\w+)$/u;
/** A whole text that names something: `a.b`, `a:b` as entry points are written, `ext://a.b` of logging. */
const NAMED = /^(?:ext:\/\/)?([\p{L}_][\p{L}\p{N}_.]*)[.:]([\p{L}_][\p{L}\p{N}_]*)$/u;
/** Names of modules by which programs are started, and of what leads to them. */
const RUNS_ALONE =
  /\b(?:os|posix|nt|subprocess|pty|ctypes|builtins|runpy|eval|exec|compile|system|popen)\b|__\w+__/u;
/** Functions and attributes that look names up. */
const LOOKS_UP =
  /\b(?:getattr|globals|locals|vars|lambda)\b|__(?:builtins?|import|globals|subclasses|class|loader|dict)__/u;
/** What stands behind the dot of a file's name. */
const FILE_EXTENSIONS =
  /^(?:py|pyc|json|jsonl|ya?ml|toml|ini|cfg|conf|txt|md|csv|tsv|log|lock|sh|html?|xml|pkl|pth?|ckpt|bin|onnx|gz|zip|tar|png|jpe?g|svg|so|dll|h|c|cc|cpp|js|ts|com|org|net|io|dev)$/iu;
/** Files whose values no loader looks up by other keys than the table's: ours, and metadata of models. */
const NO_CONFIGURATION = /(?:^|\/)(?:modelaudit-security\.toml|metadata_props|__metadata__)$/iu;
/** Reading a file of weights, which is scanned for itself. */
const READING = /^(?:torch|numpy|np)\.load(?:\.|$)/u;
/** Functions that look up, evaluate or dereference a name; they count with any argument. */
const REACHING =
  /__\w+__|\b(?:getattr|globals|locals|vars|exec|eval|compile|import_module|resolve_name)\b/u;
/** The organisation whose kernels transformers itself uses. */
const OWN_KERNELS = /^(?:paged\|)?kernels-community\//u;
/** Keys whose value names a repository that a switch beside them concerns. */
const REPOSITORY_KEYS =
  /(?:^|_)(?:pretrained_model_name_or_path|name_or_path|model_name|model_id|repo_id|repository|model|path)$/u;

/** Where a configuration lies and who reads it. */
interface ConfigPlace {
  /** Path of the file, as far as it is known. */
  readonly path: string;
  readonly interest: Interest;
  /** True when the files beside it are judged with it. */
  readonly together: boolean;
  readonly check: () => void;
}

/** What was found, and whether a limit cut it short. */
interface ConfigFindings {
  readonly observations: readonly Observation[];
  readonly cut: boolean;
}

/** Everything in a configuration that a loader runs, or may run. */
export function loaderObservations(
  roots: readonly ConfigNode[],
  place: ConfigPlace,
): ConfigFindings {
  return new Teller(place).tell(roots);
}

class Teller {
  readonly #place: ConfigPlace;
  readonly #found: Observation[] = [];
  readonly #reported = new Set<string>();
  readonly #evaluated = new Map<LoaderEntry, { text: string; where: string }[]>();
  readonly #code: (CodeReference & { readonly where: string })[] = [];
  #trusting: { readonly where: string; readonly reached: boolean } | undefined;
  /** Texts that prepare data. */
  readonly #programs = new Set<string>();
  readonly #budget: EvaluationBudget = { left: PYTHON_STEPS };
  #cut = false;

  constructor(place: ConfigPlace) {
    this.#place = place;
  }

  tell(roots: readonly ConfigNode[]): ConfigFindings {
    const { path, interest, check } = this.#place;
    const texts: TextVisit[] = [];
    const net = interest.dangerOf !== undefined && !NO_CONFIGURATION.test(path);
    const { hits, cut } = loaderTable(interest).match(roots, path, {
      visit: net ? (text) => this.#keep(texts, text) : undefined,
      check,
    });
    for (const hit of hits) this.#hit(hit);
    for (const [entry, evaluated] of this.#evaluated) this.#evaluate(entry, evaluated);
    this.#references();
    for (const text of texts) this.#net(text);
    return {
      observations: this.#found.slice(0, REPORTED),
      cut: cut || this.#cut || this.#found.length > REPORTED,
    };
  }

  #hit(hit: LoaderHit): void {
    const { code, texts, computed } = hit;
    const where = placeOf(hit.path);
    switch (code.does) {
      case "call":
      case "import":
        if (computed) {
          this.#operator("target.computed", hit, `${where}: ${textOf(hit.node) ?? "?"}`);
        }
        for (const text of texts) this.#named(hit, text);
        return;
      case "prepare":
      case "evaluate": {
        if (code.does === "prepare") { for (const text of texts) this.#programs.add(text); }
        const known = this.#evaluated.get(hit.entry) ?? [];
        this.#evaluated.set(hit.entry, known);
        for (const text of texts) known.push({ text, where });
        return;
      }
      case "size":
        for (const text of texts) {
          if (isSizeExpression(text)) continue;
          this.#operator("text.size", hit, `"${cut(text)}" (${where})`);
        }
        return;
      case "code":
        for (const text of texts) this.#ownCode(hit, text);
        return;
      case "component":
        return this.#component(hit);
      case "trust":
        return this.#trust(hit);
      case "unpickle":
        for (const text of texts) this.#pickled(text, where);
        return;
      default:
        for (const text of texts) this.#use(hit, text);
    }
  }

  /** A value that is no name: a path, a package, a repository, a command, a text that is shown. */
  #use(hit: LoaderHit, text: string): void {
    const where = placeOf(hit.path);
    const shown = `"${cut(text)}" (${where})`;
    switch (hit.code.does) {
      case "run":
        return this.#operator("code.file", hit, shown);
      case "open":
        if (leavesFolder(text)) this.#operator("path.outside", hit, shown);
        return;
      case "include":
        if (leavesFolder(text)) this.#operator("include.outside", hit, shown);
        return;
      case "shard":
        if (leavesFolder(text)) this.#operator("shard.outside", hit, `"${cut(text)}"`);
        return;
      case "install":
        return this.#operator("package.install", hit, shown);
      case "fetch":
        return this.#operator("repository.fetch", hit, shown);
      case "kernel":
        if (!text.includes("/")) return;
        return this.#operator(
          OWN_KERNELS.test(text) ? "kernel.community" : "kernel.foreign",
          hit,
          shown,
          undefined,
          { repository: cut(text) },
        );
      case "library":
        return this.#operator("library.native", hit, shown);
      case "command":
        return this.#operator("command.run", hit, shown);
      case "operator":
        return this.#torchOperator(text, where, hit.node.at);
      case "markup":
        if (isMarkup(text)) this.#operator("text.markup", hit, shown);
        return;
      default:
        return;
    }
  }

  /** An operator of PyTorch, by its namespace and name: those that compute are ordinary. */
  #torchOperator(name: string, where: string, offset: number): void {
    const language = "torchscript";
    if (this.#place.interest.operatorKnowledge?.(language, name) !== "named") return;
    if (this.#isReported(`${language}\n${name}`)) return;
    const expression = `torch.ops.${name} (${cut(where)})`;
    const fact = { kind: "operator", language, name, expression } as const;
    this.#found.push({ type: "fact", fact, count: 1, offset });
  }

  #role(): string | undefined {
    return this.#place.together ? "repository" : undefined;
  }

  /** A class, function or module that is imported, and mostly called. */
  #named({ code, entry, path, node, owner }: LoaderHit, written: string): void {
    const text = written.trim().replace(/^([\w.]+):([\w.]+)$/u, "$1.$2");
    const dot = text.lastIndexOf(".");
    if (text === "" || !/^[^\s()]+$/u.test(text)) return;
    let [module, name] = dot < 0 ? ["", text] : [text.slice(0, dot), text.slice(dot + 1)];
    if (code.attribute !== undefined) {
      [module, name] = [text, memberText(owner, code.attribute) ?? "*"];
    } else if (code.does === "import" && dot < 0 && !this.#isBuiltin(code, name)) {
      if (isListedStandardModule(text)) return;
      [module, name] = [text, "*"];
    }
    // `pydoc.locate`, and PyYAML's tags, look for a name without a module in `builtins`.
    if (module === "" && this.#isBuiltin(code, name)) module = "builtins";
    if (module === "") return;
    if (code.common === true && this.#place.interest.dangerOf?.(module, name) === undefined) return;
    this.#reference(entry.language, `${module}.${name}`, placeOf(path), entry, node.at);
  }

  #isBuiltin({ does, tag }: LoaderCode, name: string): boolean {
    if (does === "import" && tag?.endsWith("python/name:") !== true) return false;
    // A module's name counts as an attribute of builtins, and is a word.
    if (isListedStandardModule(name)) return false;
    return this.#place.interest.dangerOf?.("builtins", name) === "critical";
  }

  #reference(
    language: string,
    path: string,
    where: string,
    entry: LoaderEntry,
    offset: number,
  ): void {
    const dot = path.lastIndexOf(".");
    const [module, name] = dot < 0 ? ["", path] : [path.slice(0, dot), path.slice(dot + 1)];
    if (this.#isReported(`${language}\n${path}`)) return;
    this.#found.push({
      type: "fact",
      fact: {
        kind: "reference",
        language,
        module,
        name,
        expression: cut(path),
        evidence: [],
        details: { where: cut(where), loader: entry.library },
      },
      count: 1,
      offset,
    });
  }

  #ownCode({ code, path }: LoaderHit, text: string): void {
    const before = path.length - (code.at.length - (code.at[0] === "**" ? 1 : 0));
    const by = path[before] ?? "";
    const reference = referenceOf(text, by, before > 0);
    if (reference !== undefined) this.#code.push({ ...reference, where: placeOf(path) });
  }

  #component({ node, path, entry }: LoaderHit): void {
    const key = path.at(-1) ?? "";
    if (node.kind !== "list" || (key.startsWith("_") && key !== "_class_name")) return;
    const [library, name] = node.items.map((item) =>
      item.kind === "scalar" && typeof item.value === "string" ? item.value : undefined
    );
    if (library === undefined || name === undefined) return;
    this.#reference("config", `${library}.${name}`, key, entry, node.at);
  }

  #trust({ node, path, owner }: LoaderHit): void {
    const value = path.length === 1 && isRecord(owner) ? memberOf(node, "value") ?? node : node;
    if (!isTrue(value) || isSchema(node, path)) return;
    const named =
      owner?.members.some(([key, value]) =>
        REPOSITORY_KEYS.test(textOf(key) ?? "") && /^[\w.-]+\/[\w.-]+$/u.test(textOf(value) ?? "")
      ) ?? false;
    const called =
      owner?.members.some(([key, value]) =>
        /^(?:_target_|target|class_path|_component_)$/u.test(textOf(key) ?? "") &&
        /\.(?:from_pretrained|pipeline|load_dataset|from_config)$/u.test(textOf(value) ?? "")
      ) ?? false;
    this.#trusting ??= { where: placeOf(path), reached: named && called };
    if (named && called) this.#trusting = { where: placeOf(path), reached: true };
  }

  /** What names code of a repository, and the switch that allows it; reported once for the file. */
  #references(): void {
    const foreign = this.#code.filter(({ repository }) => repository !== undefined);
    const nested = this.#code.some((one) => one.nested) || foreign.length > 0;
    if (this.#trusting !== undefined) {
      const { where, reached } = this.#trusting;
      this.#operator(
        nested || reached ? "trust.reached" : "trust.set",
        undefined,
        `${where}: true`,
      );
    }
    const [first] = this.#code;
    if (first === undefined) return;
    const written = [...new Set(this.#code.map((one) => one.written))];
    const name = foreign.length > 0 ? "code.foreign" : "code.own";
    const shown = `${first.by}: ${written.slice(0, 5).join(", ")}`;
    this.#operator(name, undefined, cut(shown), this.#role(), { classes: written.slice(0, 50) });
  }

  /**
   * The texts that one loader evaluates, each by itself behind what all of them import: what one breaks off
   * or raises must not hide another.
   */
  #evaluate(entry: LoaderEntry, texts: readonly { text: string; where: string }[]): void {
    const written = new Set(texts.map(({ text }) => withoutReferences(text)));
    const programs = new Set(
      texts.flatMap(({ text }) => this.#programs.has(text) ? [withoutReferences(text)] : []),
    );
    const imports = [...written].map((text) => text.trim()).filter((text) =>
      PLAIN_IMPORT.test(text)
    );
    const { dangerOf } = this.#place.interest;
    let count = 0;
    for (const text of written) {
      const isCalled = mayBeCalled(text);
      if (!isCalled && !RUNS_SOMETHING.test(text) || PLAIN_IMPORT.test(text.trim())) continue;
      if (++count > PROGRAMS) {
        this.#cut = true;
        break;
      }
      // What an expression gives is called where it stands for a class, a function or a hook.
      const called = isCalled ? [`(${text.trim()})()`] : [];
      const program = [...imports, dedented(text), ...called].join("\n");
      const { facts, complete } = this.#python(program);
      if (!complete) this.#cut = true;
      for (const found of facts) {
        const { fact } = found;
        if (!("module" in fact && "expression" in fact)) continue;
        if (READING.test(`${fact.module}.${fact.name}`)) continue;
        const danger = dangerOf?.(fact.module, fact.name);
        if (dangerOf !== undefined && danger === undefined) continue;
        const isPurpose = danger !== "critical" && programs.has(text);
        if (isPurpose && !("details" in fact && isTelling(fact.details))) continue;
        if (this.#isReported(`evaluated\n${fact.module}.${fact.name}\n${fact.expression}`)) {
          continue;
        }
        this.#found.push({ ...found, offset: 0 });
      }
    }
    for (const { text, where } of texts) {
      const path = text.trim();
      if (DOTTED.test(path)) {
        const dot = path.lastIndexOf(".");
        if (!this.#isCritical(path.slice(0, dot), path.slice(dot + 1))) continue;
        this.#reference("loader", path, where, entry, 0);
      }
      // A program was followed to its end.
      if (this.#programs.has(text)) continue;
      if (!REACHING.test(text) || !text.includes("(") && !/__/u.test(text)) continue;
      // Expressions of workflows and templates, which no loader evaluates as Python.
      if (/^\s*\{\{[^{}]*\}\}/u.test(text)) continue;
      this.#operator("text.evaluated", { entry }, `"${cut(text)}" (${where})`);
    }
  }

  /** What a text calls, within what the deadline and the file's budget leave. */
  #python(text: string): ReturnType<typeof evaluatedPython> {
    const { check: checkDeadline } = this.#place;
    return evaluatedPython(text, "python-config", { checkDeadline, budget: this.#budget });
  }

  #pickled(text: string, where: string): void {
    const bytes = fromBase64(text);
    // Python refuses it too, and unpickles nothing.
    if (bytes === undefined) return;
    const source = bytesSource(where, bytes);
    const closure = isHarmlessClosure(bytes, this.#place.interest);
    this.#found.push({
      type: "entry",
      source,
      part: where,
      hint: HINT.pickle,
      // A function of the user's own is judged by its names alone: suspicious at most.
      ...(closure && { loaded: "data" as const }),
    });
  }

  /** Keeps the texts that may be a name or a call. */
  #keep(texts: TextVisit[], visit: TextVisit): void {
    const { text, neighbours, way } = visit;
    if (text.length < 5 || text.length > NET_CHARACTERS || neighbours > VOCABULARY_ITEMS) return;
    for (let one = way; one !== undefined; one = one.above) {
      if (one.key.length <= VOCABULARY_KEY && VOCABULARY.test(one.key)) return;
    }
    // A text that aliases name again and again is looked at once.
    let kept = text.length > SHORT_TEXT ? this.#pickleLike.get(text) : undefined;
    if (kept === undefined) {
      kept = this.#mayName(text.trim());
      if (text.length > SHORT_TEXT && this.#pickleLike.size < TEXTS_LOOKED) {
        this.#pickleLike.set(text, kept);
      }
    }
    if (!kept) return;
    if (texts.length < NET_TEXTS) texts.push(visit);
    else this.#cut = true;
  }

  readonly #pickleLike = new Map<string, boolean>();

  #mayName(text: string): boolean {
    const name = nameIn(text);
    return name === undefined ? this.#speaks(text) : this.#namesCritical(name);
  }

  /** A dotted name of a critical callable, which may be reached through modules that import it. */
  #namesCritical(name: string): boolean {
    const parts = name.replace(/^__builtins?__\./u, "builtins.").split(".");
    const [module = "", last = ""] = [parts.slice(0, -1).join("."), parts.at(-1)];
    if (isListedStandardModule(name)) return false;
    // Names of metrics and settings, which no function of the module has: `os.version`.
    if (SYSTEM.test(parts.at(-2) ?? "") && !SYSTEM_CALLS.test(last)) return false;
    return this.#isCritical(module, last) || IMPORTERS.test(name) ||
      parts.length > 2 && this.#isCritical(parts.at(-2) ?? "", last);
  }

  /** True for a text that has the name of a critical callable before a bracket. */
  #speaks(text: string): boolean {
    if (/^[^\S\n\r\u2028\u2029]*@/mu.test(text) && RUNS_ALONE.test(text)) return true;
    if (!text.includes("(")) return false;
    if (RUNS_ALONE.test(text) && LOOKS_UP.test(text)) return true;
    for (const [, called = ""] of text.matchAll(/(?<![\w.])([\w.]+)\s*\(/gu)) {
      const dot = called.lastIndexOf(".");
      const word = called.slice(dot + 1);
      if (/^(?:system|popen|Popen|check_\w+|getoutput|spawn\w*|run|call)$/u.test(word)) return true;
      if (this.#isCritical("builtins", word)) return true;
      if (dot > 0 && this.#isCritical(called.slice(0, dot), word)) return true;
    }
    return false;
  }

  #net({ text, way }: TextVisit): void {
    const path = keysOf(way);
    const where = placeOf(path);
    const trimmed = text.trim();
    const name = nameIn(trimmed);
    if (name !== undefined) {
      if (this.#reported.has(`hydra\n${name}`) || this.#reported.has(`loader\n${name}`)) return;
      this.#operator("text.callable", undefined, `"${cut(trimmed)}" (${where})`);
      return;
    }
    // A text that aliases name again and again is read once.
    if (this.#isReported(`read\n${trimmed}`) || !mayBePython(trimmed)) return;
    const called = /^\(?\s*lambda\b/u.test(trimmed) && mayBeCalled(trimmed);
    const { calls, complete } = this.#python(called ? `(${trimmed})()` : trimmed);
    if (!complete) this.#cut = true;
    if (!calls.some((call) => this.#isCritical(call.module, call.name))) return;
    if (
      this.#found.some((one) =>
        one.type === "fact" && "language" in one.fact &&
        one.fact.language === "python-config"
      )
    ) return;
    this.#operator("text.python", undefined, `"${cut(trimmed)}" (${where})`);
  }

  /** A callable of the critical table, but for what modules call while they are imported. */
  #isCritical(module: string, name: string): boolean {
    if (!PLAIN_MODULES.test(module) && !RUNNERS.test(name)) return false;
    if (FILE_EXTENSIONS.test(name)) return false;
    const { dangerOf, operatorKnowledge } = this.#place.interest;
    if (dangerOf?.(module, name) !== "critical") return false;
    return operatorKnowledge?.("python", `${module}.${name}`) !== "harmless";
  }

  #operator(
    name: string,
    by: { readonly entry: LoaderEntry; readonly code?: LoaderCode } | undefined,
    expression: string,
    role?: string,
    details: NonNullable<OperatorFact["details"]> = {},
  ): void {
    if (this.#isReported(`${name}\n${expression}`)) return;
    this.#found.push({
      type: "fact",
      fact: {
        kind: "operator",
        language: "config",
        name,
        expression,
        details: { ...(by !== undefined && { loader: by.entry.library }), ...details },
        ...(role !== undefined && { role }),
      },
      count: 1,
      offset: 0,
    });
  }

  #isReported(key: string): boolean {
    if (this.#reported.has(key)) return true;
    this.#reported.add(key);
    return false;
  }
}

/** The text of the last member with a key. */
function memberText(owner: LoaderHit["owner"], wanted: string): string | undefined {
  return owner?.members.flatMap(([key, value]) =>
    textOf(key) === wanted && value.kind === "scalar" ? [value.text] : []
  ).at(-1);
}

/** What Weights & Biases keeps of a run: each value in a map of its own, beside its description. */
function isRecord(owner: LoaderHit["owner"]): boolean {
  return owner?.members.every(([, each]) => memberOf(each, "value") !== undefined) ?? false;
}

function memberOf(node: ConfigNode, wanted: string): ConfigNode | undefined {
  if (node.kind !== "map") return undefined;
  return node.members.findLast(([key]) => textOf(key) === wanted)?.[1];
}

/** True for what a JSON schema says of a property that is called like a switch. */
function isSchema(node: ConfigNode, path: readonly string[]): boolean {
  return path.at(-2) === "properties" &&
    ["type", "$ref", "anyOf"].some((key) => hasMember(node, key));
}

/** True where the arguments of a call say more than what is called. */
function isTelling(details: Readonly<Record<string, unknown>> | undefined): boolean {
  const traits = details?.["traits"];
  return Array.isArray(traits) &&
    traits.some((each) =>
      /^(?:environment|secret|decoded|shell|startup|pickle|unsafe-load)$/u.test(String(each))
    );
}

/** Keys from the root as text: `a.b[0]`. */
function placeOf(path: readonly string[]): string {
  return path.map((key, index) => /^\d+$/u.test(key) ? `[${key}]` : index === 0 ? key : `.${key}`)
    .join("").slice(0, TEXT_CHARACTERS) || "the file itself";
}

/** Tags and attributes by which a browser runs script or fetches something. */
function isMarkup(text: string): boolean {
  return /<\s*(?:script|img|svg|iframe|object|embed|link|style|body|form|video|audio|details|input|a)\b[^>]*>?/iu
    .test(text) &&
    /<\s*script|\son\w+\s*=|javascript:|\bsrc(?:doc)?\s*=|<\s*(?:iframe|object|embed|link|form)/iu
      .test(text);
}

/** Texts by which cloudpickle makes any function. */
const CLOSURE_TEXT =
  /^(?:cloudpickle(?:\.\w+)*|_(?:make_function|builtin_type|function_setstate|cloudpickle_submodules)|(?:Code|Cell|Function|Lambda)Type|__(?:name|doc|module|file|package|main|qualname|annotations|kwdefaults|defaults|code|globals|closure|dict)__)$/u;
/** Texts of a pickle: SHORT_BINUNICODE and BINUNICODE. */
const PICKLED_TEXT = /\x8c([^])|X([^]{3})\0/gu;

/**
 * True for a pickle of a function by cloudpickle, as learning rates are saved, whose names are none that
 * harm. Bytes that name anything by lines of text, or compute names, are no such pickle.
 */
function isHarmlessClosure(bytes: Uint8Array, { dangerOf }: Interest): boolean {
  const letters = latin1(bytes, bytes.length);
  if (!letters.includes("_make_function") || dangerOf === undefined) return false;
  if (namesByLines(letters)) return false;
  for (const match of letters.matchAll(PICKLED_TEXT)) {
    const [, short, long] = match;
    const length = short?.charCodeAt(0) ??
      (long?.charCodeAt(0) ?? 0) + (long?.charCodeAt(1) ?? 0) * 256;
    const from = (match.index ?? 0) + match[0].length;
    const text = letters.slice(from, from + length);
    if (CLOSURE_TEXT.test(text) || !/^[\p{L}_][\p{L}\p{N}_.]*$/u.test(text)) continue;
    if (/^__\w+__$/u.test(text)) return false;
    if (dangerOf("builtins", text) !== undefined || dangerOf(text, "any") !== undefined) {
      return false;
    }
  }
  return true;
}

/** True where two lines follow each other as GLOBAL and INST have them: module and name. */
function namesByLines(letters: string): boolean {
  const lines = letters.split("\n");
  return lines.slice(1, -1).some((line, at) =>
    /^[\w.]+$/u.test(line) && /[ci][\w.]/u.test(endOf(lines[at] ?? "", /[\w.]/u))
  );
}

/** What an expression or statement needs to run something; values and names alone do not. */
const RUNS_SOMETHING = /[(@=;\n]|\b(?:for|import)\b/u;

/** Characters of an expression whose value may be called; those of functions are short. CWE-834. */
const CALLED_CHARACTERS = 2048;

/** True for an expression whose value may be a function: a name, an item, a lambda. */
function mayBeCalled(text: string): boolean {
  const trimmed = text.trim();
  if (
    trimmed.length > CALLED_CHARACTERS || /\n|;|^(?:import|from|del|raise|assert)\b/u.test(trimmed)
  ) {
    return false;
  }
  return /^\(?\s*lambda\b/u.test(trimmed) ||
    /^[\p{L}_].*[\p{L}\p{N}_\]]$/u.test(trimmed) && /[.[]/u.test(trimmed);
}

/** A statement that imports, in one line and nothing more. */
const PLAIN_IMPORT =
  /^(?:import\s+[\w.]+(?:\s+as\s+\w+)?(?:\s*,\s*[\w.]+(?:\s+as\s+\w+)?)*|from\s+[\w.]+\s+import\s+[\w,*][\w ,*]*)$/u;

/** References to other values, as MONAI writes them: `@a#b`, `@a::b`. They stand where an operand does. */
const REFERENCE =
  /(?<=^\s*|[([{,=+\-*/%<>&|:]\s*|\b(?:if|else|and|or|not|in|is|for|lambda)\s+)@\w*(?:(?:::|#)\w*)*/gu;

/** A text with a name in place of each reference; statements, which have decorators, stay as they are. */
function withoutReferences(text: string): string {
  return /^\s*@\w[\w.]*(?:\(.*\))?[^\S\n]*\n\s*(?:@|def|class|async)/u.test(text)
    ? text
    : text.replace(REFERENCE, "_reference");
}

/** An expression that may go over several lines; statements stay as they are. */
function dedented(text: string): string {
  if (text.split("\n").length === 1) return text.trim();
  return STATEMENT.test(text) ? text : `(${text.trim()})`;
}

/** What begins a file of statements and no expression. */
const STATEMENT =
  /^\s*(?:(?:import|from|def|class|if|for|while|try|with|del|@)\b|@|#|"""|\w+\s*=[^=])/u;

/** Digits of base64 (RFC 4648). */
const BASE64 = /[A-Za-z0-9+/]/u;

/**
 * Base64 as `binascii.a2b_base64` decodes it unless told to be strict: other characters are dropped, a
 * padding ends it, and one where none can stand counts for nothing.
 */
function fromBase64(text: string): Uint8Array | undefined {
  const digits: string[] = [];
  let pads = 0;
  for (const character of text) {
    if (character === "=") {
      const position = digits.length % 4;
      if (position >= 2 && position + ++pads >= 4) break;
    } else if (BASE64.test(character)) {
      digits.push(character);
      pads = 0;
    } else if (character > "\x7f") return undefined;
  }
  if (digits.length % 4 > 0 && pads < 4 - digits.length % 4) return undefined;
  return Uint8Array.from(atob(digits.join("")), (letter) => letter.charCodeAt(0));
}

/** The dotted name that a whole text is, in one of the forms in which loaders write it. */
function nameIn(text: string): string | undefined {
  const [, module, name] = NAMED.exec(text) ?? [];
  const dotted = `${module ?? ""}.${name ?? ""}`;
  return module !== undefined && DOTTED.test(dotted) ? dotted : undefined;
}

function cut(text: string): string {
  return text.slice(0, TEXT_CHARACTERS);
}
