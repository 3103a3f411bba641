/**
 * CatBoost's models: `CBM1`, the length of a FlatBuffer, the FlatBuffer with the trees, and tables of
 * statistics of categories. They hold no code. `TFullModel::Load` in catboost/libs/model/model.cpp,
 * catboost/libs/model/flatbuffers/model.fbs.
 *
 * @module
 */

import { withoutEnd } from "../../parsers/ends.ts";
import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import { FlatTable } from "../../parsers/flatbuffer_table.ts";
import { SourceCursor } from "../../parsers/source_cursor.ts";
import { behindEnd } from "../../parsers/trailing.ts";

const MAGIC = ascii("CBM1");
/** Bytes of the FlatBuffer, which must be in memory. The largest seen has 400 MiB. CWE-770. */
const CORE_BYTES = 1024 * 1024 * 1024;

/** Fields of `TModelCore`. */
const CORE = { formatVersion: 0, trees: 1, parts: 3 } as const;
/** Fields of `TModelTrees`. */
const TREES = {
  dimension: 0,
  splits: 1,
  sizes: 2,
  starts: 3,
  leafValues: 8,
  stepNodes: 10,
  leafIds: 11,
} as const;
/** The part with statistics of categories; others are of texts and embeddings. */
const STATISTICS = "static_provider_v1";
const FORMAT_VERSION = "FlabuffersModel_v1";
/** Levels of a symmetric tree: CatBoost takes at most 16. */
const DEPTH = 16;

/** CatBoost models. */
export const catboostFormat: Format = { id: "catboost", random: false, detect, scan };

function detect({ head }: Sample): boolean {
  return startsWith(head, MAGIC);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const cursor = new SourceCursor(source, { check: () => context.checkDeadline() });
  await cursor.skip(MAGIC.length);
  const length = await cursor.u32();
  const { left: remaining } = cursor;
  if (length > CORE_BYTES || (remaining !== undefined && length > remaining)) {
    throw new FormatError(`Cannot read CatBoost model: its core has ${length} bytes`, 4);
  }
  const core = FlatTable.root((await cursor.bytes(length)).slice());
  checkCore(core);
  for (const part of core.texts(CORE.parts)) {
    if (part !== STATISTICS) {
      yield [{
        type: "anomaly",
        rule: "catboost-part",
        detail: `It has a part "${withoutEnd(part, "\0")}", which this version does not read`,
        offset: cursor.offset,
        unread: true,
      }];
      return;
    }
    await statistics(cursor);
  }
  yield await behindEnd(source, cursor.offset);
}

/** Checks the trees. */
function checkCore(core: FlatTable): void {
  const version = core.text(CORE.formatVersion);
  if (version !== FORMAT_VERSION) throw new FormatError(`Unknown version "${version}"`);
  const trees = core.table(CORE.trees);
  if (trees === undefined) throw new FormatError("Cannot read CatBoost model: it has no trees");
  const splits = trees.integers(TREES.splits);
  const sizes = trees.integers(TREES.sizes);
  const starts = trees.integers(TREES.starts);
  const values = trees.vector(TREES.leafValues, 8)?.length ?? 0;
  const nodes = trees.vector(TREES.stepNodes, 4)?.length ?? 0;
  const dimension = trees.integer(TREES.dimension) ?? 0;
  if (sizes.length !== starts.length) {
    throw new FormatError(
      `Cannot read CatBoost model: ${sizes.length} trees have ${starts.length} starts`,
    );
  }
  let leaves = 0;
  sizes.forEach((size, index) => {
    const start = starts[index];
    if (start === undefined || size < 0 || start < 0 || start + size > splits.length) {
      throw new FormatError(
        `Cannot read tree ${index}: its ${size} splits at ${start} lie outside`,
      );
    }
    if (nodes === 0 && size > DEPTH) {
      throw new FormatError(`Cannot read tree ${index}: ${size} levels`);
    }
    leaves += 2 ** Math.min(size, DEPTH);
  });
  // Trees that are not symmetric say by other arrays which leaves they have.
  if (nodes === 0 && (dimension < 1 || values !== leaves * dimension)) {
    throw new FormatError(
      `Cannot read CatBoost model: ${leaves} leaves of ${dimension} values, ${values} are there`,
    );
  }
  checkSteps(trees, splits.length, nodes);
}

/** A node of a tree that is not symmetric leads onward by two differences of 16 bits. */
function checkSteps(trees: FlatTable, splits: number, nodes: number): void {
  if (nodes === 0) return;
  const ids = trees.integers(TREES.leafIds);
  const steps = trees.integers(TREES.stepNodes);
  if (nodes !== splits || ids.length !== nodes) {
    throw new FormatError(`Cannot read CatBoost model: ${splits} splits have ${nodes} nodes`);
  }
  steps.forEach((step, at) => {
    for (const difference of [step & 0xffff, step >>> 16]) {
      if (at + difference >= nodes) {
        throw new FormatError(`Cannot read node ${at}: it leads outside`);
      }
    }
  });
}

/** `TCtrData::Load`: a number of tables, each a FlatBuffer with its length before it. */
async function statistics(cursor: SourceCursor): Promise<void> {
  const count = await size(cursor);
  for (let index = 0; index < count; index++) await cursor.skip(await cursor.u32());
}

/** `LoadSize` of util/ysaveload.h: 32 bits, or 64 behind 32 that are all set. */
async function size(cursor: SourceCursor): Promise<number> {
  const short = await cursor.u32();
  return short === 0xffffffff ? await cursor.u64() : short;
}
