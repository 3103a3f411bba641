/**
 * Pickles inside HDF5, where a program that reads the file unpickles what it finds:
 *
 * - PyTables, and with it `pandas.read_hdf`, unpickles each attribute that is a string and ends in a
 *   dot (`AttributeSet.__getattr__`, tables/attributeset.py), and the rows of an array whose
 *   `PSEUDOATOM` is `object` (`ObjectAtom.fromarray`, tables/atom.py).
 * - hickle unpickles arrays of bytes: its table of types, and what it has no form of its own for
 *   (hickle/lookup.py).
 *
 * Keras and h5py unpickle nothing.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import type { Hdf5Dataset, Hdf5File, Hdf5Text } from "./reader.ts";
import { looksLikePickle } from "../../pickle/streams/detect.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Observation } from "../../core/types.ts";

/** Rows of one array that are looked into. The most seen is 1. CWE-834. */
const ROWS = 10_000;
const DOT = 0x2e;

/** Looks for what is unpickled; one for a file. */
export class Hdf5Pickles {
  readonly #file: Hdf5File;
  #hickle = false;

  /** @param file open */
  constructor(file: Hdf5File) {
    this.#file = file;
  }

  /**
   * What is unpickled of an object and, where it is a dataset, of its data, as entries.
   *
   * @param path of a group or dataset; the root first
   * @throws FormatError, LimitError or SourceError as the file's reader does
   */
  async in(path: string, dataset: Hdf5Dataset | undefined): Promise<Observation[]> {
    const texts = await this.#file.texts(path);
    if (path === "/") this.#hickle = texts.some(({ name }) => name === "HICKLE_VERSION");
    const found = texts.flatMap((text) => attributes(path, text));
    if (dataset === undefined) return found;
    if (isPseudoAtom(texts)) return [...found, ...await this.#rows(path)];
    if (this.#hickle && dataset.elementBytes === 1) found.push(...await this.#bytes(path));
    return found;
  }

  async #rows(path: string): Promise<Observation[]> {
    const rows = await this.#file.elements(path);
    const found = rows.slice(0, ROWS).flatMap((row, index): Observation[] =>
      row.length === 0 ? [] : [entry(`${path}[${index}]`, row)]
    );
    if (rows.length <= ROWS) return found;
    return [...found, {
      type: "anomaly",
      rule: "scan-limit",
      detail: `Only the first ${ROWS} of ${rows.length} pickled rows of ${path} were looked into`,
      unread: true,
    }];
  }

  async #bytes(path: string): Promise<Observation[]> {
    const elements = await this.#file.elements(path);
    return elements.flatMap((bytes) => looksLikePickle(bytes) ? [entry(path, bytes)] : []);
  }
}

function attributes(path: string, { name, values }: Hdf5Text): Observation[] {
  return values.flatMap((bytes, index): Observation[] => {
    if (bytes[bytes.length - 1] !== DOT || !looksLikePickle(bytes)) return [];
    const shown = values.length === 1 ? name : `${name}[${index}]`;
    return [entry(`${path}@${shown}`, bytes)];
  });
}

function isPseudoAtom(texts: readonly Hdf5Text[]): boolean {
  return texts.some(({ name, values }) =>
    name === "PSEUDOATOM" && new TextDecoder().decode(values[0]) === "object"
  );
}

function entry(part: string, bytes: Uint8Array): Observation {
  return { type: "entry", source: bytesSource(part, bytes), part, hint: HINT.pickle };
}
