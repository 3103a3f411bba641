/**
 * OpenVINO's intermediate representation: a network in XML, whose constants lie in a file beside it.
 * https://docs.openvino.ai/2025/documentation/openvino-ir-format.html, `src/frontends/ir` and
 * `src/core/src/pass/serialize.cpp` of OpenVINO.
 *
 * @module
 */

import { rootTag, xmlTags } from "./xml_tags.ts";

/** Bytes of a network that are read into memory. The largest real one has 40 MiB. CWE-770. */
export const IR_BYTES = 256 * 1024 * 1024;

/** The network as its XML declares it. */
interface OpenvinoNetwork {
  /** Bytes of the file beside it that constants are read from. */
  readonly weights: number;
  /** Constants whose size is not what their shape takes, one sentence each. */
  readonly anomalies: readonly string[];
  /** Layers that need a library: their types with their operator sets. */
  readonly extensions: readonly string[];
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
};

/** Operator sets that the runtime brings along; others come from libraries that extend it. */
const OWN_SET = /^(?:opset\d{1,2}|ie_internal_opset|gpu_opset|util|type_relaxed_opset)$/u;

const NUMBER = /^\d{1,15}$/u;

/**
 * True for the beginning of a network: an XML text whose root is `net` with a version.
 *
 * @param head the first characters
 */
export function looksLikeNetwork(head: string): boolean {
  const root = rootTag(head.replace(/^\ufeff/u, ""));
  return root !== undefined && /^<net\s/u.test(root) && /\sversion\s*=/u.test(root);
}

/**
 * Reads a network.
 *
 * @throws FormatError when the XML is not well-formed or a place in the weights is no number
 */
export function readNetwork(text: string): OpenvinoNetwork {
  const anomalies: string[] = [];
  const extensions = new Set<string>();
  let weights = 0;
  let doctype = false;
  let layer = "";
  for (const { name, attributes, kind } of xmlTags(text)) {
    if (name === "!DOCTYPE") doctype = true;
    if (kind === "end") continue;
    if (name === "layer") {
      layer = attributes.get("name") ?? "";
      const set = attributes.get("version");
      if (set !== undefined && !OWN_SET.test(set)) {
        extensions.add(`${attributes.get("type") ?? "a layer"} of ${set}`);
      }
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
  }
  return { weights, anomalies, extensions: [...extensions], doctype };
}

function wrongSize(
  layer: string,
  attributes: ReadonlyMap<string, string>,
  size: number,
): string | undefined {
  const shape = attributes.get("shape");
  const bits = BITS[attributes.get("element_type") ?? ""];
  if (shape === undefined || bits === undefined) return undefined;
  const axes = shape.split(",").map((axis) => axis.trim()).filter((axis) => axis !== "");
  if (!axes.every((axis) => NUMBER.test(axis))) return `"${layer}" has the shape ${shape}`;
  const bytes = Math.ceil(axes.reduce((count, axis) => count * Number(axis), 1) * bits / 8);
  return bytes === size ? undefined : `"${layer}" takes ${bytes} bytes, ${size} are declared`;
}
