/**
 * Jupyter notebooks as one program: the code cells in order, with IPython's commands (`!x`, `%x`,
 * `%%bash`) as the calls that they stand for.
 * https://nbformat.readthedocs.io/en/latest/format_description.html,
 * https://ipython.readthedocs.io/en/stable/interactive/python-ipython-diff.html
 *
 * @module
 */

import { type Command, commandAnomalies } from "../setup/commands.ts";
import { isArray, isObject, type JsonValue, parseJson, valuesOf } from "../json.ts";

/** What is assigned to in front of a command or magic; IPython takes the last part of the line for it. */
const ASSIGNED = /^(?<target>[^=#]*[^=#!<>+\-*\/%&|^~:])=[ \t]*(?<rest>[!%][^]*)$/u;
/** `!command`; `!!` gives the output as a list. */
const COMMAND = /^!{1,2}(?<command>[^]*)$/u;
/** Line magics that run a command of the system. */
const COMMAND_MAGIC = /^%(?:sx|system|alias\s+\w+)\s+(?<command>[^]*)$/u;
/** The same without their sign (`%automagic`), where the line is none of Python's. */
const COMMAND_WORD = /^(?:sx|system)[ \t]+(?<command>[^=(.,\s][^]*)$/u;
/** Line magics that run a statement, behind options of theirs. */
const STATEMENT_MAGIC =
  /%(?:time|timeit|prun|memit|mprun|lprun|px|pxlocal)\s+(?:-[fsm]\s+\S+\s+|-\w*\s+(?:\d+\s+)?)*/uy;
/** Magics in one another; each is some calls of Python's, of which there may be a thousand. CWE-674. */
const DEPTH = 100;
const MAGIC = /^%\w/u;
/** Calls without parentheses: each word, the whole rest, or what Python has between commas. */
const AUTOMATIC_CALL = /^(?<sign>[,;/])(?<callee>[A-Za-z_][\w.]*)[ \t]+(?<rest>[^]*)$/u;
/** Help: `x?`, `?x`. */
const HELP = /^(?:\?{1,2}\S[^]*|[\w.]+\?{1,2}\s*)$/u;
/** Cells that another program runs; of all others (`%%time`, `%%capture`) the rest is a cell again. */
const CELL_COMMAND = /^%%(?:bash|sh|script|system|sx|cmd|!)(?:\s|$)/u;
/** Those whose first line is a command, too. */
const CELL_LINE = /^%%(?:system|sx|!)\s+(?<command>[^]*)$/u;
const CELL_OTHER =
  /^%%(?:html|HTML|javascript|js|latex|markdown|svg|writefile|file|R|ruby|perl|cython|sql|cu)(?:\s|$)/u;
/** Prompts that IPython takes off where one of the first two lines has one. */
const PROMPT = /^(?:>>>|\.\.\.)(?: |$)|^In \[\d+\]: ?|^\s*\.{3,}: ?/u;
/** IPython's own methods, as a notebook that was made of a script has them. */
const SHELL_METHOD =
  /\bget_ipython\(\)\s*\.\s*(?:(?<magic>run_line_magic|run_cell_magic)|system(?:_raw|_piped)?|getoutput)(?=\()/gu;

/** Line magics that install packages, with or without their sign. */
const PACKAGE_MAGIC = /^%?(?<command>(?:pip|conda|mamba|micromamba|uv)\s+[a-z].*)$/u;
/** What runs an installer that is piped into it. */
const INTO_SHELL = /\|\s*(?:sudo\s+(?:-\w+\s+)*)?(?:ba|z)?sh\b/gu;

/** A notebook's cells as one program, and the commands of a shell in them. */
interface NotebookProgram {
  readonly program: string;
  /** Without their places: cells are texts of JSON. */
  readonly commands: readonly Command[];
}

/**
 * The program that a notebook's cells are.
 *
 * @param bytes of the whole file
 * @returns undefined where its language is not Python; an error where it is no notebook that can be read
 */
export function notebookProgram(
  bytes: Uint8Array,
): NotebookProgram | undefined | { readonly error: string } {
  const { value, error } = parseJson(bytes);
  if (value === undefined || error !== undefined) return { error: error?.message ?? "no JSON" };
  if (!isObject(value)) return { error: "it is no object" };
  const metadata = valuesOf(value, "metadata").filter((each) => isObject(each));
  const languages = metadata.flatMap((each) => [
    ...valuesOf(each, "kernelspec").flatMap((spec) => textsOf(spec, "language")),
    ...valuesOf(each, "language_info").flatMap((spec) => textsOf(spec, "name")),
  ]);
  // Where two are named, either may be meant.
  if (languages.length > 0 && !languages.some((each) => /python|^$/iu.test(each))) return undefined;
  const sheets = valuesOf(value, "worksheets").flatMap((each) => isArray(each) ? each.items : []);
  const cells = [value, ...sheets].flatMap((each) => isObject(each) ? valuesOf(each, "cells") : [])
    .flatMap((each) => isArray(each) ? each.items : []);
  const commands: Command[] = [];
  const add = (text: string): void => void commands.push({ text, at: 0 });
  const program = cells.flatMap((cell) => isCode(cell) ? [cellProgram(cell, add)] : []).join("\n");
  return { program, commands };
}

function textsOf(value: JsonValue, key: string): string[] {
  return isObject(value)
    ? valuesOf(value, key).flatMap((each) => typeof each === "string" ? [each] : [])
    : [];
}

function isCode(cell: JsonValue): boolean {
  return textsOf(cell, "cell_type").includes("code");
}

function cellProgram(cell: JsonValue, add: (command: string) => void): string {
  if (!isObject(cell)) return "";
  const source = [...valuesOf(cell, "source"), ...valuesOf(cell, "input")].map((each) =>
    isArray(each)
      ? each.items.map((line) => typeof line === "string" ? line : "").join("")
      : typeof each === "string"
      ? each
      : ""
  ).join("\n");
  return linesProgram(source.split(/\r\n|[\r\n]/u), add);
}

/** Lines without what IPython takes off: blank ones at the beginning, the indent of the first, prompts. */
function cleaned(lines: readonly string[]): readonly string[] {
  const from = lines.findIndex((line) => line.trim() !== "");
  const kept = from < 0 ? [] : lines.slice(from);
  const indent = /^[ \t]*/u.exec(kept[0] ?? "")?.[0] ?? "";
  const flush = kept.map((line) => line.startsWith(indent) ? line.slice(indent.length) : line);
  const hasPrompt = flush.slice(0, 2).some((line) => PROMPT.test(line));
  return hasPrompt ? flush.map((line) => line.replace(PROMPT, "")) : flush;
}

function linesProgram(given: readonly string[], add: (command: string) => void): string {
  let lines = cleaned(given);
  const call = (command: string): string => {
    add(command);
    return `__import__("os").system(${JSON.stringify(withoutInstallers(command))})`;
  };
  for (let depth = 0; depth < DEPTH; depth++) {
    const [first = ""] = lines;
    if (!first.startsWith("%%")) break;
    if (CELL_OTHER.test(first)) return "";
    const rest = lines.slice(1);
    if (CELL_COMMAND.test(first)) {
      const command = CELL_LINE.exec(first)?.groups?.["command"];
      return call([...(command === undefined ? [] : [command]), ...rest].join("\n"));
    }
    lines = cleaned(rest);
  }
  const program: string[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    const written = line.trimStart();
    const indent = line.slice(0, line.length - written.length);
    const parts = [written];
    if (/^[!%]/u.test(written) || ASSIGNED.test(written)) {
      // A command goes on behind a backslash.
      while (parts.at(-1)?.endsWith("\\") === true && index + 1 < lines.length) {
        parts.push(parts.pop()?.slice(0, -1) ?? "", lines[++index] ?? "");
      }
    }
    program.push(...statements(parts.join(" "), call, add).map((each) => indent + each));
  }
  return program.join("\n");
}

/** A line as Python has it. */
function statements(
  line: string,
  call: (command: string) => string,
  add: (command: string) => void,
  depth = 0,
): readonly string[] {
  const { target = "", rest = line } = ASSIGNED.exec(line)?.groups ?? {};
  const command = (COMMAND.exec(rest) ?? COMMAND_MAGIC.exec(rest) ?? COMMAND_WORD.exec(rest))
    ?.groups?.["command"];
  if (command !== undefined) {
    const called = call(command);
    // In quotes it may be a text, and the line Python.
    if (/["']/u.test(target)) return [line, called];
    return [target === "" ? called : `${target}= ${called}`];
  }
  let from = 0;
  for (STATEMENT_MAGIC.lastIndex = 0; STATEMENT_MAGIC.test(rest);) from = STATEMENT_MAGIC.lastIndex;
  if (from > 0 && depth < DEPTH) return statements(rest.slice(from), call, add, depth + 1);
  const packages = PACKAGE_MAGIC.exec(rest)?.groups?.["command"];
  if (packages !== undefined) add(packages);
  const automatic = AUTOMATIC_CALL.exec(rest)?.groups;
  if (automatic !== undefined) {
    const { sign, callee = "", rest: given = "" } = automatic;
    const words = sign === ";" ? [given] : given.split(/\s+/u);
    return [
      `${callee}(${sign === "/" ? given : words.map((word) => JSON.stringify(word)).join(", ")})`,
    ];
  }
  if (MAGIC.test(rest)) {
    return /["']/u.test(target) ? [line] : [target === "" ? "pass" : `${target}= None`];
  }
  if (HELP.test(rest)) return ["pass"];
  return [
    line.replaceAll(
      SHELL_METHOD,
      (_, magic: string | undefined) =>
        magic === undefined
          ? '__import__("os").system'
          : '(lambda name, line, cell="": __import__("os").system(line + cell))',
    ),
  ];
}

/** A command without the pipes into a shell where all that is fetched and run are known installers. */
function withoutInstallers(command: string): string {
  if (!INTO_SHELL.test(command)) return command;
  const found = commandAnomalies([{ text: command, at: 0 }], () => {});
  const known = found.every(({ rule }) => !/script|hidden|unread/u.test(rule));
  return known ? command.replaceAll(INTO_SHELL, "| cat") : command;
}
