/**
 * Python pickles, protocols 0 to 5, one stream or many, joblib's among them.
 *
 * Format: CPython's `Lib/pickletools.py` (prose) and `Modules/_pickle.c` (what is really read).
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import type { Source } from "../../core/source.ts";
import { type LayoutName, LAYOUTS } from "../../pickle/streams/layouts.ts";
import { scanStreams } from "../../pickle/streams/streams.ts";
import { readFurther, tryHead } from "../../pickle/streams/detect.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { dictionaryEntries, loaderWatch, Reported } from "./dictionaries.ts";
import { isTorchLegacy } from "./torch_magic.ts";

/** Names under which pickles travel; under one of them doubtful bytes are scanned all the same. */
const NAMES = /\.(pkl|pickle|pk|p|dill|joblib|ckpt|pt|pth)$/i;

/** Hints of bytes in which a pickle may begin anywhere, and what is looked for there. */
const ANYWHERE: ReadonlyMap<string, "stream" | "import"> = new Map([
  [HINT.picklesWithin, "stream"],
  [HINT.hidden, "import"],
]);

/** Whether bytes begin with the header of a zip archive's member (APPNOTE.TXT, 4.3.7). */
function isZipMember(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4;
}

/** Raw pickles. */
export const pickleFormat: Format = {
  id: "pickle",
  random: false,
  detect,
  isUndecided: (sample) => tryHead(sample.head, sample.size, claimsPickle(sample)) === "undecided",
  detectFurther: async (source, sample, checkDeadline) => {
    const detection = await readFurther(source, claimsPickle(sample), checkDeadline);
    return detection === "undecided" ? undefined : detection === "pickle";
  },
  scan,
  explain: async (source, places, context) =>
    await (await import("./explain.ts")).explainPickle(source, places, context),
};

/** Whether the name claims a pickle, or something that may be one. */
function claimsPickle({ name, claim }: Sample): boolean {
  return NAMES.test(name) || (claim?.kind === "model" && claim.formats.includes("pickle"));
}

function detect(sample: Sample): boolean {
  if (isTarPart(sample.hint)) return sample.head.length > 0;
  if (isTorchLegacy(sample.head)) return false;
  // To an unpickler the P is a persistent id, which it refuses; torch.load opens the archive.
  if (sample.hint === HINT.loaded) return sample.head.length > 0 && !isZipMember(sample.head);
  if (sample.hint === HINT.pickle || ANYWHERE.has(sample.hint ?? "")) {
    return sample.head.length > 0;
  }
  const header = sample.head[0] === 0x80 && (sample.head[1] ?? 6) <= 5;
  if (header && NAMES.test(sample.name)) return true;
  return tryHead(sample.head, sample.size, claimsPickle(sample)) === "pickle";
}

async function* scan(source: Source, context: FormatContext) {
  const { hint } = context.sample;
  const layout = isTarPart(hint) ? hint : "pickle";
  const anywhere = ANYWHERE.get(hint ?? "");
  if (layout !== "pickle" || anywhere !== undefined) {
    yield* scanStreams(source, context, layout, anywhere);
    return;
  }
  const watch = loaderWatch(context.interest);
  const reported = new Reported();
  for await (const batch of scanStreams(source, { ...context, watch }, layout)) {
    yield reported.note(batch);
  }
  yield await dictionaryEntries(source, context, watch, reported);
}

function isTarPart(hint: string | undefined): hint is LayoutName {
  return hint !== undefined && hint.startsWith("torch-tar-") && hint in LAYOUTS;
}
