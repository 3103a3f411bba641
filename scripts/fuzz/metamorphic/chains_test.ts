import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { bytesOfSeed, seedsOf } from "../corpus.ts";
import { Dice } from "../dice.ts";
import { applied, chainOf, pairs, shorter, transformations } from "./chains.ts";
import { written } from "./layout.ts";
import { FRAME, readProgram, steps, writeOps } from "./program.ts";
import { plainest } from "./samples.ts";

const ALL = transformations(["gzip", "zip-stored", "npy", "torch-zip"], [[
  "collections",
  "OrderedDict",
]]);
const DUE = pairs(ALL);

test("pickles without frames are read and written alike, to the last byte", () => {
  let compared = 0;
  for (const seed of seedsOf(/^pickle\/(?:harmful|safe)\/.*\.pkl$/u)) {
    const bytes = bytesOfSeed(seed);
    const program = readProgram(bytes);
    if (program === undefined || bytes.includes(FRAME)) continue;
    const again = Buffer.concat([writeOps(program.ops), program.tail]);
    assert.equal(again.toString("hex"), Buffer.from(bytes).toString("hex"), seed.path);
    compared++;
  }
  assert.ok(compared > 150, `${compared}`);
});

test("steps say where the operands of a call begin", () => {
  const [sample] = plainest();
  assert.ok(sample);
  // c os system, (, S, t, R, .
  const reduce = steps(sample.draft.ops).at(4);
  assert.deepEqual(reduce?.operands, [0, 1]);
  assert.equal(reduce?.value, true);
});

test("seed and number give the same chain and the same bytes again", () => {
  const [sample] = plainest();
  assert.ok(sample);
  const made = (number: number): string => {
    const chain = chainOf(number, ALL, DUE, new Dice("metamorphic", 7, number));
    const draft = applied(sample.draft, chain);
    const bytes = draft === undefined ? "" : Buffer.from(written(draft)).toString("hex");
    return `${chain.map(({ transformation }) => transformation.id)} ${bytes}`;
  };
  const first = Array.from({ length: 40 }, (_, number) => made(number));
  assert.deepEqual(Array.from({ length: 40 }, (_, number) => made(number)), first);
  assert.ok(new Set(first).size > 35);
});

test("as many cases as there are pairs hold every ordered pair", () => {
  const due = pairs(ALL.slice(0, 12));
  const seen = new Set<string>();
  for (let number = 0; number < due.length * 10; number++) {
    const chain = chainOf(number, ALL.slice(0, 12), due, new Dice(number));
    const ids = chain.map(({ transformation }) => transformation.id);
    for (const [at, id] of ids.entries()) {
      for (const later of ids.slice(at + 1)) seen.add(`${id} ${later}`);
    }
  }
  assert.deepEqual(due.filter(([a, b]) => !seen.has(`${a.id} ${b.id}`)), []);
});

test("every transformation changes some plain pickle and names are unique", () => {
  assert.equal(new Set(ALL.map(({ id }) => id)).size, ALL.length);
  const idle = ALL.filter((transformation) => {
    for (const { draft } of plainest()) {
      for (let salt = 0; salt < 30; salt++) {
        if (applied(draft, [{ transformation, salt }]) !== undefined) return false;
      }
    }
    return true;
  });
  // Nothing of theirs is in a pickle that only calls a function.
  const meant = ["call-reduce", "frames-none", "memo-renumber", "memo-forms", "memo-strip"];
  assert.deepEqual(idle.map(({ id }) => id).filter((id) => !meant.includes(id)), []);
});

test("sub-chains come the shortest first, without the whole", () => {
  const [one, two] = ALL;
  assert.ok(one && two);
  const chain = [{ transformation: one, salt: 1 }, { transformation: two, salt: 2 }];
  assert.deepEqual(shorter(chain).map((part) => part.length), [1, 1]);
});
