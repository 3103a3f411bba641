/**
 * What is fuzzed: a family for each format of the registry, with the samples to mutate and the
 * generators that know the format's structure.
 *
 * @module
 */

import { Dice } from "./dice.ts";
import { bytesOfSeed, seedsOf } from "./corpus.ts";
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

/** A file to be scanned. */
export interface Generated {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What harm is in it for every loader, where that is known: such a file must be called dangerous. */
  readonly planted?: string;
}

/** One kind of files. */
export interface Family {
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
  /** The sample or generator, for people. */
  readonly origin: string;
}

/** All families. */
export const FAMILIES: readonly Family[] = [
  {
    id: "pickle",
    formats: ["pickle", "torch-legacy"],
    samples: /^(?:pickle|dill|sklearn|pandas|xgboost|omegaconf|numpy|lightgbm)\/.*\.pkl$/u,
    generators: [pickleProgram, pickleProgram, opcodeSoup],
  },
  {
    id: "torch",
    formats: ["torchscript", "torch-legacy"],
    samples: /^torch\//u,
    generators: [lyingZip],
  },
  {
    id: "joblib",
    formats: ["pickle"],
    samples: /^joblib\//u,
    generators: [lyingCompression, pickleProgram, joblibFile],
  },
  { id: "npy", formats: ["npy"], samples: /\.np[yz]$/u, generators: [lyingNpy] },
  { id: "zip", formats: ["zip"], samples: /\.(?:zip|keras)$/u, generators: [lyingZip] },
  { id: "tar", formats: ["tar"], samples: /\.tar$|tar_era/u, generators: [lyingTar] },
  {
    id: "7z",
    formats: ["7z", "rar", "cab"],
    samples: /\.(?:7z|rar|cab)$|nullifai/u,
    generators: [lyingSevenZip],
  },
  {
    id: "compressed",
    formats: ["compressed"],
    samples: /^compressed\/|\.(?:gz|xz|bz2|lzma|lz4|zst)$/u,
    generators: [lyingCompression, splitCompression],
  },
  {
    id: "onnx",
    formats: ["onnx"],
    samples: /\.onnx$/u,
    generators: [onnxMessage, onnxMessage, nestedMessage],
  },
  {
    id: "tensorflow",
    formats: ["tensorflow", "keras-metadata"],
    samples: /\.(?:pb|meta)$/u,
    generators: [tensorflowMessage, tensorflowMessage, nestedMessage],
  },
  { id: "hdf5", formats: ["hdf5"], samples: /\.h5$/u, generators: [hdf5File] },
  {
    id: "keras",
    formats: ["keras-config"],
    samples: /^keras\/.*\.(?:keras|json)$/u,
    generators: [kerasConfiguration, kerasModel],
  },
  {
    id: "safetensors",
    formats: ["safetensors"],
    samples: /\.safetensors$/u,
    generators: [safetensors],
  },
  { id: "gguf", formats: ["gguf"], samples: /\.gguf$/u, generators: [gguf] },
  { id: "template", formats: ["chat-template"], samples: /^template\/.*/u, generators: [template] },
  {
    id: "config",
    formats: ["model-config"],
    samples: /^(?:repository|yaml)\/.*\.(?:json|ya?ml)$/u,
    generators: [modelConfiguration, yaml, hubConfiguration],
  },
  { id: "skops", formats: ["skops"], samples: /^skops\/.*\.skops$/u, generators: [skopsFile] },
  { id: "r", formats: ["rds"], samples: /^r\/.*\.rd\w+$/iu, generators: [rData, rData] },
  {
    id: "torchserve",
    formats: ["python-source"],
    samples: /^torchserve\/.*\.(?:mar|zip|tar|gz|tgz)$/u,
    generators: [modelArchive],
  },
  {
    id: "native",
    formats: ["native"],
    samples: /^repository\/suspicious\/native\//u,
    generators: [program],
  },
];

/** Names that claim another format, or none. */
const OTHER_NAMES = ["model.pkl", "model.bin", "model.pt", "model.onnx", "noname", "model.zip"];

/**
 * The case of a number: the same bytes whenever and wherever it is made.
 *
 * @throws RangeError for a family that there is none of
 */
export function makeCase(familyId: string, seed: number, number: number): Case {
  const family = FAMILIES.find(({ id }) => id === familyId);
  if (family === undefined) throw new RangeError(`There is no family "${familyId}"`);
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
