/**
 * OpenVINO's intermediate representation: a network in XML, whose constants lie in a file beside it.
 * https://docs.openvino.ai/2025/documentation/openvino-ir-format.html, `src/frontends/ir` and
 * `src/core/src/pass/serialize.cpp` of OpenVINO.
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";
import { xmlRoot } from "./xml_head.ts";
import { xmlTags } from "./xml_tags.ts";

/** Bytes of a network that are read into memory. The largest real one has 40 MiB. CWE-770. */
export const IR_BYTES = 256 * 1024 * 1024;

/** Layers of one type and operator set. */
export interface NetworkLayers {
  /** The operator set and the type, for instance `extension.RegexNormalization`; `opset` of the runtime's own sets. */
  readonly operator: string;
  /** The name of the first. */
  readonly name: string;
  /** UTF-16 units from the start of the text to the first. */
  readonly at: number;
  /** The first one's attributes. */
  readonly attributes: Map<string, string>;
  count: number;
}

/** A constant of texts, which lie packed in the weights. */
export interface NetworkTexts {
  readonly name: string;
  /** Bytes from the start of the weights. */
  readonly offset: number;
  readonly size: number;
  /** Texts that its shape says; undefined where the shape is none. */
  readonly count: number | undefined;
}

/** The network as its XML declares it. */
interface OpenvinoNetwork {
  /** Bytes of the file beside it that constants are read from. */
  readonly weights: number;
  /** Constants whose size is not what their shape takes, one sentence each. */
  readonly anomalies: readonly string[];
  /** All layers. */
  readonly layers: readonly NetworkLayers[];
  readonly texts: readonly NetworkTexts[];
  /** True when it has a document type, which OpenVINO never writes. */
  readonly doctype: boolean;
}

/** Bits of an element: `ov::element::Type`. Texts have no fixed size. */
const BITS: Readonly<Record<string, number>> = {
  __proto__: null as never,
  f64: 64,
  f32: 32,
  f16: 16,
  bf16: 16,
  f8e4m3: 8,
  f8e5m2: 8,
  f8e8m0: 8,
  f4e2m1: 4,
  i64: 64,
  i32: 32,
  i16: 16,
  i8: 8,
  i4: 4,
  i2: 2,
  u64: 64,
  u32: 32,
  u16: 16,
  u8: 8,
  u6: 6,
  u4: 4,
  u3: 3,
  u2: 2,
  u1: 1,
  nf4: 4,
  boolean: 8,
  // As networks before version 11 write them.
  FP64: 64,
  FP32: 32,
  FP16: 16,
  BF16: 16,
  I64: 64,
  I32: 32,
  I16: 16,
  I8: 8,
  I4: 4,
  U64: 64,
  U32: 32,
  U16: 16,
  U8: 8,
  U4: 4,
  BIN: 1,
  BOOL: 8,
};

/** The runtime's operator sets, each of which holds most operators of those before it. */
const NUMBERED_SET = /^opset\d{1,2}$/u;

/** Types of layers of one network; the runtime has 220. CWE-770. */
const OPERATORS = 10_000;

const NUMBER = /^\d{1,15}$/u;

/**
 * Whether a text is a network: OpenVINO compares the root's name without regard to case, and takes any text before
 * it.
 *
 * @param head the beginning of a text
 * @returns "cut" when it ends before the root
 */
export function isNetwork(head: string): boolean | "cut" {
  const root = xmlRoot(head);
  if (root === "cut" || root === undefined) return root === "cut" ? "cut" : false;
  return root.name.toLowerCase() === "net" &&
    (!root.complete || /\sversion\s*=/u.test(root.attributes));
}

/**
 * Reads a network.
 *
 * @throws FormatError when the XML is not well-formed or a place in the weights is no number
 */
export function readNetwork(text: string): OpenvinoNetwork {
  const anomalies: string[] = [];
  const layers = new Map<string, NetworkLayers>();
  const texts: NetworkTexts[] = [];
  let weights = 0;
  let doctype = false;
  let layer = "";
  // The layer that was opened last, where it is the first of its kind.
  let first: NetworkLayers | undefined;
  for (const { name, attributes, kind, at } of xmlTags(text)) {
    if (name === "!DOCTYPE") doctype = true;
    if (kind === "end") continue;
    if (name === "layer") {
      layer = attributes.get("name") ?? "";
      const set = attributes.get("version") ?? "";
      const type = attributes.get("type") ?? "";
      const operator = `${NUMBERED_SET.test(set) ? "opset" : set}.${type}`;
      const known = layers.get(operator);
      first = undefined;
      if (known !== undefined) known.count++;
      else {
        if (layers.size === OPERATORS) {
          throw new FormatError(
            `Cannot read network: it has over ${OPERATORS} types of layers`,
            at,
          );
        }
        first = { operator, name: layer, at, attributes: new Map(), count: 1 };
        layers.set(operator, first);
      }
      continue;
    }
    if (name === "data") {
      for (const [key, value] of attributes) first?.attributes.set(key, value);
    }
    const offset = attributes.get("offset");
    const size = attributes.get("size");
    // Constants have both; blobs of networks before version 10, too.
    if (offset === undefined || size === undefined) continue;
    if (!NUMBER.test(offset) || !NUMBER.test(size)) {
      anomalies.push(`"${layer}" lies at ${offset}, with ${size} bytes`);
      continue;
    }
    weights = Math.max(weights, Number(offset) + Number(size));
    const detail = wrongSize(layer, attributes, Number(size));
    if (detail !== undefined) anomalies.push(detail);
    if (attributes.get("element_type") === "string") {
      const count = elementsOf(attributes.get("shape") ?? "");
      texts.push({ name: layer, offset: Number(offset), size: Number(size), count });
    }
  }
  return { weights, anomalies, layers: [...layers.values()], texts, doctype };
}

/** Elements of a shape; undefined where it is none. */
function elementsOf(shape: string): number | undefined {
  const axes = shape.split(",").map((axis) => axis.trim()).filter((axis) => axis !== "");
  return axes.every((axis) => NUMBER.test(axis))
    ? axes.reduce((count, axis) => count * Number(axis), 1)
    : undefined;
}

function wrongSize(
  layer: string,
  attributes: ReadonlyMap<string, string>,
  size: number,
): string | undefined {
  const shape = attributes.get("shape");
  const type = attributes.get("element_type");
  // Blobs of networks before version 10 have neither.
  if (shape === undefined || type === undefined) return undefined;
  const elements = elementsOf(shape);
  if (elements === undefined) return `"${layer}" has the shape ${shape}`;
  if (type === "string") return undefined;
  const bits = BITS[type];
  if (bits === undefined) return `"${layer}" has elements of the unknown type "${type}"`;
  const bytes = Math.ceil(elements * bits / 8);
  return bytes === size ? undefined : `"${layer}" takes ${bytes} bytes, ${size} are declared`;
}
