/**
 * PyTorch's zip archives: checkpoints that `torch.save` writes and TorchScript programs that
 * `torch.jit.save` writes. `torch.load` tells them apart by the presence of `constants.pkl`
 * (`_is_torchscript_zip` in `torch/serialization.py`) and hands the latter to `torch.jit.load`.
 *
 * @module
 */

import type { Listing } from "../core/types.ts";
import type { Bundle, BundleObservation } from "../core/bundle.ts";

const CHECKPOINT = /^(?:.*\/)?data\.pkl$/u;
const BYTECODE = /^(?<root>(?:.*\/)?)bytecode\.pkl$/u;
const SCRIPT_MARK = /^(?<root>(?:.*\/)?)constants\.pkl$/u;

/** PyTorch archives. */
export const torchBundle: Bundle = {
  id: "torch",
  title: "PyTorch",
  matches,
  observe,
};

function matches(listing: Listing): boolean {
  return listing.members.some(({ name }) =>
    CHECKPOINT.test(name) || SCRIPT_MARK.test(name) || BYTECODE.test(name)
  );
}

function* observe(listing: Listing): Iterable<BundleObservation> {
  const memberNames = new Set(listing.members.map(({ name }) => name));
  for (const name of memberNames) {
    const mobile = BYTECODE.exec(name)?.groups?.root;
    if (mobile !== undefined && !hasSources(memberNames, mobile)) {
      yield {
        part: name,
        observation: {
          type: "anomaly",
          rule: "torch-mobile-without-source",
          detail: "The archive has the bytecode of a mobile program and none of its source files",
        },
      };
    }
    const root = SCRIPT_MARK.exec(name)?.groups?.root;
    if (root === undefined) continue;
    const prefix = `${root}code/`;
    let sources = 0;
    for (const other of memberNames) {
      if (other.startsWith(prefix) && other.endsWith(".py")) sources++;
    }
    yield {
      part: name,
      observation: {
        type: "anomaly",
        rule: "torch-torchscript",
        detail: `The archive is a TorchScript program of ${sources} source ` +
          `${sources === 1 ? "file" : "files"}: torch.load hands it to torch.jit.load`,
      },
    };
  }
}

function hasSources(memberNames: ReadonlySet<string>, root: string): boolean {
  for (const name of memberNames) if (name.startsWith(`${root}code/`)) return true;
  return false;
}
