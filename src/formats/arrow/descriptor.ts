/**
 * Apache Arrow and Parquet: tables, and what their schemas make readers do.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import { isStream } from "./head.ts";

/** Arrow and Parquet. */
export const arrowDescriptor: FormatDescriptor = {
  id: "arrow",
  title: "Arrow and Parquet",
  role: "code",
  claims: [
    { label: "a Parquet table", extensions: "parquet" },
    { label: "an Arrow table", extensions: "arrow feather" },
  ],
  readers: [
    {
      id: "parquet",
      malformedRule: "arrow-malformed",
      label: "a Parquet table",
      under: "parquet",
      mayMatch: (sample) => hasMagic(sample, "PAR1") || hasMagic(sample, "PARE"),
      load: once(async () => (await import("./parquet.ts")).parquetFormat),
      samples: {
        harmful: "arrow/harmful/extension.parquet",
        harmless: "arrow/safe/plain.parquet",
      },
    },
    {
      id: "arrow",
      malformedRule: "arrow-malformed",
      label: "an Arrow table",
      under: "arrow feather",
      mayMatch: (sample) => hasMagic(sample, "ARROW1") || isStream(sample),
      load: once(async () => (await import("./ipc.ts")).arrowFormat),
      samples: {
        harmful: "arrow/harmful/extension.arrow",
        harmless: "arrow/safe/plain.arrow",
      },
    },
  ],
  unread: [{
    label: "a Feather table of version 1",
    matches: ({ head }) => startsWith(head, ascii("FEA1")),
  }],
  coverage: [
    [
      "Parquet, Arrow, Feather",
      "schema and places of the data: pickles in extension types, classes that Avro's schema names, other files",
    ],
  ],
};

/** At the beginning or at the end, by which readers go. */
function hasMagic({ head, tail }: Sample, magic: string): boolean {
  const bytes = ascii(magic);
  return startsWith(head, bytes) ||
    (tail !== undefined && tail.length >= bytes.length &&
      startsWith(tail.subarray(-bytes.length), bytes));
}
