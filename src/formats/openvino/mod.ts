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
import { readWhole } from "../../sources/read_all.ts";

/** Faults of one kind that are reported separately; more are counted. CWE-779. */
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
  const network = readNetwork(decoded(bytes));
  if (network.doctype) {
    const detail = "It has a document type, which the format has no use for";
    yield [{ type: "anomaly", rule: "openvino-doctype", detail }];
  }
  yield reported("openvino-constant", network.faults);
  yield reported("openvino-extension", network.extensions);
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
