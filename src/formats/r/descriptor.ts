/**
 * R data files, "R Internals", 1.8: Serialization Formats.
 *
 * @module
 */

import { type FormatDescriptor, once } from "../../core/format.ts";

/** R data. */
export const rDataDescriptor: FormatDescriptor = {
  id: "r",
  title: "R data",
  role: "code",
  claims: [
    { label: "an R data file", extensions: "rds rda rdata" },
  ],
  readers: [
    {
      id: "rds",
      malformedRule: "r-malformed",
      label: "an R data file",
      under: "rds rda rdata",
      mayMatch: ({ head }) => FIRST_BYTES.includes(head[0]),
      load: once(async () => (await import("./mod.ts")).rdsFormat),
      samples: {
        harmful: "r/harmful/promise.rds",
        harmless: "r/safe/s4.rds",
      },
    },
  ],
  coverage: [
    [
      "R data",
      "`.rds`, `.RData` in XDR, binary and ASCII: promises, active bindings, what functions and bytecode call",
    ],
  ],
};

/** Of the magic numbers, and of a stream without one. */
const FIRST_BYTES: readonly (number | undefined)[] = [0x0a, 0x41, 0x42, 0x52, 0x58];
