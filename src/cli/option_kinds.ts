/**
 * Kinds of options that several commands have.
 *
 * @module
 */

import { type Command, InvalidArgumentError, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { Limits } from "../core/types.ts";
import { LIMIT_OPTIONS } from "./options.ts";

/** An option as commander takes it. */
export function option(flags: string, description: string): Option {
  return new Option(flags, description);
}

/** A parser whose ConfigError commander reports with the option's name. */
export function checked<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof ConfigError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** A parser for options that may be repeated. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** The option that names the configuration. */
export function configOption(): Option {
  return option("--config <file>", "the configuration to use (TOML)");
}

/** Adds an option for each limit. */
export function addLimitOptions(command: Command): void {
  for (const it of LIMIT_OPTIONS) {
    command.addOption(option(it.flags, `limit: ${it.description}`).argParser(checked(it.parse)));
  }
}

/** The limits that {@linkcode addLimitOptions}' options set. */
export function limitsOf(command: Command): Partial<Limits> {
  const limits: Partial<Record<keyof Limits, number>> = {};
  for (const it of LIMIT_OPTIONS) {
    const found = command.options.find((candidate) => candidate.flags === it.flags);
    const value: unknown = found && command.getOptionValue(found.attributeName());
    if (typeof value === "number") limits[it.limit] = value;
  }
  return limits as Partial<Limits>;
}
