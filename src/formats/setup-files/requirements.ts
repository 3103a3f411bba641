/**
 * Lines of requirements as pip reads them: their encoding, lines, comments and options, which may be abbreviated and
 * quoted. `pip/_internal/req/req_file.py` of https://github.com/pypa/pip, `optparse.py` and `shlex.py` of CPython
 *
 * @module
 */

import type { Observation } from "../../core/types.ts";
import { latin1 } from "../../parsers/bytes.ts";
import type { Command } from "../../parsers/setup/commands.ts";
import { indexAnomaly, requirementAnomaly } from "../../parsers/setup/packages.ts";

type Anomaly = Extract<Observation, { readonly type: "anomaly" }>;

/** What an option's value is: of an index or folder of packages, a host without TLS, a file, a package, anything. */
type ValueKind = "index" | "host" | "file" | "package" | "other";

/** Options with values. Of an abbreviation that is short for several, the first one counts. */
const OPTIONS: readonly (readonly [name: string, kind: ValueKind])[] = [
  ["--index-url", "index"],
  ["--pypi-url", "index"],
  ["--extra-index-url", "index"],
  ["--find-links", "index"],
  ["--trusted-host", "host"],
  ["--requirement", "file"],
  ["--constraint", "file"],
  ["--editable", "package"],
  ["--no-binary", "other"],
  ["--only-binary", "other"],
  ["--use-feature", "other"],
  ["--global-option", "other"],
  ["--config-settings", "other"],
  ["--hash", "other"],
];
/** Options without one, of which no abbreviation is taken for another option. */
const FLAGS = ["--no-index", "--prefer-binary", "--require-hashes", "--pre"];
const SHORT: ReadonlyMap<string, ValueKind> = new Map([
  ["i", "index"],
  ["f", "index"],
  ["r", "file"],
  ["c", "file"],
  ["e", "package"],
  ["C", "other"],
]);

// deno-lint-ignore no-control-regex -- what `str.splitlines` takes for ends of lines
const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/gu;
const COMMENT = /(?:^|\s)#/u;
/** `PEP263_ENCODING_RE`. */
const CODING = /^#.*?coding[:=]\s*(?<label>[-\w.]+)/u;
/** Names of encodings that the Encoding Standard has under others. */
const LABELS: Readonly<Record<string, string>> = {
  __proto__: null as never,
  "utf-8-sig": "utf-8",
  "latin-1": "latin1",
  "us-ascii": "ascii",
};

/**
 * Requirements as text: by their byte order mark, or by the encoding that one of the first two lines names.
 *
 * @returns undefined for an encoding that is not read
 */
export function requirementsText(bytes: Uint8Array): string | undefined {
  const mark = latin1(bytes, 4);
  if (mark === "\xff\xfe\0\0" || mark === "\0\0\xfe\xff") return undefined;
  if (mark.startsWith("\xff\xfe")) return new TextDecoder("utf-16le").decode(bytes);
  if (mark.startsWith("\xfe\xff")) return new TextDecoder("utf-16be").decode(bytes);
  const isMarked = mark.startsWith("\xef\xbb\xbf");
  const first = isMarked ? [] : latin1(bytes, 4096).split("\n", 2);
  const label = first.map((line) => CODING.exec(line)?.groups?.["label"])
    .find((it) => it !== undefined);
  if (label === undefined) return new TextDecoder().decode(bytes);
  const name = label.toLowerCase().replaceAll("_", "-");
  try {
    return new TextDecoder(LABELS[name] ?? name).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Lines with their offsets in bytes, those that end in a backslash joined with the next; comments are not. */
export function* requirementLines(text: string): Iterable<Command> {
  const encoder = new TextEncoder();
  let at = 0;
  let joined: string[] = [];
  let begin = 0;
  const lines = text.split(LINE_END);
  const ends = [...text.matchAll(LINE_END)].map(([end]) => encoder.encode(end).length);
  for (const [index, line] of lines.entries()) {
    if (joined.length === 0) begin = at;
    at += encoder.encode(line).length + (ends[index] ?? 0);
    const isComment = /^\s*#/u.test(line);
    if (line.endsWith("\\") && !isComment) {
      joined.push(line.replace(/^\\+/u, "").replace(/\\+$/u, ""));
      continue;
    }
    joined.push(isComment ? ` ${line}` : line);
    yield { text: joined.join(""), at: begin };
    joined = [];
  }
  if (joined.length > 0) yield { text: joined.join(""), at: begin };
}

/** What lines of requirements install from. */
export function* requirementAnomalies(lines: Iterable<Command>): Iterable<Anomaly> {
  for (const { text, at } of lines) {
    const comment = text.search(COMMENT);
    const line = (comment < 0 ? text : text.slice(0, comment)).trim();
    // What stands before the first option is a requirement, and options of it name no index.
    const option = /(?:^| )-/u.exec(line);
    const what = option === null ? line : line.slice(0, option.index).trim();
    const found = what !== ""
      ? [requirementAnomaly(what)]
      : option === null
      ? []
      : optionsOf(words(line.slice(option.index))).map(anomalyOf);
    for (const one of found) if (one !== undefined) yield { ...one, offset: at };
  }
}

interface Option {
  readonly kind: ValueKind;
  readonly value: string;
}

function anomalyOf({ kind, value }: Option): Anomaly | undefined {
  switch (kind) {
    case "index":
      return indexAnomaly(value);
    case "host":
      return indexAnomaly(`http://${value}`);
    case "file":
    case "package":
      return requirementAnomaly(value);
    case "other":
      return undefined;
  }
}

/** Options with their values, beside each other or in one word. */
function optionsOf(given: readonly string[]): Option[] {
  const found: Option[] = [];
  for (let index = 0; index < given.length; index++) {
    const word = given[index] ?? "";
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    const isLong = word.startsWith("--");
    const kind = isLong
      ? FLAGS.includes(name) ? undefined : OPTIONS.find(([full]) => full.startsWith(name))?.[1]
      : word.startsWith("-")
      ? SHORT.get(word.charAt(1))
      : undefined;
    if (kind === undefined) continue;
    const within = isLong ? (equals < 0 ? "" : word.slice(equals + 1)) : word.slice(2);
    const value = within === "" ? given[++index] ?? "" : within;
    found.push({ kind, value: value.replace(/^=/u, "") });
  }
  return found;
}

/** Words as `shlex.split` has them; a quote that is not closed ends with the text. */
function words(text: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at);
    const next = text.charAt(at + 1);
    if (quote === "" && /[ \t\r\n]/u.test(letter)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else if (quote === "" ? /["']/u.test(letter) : letter === quote) {
      quote = quote === "" ? letter : "";
      word ??= "";
    } else if (letter === "\\" && (quote === "" || (quote === '"' && /["\\]/u.test(next)))) {
      word = (word ?? "") + next;
      at++;
    } else word = (word ?? "") + letter;
  }
  return word === undefined ? found : [...found, word];
}
