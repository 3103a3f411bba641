/**
 * Which members of a zip archive PyTorch reads as what, from their names alone: the layout of
 * `torch/csrc/jit/serialization` and `torch/serialization.py`. Everything lies in one top folder,
 * which `torch.load` takes from the first member's name.
 *
 * @module
 */

/** `<root>/data/<key>` belongs to `<root>/data.pkl`, and so on. */
const STORAGE_NAME = /^(?<root>(?:.*\/)?)(?<archive>data|constants)\/\d+$/u;
const BYTECODE_NAME = /(?:^|\/)bytecode\.pkl$/u;
const SOURCE_NAME = /^(?=[^]*\.py$)(?<root>(?:[^]*\/)?)code\/[^]/u;

/**
 * Hints for members, by name.
 *
 * @param names of all members
 * @returns only the names that get a hint
 */
import { HINT } from "../core/hints.ts";
export function torchHints(memberNames: Iterable<string>): ReadonlyMap<string, string> {
  const all = new Set(memberNames);
  const hints = new Map<string, string>();
  for (const name of all) {
    const storage = STORAGE_NAME.exec(name)?.groups;
    if (storage !== undefined && all.has(`${storage.root}${storage.archive}.pkl`)) {
      hints.set(name, HINT.torchStorage);
      continue;
    }
    if (BYTECODE_NAME.test(name)) {
      hints.set(name, HINT.torchBytecode);
      continue;
    }
    const source = SOURCE_NAME.exec(name)?.groups;
    if (source !== undefined && isScripted(all, source.root ?? "")) {
      hints.set(name, HINT.torchscriptSource);
    }
  }
  return hints;
}

/** `torch.load` hands an archive with `constants.pkl` to `torch.jit.load`. */
function isScripted(memberNames: ReadonlySet<string>, root: string): boolean {
  return memberNames.has(`${root}constants.pkl`) || memberNames.has(`${root}data.pkl`) ||
    memberNames.has(`${root}model.json`) || memberNames.has(`${root}bytecode.pkl`);
}
