/**
 * HDF5, the container of Keras' older models and of all its weights. `load_model` takes the model
 * from the attribute `model_config` of the root group (`keras/src/legacy/saving/legacy_h5_format.py`).
 * https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 *
 * Attributes, links and the descriptions of datasets are looked at: links and datasets may lead to
 * other files, and shapes may promise what is not there. Of data only what some reader unpickles is
 * read (`hdf5_pickles.ts`), never weights.
 *
 * @module
 */

import { MissingFilter } from "./chunks.ts";
import { HINT } from "../../core/hints.ts";
import { findSuperblock } from "./header.ts";
import type { Hdf5Dataset, Hdf5File } from "./reader.ts";
import { FormatError, LimitError } from "../../core/errors.ts";
import { bytesSource } from "../../sources/memory.ts";
import { hiddenEntry } from "../../parsers/trailing.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { Hdf5Pickles } from "./pickles.ts";
import { type Format, type FormatContext, type Sample, SAMPLE_BYTES } from "../../core/format.ts";

/** Attributes of the root group that Keras reads as JSON and deserializes. */
const CONFIGURATIONS: readonly string[] = ["model_config", "training_config"];
/** Values of one such attribute that are scanned; Keras reads one. CWE-834. */
const CONFIGURATION_VALUES = 16;
/** Objects of one file. A model of 1,041 layers, NASNetLarge, has 4,624. CWE-770. */
const MOST_OBJECTS = 1_000_000;
/** Bytes of a path. The longest seen, in NASNetLarge, has 208. CWE-770. */
const LONGEST_PATH = 4096;
/** A dataset that claims less than this is no decompression bomb, at any ratio to the file's size. */
const BOMB_BYTES = 64 * 1024 * 1024;
/** Places of one kind that are reported separately. An intact model has none. CWE-779. */
const PLACES_REPORTED = 100;
const BATCH = 256;

/** HDF5 files. */
export const hdf5Format: Format = { id: "hdf5", random: true, detect, scan };

function detect({ head }: Sample): boolean {
  return findSuperblock(head) !== undefined;
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const superblock = findSuperblock((await source.read(0, SAMPLE_BYTES)).slice());
  if (superblock === undefined) throw new FormatError(`"${source.name}" has no superblock`, 0);
  const { openHdf5 } = await import("./reader.ts");
  const file = await openHdf5(source, superblock, () => context.checkDeadline());
  try {
    yield* configurations(file);
    yield* new Objects(file, source.size ?? 0, context).all();
    yield await behindEnd(source, superblock.end);
  } finally {
    file.close();
  }
}

/** Bytes behind the end that the superblock states: the library does not look at them. */
async function behindEnd(source: Source, end: number | undefined): Promise<Observation[]> {
  const { size } = source;
  if (size === undefined || end === undefined || end <= 0 || end >= size) return [];
  const part = "(data behind the end)";
  return [
    {
      type: "anomaly",
      rule: "hdf5-trailing-data",
      detail: `${size - end} bytes follow the end of the file that its superblock states`,
      offset: end,
    },
    await hiddenEntry(source, part, end),
  ];
}

/** The configurations of the root group, each to be looked into. */
async function* configurations(file: Hdf5File): AsyncIterable<readonly Observation[]> {
  const attributes = await tried(() => file.attributeNames("/"));
  if (isAnomaly(attributes)) {
    yield [attributes];
    return;
  }
  for (const name of CONFIGURATIONS) {
    if (!attributes.includes(name)) continue;
    const values = await triedInBounds(() => file.attribute("/", name));
    if (isAnomaly(values)) {
      yield [values];
      continue;
    }
    for (const [index, bytes] of values.slice(0, CONFIGURATION_VALUES).entries()) {
      const part = values.length === 1 ? name : `${name}[${index}]`;
      yield [{ type: "entry", source: bytesSource(part, bytes), part, hint: HINT.kerasConfigH5 }];
    }
    if (values.length > CONFIGURATION_VALUES) {
      yield [beyondLimit(
        `Only the first ${CONFIGURATION_VALUES} of ${values.length} values of ${name} were looked into`,
      )];
    }
  }
}

type Anomaly = Extract<Observation, { type: "anomaly" }>;

/** What a call gives; what is wrong with the file as an anomaly, so that the rest is still read. */
async function tried<T>(call: () => Promise<T>): Promise<T | Anomaly> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error instanceof MissingFilter
      ? { type: "anomaly", rule: "hdf5-filter", detail: error.message, unread: true }
      : malformed(error.message);
  }
}

/** The same, where one place that is too large is to hide none of the others. */
async function triedInBounds<T>(call: () => Promise<T>): Promise<T | Anomaly> {
  try {
    return await tried(call);
  } catch (error) {
    const ofOnePlace = error instanceof LimitError &&
      (error.limit === "spoolBytes" || error.limit === "values");
    if (!ofOnePlace) throw error;
    return beyondLimit(error.message);
  }
}

function beyondLimit(detail: string): Anomaly {
  return { type: "anomaly", rule: "scan-limit", detail, unread: true };
}

function malformed(detail: string): Anomaly {
  return { type: "anomaly", rule: "hdf5-malformed", detail, unread: true };
}

function isAnomaly(value: object): value is Anomaly {
  return "rule" in value;
}

/** All objects of a file, each looked at once, however many links lead to it. */
class Objects {
  readonly #file: Hdf5File;
  readonly #size: number;
  readonly #context: FormatContext;
  readonly #visited = new Set<number>();
  readonly #waiting: string[] = ["/"];
  readonly #reported = new Map<string, number>();
  readonly #pickles: Hdf5Pickles;
  #count = 0;

  constructor(file: Hdf5File, size: number, context: FormatContext) {
    this.#file = file;
    this.#size = size;
    this.#context = context;
    this.#pickles = new Hdf5Pickles(file);
  }

  async *all(): AsyncIterable<readonly Observation[]> {
    let batch: Observation[] = [];
    for (let path = this.#waiting.pop(); path !== undefined; path = this.#waiting.pop()) {
      this.#context.checkDeadline();
      if (++this.#count > Math.min(MOST_OBJECTS, this.#context.limits.members)) {
        throw new LimitError("members", `There are more than ${this.#count - 1} objects`);
      }
      batch.push(...await this.#inspect(path));
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    yield [...batch, ...this.#rest()];
  }

  /** The root is always a group. */
  async #inspect(path: string): Promise<Observation[]> {
    const kind = path === "/" ? "group" : await tried(() => this.#file.kind(path));
    if (typeof kind !== "string") return this.#tell(kind);
    if (kind === "external") {
      const target = await tried(() => this.#file.externalLink(path));
      return typeof target === "string"
        ? this.#tell(externalData(path, "an external link", target))
        : this.#tell(target);
    }
    if (kind !== "group" && kind !== "dataset") return [];
    const address = await tried(() => this.#file.address(path));
    if (typeof address !== "number") return this.#tell(address);
    if (this.#visited.has(address)) return [];
    this.#visited.add(address);
    return kind === "group" ? await this.#group(path) : await this.#dataset(path);
  }

  async #group(path: string): Promise<Observation[]> {
    const children = await tried(() => this.#file.children(path));
    if (isAnomaly(children)) return this.#tell(children);
    const found = await this.#unpickled(path, undefined);
    for (const name of children) {
      const child = path === "/" ? `/${name}` : `${path}/${name}`;
      if (child.length > LONGEST_PATH) {
        found.push(...this.#tell(malformed(`A path is longer than ${LONGEST_PATH} characters`)));
      } else this.#waiting.push(child);
    }
    return found;
  }

  async #dataset(path: string): Promise<Observation[]> {
    const dataset = await tried(() => this.#file.dataset(path));
    if (isAnomaly(dataset)) return this.#tell(dataset);
    const found = await this.#unpickled(path, dataset);
    for (const { how, file } of dataset.external) {
      const shown = how === "virtual dataset" ? `a ${how}` : how;
      found.push(...this.#tell(externalData(path, shown, file)));
    }
    const ratio = Math.max(1, this.#context.limits.ratio);
    if (dataset.bytes > BOMB_BYTES && dataset.bytes > this.#size * ratio) {
      const shape = dataset.shape.join(" × ");
      found.push(...this.#tell({
        type: "anomaly",
        rule: "hdf5-shape-bomb",
        detail: `${path} has the shape ${shape}, which is ${dataset.bytes} bytes, ` +
          `in a file of ${this.#size}`,
      }));
    }
    return found;
  }

  async #unpickled(path: string, dataset: Hdf5Dataset | undefined): Promise<Observation[]> {
    const inside = await triedInBounds(() => this.#pickles.in(path, dataset));
    return isAnomaly(inside) ? this.#tell(inside) : inside;
  }

  #tell(anomaly: Anomaly): Anomaly[] {
    const times = (this.#reported.get(anomaly.rule) ?? 0) + 1;
    this.#reported.set(anomaly.rule, times);
    return times <= PLACES_REPORTED ? [anomaly] : [];
  }

  #rest(): Anomaly[] {
    return [...this.#reported].filter(([, times]) => times > PLACES_REPORTED).map((
      [rule, times],
    ) => ({
      type: "anomaly",
      rule,
      detail: `The same at ${times - PLACES_REPORTED} further places`,
      ...((rule === "hdf5-malformed" || rule === "hdf5-filter" || rule === "scan-limit") &&
        { unread: true }),
    }));
  }
}

function externalData(path: string, how: string, file: string): Anomaly {
  const detail = `${path} takes its data by ${how} from ${JSON.stringify(file)}`;
  return { type: "anomaly", rule: "hdf5-external", detail };
}
