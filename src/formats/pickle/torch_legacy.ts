/**
 * Files of `torch.save` before zip: five pickles, then the storages' raw bytes.
 *
 * Format: `_legacy_save` in torch's `torch/serialization.py`.
 *
 * @module
 */

import { scanStreams } from "../../pickle/streams/streams.ts";
import type { Format, FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import { dictionaryEntries, loaderWatch, Reported } from "./dictionaries.ts";
import type { Observation } from "../../core/types.ts";
import { legacyLoads } from "../../pickle/weights_only/checkpoint.ts";
import { isTorchLegacy } from "./torch_magic.ts";

/** Legacy torch checkpoints. */
export const torchLegacyFormat: Format = {
  id: "torch-legacy",
  random: false,
  detect: (sample) => isTorchLegacy(sample.head),
  scan,
  explain: async (source, places, context) =>
    await (await import("./explain.ts")).explainPickle(source, places, context),
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const watch = loaderWatch(context.interest);
  const reported = new Reported();
  for await (const batch of scanStreams(source, { ...context, watch }, "torch-legacy")) {
    yield reported.note(batch);
  }
  yield await dictionaryEntries(source, context, watch, reported);
  if (source.access !== "random") return;
  const loads = await legacyLoads(source, context);
  if (loads !== undefined) yield [{ type: "loads", loads }];
}
