/**
 * How `torch.load(…, weights_only=True)` of several releases takes a checkpoint.
 *
 * Sources: `load`, `_load` and `_legacy_load` in `torch/serialization.py`.
 *
 * @module
 */

import type { Allowing, RestrictedLoad } from "../../core/restricted_load.ts";
import type { Source } from "../../core/source.ts";
import type { Interest } from "../../core/types.ts";
import {
  GLOBALS_NAMED,
  WEIGHTS_ONLY_RELEASES,
  type WeightsOnlyOutcome,
  weightsOnlyOutcomes,
} from "./unpickler.ts";

/** What these statements are about. */
const LOADER = "torch.load(weights_only=True)";

/**
 * Bytes of the pickles of a checkpoint that are read for this; beyond them nothing is said. Those of the
 * largest language models have some megabytes. CWE-770.
 */
export const WEIGHTS_ONLY_BYTES: number = 64 * 1024 * 1024;

/** Bytes that are read first of a file whose pickles end long before it does. */
const FIRST_BYTES = 1024 * 1024;

/** Pickles of a checkpoint before zip: magic number, protocol, system, object, keys of storages. */
const LEGACY_PICKLES = 5;

/** What is asked of the caller. */
interface Context {
  readonly interest: Interest | undefined;
  checkDeadline(): void;
}

/** How releases take the `data.pkl` of a checkpoint in a zip archive. */
export function zipLoads(bytes: Uint8Array, context: Context): readonly RestrictedLoad[] {
  const { outcomes } = weightsOnlyOutcomes(bytes, 0, () => context.checkDeadline());
  return outcomes.map((outcome) => loadOf(outcome, context.interest));
}

/** How releases take an archive that is a TorchScript program: 2.4 hands it to `torch.jit.load`. */
export function torchscriptLoads(): readonly RestrictedLoad[] {
  return WEIGHTS_ONLY_RELEASES.map((release) => ({
    loader: LOADER,
    release: `torch ${release}`,
    outcome: release === "2.4" ? "unrestricted" : "refused",
    globals: [],
    ...(release !== "2.4" && { refusal: "a TorchScript program" }),
  }));
}

/**
 * How releases take an archive of tar, which PyTorch wrote first. What 2.4 lets through of its `storages` and
 * `tensors` is not known here, so nothing is said of it.
 */
export function tarLoads(): readonly RestrictedLoad[] {
  return WEIGHTS_ONLY_RELEASES.filter((release) => release !== "2.4").map((release) => ({
    loader: LOADER,
    release: `torch ${release}`,
    outcome: "refused",
    globals: [],
    refusal: "PyTorch's old layout in tar",
  }));
}

/**
 * How releases take a checkpoint of before zip.
 *
 * @returns undefined where the pickles are longer than is read
 * @throws SourceError when the bytes cannot be had
 */
export async function legacyLoads(
  source: Source,
  context: Context,
): Promise<readonly RestrictedLoad[] | undefined> {
  for (let length = FIRST_BYTES;; length *= 4) {
    const bytes = (await source.read(0, Math.min(length, WEIGHTS_ONLY_BYTES))).slice();
    const outcomes = legacyOutcomes(bytes, context);
    // Where one comes to its end, the others have seen enough.
    if (outcomes.ended || bytes.length < length) {
      return outcomes.merged.map((outcome) => loadOf(outcome, context.interest));
    }
    if (length >= WEIGHTS_ONLY_BYTES) return undefined;
  }
}

function legacyOutcomes(
  bytes: Uint8Array,
  context: Context,
): { readonly merged: readonly WeightsOnlyOutcome[]; readonly ended: boolean } {
  let merged: readonly WeightsOnlyOutcome[] = WEIGHTS_ONLY_RELEASES.map((release) => ({
    release,
    globals: [],
    refusal: undefined,
  }));
  let from: number | undefined = 0;
  for (let pickle = 0; pickle < LEGACY_PICKLES && from !== undefined; pickle++) {
    const { outcomes, end } = weightsOnlyOutcomes(bytes, from, () => context.checkDeadline());
    merged = merged.map((before, index) => {
      const next = outcomes[index] ?? before;
      return {
        release: before.release,
        globals: [...new Set([...before.globals, ...next.globals])],
        refusal: before.refusal ?? next.refusal,
      };
    });
    from = end;
  }
  return { merged, ended: from !== undefined };
}

function loadOf(
  { release, globals, refusal }: WeightsOnlyOutcome,
  interest: Interest | undefined,
): RestrictedLoad {
  const loads = globals.length === 0 && refusal === undefined;
  return {
    loader: LOADER,
    release: `torch ${release}`,
    outcome: loads ? "loads" : "refused",
    globals,
    ...(refusal !== undefined && { refusal }),
    ...(globals.length > 0 && { allowing: allowingOf(globals, interest) }),
  };
}

/**
 * Whether it is harmless to hand globals to `add_safe_globals`, which lets a file call them with any arguments
 * and restore them.
 */
function allowingOf(globals: readonly string[], interest: Interest | undefined): Allowing {
  const dangerOf = interest?.dangerOf;
  if (interest === undefined || dangerOf === undefined) return "unknown";
  const each = globals.map((path): Allowing => {
    const dot = path.lastIndexOf(".");
    const [module, name] = [path.slice(0, Math.max(0, dot)), path.slice(dot + 1)];
    if (dangerOf(module, name) !== undefined) return "harmful";
    return interest.argumentsMatter(module, name) ? "unknown" : "harmless";
  });
  const worst = each.find((it) => it === "harmful") ?? each.find((it) => it === "unknown") ??
    "harmless";
  // Of so many not all are named: what the others are is not known.
  return worst === "harmless" && globals.length >= GLOBALS_NAMED ? "unknown" : worst;
}
