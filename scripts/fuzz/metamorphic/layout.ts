/**
 * Transformations of what lies around the opcodes: frames, other streams, padding, containers, names.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { looksLikeText } from "../../../src/parsers/bytes.ts";
import { join, joinAll } from "../bytes.ts";
import { Dice } from "../dice.ts";
import { constant, longConstant, tuple } from "./emit.ts";
import * as codes from "./program.ts";
import { type Edit, edited, frameHead, type Op, op, steps, writeOps } from "./program.ts";
import { type Draft, ofOps, type Transformation } from "./transformation.ts";

/** The file before containers. */
export function written({ ops, tail, frames, before, behind }: Draft): Uint8Array {
  const stream = framed(ops, frames.kind, new Dice("frames", frames.salt));
  return joinAll([before, withLengths(stream, ops), tail, behind]);
}

/** The stream with the lengths of opcodes that pass over what follows, up to STOP. */
function withLengths(stream: Uint8Array, ops: readonly Op[]): Uint8Array {
  const buffer = Buffer.from(stream.buffer, stream.byteOffset, stream.length);
  const stop = stream.length - (ops.at(-1)?.code === codes.STOP ? 1 : 0);
  let from = 0;
  for (const { arg, swallows } of ops) {
    if (!swallows) continue;
    const end = buffer.indexOf(arg, from) + arg.length;
    // Behind the frame that STOP is in nothing follows.
    buffer.writeUInt32LE(Math.max(0, stop - end), end - 4);
    from = end;
  }
  return stream;
}

/** Opcodes in frames. A loader's own bytes come behind the frame that their BUILD is in. */
function framed(ops: readonly Op[], kind: Draft["frames"]["kind"], dice: Dice): Uint8Array {
  if (kind === "none") return writeOps(ops);
  const pieces: Uint8Array[] = [];
  let from = 0;
  if (ops[0]?.code === codes.PROTO) {
    pieces.push(writeOps(ops.slice(0, 1)));
    from = 1;
  }
  while (from < ops.length) {
    const left = ops.length - from;
    const many = kind === "one" ? left : kind === "each" ? 1 : 1 + dice.below(Math.min(left, 12));
    const part = ops.slice(from, from + many);
    const inside = writeOps(part.filter(({ code }) => code !== codes.RAW));
    const behind = writeOps(part.filter(({ code }) => code === codes.RAW));
    const frame = inside.length > 0 && (kind !== "part" || dice.chance(1, 2));
    if (frame) pieces.push(frameHead(inside.length), inside, behind);
    else pieces.push(writeOps(part));
    from += many;
  }
  return joinAll(pieces);
}

const KINDS = ["none", "one", "many", "each", "part"] as const;

const frames: readonly Transformation[] = KINDS.map((kind) => ({
  id: `frames-${kind}`,
  stage: 1,
  excludedBy: (draft) =>
    draft.frames.kind === kind ? `the frames are "${kind}" already` : undefined,
  apply: (draft, dice) =>
    draft.frames.kind === kind ? undefined : { ...draft, frames: { kind, salt: dice.word() } },
}));

/** A long value that is dropped at once. */
function long(count: (dice: Dice) => readonly number[]) {
  return (ops: readonly Op[], dice: Dice): readonly Op[] => {
    const start = ops[0]?.code === codes.PROTO ? 1 : 0;
    const insert = count(dice).flatMap((length) => [longConstant(length, dice), op(codes.POP)]);
    return edited(ops, [{ at: start, insert }]);
  };
}

/** Long values that stay below what matters, without PROTO where the protocol is an old one. */
function longKept(ops: readonly Op[], dice: Dice): readonly Op[] {
  const old = ops[0]?.code === codes.PROTO && (ops[0].arg[0] ?? 9) < 3;
  const rest = old ? ops.slice(1) : ops;
  const start = rest[0]?.code === codes.PROTO ? 1 : 0;
  const count = 1 + dice.below(14);
  const insert = Array.from(
    { length: count },
    () => longConstant(Math.floor(80_000 / count), dice),
  );
  return edited(rest, [{
    at: start,
    insert: dice.chance(1, 2) ? [op(codes.MARK), ...insert, op(codes.POP_MARK)] : insert,
  }]);
}

/** Many opcodes of a byte before what matters. */
function manyOps(ops: readonly Op[], dice: Dice): readonly Op[] {
  const start = ops[0]?.code === codes.PROTO ? 1 : 0;
  const pair = dice.chance(1, 2)
    ? [op(codes.NONE), op(codes.POP)]
    : [constant(dice), op(codes.POP)];
  const insert = Array.from({ length: 200 + dice.below(6000) }, () => pair).flat();
  return edited(ops, [{ at: start, insert }]);
}

/** The first call's argument gets a long companion that is dropped. */
function longArgument(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const run = steps(ops);
  const at = run.findIndex(({ operands }, index) =>
    ops[index]?.code === codes.REDUCE && operands.length === 2
  );
  const args = run[at]?.operands[1];
  if (args === undefined) return undefined;
  const edit: Edit = {
    at: args,
    insert: [longConstant(70_000, dice), op(codes.POP), ...tuple([], dice), op(codes.POP)],
  };
  return edited(ops, [edit]);
}

const LONG: readonly Transformation[] = [
  ofOps("long-one", long(() => [70_000])),
  ofOps("long-many", long((dice) => Array.from({ length: 8 + dice.below(8) }, () => 7_000))),
  ofOps("long-kept", longKept),
  ofOps("long-argument", longArgument),
  ofOps("long-ops", manyOps),
];

/**
 * More values below everything else than a look keeps: text where the rest is text, which only such a look tells from
 * prose where the name says nothing.
 */
const longValues: Transformation = {
  id: "long-values",
  stage: 1,
  apply(draft, dice) {
    const start = draft.ops[0]?.code === codes.PROTO ? 1 : 0;
    const one = dice.pick([[op(codes.NONE)], [op(codes.MARK), op(codes.LIST)]]);
    const insert = Array.from({ length: 66_000 + dice.below(4000) }, () => one).flat();
    const ops = edited(draft.ops, [{ at: start, insert }]);
    const isText = looksLikeText(writeOps(draft.ops));
    const name = isText && draft.loader === "plain" && dice.chance(1, 2)
      ? dice.pick(NAMES)
      : draft.name;
    return { ...draft, ops, name };
  },
};

const STREAMS: readonly (readonly number[])[] = [
  [0x4e, 0x2e],
  [0x80, 4, 0x5d, 0x94, 0x2e],
  [0x80, 2, 0x7d, 0x71, 0, 0x2e],
  [0x49, 0x31, 0x0a, 0x2e],
  [0x28, 0x6c, 0x70, 0x30, 0x0a, 0x2e],
  [0x80, 4, 0x95, 2, 0, 0, 0, 0, 0, 0, 0, 0x4e, 0x2e],
];

function severalStreams({ loader }: Draft): string | undefined {
  return loader === "joblib" ? "joblib reads one stream, the first" : undefined;
}

const second: Transformation = {
  id: "stream-second",
  stage: 1,
  excludedBy: severalStreams,
  apply(draft, dice) {
    if (severalStreams(draft) !== undefined) return undefined;
    const many: Uint8Array[] = Array.from(
      { length: 1 + dice.below(3) },
      () => Uint8Array.from(dice.pick(STREAMS)),
    );
    if (dice.chance(1, 4)) many.push(writeOps([longConstant(70_000, dice), op(codes.STOP)]));
    return { ...draft, before: joinAll([...many, draft.before]) };
  },
};

/** Streams that are text, as pickles of protocol 0 are. */
const TEXT_STREAMS: readonly (readonly number[])[] = STREAMS.filter((stream) =>
  looksLikeText(Uint8Array.from(stream))
);

/**
 * More streams of a kind before than any look steps over one by one: text before what is text, which only
 * such looks tell from prose where the name says nothing.
 */
const manyStreams: Transformation = {
  id: "stream-many",
  stage: 1,
  excludedBy: severalStreams,
  apply(draft, dice) {
    if (severalStreams(draft) !== undefined) return undefined;
    const isText = looksLikeText(written(draft)) && dice.chance(3, 4);
    const one = Uint8Array.from(dice.pick(isText ? TEXT_STREAMS : STREAMS));
    const many = Array.from({ length: 65 + dice.below(100) }, () => one);
    const name = isText && dice.chance(1, 2) ? dice.pick(NAMES) : draft.name;
    return { ...draft, name, before: joinAll([...many, draft.before]) };
  },
};

const more: Transformation = {
  id: "stream-more",
  stage: 1,
  apply(draft, dice) {
    if (draft.ops.at(-1)?.code !== codes.STOP) return undefined;
    return { ...draft, behind: join(draft.behind, dice.pick(STREAMS)) };
  },
};

const trailing: Transformation = {
  id: "bytes-behind",
  stage: 1,
  apply(draft, dice) {
    const bytes = dice.pick([
      () => new Uint8Array(1 + dice.below(600)),
      () => join("\n".repeat(1 + dice.below(40))),
      () => dice.bytes(1 + dice.below(300)).map((byte) => byte & 0x0f),
      () => join("The weights of a model, as text.\n".repeat(1 + dice.below(30))),
      () => new Uint8Array(70_000),
      () => join("\xff\xff\xff\xff"),
    ])();
    return { ...draft, behind: join(draft.behind, bytes) };
  },
};

/** Ends of names by container. */
const ENDS: Readonly<Record<string, string>> = {
  "zip-stored": ".zip",
  "zip-deflated": ".zip",
  tar: ".tar",
  gzip: ".gz",
  zlib: ".z",
  bz2: ".bz2",
  xz: ".xz",
  lzma: ".lzma",
  lz4: ".lz4",
  "7z": ".7z",
  npy: ".npy",
  npz: ".npz",
  "torch-zip": ".pt",
  "torch-legacy": ".pt",
};
/** Containers whose loader reads one pickle alone. */
const LOADERS = new Set(["npy", "npz", "torch-zip", "torch-legacy"]);

/** Why the loader of a container does not come to what is in it. */
function notLoaded({ loader, before, containers }: Draft): string | undefined {
  if (loader === "joblib") {
    return "only joblib steps over arrays, and opens none of these containers";
  }
  if (before.length > 0) return "the loader of the container reads one stream, the first";
  return containers.length > 0 ? "the loader of the container opens none inside it" : undefined;
}

/** A container around it; those of loaders only around the pickle itself. */
function container(kind: string): Transformation {
  const own = LOADERS.has(kind);
  return {
    id: `in-${kind}`,
    stage: 2,
    excludedBy: (draft) => own ? notLoaded(draft) : undefined,
    apply(draft) {
      if (own && notLoaded(draft) !== undefined) return undefined;
      const end = ENDS[kind] ?? "";
      const name = own ? `model${end}` : `${draft.name}${end}`;
      return { ...draft, containers: [...draft.containers, kind], name };
    },
  };
}

const NAMES = [
  ...["model.pkl", "model.pickle", "model.joblib", "model.bin", "model.dat", "model.pt"],
  ...["model.ckpt", "model", "model.txt", "model.bak", "model.data", "weights.h5", "model.npy"],
];

const renamed: Transformation = {
  id: "renamed",
  stage: 3,
  apply(draft, dice) {
    const name = dice.pick(NAMES);
    return name === draft.name ? undefined : { ...draft, name };
  },
};

/** Transformations of layout; containers by the names that the oracle knows. */
export function layouts(containers: readonly string[]): readonly Transformation[] {
  const known = Object.keys(ENDS).filter((kind) => containers.includes(kind));
  return [
    ...frames,
    ...LONG,
    longValues,
    second,
    manyStreams,
    more,
    trailing,
    ...known.map(container),
    renamed,
  ];
}
