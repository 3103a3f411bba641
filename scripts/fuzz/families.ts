/**
 * What is fuzzed: a family for each descriptor, with the samples to mutate and the generators that know
 * the format's structure.
 *
 * @module
 */

import type { ClaimRow } from "../../src/core/format.ts";
import { BUNDLES } from "../../src/bundles/registry.ts";
import { DESCRIPTORS } from "../../src/formats/registry.ts";
import type { Generated } from "./generated.ts";
import { Dice } from "./dice.ts";
import { bytesOfSeed, seedsOf } from "./corpus.ts";
import { spelledConfiguration } from "./loader_texts.ts";
import { lyingCompression, lyingNpy, lyingSevenZip, lyingTar, lyingZip } from "./archives.ts";
import { hdf5File } from "./hdf5.ts";
import { splitCompression } from "./compressions.ts";
import { gguf, program, safetensors } from "./headers.ts";
import { joblibFile } from "./joblib.ts";
import { nestedMessage, onnxMessage, tensorflowMessage } from "./messages.ts";
import { mutate } from "./mutate.ts";
import { opcodeSoup, pickleProgram } from "./pickles.ts";
import { rData } from "./r_data.ts";
import { hubConfiguration, kerasModel, skopsFile } from "./schemas.ts";
import { modelArchive } from "./served.ts";
import { kerasConfiguration, modelConfiguration, template, yaml } from "./texts.ts";

/** One kind of files. */
interface Family {
  readonly id: string;
  /** Ids of the registry's formats that it is there for. */
  readonly formats: readonly string[];
  /** Which samples are mutated, by their path in `testdata/`. */
  readonly samples: RegExp;
  readonly generators: readonly ((dice: Dice) => Generated)[];
}

/** A case and where it comes from. */
export interface Case extends Generated {
  readonly family: string;
  readonly seed: number;
  readonly number: number;
  /** The sample or generator, for messages. */
  readonly origin: string;
}

/** Generators that know the structure of a format, by the format's id. */
const GENERATORS: Readonly<Record<string, readonly ((dice: Dice) => Generated)[]>> = {
  zip: [lyingZip],
  tar: [lyingTar],
  sevenzip: [lyingSevenZip],
  compressed: [lyingCompression, splitCompression],
  numpy: [lyingNpy],
  pickle: [pickleProgram, pickleProgram, opcodeSoup, joblibFile],
  onnx: [onnxMessage, onnxMessage, nestedMessage],
  tensorflow: [tensorflowMessage, tensorflowMessage, nestedMessage],
  hdf5: [hdf5File],
  keras: [kerasConfiguration, kerasModel],
  skops: [skopsFile],
  safetensors: [safetensors],
  gguf: [gguf],
  r: [rData, rData],
  template: [template],
  "model-config": [modelConfiguration, yaml, hubConfiguration],
  loaders: [spelledConfiguration],
  native: [program],
  torchscript: [lyingZip],
  torch: [lyingZip],
  torchserve: [modelArchive],
};

/** Folders of `testdata/` with the samples of a bundle that has none by its own name. */
const FOLDERS: Readonly<Record<string, string>> = {
  "entry-points": "python",
  "python-calls": "python",
};

/**
 * A family for each format that has a reader, with its samples and those of names that claim it, and for
 * each bundle that is not named like a format.
 */
export const FAMILIES: readonly Family[] = [
  ...DESCRIPTORS.filter(({ readers }) => readers.length > 0).map(({ id, claims, readers }) => ({
    id,
    formats: readers.map((reader) => reader.id),
    samples: samplesOf(id, claims),
    generators: GENERATORS[id] ?? [],
  })),
  ...BUNDLES.filter((bundle) => DESCRIPTORS.every(({ id }) => id !== bundle.id)).map(({ id }) => ({
    id,
    formats: [],
    samples: samplesOf(FOLDERS[id] ?? id, []),
    generators: GENERATORS[id] ?? [],
  })),
];

/** Paths in the format's own folder, and those with an extension that claims the format. */
function samplesOf(id: string, claims: readonly ClaimRow[]): RegExp {
  const extensions = claims.filter(({ weak }) => !weak).flatMap((it) => it.extensions.split(" "));
  const byName = extensions.length === 0 ? "" : `|\\.(?:${extensions.join("|")})$`;
  return new RegExp(`^${id}/${byName}`, "iu");
}

/** Names that claim another format, or none. */
const OTHER_NAMES = ["model.pkl", "model.bin", "model.pt", "model.onnx", "noname", "model.zip"];

/**
 * The case of a number, deterministically.
 *
 * @throws RangeError for a family that there is none of
 */
export function makeCase(familyId: string, seed: number, number: number): Case {
  const family = FAMILIES.find(({ id }) => id === familyId);
  if (family === undefined) {
    throw new RangeError(`Cannot make a case of family "${familyId}": it is unknown`);
  }
  const dice = new Dice(seed, familyId, number);
  const samples = seedsOf(family.samples);
  const { generators } = family;
  const generate = generators.length > 0 && (samples.length === 0 || dice.chance(2, 3));
  const place = { family: familyId, seed, number };
  if (generate) {
    const generator = dice.pick(generators);
    const made = generator(dice);
    if (!dice.chance(1, 6)) return { ...place, ...made, origin: generator.name };
    const bytes = mutate(made.bytes, dice, made.bytes);
    return { ...place, name: made.name, bytes, origin: generator.name };
  }
  const seedFile = dice.pick(samples);
  const other = dice.pick(samples);
  const bytes = mutate(bytesOfSeed(seedFile), dice, bytesOfSeed(other));
  const name = dice.chance(1, 8) ? dice.pick(OTHER_NAMES) : nameOf(seedFile.path, family);
  return { ...place, name, bytes, origin: seedFile.path };
}

/** The sample's name; templates lie in folders of their own and are known by their extension. */
function nameOf(path: string, { id }: Family): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return id === "template" && !name.includes(".") ? `${name}.jinja` : name;
}
