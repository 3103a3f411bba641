import assert from "node:assert/strict";
import { test } from "node:test";
import type { Member } from "../core/types.ts";
import { onnxBundle } from "./onnx.ts";

const file = (name: string): Member => ({ name, kind: "file" });
const link = (name: string, linkTarget = "/etc/passwd"): Member => ({
  name,
  kind: "link",
  linkTarget,
});

async function reportedFor(...members: Member[]): Promise<string[]> {
  const listing = { format: "tar", members };
  if (!onnxBundle.matches(listing)) return [];
  const parts: string[] = [];
  for await (const { part } of onnxBundle.observe(listing)) parts.push(part);
  return parts;
}

test("a link is reported where a model lies in its folder or above, however deep, and nowhere else", async () => {
  assert.deepEqual(await reportedFor(file("m.onnx"), link("w.bin")), ["w.bin"]);
  assert.deepEqual(await reportedFor(file("a/m.onnx"), link("a/b/c/w.bin")), ["a/b/c/w.bin"]);
  assert.deepEqual(await reportedFor(file("a/m.onnx"), link("b/w.bin"), link("ab/w.bin")), []);
  const deep = `${"d/".repeat(5000)}w.bin`;
  assert.deepEqual(await reportedFor(file("m.onnx"), link(deep)), [deep]);
});

test("a model that is a link itself is reported where another model lies beside or above it", async () => {
  assert.deepEqual(await reportedFor(link("a/m.onnx")), []);
  assert.deepEqual(await reportedFor(link("a/m.onnx"), file("a/n.onnx")), ["a/m.onnx"]);
  assert.deepEqual(await reportedFor(link("a/m.onnx"), file("n.onnx")), ["a/m.onnx"]);
});

test("links beside a model that is a link are reported unless they lead to where it does", async () => {
  const model = link("a/m.onnx", "../../blobs/m");
  assert.deepEqual(await reportedFor(model, link("a/w.bin", "../../blobs/w")), []);
  // Beside a model that is a file it leads away from that.
  assert.deepEqual(await reportedFor(model, file("a/n.onnx"), link("a/w.bin", "../../blobs/w")), [
    "a/m.onnx",
    "a/w.bin",
  ]);
  assert.deepEqual(await reportedFor(model, link("a/w.bin", "../../elsewhere/w")), ["a/w.bin"]);
});
