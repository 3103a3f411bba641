/**
 * Verdicts on what Python source calls while it is imported, or served. Source calls much that a
 * pickle has no business with: everyday questions such as `os.path.join` do not count. How much counts depends on who brings the source along: code of a
 * model repository runs where a model is loaded, so whatever the table of globals calls dangerous
 * counts there; of a module in a wheel, which somebody may import, only what runs code or commands.
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
  /** "table": what the table of globals calls dangerous; "rule": what `python.toml` lists as running code. */
  readonly verdict: "table" | "rule";
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
  ["python-served", {
    rule: "torchserve-request-call",
    verdict: "rule",
    subject: "A request to this model",
  }],
]);

/** Whose list of operators says what runs code or commands. */
const LISTING = "python-archive";
const ATTACK_RULE = "python-attack";

/** Shapes of known attacks: what is called, and what stands among its arguments. */
const ATTACKS: readonly (readonly [called: RegExp, expression: RegExp])[] = [
  // Code that is decoded or fetched first: no author hides from himself what he runs.
  [
    /^(?:builtins\.(?:exec|eval|compile|__import__)|marshal\.loads)$/u,
    new RegExp(
      "\\b(?:[ab](?:16|32|64|85)(?:decode|_decode)|(?:standard_|urlsafe_)?b64decode|decodebytes|" +
        "unhexlify|fromhex|decompress|rot_?13|loads|decrypt|urlopen|urlretrieve|chr|recv|" +
        "requests\\.(?:get|post)|httpx\\.get)\\b",
      "iu",
    ),
  ],
  // A pickle among the source: whoever has an object to offer writes the object.
  [/^(?:_?pickle|cPickle|dill|cloudpickle)\.loads$/u, /^[^(]*\(\s*(?:b|rb|br)?["']/iu],
  // Commands that fetch and run, open a shell to somewhere, or hide what they are.
  [
    /^(?:os|posix|nt|subprocess|pty|commands|asyncio)\./u,
    new RegExp(
      "(?:curl|wget)\\b[^\"'|;&]*(?:\\||;|&&)\\s*(?:sudo\\s+)?(?:ba|z|da|k)?sh\\b|" +
        "/dev/(?:tcp|udp)/|\\bbash\\s+-i\\b|\\bnc\\b[^\"']*\\s-e\\b|base64\\s+(?:-d|-D|--decode)\\b|" +
        "powershell[^)]*-e(?:nc|ncodedcommand)?\\b|certutil[^\"']*-decode|\\bmshta\\b|b64decode",
      "iu",
    ),
  ],
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
  const attack = tables.rules.get(ATTACK_RULE);
  const isAttack = ATTACKS.some(([called, shape]) => called.test(path) && shape.test(expression));
  if (attack !== undefined && isAttack) return { rule: attack, match, decides: attack, message };
  const told = (each: string) =>
    tables.operator({ kind: "operator", language: each, name: path, expression });
  if (kind.verdict === "rule") {
    return told(LISTING) === undefined ? undefined : { rule, match, decides: rule, message };
  }
  const harmless = told("python") !== undefined || match.exactness === 0;
  if (harmless || match.rule.safety !== "dangerous") return undefined;
  return { rule, match, decides: match.rule, message };
}
