/**
 * OpenVINO's networks in XML (`parsers/openvino_ir.ts`). They hold no code; layers of an extension work
 * only where its library was loaded.
 *
 * @module
 */

import { type Format, type FormatContext, type Sample, SAMPLE_BYTES } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import { findExternal } from "../../bundles/onnx_location.ts";
import type { FolderPlace, Observation } from "../../core/types.ts";
import { baseName } from "../../parsers/base_name.ts";
import { IR_BYTES, isNetwork, type NetworkLayers, readNetwork } from "../../parsers/openvino_ir.ts";
import { ascii, latin1, startsWith } from "../../parsers/bytes.ts";
import { behindEnd } from "../../parsers/trailing.ts";
import { decodeXml } from "../../parsers/xml_head.ts";
import { readAll } from "../../sources/read_all.ts";
import { wrongTexts } from "./texts.ts";

/**
 * Anomalies of one kind that are reported separately, of which an intact network has none; more are counted.
 * CWE-779.
 */
const REPORTED = 20;
/** Characters of a text that are reported: evidence, and no listing. CWE-779. */
const TEXT_LENGTH = 2048;

const NAMED = /\.xml$/iu;

/** OpenVINO networks. */
export const openvinoFormat: Format = {
  id: "openvino",
  random: false,
  detect: (sample) => isNetwork(headText(sample)) === true,
  isUndecided: (sample) =>
    NAMED.test(sample.name) && sample.head.length === SAMPLE_BYTES &&
    isNetwork(headText(sample)) === "cut",
  detectFurther: async (source, _sample, check) => {
    if ((source.size ?? 0) > IR_BYTES) return undefined;
    return isNetwork(decodeXml(await readAll(source, IR_BYTES, "XML", check)).text) === true;
  },
  scan,
};

/** Text before the root is stepped over in files that are called XML; in others it begins there. */
function headText({ name, head }: Sample): string {
  const { text } = decodeXml(head);
  return NAMED.test(name) || /^\s*</u.test(text) ? text : "";
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const bytes = await readAll(source, IR_BYTES, "a network", () => context.checkDeadline());
  const { text, encoding } = decodeXml(bytes);
  const end = encoding === "utf-8" ? endOf(bytes) : undefined;
  if (end !== undefined) yield await behindEnd(source, end);
  else if (encoding !== "utf-8") {
    const detail = `It is written in ${encoding}`;
    yield [{ type: "anomaly", rule: "openvino-encoding", detail }];
  }
  const network = readNetwork(end === undefined ? text : decodeXml(bytes.subarray(0, end)).text);
  if (network.doctype) {
    const detail = "It has a document type, which the format has no use for";
    yield [{ type: "anomaly", rule: "openvino-doctype", detail }];
  }
  yield network.layers.map(factOf);
  if (network.weights > 0 && context.folder !== undefined) yield linkedWeights(context.folder);
  yield reported("openvino-constant", network.anomalies);
  if (context.folder !== undefined && network.texts.length > 0) {
    const wrong = await wrongTexts(network.texts, context.folder, () => context.checkDeadline());
    yield reported("openvino-texts", wrong);
  }
}

/** Weights have the network's own name; OpenVINO follows a link and takes any bytes for numbers. */
function linkedWeights({ listing, member }: FolderPlace): Observation[] {
  const weights = `${baseName(member).replace(/\.[^.]*$/u, "")}.bin`;
  const found = findExternal(listing, member, weights);
  if (found?.type !== "problem" || found.problem.kind !== "outside") return [];
  const detail = `its weights are "${weights}", which ${found.problem.text}`;
  return [{ type: "anomaly", rule: "openvino-link", detail }];
}

const END_TAG = ascii("</net");
const COMMENT = ascii("<!--");
/** White space of XML, and what a regular expression takes besides. */
const SPACES = [0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0xa0];

/**
 * Offset behind the last element, white space and comments; undefined where there is no such element, whose name
 * counts without regard to case.
 */
function endOf(bytes: Uint8Array): number | undefined {
  let at = bytes.lastIndexOf(0x3c);
  while (at >= 0 && !startsWith(lowered(bytes.subarray(at, at + END_TAG.length)), END_TAG)) {
    at = at === 0 ? -1 : bytes.lastIndexOf(0x3c, at - 1);
  }
  if (at < 0) return undefined;
  const close = bytes.indexOf(0x3e, at);
  const tag = latin1(bytes.subarray(at, close < 0 ? bytes.length : close));
  return close < 0 || !/^<\/net\s*$/iu.test(tag) ? bytes.length : behindComments(bytes, close + 1);
}

/** The first place from one on where neither white space nor a whole comment is. */
function behindComments(bytes: Uint8Array, from: number): number {
  for (let at = from;;) {
    while (SPACES.includes(bytes[at] ?? 0)) at++;
    if (!startsWith(bytes.subarray(at, at + COMMENT.length), COMMENT)) return at;
    const end = commentEnd(bytes, at + COMMENT.length);
    if (end === undefined) return at;
    at = end;
  }
}

function commentEnd(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(0x3e, from + 2); at >= 0; at = bytes.indexOf(0x3e, at + 1)) {
    if (bytes[at - 1] === 0x2d && bytes[at - 2] === 0x2d) return at + 1;
  }
  return undefined;
}

function lowered(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);
}

/** The operator, where its first layer is, and the texts of that which name files. */
function factOf({ operator, name, attributes, at, count }: NetworkLayers): Observation {
  const written = [...attributes].slice(0, 8)
    .map(([key, value]) => `${key}=${JSON.stringify(value.slice(0, 120))}`).join(", ");
  const paths = [...attributes.values()].filter((value) => /[\\/]|^\w+:/u.test(value));
  return {
    type: "fact",
    fact: {
      kind: "operator",
      language: "openvino",
      name: operator,
      expression: `${operator}(${written}) in layer "${name}"`.slice(0, TEXT_LENGTH),
      evidence: paths.slice(0, REPORTED).map((text) => ({
        kind: "path",
        text: text.slice(0, TEXT_LENGTH),
        cut: text.length > TEXT_LENGTH,
      })),
    },
    count,
    offset: at,
  };
}

function reported(rule: string, details: readonly string[]): Observation[] {
  const shown = details.slice(0, REPORTED).map((detail): Observation => ({
    type: "anomaly",
    rule,
    detail,
  }));
  const more = details.length - shown.length;
  return more > 0 ? [...shown, { type: "anomaly", rule, detail: `and ${more} more` }] : shown;
}
