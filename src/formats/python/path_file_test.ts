import assert from "node:assert/strict";
import { test } from "node:test";
import { report } from "../testing/cuts.ts";

async function verdict(text: string): Promise<string> {
  return (await report("a.pth", new TextEncoder().encode(text))).verdict;
}

test("paths in a path file are quiet, lines of code are start-up code", async () => {
  const paths = [
    "/home/u/src\n",
    "./other.egg\n",
    "# a comment\n\n/usr/lib/python3/dist-packages/x\n../src\n",
    "C:\\Python\\Lib\n",
    "google/cloud\n",
  ];
  for (const text of paths) assert.equal(await verdict(text), "clean", text);
  assert.equal(await verdict("import os; os.system('echo hi')\n"), "suspicious");
  assert.equal(await verdict("/home/u/src\nimport os; os.system('echo hi')\n"), "suspicious");
});

test("a page, a message or a pointer in place of a checkpoint is no path file", async () => {
  const pages = [
    "404: Not Found",
    "Entry not found\n",
    "<html>\n<a href='/b'>b</a>\n",
    '{"a": 1}',
    "x",
  ];
  for (const text of pages) assert.equal(await verdict(text), "incomplete", text);
});
