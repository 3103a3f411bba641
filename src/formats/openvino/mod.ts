/**
 * OpenVINO's networks in XML (`parsers/openvino_ir.ts`). They hold no code; layers of an extension work
 * only where its library was loaded.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { IR_BYTES, looksLikeNetwork, readNetwork } from "../../parsers/openvino_ir.ts";
import { ascii, latin1, startsWith } from "../../parsers/bytes.ts";
import { behindEnd } from "../../parsers/trailing.ts";
import { readWhole } from "../../sources/read_all.ts";

/**
 * Anomalies of one kind that are reported separately, of which an intact network has none; more are counted.
 * CWE-779.
 */
const REPORTED = 20;

/** OpenVINO networks. */
export const openvinoFormat: Format = { id: "openvino", random: false, detect, scan };

function detect({ head }: Sample): boolean {
  return looksLikeNetwork(new TextDecoder().decode(head.subarray(0, 4096)));
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const bytes = await readWhole(source, IR_BYTES, "a network", () => context.checkDeadline());
  const end = endOf(bytes);
  if (end !== undefined) yield await behindEnd(source, end);
  const network = readNetwork(decoded(bytes.subarray(0, end)));
  if (network.doctype) {
    const detail = "It has a document type, which the format has no use for";
    yield [{ type: "anomaly", rule: "openvino-doctype", detail }];
  }
  yield reported("openvino-constant", network.anomalies);
  yield reported("openvino-extension", network.extensions);
}

const END_TAG = ascii("</net");

/** Offset behind the last element, white space and comments; undefined where there is no such element. */
function endOf(bytes: Uint8Array): number | undefined {
  let at = bytes.lastIndexOf(0x3c);
  while (at >= 0 && !startsWith(bytes.subarray(at), END_TAG)) {
    at = at === 0 ? -1 : bytes.lastIndexOf(0x3c, at - 1);
  }
  if (at < 0) return undefined;
  const behind = latin1(bytes.subarray(at), bytes.length);
  return at + (/^<\/net\s*>(?:\s|<!--[^]*?-->)*/u.exec(behind)?.[0].length ?? behind.length);
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new FormatError("Cannot read XML: it is no UTF-8");
  }
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
