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

/** `x = !command`, `!command`; `!!` gives the output as a list. */
const COMMAND = /^(?:[\w,][\w, ]*=\s*)?!{1,2}(?<command>[^]*)$/u;
/** Line magics that run a command of the system. */
const COMMAND_MAGIC = /^(?:[\w,][\w, ]*=\s*)?%(?:sx|system|alias\s+\w+)\s+(?<command>[^]*)$/u;
const MAGIC = /^(?:[\w,][\w, ]*=\s*)?%\w/u;
/** Help: `x?`, `?x`. */
const HELP = /^(?:\?{1,2}\S[^]*|[\w.]+\?{1,2}\s*)$/u;
/** Cells that another program runs; of all others (`%%time`, `%%capture`) the rest is Python. */
const CELL_COMMAND = /^%%(?:bash|sh|script|system|sx|!)(?:\s|$)/u;
const CELL_OTHER =
  /^%%(?:html|HTML|javascript|js|latex|markdown|svg|writefile|file|R|ruby|perl|cython|sql|cu)(?:\s|$)/u;

/** Line magics that install packages. */
const PACKAGE_MAGIC = /^%(?<command>(?:pip|conda|mamba|micromamba|uv)\s.*)$/u;
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
  const lines = source.split(/\r?\n/u);
  const [first = ""] = lines;
  if (CELL_OTHER.test(first)) return "";
  const call = (indent: string, command: string): string => {
    add(command);
    return `${indent}__import__("os").system(${JSON.stringify(withoutInstallers(command))})`;
  };
  if (CELL_COMMAND.test(first)) return call("", lines.slice(1).join("\n"));
  return (first.startsWith("%%") ? lines.slice(1) : lines).map((line) => {
    const written = line.trimStart();
    const indent = line.slice(0, line.length - written.length);
    const command = COMMAND.exec(written) ?? COMMAND_MAGIC.exec(written);
    if (command !== null) return call(indent, command.groups?.["command"] ?? "");
    const packages = PACKAGE_MAGIC.exec(written)?.groups?.["command"];
    if (packages !== undefined) add(packages);
    return MAGIC.test(written) || HELP.test(written) ? `${indent}pass` : line;
  }).join("\n");
}

/** A command without the pipes into a shell where all that is fetched and run are known installers. */
function withoutInstallers(command: string): string {
  if (!INTO_SHELL.test(command)) return command;
  const found = commandAnomalies([{ text: command, at: 0 }], () => {});
  const known = found.every(({ rule }) => !/script|hidden|unread/u.test(rule));
  return known ? command.replaceAll(INTO_SHELL, "| cat") : command;
}
