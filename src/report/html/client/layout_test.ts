import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { FileView } from "../view.ts";
import { nameOf, treeOf } from "./tree.ts";
import { squarify } from "./treemap.ts";

const BOX = { x: 10, y: 20, width: 400, height: 150 };

test("a map fills its rectangle in proportion to weights, and nothing overlaps", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 60 }),
    (weights) => {
      const placed = squarify(weights.map((weight) => ({ weight, value: weight })), BOX);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      assert.equal(placed.length, weights.filter((weight) => weight > 0).length);
      for (const { x, y, width, height, value } of placed) {
        const share = width * height / (BOX.width * BOX.height);
        assert.ok(Math.abs(share - value / total) < 1e-6);
        assert.ok(x >= BOX.x - 1e-6 && x + width <= BOX.x + BOX.width + 1e-6);
        assert.ok(y >= BOX.y - 1e-6 && y + height <= BOX.y + BOX.height + 1e-6);
      }
      for (const [index, a] of placed.entries()) {
        for (const b of placed.slice(index + 1)) {
          const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
          const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
          assert.ok(across < 1e-6 || down < 1e-6);
        }
      }
    },
  ));
});

test("equal weights give rectangles that are near to squares", () => {
  const items = Array.from({ length: 24 }, (_, value) => ({ weight: 1, value }));
  for (const { width, height } of squarify(items, { x: 0, y: 0, width: 600, height: 400 })) {
    assert.ok(Math.max(width / height, height / width) < 1.6);
  }
});

function fileAt(path: string, verdict: FileView["verdict"], size: number | null = 1): FileView {
  return {
    ...{ path, verdict, size, formats: "", bytesRead: 0, parts: 1, sha256: "" },
    ...{ issues: [], loads: [], accepted: [], errors: [] },
  };
}

test("folders hold their files, are as bad as the worst, and lone ones are one", () => {
  const tree = treeOf([
    fileAt("/srv/models/a/x.pkl", "dangerous", 10),
    fileAt("/srv/models/a/y.pkl", "clean", 20),
    fileAt("/srv/models/deep/er/z.pt", "suspicious", null),
    fileAt("/srv/models/top.bin", "skipped", 5),
  ]);
  assert.equal(tree.name, "/srv/models");
  assert.deepEqual([tree.verdict, tree.count, tree.bytes], ["dangerous", 4, 35]);
  assert.deepEqual(tree.folders.map(({ name, verdict }) => [name, verdict]), [
    ["a", "dangerous"],
    ["deep/er", "suspicious"],
  ]);
  assert.deepEqual(tree.files.map(({ path }) => nameOf(path)), ["top.bin"]);
});

test("addresses, drives and streams are places like others", () => {
  const paths = ["hf://org/model/a.pkl", "C:\\models\\b.pkl", "-", "https://host/c.pt"];
  const tree = treeOf(paths.map((path) => fileAt(path, "clean")));
  assert.deepEqual(tree.folders.map(({ name }) => name).sort(), [
    "C:/models",
    "hf://org/model",
    "https://host",
  ]);
  assert.deepEqual(paths.map(nameOf), ["a.pkl", "b.pkl", "-", "c.pt"]);
  assert.equal(tree.count, 4);
});
