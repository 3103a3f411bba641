/**
 * Raw floats of 32 bits with a short header or none, as Darknet, and many programs of their own, keep
 * weights: `load_weights_upto`, src/parser.c of https://github.com/pjreddie/darknet. Nothing says what
 * they are; that every word of the file is a number as weights are leaves no room for anything else.
 *
 * @module
 */

import type { FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { looksLikeText } from "../../parsers/bytes.ts";

/** Names under which programs keep raw numbers. What transformers calls a checkpoint is none. */
const NAMES = /\.(?:bin|weights|dat)$/iu;
const CHECKPOINT = /^(?:pytorch_model|diffusion_pytorch_model|adapter_model|training_args)\b/iu;

/** Bytes of a header before the numbers; Darknet's has 20. */
const HEADER_BYTES = 64;
/** Numbers that there must be for the test to mean something. */
const FEWEST = 64;
/** Bytes by which a file is taken for numbers; all others must then be numbers too. */
const LOOK_BYTES = 4096;
/** Bytes read at a time, a multiple of a number's. */
const READ_BYTES = 1 << 20;

/** Weights are below this, zeros and what comes close to zero included. */
const LARGEST = 2 ** 20;
/** At least half of them are above this. */
const SMALL = 2 ** -40;

/** Where the numbers begin; undefined when the head does not consist of them. */
export function floatsStart(sample: Sample): number | undefined {
  const { name, hint, size } = sample;
  const head = sample.head.subarray(0, LOOK_BYTES);
  if (hint !== undefined || !NAMES.test(name) || CHECKPOINT.test(name)) return undefined;
  if (head.length < 4 * FEWEST || looksLikeText(head)) return undefined;
  for (let start = 0; start <= HEADER_BYTES; start++) {
    if (size !== undefined && (size - start) % 4 !== 0) continue;
    const { typical, wrong } = checkFloats(head, start);
    const count = Math.floor((head.length - start) / 4);
    if (count >= FEWEST && wrong === undefined && typical >= count / 2) return start;
  }
  return undefined;
}

interface FloatCheck {
  /** Numbers as most weights are. */
  readonly typical: number;
  /** Offset of the first word that is no weight. */
  readonly wrong: number | undefined;
}

function checkFloats(bytes: Uint8Array, start: number): FloatCheck {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let typical = 0;
  for (let at = start; at + 4 <= bytes.length; at += 4) {
    const size = Math.abs(view.getFloat32(at, true));
    if (!(size < LARGEST)) return { typical, wrong: at };
    if (size > SMALL) typical++;
  }
  return { typical, wrong: undefined };
}

/** Compares every word. Yields one anomaly at most. */
export async function* scanFloats(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const start = floatsStart(context.sample);
  if (start === undefined) return;
  for (let at = start;;) {
    context.checkDeadline();
    const bytes = (await source.read(at, READ_BYTES)).slice();
    const { wrong } = checkFloats(bytes, 0);
    const rest = bytes.length < READ_BYTES ? bytes.length % 4 : 0;
    if (wrong !== undefined || rest > 0) {
      const offset = at + (wrong ?? bytes.length - rest);
      yield [{
        type: "anomaly",
        rule: "float-array-other-content",
        detail:
          `"${context.sample.name}" begins like raw numbers; what stands at ${offset} is none`,
        offset,
        unread: true,
      }];
      return;
    }
    if (bytes.length < READ_BYTES) return;
    at += bytes.length;
  }
}
