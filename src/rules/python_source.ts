/**
 * Verdicts on what Python source calls while it is imported, or served. Source calls many functions
 * that no pickle needs: common ones such as `os.path.join` do not count. Which calls count depends on
 * where the source comes from: code of a model repository runs where a model is loaded, so every global
 * that the table calls dangerous counts there; of a module in a wheel, which a person may import, only
 * what `python.toml` lists. What is sent, fetched or hidden counts in both.
 *
 * @module
 */

import { pathOf } from "../parsers/python/names.ts";
import type { Fact, OperatorFact, ReferenceFact } from "../core/types.ts";
import type { GlobalClassifier, Match } from "./classify.ts";
import { sourceMessage } from "./finding.ts";
import { compareVerdicts } from "./rule.ts";
import type { Rule } from "./rule.ts";

/** Who brings source along, and how a call in it is judged. */
interface Kind {
  /** Id of the rule for a dangerous call. */
  readonly rule: string;
  /** "combinations": only what the arguments of a call make of it counts; "table": what the table of globals calls dangerous; "rule": what `python.toml` lists as running code. */
  readonly verdict: "table" | "rule" | "combinations";
  /** Beginning of the sentence. */
  readonly subject: string;
}

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ["python", { rule: "repository-python-call", verdict: "table", subject: "Loading this file" }],
  ["python-config", {
    rule: "loader-evaluated-call",
    verdict: "table",
    subject: "Loading this configuration",
  }],
  ["python-archive", {
    rule: "python-import-call",
    verdict: "rule",
    subject: "Importing this module",
  }],
  ["python-handler", { rule: "torchserve-call", verdict: "table", subject: "Loading this model" }],
  // A user runs its cells, and reads them first: commands and installations are everyday there.
  ["python-notebook", {
    ...{ rule: "python-attack", verdict: "combinations", subject: "Running this notebook" },
  }],
  ["python-served", {
    rule: "torchserve-request-call",
    verdict: "rule",
    subject: "A request to this model",
  }],
]);

/** Whose lists of operators say what runs code or commands, opens connections, and so on. */
const LISTING = "python-archive";

/** In any language: the verdict that a call's arguments give it. */
interface Combination {
  readonly rule: string;
  readonly called: RegExp;
  /** Any of these. */
  readonly traits: readonly string[];
  /** And this. */
  readonly also?: string;
  /** But not where this is called with this trait. */
  readonly except?: readonly { readonly called: RegExp; readonly trait: string }[];
}

const RUNS_CODE =
  /^(?:builtins\.(?:exec|eval|compile|execfile)|marshal\.loads?|types\.(?:FunctionType|CodeType)|code\.|runpy\.)/u;
const RUNS_COMMANDS =
  /^(?:os\.(?:system|popen|exec|spawn|posix_spawn|startfile)|posix\.|nt\.|subprocess\.|pty\.|commands\.|asyncio\.[\w.]*subprocess)/u;
const SENDS =
  /^(?:socket\.|urllib\.(?:request\.|urlopen|urlretrieve)|urllib2\.|http\.client\.|httplib\.|requests\.|httpx\.|aiohttp\.|urllib3\.|ftplib\.|smtplib\.|telnetlib\.|websocket(?!s\.(?:\w+\.)*serve)|paramiko\.|xmlrpc\.client\.|webbrowser\.open|asyncio\.open_connection)/u;

/** Of these, what only makes or describes a client, a connection or a request. */
const DESCRIBES =
  /^(?:requests\.(?:sessions\.)?[Ss]ession(?:\.(?:headers|params|cookies|proxies|auth|hooks|adapters))?(?:\.(?:update|setdefault|set|mount))?|requests\.(?:auth|adapters)\.\w+|requests\.Request|httpx\.(?:Async)?Client(?:\.(?:headers|params|cookies)\.\w+)?|httpx\.(?:Request|BasicAuth|Headers)|httpx\.(?:URL|QueryParams)(?:\.\w+)?|aiohttp\.(?:ClientSession|BasicAuth|TCPConnector)|urllib3\.(?:PoolManager|ProxyManager|make_headers)(?:\.headers\.\w+)?|urllib\.request\.(?:Request|build_opener|install_opener|\w+Handler)(?:\.add_(?:header|password))?|http\.client\.HTTPS?Connection)$/u;

/** The worst first. */
const COMBINATIONS: readonly Combination[] = [
  // Code that is decoded or fetched first: no author hides from himself what he runs.
  { rule: "python-attack", called: RUNS_CODE, traits: ["decoded"] },
  { rule: "python-attack", called: RUNS_COMMANDS, traits: ["shell", "decoded"] },
  // A pickle among the source: who has an object to offer writes the object.
  {
    rule: "python-attack",
    called: /^(?:_?pickle|cPickle|dill|cloudpickle)\.loads$/u,
    traits: ["pickle", "decoded"],
  },
  {
    ...{ rule: "python-exfiltration", called: SENDS, traits: ["environment", "secret"] },
    // A client that is given a token sends it to whom its user will ask.
    except: [{ called: DESCRIBES, trait: "variable" }, { called: SENDS, trait: "own-service" }],
  },
  { rule: "python-persistence", called: /./u, traits: ["startup"], also: "writes" },
  { rule: "python-unsafe-load", called: /./u, traits: ["unsafe-load"] },
];

interface Tables {
  readonly classifier: GlobalClassifier;
  readonly rules: ReadonlyMap<string, Rule>;
  operator(fact: OperatorFact): Rule | undefined;
}

/** True for a language of references that stand for calls in Python source. */
export function isSourceLanguage(language: string): boolean {
  return KINDS.has(language);
}

/** A verdict on a call. */
interface SourceVerdict {
  /** The rule that it falls under. */
  readonly rule: Rule;
  readonly match: Match;
  /** Whose severity and reasons hold: the table's entry, or the rule. */
  readonly decides: Rule;
  readonly message: string;
}

/**
 * Judges calls of one name in Python source: the worst of them counts.
 *
 * @param facts of which those that are no calls in source say nothing
 * @returns undefined when nothing is dangerous
 */
export function judgeSourceCalls(
  tables: Tables,
  facts: readonly Fact[],
): SourceVerdict | undefined {
  let worst: SourceVerdict | undefined;
  for (const fact of facts) {
    if (fact.kind !== "reference") continue;
    const found = judgeSourceCall(tables, fact);
    if (found === undefined) continue;
    if (worst === undefined || compareVerdicts(found.decides, worst.decides) < 0) worst = found;
  }
  return worst;
}

function judgeSourceCall(tables: Tables, fact: ReferenceFact): SourceVerdict | undefined {
  const { module, name, expression, language } = fact;
  const kind = KINDS.get(language);
  const rule = tables.rules.get(kind?.rule ?? "");
  if (kind === undefined || rule === undefined || module === "") return undefined;
  const path = pathOf(module, name);
  const match = tables.classifier.match(module, name, true);
  const message = sourceMessage(kind.subject, expression, match, path);
  const traits = traitsOf(fact);
  for (const { rule: id, called, traits: any, also, except } of COMBINATIONS) {
    if (!called.test(path) || !any.some((each) => traits.includes(each))) continue;
    if (also !== undefined && !traits.includes(also)) continue;
    if (except?.some((one) => one.called.test(path) && traits.includes(one.trait))) continue;
    const found = tables.rules.get(id);
    if (found !== undefined) return { rule: found, match, decides: found, message };
  }
  if (kind.verdict === "combinations") return undefined;
  const reported = (each: string) =>
    tables.operator({ kind: "operator", language: each, name: path, expression });
  if (kind.verdict === "rule") {
    const listed = reported(LISTING);
    if (listed === undefined || isHarmless(listed.id, path, traits)) return undefined;
    // Who serves a model judges all of it by one rule.
    const decides = language === LISTING ? listed : rule;
    return { rule: decides, match, decides, message };
  }
  if (isHarmless("", path, traits)) return undefined;
  const harmless = reported("python") !== undefined || match.exactness === 0;
  if (harmless || match.rule.safety !== "dangerous") return undefined;
  return { rule, match, decides: match.rule, message };
}

/** What is said of the arguments of a call. */
function traitsOf({ details }: ReferenceFact): readonly string[] {
  const traits = details?.["traits"];
  return Array.isArray(traits) ? traits : [];
}

/** Calls that their arguments make everyday ones. */
function isHarmless(rule: string, path: string, traits: readonly string[]): boolean {
  if (
    rule === "python-library" || /^ctypes\.(?:CDLL|PyDLL|WinDLL|OleDLL|cdll|windll)/u.test(path)
  ) {
    return traits.includes("system-library");
  }
  // Code in a literal of the source, with names inserted; code of a file that is judged for itself.
  return rule === "python-import-call" &&
    (traits.includes("template") || traits.includes("source-file"));
}
