/**
 * Requirements of pip, conda's environments, Dockerfiles and Ollama's Modelfiles. They are text that a person or a
 * service runs; stated are scripts that are fetched and run, indexes and addresses that packages come from, and
 * paths that leave the folder.
 * https://pip.pypa.io/en/stable/reference/requirements-file-format/,
 * https://docs.docker.com/reference/dockerfile/, https://github.com/ollama/ollama/blob/main/docs/modelfile.md
 *
 * @module
 */

import type { Format, FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { configText } from "../../parsers/config/read.ts";
import { leavesFolder } from "../../parsers/leaves_folder.ts";
import { type Command, commandAnomalies } from "../../parsers/setup/commands.ts";
import { readAll } from "../../sources/read_all.ts";
import { environmentAnomalies } from "./environment.ts";
import { setupKind } from "./head.ts";
import { requirementAnomalies, requirementLines, requirementsText } from "./requirements.ts";

type Anomaly = Extract<Observation, { readonly type: "anomaly" }>;

/** Bytes of such a file. The longest real one, a list with hashes, has 400 KiB. CWE-770. */
const FILE_BYTES = 16 * 1024 * 1024;
/** Anomalies of one kind that are reported one by one. CWE-779. */
const REPORTED = 20;

/** Instructions of a Dockerfile that run or set something. */
const INSTRUCTION = /^\s*(?:ONBUILD\s+)?(?<word>[A-Za-z]+)\s+(?<rest>[^]*)$/u;
/** Instructions with a command. */
const RUNS = ["RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"];
const HEREDOC =
  /(?<=^|\s)\d*<<(?!<)-?\s*(?:"(?<double>[^"\n]+)"|'(?<single>[^'\n]+)'|(?<plain>[^\s"'<>|&;()]+))/gu;
const INTERPRETER = /^\s*(?:\S*\/)?(?:python[\d.]*|perl|ruby|node|php)(?:\s|$)/u;
/** `$A`, or the beginning of `${A}` and `${A:-otherwise}`. */
const VARIABLE = /\$\{?(?<name>\w+)/gu;
/** Instructions of a Modelfile that name a file. */
const MODEL = /^(?<word>FROM|ADAPTER)\s+(?<place>\S[^]*)$/iu;

/** Requirements, Dockerfiles and Modelfiles. */
export const setupFileFormat: Format = {
  id: "setup-file",
  random: false,
  detect: (sample) => setupKind(sample) !== undefined,
  scan,
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const bytes = await readAll(source, FILE_BYTES, "a list of requirements or commands", check);
  const text = new TextDecoder().decode(bytes);
  switch (setupKind(context.sample)) {
    case "requirements": {
      const lines = requirementsText(bytes);
      if (lines === undefined) {
        const detail = "Its encoding is not read";
        yield [{ type: "anomaly", rule: "setup-unread", detail, unread: true }];
      } else yield limited(requirementAnomalies(requirementLines(lines)));
      return;
    }
    case "environment":
      yield limited(environmentAnomalies(text, check));
      return;
    case "script":
      yield limited(commandAnomalies(logicalLines(text), check));
      return;
    case "dockerfile":
      yield limited(commandAnomalies(instructions(text, true), check));
      // What only looks like the beginning of a text within, for instance in quotes, hides nothing.
      if (/<</u.test(text)) yield limited(commandAnomalies(instructions(text, false), check));
      return;
    case "modelfile":
      // Ollama decodes it by its byte order mark.
      yield limited(modelfile(configText(bytes)));
  }
}

/** Lines with their offsets, those that end in a backslash joined with the next. */
function* logicalLines(text: string): Iterable<Command> {
  let at = 0;
  let joined: string | undefined;
  let begin = 0;
  for (const line of text.split("\n")) {
    const content = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (joined === undefined) begin = at;
    joined = (joined ?? "") + content;
    at += new TextEncoder().encode(line).length + 1;
    if (joined.endsWith("\\")) joined = joined.slice(0, -1);
    else {
      yield { text: joined, at: begin };
      joined = undefined;
    }
  }
  if (joined !== undefined) yield { text: joined, at: begin };
}

/** A command whose text, or the file that is copied, follows. */
interface Heredoc {
  readonly command: string;
  /** Lines that end its texts, in order. */
  readonly ends: readonly string[];
  readonly lines: string[];
  readonly at: number;
}

/**
 * Commands of a Dockerfile, with what its variables are set to.
 *
 * @param heredocs whether texts may follow a command; else all lines are instructions
 */
function* instructions(text: string, heredocs: boolean): Iterable<Command> {
  const variables = new Map<string, string>();
  let heredoc: Heredoc | undefined;
  for (const { text: line, at } of dockerLines(text)) {
    if (heredoc !== undefined) {
      const [end, ...ends] = heredoc.ends;
      if (line.trim() !== end) heredoc.lines.push(line);
      else if (ends.length > 0) heredoc = { ...heredoc, ends };
      else {
        yield heredocCommand(heredoc);
        heredoc = undefined;
      }
      continue;
    }
    const groups = INSTRUCTION.exec(line)?.groups;
    const word = groups?.["word"]?.toUpperCase() ?? "";
    const rest = groups?.["rest"] ?? "";
    if (word === "ARG" || word === "ENV") {
      for (const [name, value] of assignments(rest)) variables.set(name, value);
      yield { text: assignments(rest).map(([name, value]) => `${name}='${value}'`).join(" "), at };
    } else if (RUNS.includes(word)) {
      const command = substituted(
        execForm(
          rest.replace(/^[^]*?\bCMD\s+(?=[^]*)/u, (before) => word === "HEALTHCHECK" ? "" : before),
        ),
        variables,
      );
      const ends = heredocs && word === "RUN" ? endsOf(command) : [];
      if (ends.length === 0) yield { text: command, at };
      else heredoc = { command: command.replaceAll(HEREDOC, ""), ends, lines: [], at };
    } else if (heredocs && word === "COPY" && endsOf(rest).length > 0) {
      // What is copied from the text itself may be run later.
      heredoc = { command: "", ends: endsOf(rest), lines: [], at };
    } else if (word === "ADD") {
      // What is added from an address is stated where it is run.
      const words = execForm(substituted(rest, variables)).split(/\s+/u).map(unquoted);
      const place = words.at(-1) ?? "";
      for (const address of words.filter((each) => /^(?:https?|ftp):\/\//iu.test(each))) {
        // The name is that of the address in a folder, and else that of the file.
        yield { text: `curl -O ${address}`, at };
        yield { text: `curl -o '${place}' ${address}`, at };
      }
    }
  }
  if (heredoc !== undefined) yield heredocCommand(heredoc);
}

/** The lines that end the texts which follow a command, in order. */
function endsOf(command: string): string[] {
  return [...command.matchAll(HEREDOC)]
    .map(({ groups }) => groups?.["double"] ?? groups?.["single"] ?? groups?.["plain"] ?? "");
}

/** What a shell runs of a text; what another interpreter reads is its argument. */
function heredocCommand({ command, lines, at }: Heredoc): Command {
  const text = lines.join("\n");
  return INTERPRETER.test(command)
    ? { text: `${command} -c '${text.replaceAll("'", "'\\''")}'`, at }
    : { text: `${command}\n${text}`, at };
}

/** The letter that continues a line, where a directive sets another. */
const ESCAPE = /^#\s*escape\s*=\s*`\s*$/mu;

/** Lines of a Dockerfile, without comments, continued ones joined. */
function* dockerLines(text: string): Iterable<Command> {
  const written = ESCAPE.test(text.slice(0, 1024)) ? text.replaceAll(/`(?=\s*$)/gmu, "\\") : text;
  const kept = written.replaceAll(/^[ \t]*#.*$/gmu, (comment) => " ".repeat(comment.length));
  // A comment between two parts of an instruction does not end it.
  yield* logicalLines(
    kept.replaceAll(
      /\\[ \t]*(\r?\n)(?:[ \t]*\r?\n)+/gu,
      (blank) => `${" ".repeat(new TextEncoder().encode(blank).length - 2)}\\\n`,
    ),
  );
}

/** `A=b C="d"`, or `A b`. */
function assignments(rest: string): (readonly [name: string, value: string])[] {
  const pairs = [...rest.matchAll(/(?<!\w)(?<name>\w+)=(?<value>"[^"]*"|'[^']*'|\S*)/gu)]
    .map(({ groups }) => [groups?.["name"] ?? "", unquoted(groups?.["value"] ?? "")] as const);
  if (pairs.length > 0) return pairs;
  const old = /^(?<name>\w+)\s+(?<value>[^]*)$/u.exec(rest.trim())?.groups;
  return old === undefined ? [] : [[old["name"] ?? "", unquoted(old["value"] ?? "")]];
}

function unquoted(text: string): string {
  return text.replace(/^("""|["'])([^]*)\1$/u, "$2");
}

/** The command of `["sh", "-c", "…"]`; other forms as they are, without their options. */
function execForm(rest: string): string {
  const text = rest.replace(/^(?:\s*--\w+(?:=\S+)?(?=\s))+\s/u, "");
  if (!/^\s*\[/u.test(text)) return text;
  try {
    const words: unknown = JSON.parse(text);
    if (!Array.isArray(words)) return text;
    return words.map((word) => `'${String(word).replaceAll("'", "'\\''")}'`).join(" ");
  } catch {
    return text;
  }
}

/** Variables by their values, once. */
function substituted(text: string, variables: ReadonlyMap<string, string>): string {
  let made = "";
  let end = 0;
  for (const { 0: written, index, groups } of text.matchAll(VARIABLE)) {
    if (index < end) continue;
    const name = groups?.["name"] ?? "";
    if (!written.startsWith("${")) {
      made += text.slice(end, index) + (variables.get(name) ?? written);
      end = index + written.length;
      continue;
    }
    const close = text.indexOf("}", index);
    if (close < 0) break;
    const otherwise = /^(?::?-([^]*))?$/u.exec(text.slice(index + written.length, close));
    if (otherwise === null) continue;
    made += text.slice(end, index) +
      (variables.get(name) ?? otherwise[1] ?? text.slice(index, close + 1));
    end = close + 1;
  }
  return made + text.slice(end);
}

/** Files that a Modelfile reads. */
function* modelfile(text: string): Iterable<Anomaly> {
  for (const { text: line, at: offset } of logicalLines(text)) {
    const groups = MODEL.exec(line.trim())?.groups;
    const place = unquoted(groups?.["place"] ?? "");
    if (place === "" || !/[\\/~]|^\.\./u.test(place)) continue;
    if (/^http:\/\//iu.test(place)) {
      yield {
        type: "anomaly",
        rule: "setup-insecure-index",
        detail: line.trim().slice(0, 200),
        offset,
      };
    } else if (!/^https:\/\//iu.test(place) && leavesFolder(place)) {
      yield {
        type: "anomaly",
        rule: "setup-outside-path",
        detail: line.trim().slice(0, 200),
        offset,
      };
    }
  }
}

/** Of each rule only the first ones. */
function limited(anomalies: Iterable<Anomaly>): Anomaly[] {
  const counts = new Map<string, number>();
  const found: Anomaly[] = [];
  for (const one of anomalies) {
    const count = (counts.get(one.rule) ?? 0) + 1;
    counts.set(one.rule, count);
    if (count <= REPORTED) found.push(one);
  }
  return found;
}
