/**
 * Caffe's weights (`.caffemodel`): a NetParameter in protobuf, whose layers hold blobs. Loading copies the numbers
 * of layers that the network has by name; it makes none of the layers.
 * `src/caffe/proto/caffe.proto`, `Net::CopyTrainedLayersFrom` and `Blob::FromProto` of https://github.com/BVLC/caffe
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import {
  packedVarints,
  WIRE,
  type WireField,
  type WireMessage,
  WireReader,
} from "../../parsers/protobuf.ts";

/** Numbers of fields: of the network, of its layers (and those before 2014), of blobs and shapes. */
const NETWORK = { layersBefore2014: 2, layers: 100 } as const;
const BLOBS = { layersBefore2014: 6, layers: 7 } as const;
const BLOB = { data: 5, doubles: 8, shape: 7 } as const;
const SHAPE = { dimensions: 1 } as const;
/** Numbers of the four axes that blobs had before they had shapes. */
const AXES: ReadonlySet<number> = new Set([1, 2, 3, 4]);
/** Dimensions of a blob: `kMaxBlobAxes`. */
const DIMENSIONS = 32;
const NAMED = /\.caffemodel$/iu;
/** Anomalies that are reported one by one; intact weights have none. CWE-779. */
const REPORTED = 20;

/** Caffe's weights. */
export const caffeWeightsFormat: Format = { id: "caffe-weights", random: true, detect, scan };

/** Nothing in the bytes tells it from another message. */
function detect({ name, head }: Sample): boolean {
  return NAMED.test(name) && head.length > 0;
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const walk = new WeightsWalk(new WireReader(source, context));
  try {
    await walk.network();
  } finally {
    yield walk.anomalies;
  }
}

class WeightsWalk {
  readonly anomalies: Observation[] = [];
  readonly #reader: WireReader;
  #layers = 0;

  constructor(reader: WireReader) {
    this.#reader = reader;
  }

  /** @throws FormatError, LimitError and SourceError as `WireMessage.next` does */
  async network(): Promise<void> {
    const message = this.#reader.message();
    await message.each((field) => {
      const old = field.number === NETWORK.layersBefore2014;
      if (!old && field.number !== NETWORK.layers) return;
      if (field.type !== WIRE.bytes) {
        throw new FormatError(
          `Cannot read weights: a layer has wire type ${field.type}`,
          field.offset,
        );
      }
      this.#layers++;
      return this.#layer(message.enter(field), old ? BLOBS.layersBefore2014 : BLOBS.layers);
    });
    if (this.#layers === 0) throw new FormatError("Cannot read weights: there is no layer", 0);
  }

  #layer(layer: WireMessage, blobs: number): Promise<void> {
    return layer.each((field) => {
      if (field.number !== blobs || field.type !== WIRE.bytes) return;
      return this.#blob(layer.enter(field), field.offset);
    });
  }

  async #blob(blob: WireMessage, offset: number): Promise<void> {
    let shape: number[] | undefined;
    const axes = new Map<number, number>();
    let numbers = 0;
    let doubles = 0;
    await blob.each(async (field) => {
      const { number, type, start, end, value } = field;
      if (number === BLOB.shape && type === WIRE.bytes) {
        shape = [...shape ?? [], ...await this.#shape(blob.enter(field))];
      } else if (AXES.has(number) && type === WIRE.varint) axes.set(number, value);
      else if (number === BLOB.data) numbers += type === WIRE.bytes ? (end - start) / 4 : 1;
      else if (number === BLOB.doubles) doubles += type === WIRE.bytes ? (end - start) / 8 : 1;
    });
    const dimensions = shape ?? [1, 2, 3, 4].map((axis) => axes.get(axis) ?? 0);
    const count = dimensions.reduce((all, size) => size < 0 ? NaN : all * size, 1);
    // Doubles count where there are any.
    const there = doubles > 0 ? doubles : numbers;
    if (dimensions.length <= DIMENSIONS && count === there) return;
    if (this.anomalies.length >= REPORTED) return;
    const detail = `a blob of ${dimensions.join(" × ") || "one"} holds ${there} numbers`;
    this.anomalies.push({ type: "anomaly", rule: "caffe-blob", detail, offset });
  }

  async #shape(message: WireMessage): Promise<number[]> {
    const dimensions: number[] = [];
    await message.each(async (field: WireField) => {
      if (field.number !== SHAPE.dimensions || dimensions.length > DIMENSIONS) return;
      if (field.type === WIRE.varint) dimensions.push(field.value);
      else if (field.type === WIRE.bytes) {
        const bytes = await this.#reader.bytes(field.start, field.end, 10 * (DIMENSIONS + 1));
        dimensions.push(...packedVarints(bytes, DIMENSIONS + 1));
      }
    });
    return dimensions;
  }
}
