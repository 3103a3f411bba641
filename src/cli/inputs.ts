/**
 * The arguments of a scan as inputs of the pipeline.
 *
 * @module
 */

import { isRemote } from "../remote/resolve.ts";
import type { AddressesInput, PathsInput, StreamInput } from "../scan/options.ts";
import type { Io } from "./io.ts";

/** The argument that stands for standard input, and its path in the report. */
export const STDIN_PATH = "-";

/**
 * Local files first, then standard input, then what is to be fetched.
 *
 * @param args as the user gave them
 */
export function inputsOf(
  args: readonly string[],
  io: Pick<Io, "stdin">,
): (PathsInput | StreamInput | AddressesInput)[] {
  const addresses = args.filter(isRemote);
  const paths = args.filter((it) => !isRemote(it) && it !== STDIN_PATH);
  return [
    ...(paths.length > 0 ? [{ paths }] : []),
    ...(args.includes(STDIN_PATH) ? [{ name: STDIN_PATH, stream: () => io.stdin() }] : []),
    ...(addresses.length > 0 ? [{ addresses }] : []),
  ];
}
