/**
 * Raw numbers, of which only an index in the same folder says what they are (`bundles/named/data.ts`), or
 * nothing but that every word is a number as weights are (`floats.ts`).
 * They hold no code; what is compared is their size with what the index reads.
 *
 * @module
 */

import type { Format, FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { floatsStart, scanFloats } from "./floats.ts";
import { behindEnd } from "../../parsers/trailing.ts";

/** Raw data. */
export const rawDataFormat: Format = {
  id: "raw-data",
  random: false,
  detect: (sample) => sample.named !== undefined || floatsStart(sample) !== undefined,
  scan,
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const { named, size, name } = context.sample;
  if (named === undefined) {
    yield* scanFloats(source, context);
    return;
  }
  const anomalies = named.flatMap(({ label, index, bytes, anomaly }) => {
    const short = size === undefined || size < bytes;
    if (!short && anomaly === undefined) return [];
    const why = short ? `"${index}" reads ${bytes} bytes, ${size ?? "fewer"} are there` : anomaly;
    return [{
      ...{ type: "anomaly", rule: "raw-data-truncated" } as const,
      detail: `"${name}" is ${label}, but ${why}`,
      unread: true,
    }];
  });
  const [{ bytes, exact }] = named;
  if (anomalies.length > 0) yield anomalies;
  else if (exact) yield await behindEnd(source, bytes);
}
