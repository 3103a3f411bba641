/**
 * PyTorch's zip archives: checkpoints that `torch.save` writes and TorchScript programs that
 * `torch.jit.save` writes. `torch.load` tells them apart by the presence of `constants.pkl`
 * (`_is_torchscript_zip` in `torch/serialization.py`) and hands the latter to `torch.jit.load`.
 *
 * @module
 */

import type { RestrictedLoad } from "../core/restricted_load.ts";
import type { Interest, Listing } from "../core/types.ts";
import {
  tarLoads,
  torchscriptLoads,
  WEIGHTS_ONLY_BYTES,
  zipLoads,
} from "../pickle/weights_only/checkpoint.ts";
import { memberBytes } from "./member_bytes.ts";
import type { Bundle, BundleObservation } from "../core/bundle.ts";

/** Listings that `torch.load` reads. */
const ZIP = "zip";

/** Names of the record of the version; the second is TorchScript's. `PyTorchStreamReader::init`. */
const VERSIONS = ["version", ".data/version"];

// In either case of their letters, as PyTorch finds them.
const CHECKPOINT = /^(?:.*\/)?data\.pkl$/iu;
const BYTECODE = /^(?<root>(?:.*\/)?)bytecode\.pkl$/iu;
const SCRIPT_MARK = /^(?<root>(?:.*\/)?)constants\.pkl$/iu;

/** PyTorch archives. */
export const torchBundle: Bundle = {
  id: "torch",
  title: "PyTorch",
  matches,
  observe,
};

function matches(listing: Listing): boolean {
  return isTorchTar(listing) ||
    listing.members.some(({ name }) =>
      CHECKPOINT.test(name) || SCRIPT_MARK.test(name) || BYTECODE.test(name)
    );
}

async function* observe(
  listing: Listing,
  interest?: Interest,
  checkDeadline: () => void = () => {},
): AsyncIterable<BundleObservation> {
  yield* anomalies(listing);
  // `torch.load` looks at the first bytes alone to tell a zip archive: `_is_zipfile`.
  const loads = listing.format === ZIP && listing.startsFile === true
    ? await restrictedLoads(listing, { interest, checkDeadline })
    : isTorchTar(listing)
    ? tarLoads()
    : undefined;
  if (loads !== undefined) yield { part: "", observation: { type: "loads", loads } };
}

/**
 * How `torch.load(…, weights_only=True)` takes the archive; undefined where it is not known which record it
 * would read, or that cannot be had.
 */
async function restrictedLoads(
  { members }: Listing,
  context: Parameters<typeof zipLoads>[1],
): Promise<readonly RestrictedLoad[] | undefined> {
  const [first] = members;
  const slash = first?.name.indexOf("/") ?? -1;
  if (first === undefined || slash <= 0) return undefined;
  // The folder of the first record is that of all: `PyTorchStreamReader::init`, caffe2/serialize/inline_container.cc.
  const root = first.name.slice(0, slash + 1);
  // Without the record of its version, torch reads no archive.
  const isRead = members.some(({ name }) => VERSIONS.some((it) => name === root + it));
  if (!isRead) return undefined;
  if (members.some(({ name }) => name === `${root}constants.pkl`)) return torchscriptLoads();
  // Names are found in either case of their letters; which of two is found depends on their order.
  const wanted = `${root}data.pkl`.toLowerCase();
  const [record, again] = members.filter(({ name }) => name.toLowerCase() === wanted);
  if (record === undefined || again !== undefined) return undefined;
  const bytes = await memberBytes(record, WEIGHTS_ONLY_BYTES);
  return bytes && zipLoads(bytes, context);
}

/** PyTorch's own layout of before 0.1.10: `legacy_load` in `torch/serialization.py`. */
function isTorchTar({ format, members }: Listing): boolean {
  return format === "tar" &&
    ["storages", "tensors", "pickle"].every((it) => members.some(({ name }) => name === it));
}

function* anomalies(listing: Listing): Iterable<BundleObservation> {
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
    const prefix = `${root}code/`.toLowerCase();
    let sources = 0;
    for (const other of memberNames) {
      const found = other.toLowerCase();
      if (found.startsWith(prefix) && found.endsWith(".py")) sources++;
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
  const prefix = `${root}code/`.toLowerCase();
  for (const name of memberNames) if (name.toLowerCase().startsWith(prefix)) return true;
  return false;
}
