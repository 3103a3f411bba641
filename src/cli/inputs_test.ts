import assert from "node:assert/strict";
import { test } from "node:test";
import { inputsOf } from "./inputs.ts";

const none = { stdin: () => (async function* () {})() };

test("files come first, then standard input, then what is fetched", () => {
  const inputs = inputsOf(["hf://org/model", "a.pkl", "-", "https://x.org/b", "c"], none);
  assert.deepEqual(inputs.map((it) => Object.keys(it)[0]), ["paths", "name", "addresses"]);
  assert.deepEqual(inputs.at(0), { paths: ["a.pkl", "c"] });
  assert.deepEqual(inputs.at(-1), { addresses: ["hf://org/model", "https://x.org/b"] });
});

test("what is not there is no input", () => {
  assert.deepEqual(inputsOf([], none), []);
  assert.deepEqual(inputsOf(["--x"], none), [{ paths: ["--x"] }]);
  assert.equal(inputsOf(["-", "-"], none).length, 1);
});
