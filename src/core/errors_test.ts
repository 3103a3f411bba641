import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConfigError,
  DecoderError,
  FormatError,
  LimitError,
  scanErrorOf,
  SourceError,
} from "./errors.ts";

test("each error has its name, its place and its cause", () => {
  const cause = new Error("why");
  const format = new FormatError("f", 12, { cause });
  assert.deepEqual([format.name, format.offset, format.cause], ["FormatError", 12, cause]);
  assert.equal(new FormatError("f").offset, undefined);
  assert.equal(new LimitError("members", "l").limit, "members");
  assert.equal(new DecoderError("7z-wasm", "d").decoder, "7z-wasm");
  const config = new ConfigError("a.toml:1:2", "c", { excerpt: ["1 | x"] });
  assert.deepEqual([config.where, config.excerpt], ["a.toml:1:2", ["1 | x"]]);
  assert.deepEqual(new ConfigError("--jobs", "c").excerpt, []);
});

test("a failed reading is a report's error with the remedy, or with none", () => {
  const plain = new SourceError("a", "Cannot read a");
  assert.deepEqual([plain.reason, plain.remedy], ["unreadable", ""]);
  const changed = new SourceError("a", "It changed", { reason: "changed", remedy: "Scan again." });
  assert.deepEqual(scanErrorOf("dir/a", changed), {
    location: { path: "dir/a", parts: [] },
    message: "It changed",
    remedy: "Scan again.",
  });
});
