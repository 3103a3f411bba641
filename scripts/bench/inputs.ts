/**
 * What is measured: files made from seeds, kept in `.cache/bench` under names that say what is in
 * them. An input is one line in `INPUTS`.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeCheckpoint } from "./checkpoint.ts";
import { makeDictionaries } from "./dictionaries.ts";
import { makeGguf, makeSafetensors } from "./headers.ts";
import { makeOnnxModel } from "./onnx_model.ts";
import { makeSavedModel } from "./saved_model.ts";
import { makeSevenZip } from "./sevenzip_archive.ts";
import { makeSmallFiles } from "./small_files.ts";

/** The checkout. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));
/** Where inputs lie, and what the benches write. */
export const CACHE: string = join(ROOT, ".cache", "bench");
/** The launcher of this checkout. */
export const LAUNCHER: string = join(ROOT, "scripts", "modelaudit");

const GIB = 2 ** 30;
/** Storages of 4 MiB each. */
const STORAGES_2GB = 512;
const STORAGES_200MB = 48;
const SEED = 7;

/** A file or folder, and how it is made. */
export interface Input {
  /** What `--only` calls the bench that it belongs to. */
  readonly bench: string;
  readonly name: string;
  /** Options of a reader; the size is added. */
  readonly title: string;
  /** Its name in the cache. */
  readonly file: string;
  /** Throws `NotMade` where something is missing. */
  readonly make: (path: string) => void | Promise<void>;
  /** A pickle that `pickle.load` takes, with nothing but data and, perhaps, scikit-learn in it. */
  readonly loads?: "plain" | "scikit-learn";
  /** Whether others scan it too; what only this program's limits need is not shown side by side. */
  readonly alone?: boolean;
}

/** An input cannot be made here; the message says what is missing. */
export class NotMade extends Error {}

/** All inputs, in the order in which they are shown. */
export const INPUTS: readonly Input[] = [
  {
    bench: "pickle",
    name: "dictionaries-20mb",
    title: "pickle, 286,000 nested dictionaries",
    file: "dictionaries-286000.pkl",
    make: (to) => makeDictionaries(to, 286_000),
    loads: "plain",
  },
  {
    bench: "pickle",
    name: "dictionaries-70mb",
    title: "pickle, 1,000,000 nested dictionaries",
    file: "dictionaries-1000000.pkl",
    make: (to) => makeDictionaries(to, 1_000_000),
    loads: "plain",
  },
  {
    bench: "forest",
    name: "forest",
    title: "scikit-learn random forest, 2,000 trees",
    file: "forest-2000.pkl",
    make: (to) => makeForest(to, 2000),
    loads: "scikit-learn",
  },
  {
    bench: "folder",
    name: "folder",
    title: "folder of 1,000 small files (pickle, JSON, safetensors)",
    file: "small-files-1000",
    make: (to) => makeSmallFiles(to, 1000, SEED),
  },
  {
    bench: "checkpoint",
    name: "checkpoint-200mb",
    title: "PyTorch checkpoint, 48 storages",
    file: `checkpoint-${STORAGES_200MB}.pt`,
    make: (to) => makeCheckpoint(to, STORAGES_200MB),
  },
  {
    bench: "checkpoint",
    name: "checkpoint-2gb",
    title: "PyTorch checkpoint, 512 storages",
    file: `checkpoint-${STORAGES_2GB}.pt`,
    make: (to) => makeCheckpoint(to, STORAGES_2GB),
  },
  {
    bench: "savedmodel",
    name: "savedmodel-1gb",
    title: "TensorFlow SavedModel, 1,000 nodes",
    // TensorFlow's name for it, by which some scanners know it.
    file: "saved-model-1/saved_model.pb",
    make: (to) => makeSavedModel(to, GIB, 1000),
  },
  {
    bench: "onnx",
    name: "onnx-1gb",
    title: "ONNX model, 1,000 nodes",
    file: "dense-1.onnx",
    make: (to) => makeOnnxModel(to, GIB, 1000),
  },
  {
    bench: "sevenzip",
    name: "sevenzip",
    title: "7-Zip archive of a pickle of 20 MB",
    file: "dictionaries-286000.7z",
    make: packDictionaries,
  },
  {
    bench: "headers",
    name: "safetensors-100gb",
    title: "safetensors, all tensors",
    file: "tensors-100.safetensors",
    make: (to) => makeSafetensors(to, 100 * GIB),
    alone: true,
  },
  {
    bench: "headers",
    name: "gguf-100gb",
    title: "GGUF, all tensors",
    file: "tensors-100.gguf",
    make: (to) => makeGguf(to, 100 * GIB),
    alone: true,
  },
];

let pythonOfPeers: string | undefined;

/** Tells which Python has scikit-learn; without it forests are not made. */
export function usePython(executable: string): void {
  pythonOfPeers = executable;
}

/**
 * The path of an input, made where there is none.
 *
 * @throws RangeError when there is no input of that name; NotMade when it cannot be made here
 */
export async function input(name: string): Promise<string> {
  const found = INPUTS.find((one) => one.name === name);
  if (found === undefined) throw new RangeError(`Cannot make input "${name}": it is unknown`);
  return await cached(found.file, found.make);
}

/** The file's own name says what is in it, so that another size is another file. */
export async function cached(
  name: string,
  make: (path: string) => void | Promise<void>,
): Promise<string> {
  const path = join(CACHE, name);
  if (existsSync(path)) return path;
  mkdirSync(join(path, ".."), { recursive: true });
  // What is cut off half way must not pass for the input; the ending stays, for scanners look at it.
  const draft = `${path}.part`;
  rmSync(draft, { recursive: true, force: true });
  await make(draft);
  renameSync(draft, path);
  return path;
}

/** Bytes of a file, or of all files in a folder. */
export function sizeOf(path: string): number {
  const about = statSync(path);
  if (!about.isDirectory()) return about.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

function makeForest(path: string, trees: number): void {
  if (pythonOfPeers === undefined) throw new NotMade("a Python with scikit-learn is needed");
  const script = fileURLToPath(new URL("forest.py", import.meta.url));
  const made = spawnSync(pythonOfPeers, [script, path, String(trees)], { encoding: "utf8" });
  if (made.status !== 0) {
    throw new NotMade(`scikit-learn failed: ${made.stderr.trim().split("\n").at(-1) ?? ""}`);
  }
}

async function packDictionaries(path: string): Promise<void> {
  await makeSevenZip(path, { "model.pkl": await input("dictionaries-20mb") });
}
