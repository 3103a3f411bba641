/**
 * Commands and options as plain data, for completions and the manual page.
 *
 * @module
 */

import { type Command, Option } from "commander";

/** The shells there are completions for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = typeof SHELLS[number];

/** One option. */
export interface OptionModel {
  /** For instance `-f` and `--format`. */
  readonly names: readonly string[];
  /** As help shows it: `-f, --format <format>`. */
  readonly flags: string;
  readonly description: string;
  readonly takesValue: boolean;
  /** What its value may be, where that is a list. */
  readonly choices: readonly string[];
}

/** One command, with those under it. */
export interface CommandModel {
  readonly name: string;
  readonly description: string;
  /** Arguments as help shows them: `<path...>`. */
  readonly usage: string;
  /** What its arguments may be, where that is a list. */
  readonly choices: readonly string[];
  readonly options: readonly OptionModel[];
  readonly commands: readonly CommandModel[];
}

/** What may stand on a command line, by the command's name. */
interface Choices {
  /** The values of an option. */
  options(command: string, option: string): readonly string[];
  /** The arguments. */
  arguments(command: string): readonly string[];
}

/** Describes a command and all under it. */
export function commandModelOf(command: Command, choices: Choices): CommandModel {
  const name = command.name();
  return {
    name,
    description: command.description(),
    usage: command.registeredArguments.map((it) => {
      const inner = it.name() + (it.variadic ? "..." : "");
      return it.required ? `<${inner}>` : `[${inner}]`;
    }).join(" "),
    choices: choices.arguments(name),
    options: optionsOf(command).map((it) => ({
      names: [it.short, it.long].filter((word) => word !== undefined && word !== null),
      flags: it.flags,
      description: it.description,
      takesValue: it.required || it.optional,
      choices: choices.options(name, it.long ?? ""),
    })),
    commands: command.commands.map((it) => commandModelOf(it, choices)),
  };
}

/** Its options; `--help` is none of them for commander, and stands with the program's, which all commands take. */
function optionsOf({ options, parent }: Command): readonly Option[] {
  return parent === null ? [...options, new Option("-h, --help", "show help")] : options;
}

/** A command and the words that lead to it. */
interface CommandAtPath {
  readonly path: string;
  readonly command: CommandModel;
}

/**
 * All commands, the program itself first, whose path is empty. Its options are those of `scan` too,
 * since that is what runs when no command is named.
 */
export function withPaths(program: CommandModel): CommandAtPath[] {
  const scan = program.commands.find((it) => it.name === "scan");
  const root = { ...program, options: scan?.options ?? [] };
  // The program's own options may stand behind any command.
  const below = (path: string, command: CommandModel): CommandAtPath[] => [
    { path, command: { ...command, options: [...command.options, ...program.options] } },
    ...command.commands.flatMap((it) => below(path === "" ? it.name : `${path} ${it.name}`, it)),
  ];
  return below("", root);
}
