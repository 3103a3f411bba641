/**
 * Which members of a zip archive PyTorch reads as what, from their names alone: the layout of
 * `torch/csrc/jit/serialization` and `torch/serialization.py`. Everything lies in one top folder,
 * which `torch.load` takes from the first member's name. Names are found in either case of their letters:
 * `PyTorchStreamReader::getRecordID` asks miniz without `MZ_ZIP_FLAG_CASE_SENSITIVE`.
 *
 * @module
 */

/** `<root>/data/<key>` belongs to `<root>/data.pkl`, and so on. */
const STORAGE_NAME = /^(?<root>(?:.*\/)?)(?<archive>data|constants)\/\d+$/iu;
/** An object of a program of torch.export that Python's own `pickle` reads: `_load_constants` in `_package.py`. */
const OPAQUE_NAME = /(?:^|\/)data\/constants\/opaque_obj_/iu;
const BYTECODE_NAME = /(?:^|\/)bytecode\.pkl$/iu;
const SOURCE_NAME = /^(?=[^]*\.py$)(?<root>(?:[^]*\/)?)code\/[^]/iu;

/**
 * Hints for members, by name.
 *
 * @param names of all members
 * @returns only the names that get a hint
 */
import { HINT } from "../core/hints.ts";
export function torchHints(memberNames: Iterable<string>): ReadonlyMap<string, string> {
  const original = new Set(memberNames);
  const all = new Set(Array.from(original, (name) => name.toLowerCase()));
  const hints = new Map<string, string>();
  for (const name of original) {
    const storage = STORAGE_NAME.exec(name)?.groups;
    if (storage !== undefined && all.has(`${storage.root}${storage.archive}.pkl`.toLowerCase())) {
      hints.set(name, HINT.torchStorage);
      continue;
    }
    if (BYTECODE_NAME.test(name)) {
      hints.set(name, HINT.torchBytecode);
      continue;
    }
    if (OPAQUE_NAME.test(name)) {
      hints.set(name, HINT.pickle);
      continue;
    }
    const source = SOURCE_NAME.exec(name)?.groups;
    if (source !== undefined && isScripted(all, (source.root ?? "").toLowerCase())) {
      hints.set(name, HINT.torchscriptSource);
    }
  }
  return hints;
}

/** `torch.load` hands an archive with `constants.pkl` to `torch.jit.load`; names are in small letters here. */
function isScripted(memberNames: ReadonlySet<string>, root: string): boolean {
  return memberNames.has(`${root}constants.pkl`) || memberNames.has(`${root}data.pkl`) ||
    memberNames.has(`${root}model.json`) || memberNames.has(`${root}bytecode.pkl`);
}
