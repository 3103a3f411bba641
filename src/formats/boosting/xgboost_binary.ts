/**
 * XGBoost's binary form, which 3.1 no longer reads: structures of C++ one after the other, little-endian.
 * `LearnerIO::LoadModel`, `GBTreeModel::Load`, `RegTree::Load` of XGBoost 1.7.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { ascii, latin1, startsWith } from "../../parsers/bytes.ts";
import type { SourceCursor } from "../../parsers/source_cursor.ts";
import { checkTree } from "./trees.ts";

/** `LearnerModelParamLegacy`. */
const LEARNER_BYTES = 136;
/** `GBTreeModelParam` and `TreeParam`. */
const MODEL_BYTES = 160;
const TREE_BYTES = 148;
/** `RegTree::Node` and `RTreeNodeStat`. */
const NODE_BYTES = 20;
const STATISTICS_BYTES = 16;
/** Feature of a node: the highest bit says where missing values go. */
const FEATURE = 0x7fffffff;
/** Bytes of a name or of an attribute; objectives have names of some twenty. CWE-770. */
const TEXT_BYTES = 1 << 24;
/** Trees of a model. The largest real ones have 100,000. CWE-770. */
const TREES = 10_000_000;
/** Nodes of a tree. A tree of the default depth, 6, has 127. CWE-770. */
const NODES = 50_000_000;

const BOOSTERS = ["gbtree", "dart", "gblinear"];

/** True for the form, with or without the mark of early versions before it. */
export function isBinary(head: Uint8Array): boolean {
  const from = startsWith(head, ascii("binf")) ? head.subarray(4) : head;
  if (from.length < LEARNER_BYTES + 8) return false;
  const view = new DataView(from.buffer, from.byteOffset, from.byteLength);
  const length = view.getUint32(LEARNER_BYTES, true);
  if (view.getUint32(LEARNER_BYTES + 4, true) !== 0 || length < 4 || length > 64) return false;
  return /^[a-z]+:[a-z0-9_:-]+$/u.test(latin1(from.subarray(LEARNER_BYTES + 8), length));
}

/**
 * Reads a model to its end.
 *
 * @throws FormatError when it is cut off or an index leads nowhere
 */
export async function binaryModel(cursor: SourceCursor): Promise<void> {
  if (latin1(await cursor.bytes(4), 4) !== "binf") {
    // The four bytes are the base score.
    await parameters(cursor);
  } else {
    await cursor.skip(4);
    await parameters(cursor);
  }
}

async function parameters(cursor: SourceCursor): Promise<void> {
  const features = await cursor.u32();
  await cursor.skip(4);
  const attributes = await cursor.i32();
  const metrics = await cursor.i32();
  const major = await cursor.u32();
  await cursor.skip(LEARNER_BYTES - 24);
  const objective = await text(cursor);
  const booster = await text(cursor);
  if (!BOOSTERS.includes(booster)) {
    throw new FormatError(`Unknown booster "${booster}"`, cursor.offset);
  }
  if (booster === "gblinear") await linear(cursor);
  else await forest(cursor, features, booster === "dart");
  if (attributes !== 0) await texts(cursor, 2);
  // Until 1.0 a parameter of this objective stood alone.
  if (objective === "count:poisson" && major < 1) await text(cursor);
  if (metrics !== 0) await texts(cursor, 1);
}

async function text(cursor: SourceCursor): Promise<string> {
  const length = await cursor.u64();
  if (length > TEXT_BYTES) {
    throw new FormatError(`Cannot read a text of ${length} bytes`, cursor.offset);
  }
  return await cursor.text(length);
}

/** @param each texts of one item */
async function texts(cursor: SourceCursor, each: number): Promise<void> {
  const count = await cursor.u64();
  if (count > TREES) throw new FormatError(`Cannot read ${count} texts`, cursor.offset);
  for (let remaining = count * each; remaining > 0; remaining--) await text(cursor);
}

/** `GBLinearModelParam`, of 136 bytes, and weights. */
async function linear(cursor: SourceCursor): Promise<void> {
  await cursor.skip(136);
  await cursor.skip(4 * await cursor.u64());
}

async function forest(cursor: SourceCursor, features: number, dart: boolean): Promise<void> {
  const trees = await cursor.i32();
  if (trees < 0 || trees > TREES) {
    throw new FormatError(`Cannot read ${trees} trees`, cursor.offset);
  }
  await cursor.skip(MODEL_BYTES - 4);
  for (let index = 0; index < trees; index++) await tree(cursor, index, features);
  await cursor.skip(4 * trees);
  if (dart && trees > 0) await cursor.skip(4 * await cursor.u64());
}

async function tree(cursor: SourceCursor, index: number, features: number): Promise<void> {
  await cursor.skip(4);
  const nodes = await cursor.i32();
  if (nodes < 1 || nodes > NODES) {
    throw new FormatError(`Cannot read ${nodes} nodes`, cursor.offset);
  }
  await cursor.skip(TREE_BYTES - 8);
  const { left: there } = cursor;
  if (there !== undefined && nodes * NODE_BYTES > there) {
    throw new FormatError(`Cannot read tree ${index}: it has ${nodes} nodes`, cursor.offset);
  }
  const left = new Int32Array(nodes);
  const right = new Int32Array(nodes);
  const splits = new Int32Array(nodes);
  for (let node = 0; node < nodes; node++) {
    await cursor.skip(4);
    left[node] = await cursor.i32();
    right[node] = await cursor.i32();
    splits[node] = await cursor.u32() & FEATURE;
    await cursor.skip(4);
  }
  checkTree(`tree ${index}`, { left, right, features: splits }, features);
  await cursor.skip(STATISTICS_BYTES * nodes);
}
