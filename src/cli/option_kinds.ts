/**
 * Kinds of options that several commands have.
 *
 * @module
 */

import { InvalidArgumentError, Option } from "commander";
import { ConfigError } from "../core/errors.ts";

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
