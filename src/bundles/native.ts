/**
 * Native code in places from which a loader runs it: AOTInductor's packages, Triton's model
 * repositories, kernels of the hub. By names alone; what a file is its own format says.
 * https://docs.pytorch.org/docs/stable/torch.compiler_aot_inductor.html,
 * https://github.com/triton-inference-server/server/blob/main/docs/user_guide/model_repository.md,
 * https://github.com/huggingface/kernels
 *
 * @module
 */

import type { Listing } from "../core/types.ts";
import type { Bundle, BundleObservation } from "../core/bundle.ts";

/**
 * What the loader of AOTInductor's packages loads, or compiles and loads with flags from beside it
 * (`torch/csrc/inductor/aoti_package/model_package_loader.cpp`).
 */
const INDUCTOR =
  /^(?=[^]*(?:\.(?:so(?:\.\d+)*|dll|dylib|pyd|cpp|cc|cu|o|obj|a|lib|cubin|hsaco|ptx|spv|fatbin)|_(?:compile|linker)_flags\.json)$)(?:[^]*\/)?data\/aotinductor\/[^]/i;
const LIBRARY = /\.(?:so(?:\.\d+)*|dll|dylib|pyd)$/i;

interface Place {
  readonly rule: string;
  readonly pattern: RegExp;
  readonly loader: string;
  /** A member that must lie somewhere in the same root for the place to count. */
  readonly sibling?: RegExp;
}

const PLACES: readonly Place[] = [
  {
    rule: "native-aot-inductor",
    pattern: INDUCTOR,
    loader: "torch._inductor.aoti_load_package",
  },
  {
    rule: "native-loaded",
    pattern: /(?:^|\/)(?:libtriton_[^/]+|[^/]+\/\d+\/[^/]+)\.so$/i,
    loader: "Triton",
    sibling: /(?:^|\/)config\.pbtxt$/u,
  },
  {
    rule: "native-loaded",
    pattern: /(?:^|\/)\d+\/model\.py$/u,
    loader: "Triton's Python backend",
    sibling: /(?:^|\/)config\.pbtxt$/u,
  },
  {
    rule: "native-loaded",
    pattern: /^(?=[^]*\.(?:so|pyd)$)(?:[^]*\/)?build\/torch[\w.-]*\/[^]/i,
    loader: "the kernels library",
  },
];

/** Packages with native code that their loader runs. */
export const nativeBundle: Bundle = {
  id: "native",
  title: "Programs among a model's files",
  matches,
  observe,
};

function matches({ members }: Listing): boolean {
  return members.some(({ name }) =>
    LIBRARY.test(name) || INDUCTOR.test(name) || /(?:^|\/)\d+\/model\.py$/u.test(name)
  );
}

function* observe({ members }: Listing): Iterable<BundleObservation> {
  for (const { rule, pattern, loader, sibling } of PLACES) {
    if (sibling !== undefined && !members.some(({ name }) => sibling.test(name))) continue;
    for (const { name, kind } of members) {
      if (kind === "folder" || !pattern.test(name)) continue;
      const detail = `"${name}" is run by ${loader}`;
      yield { part: name, observation: { type: "anomaly", rule, detail } };
    }
  }
}
