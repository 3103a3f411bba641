import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { DEFAULT_LIMITS } from "../core/limits.ts";
import { nearest } from "../core/nearest.ts";
import {
  LIMIT_OPTIONS,
  parseCount,
  parseFailOn,
  parseJobs,
  parseMemory,
  parseReportFormat,
  parseSeconds,
  parseSize,
} from "./options.ts";
import { columnsOf, wantsColor } from "./terminal.ts";
import { testIo } from "./testing/io.ts";

test("Sizes are read with decimal and binary units", () => {
  const sizes: Readonly<Record<string, number>> = {
    "0": 0,
    "4096": 4096,
    "64k": 64_000,
    "2GB": 2e9,
    "2 gb": 2e9,
    "1.5GiB": 1.5 * 2 ** 30,
    "1_000": 1000,
    "1MiB": 2 ** 20,
  };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseSize(text), bytes, text);
});

test("Jobs are a whole number of threads; auto and 0 leave it to the machine", () => {
  const read = ["1", "4", "64", "auto", "AUTO", "0"].map(parseJobs);
  assert.deepEqual(read, [1, 4, 64, undefined, undefined, undefined]);
  for (const text of ["", "-1", "1.5", "65", "1e9", "2k", "many", "NaN", "4 threads"]) {
    assert.throws(() => parseJobs(text), ConfigError, text);
  }
});

test("What is no size, number or time is refused with an example of one", () => {
  for (
    const text of ["", "GB", "-1", "2 elephants", "1e9", "0x10", "NaN", "Infinity", "1toString"]
  ) {
    assert.throws(() => parseSize(text), /is not a size such as 500MB/, text);
    assert.throws(() => parseCount(text), /is not a number such as 8/, text);
    assert.throws(() => parseSeconds(text), /is not a time such as 30/, text);
  }
  assert.throws(() => parseSeconds("0"), /no time above zero/);
  assert.equal(parseMemory("64MB"), 64e6);
  assert.throws(() => parseMemory("63MB"), /less than the 64MB that a thread needs to start/);
});

test("Times are read in seconds, and in other units where these are named", () => {
  assert.deepEqual(["30", "0.5s", "2min", "250ms", "1h"].map(parseSeconds), [
    30,
    0.5,
    120,
    0.25,
    3600,
  ]);
});

test("Every limit has an option", () => {
  assert.deepEqual(
    LIMIT_OPTIONS.map((it) => it.limit).toSorted(),
    Object.keys(DEFAULT_LIMITS).toSorted(),
  );
});

test("A warning is another word for medium, and case does not matter", () => {
  assert.equal(parseFailOn("warning"), "medium");
  assert.equal(parseFailOn("HIGH"), "high");
  assert.equal(parseFailOn("never"), "never");
  assert.throws(() => parseFailOn("hihg"), /Did you mean "high"\? There are: critical, high/);
});

test("A format that does not exist is refused with the list of those that do", () => {
  assert.equal(parseReportFormat("JSON"), "json");
  assert.throws(
    () => parseReportFormat("pdf"),
    /There is no format "pdf".* There are: text, json, ndjson, sarif/,
  );
  assert.throws(() => parseReportFormat("jsno"), /Did you mean "json"\?/);
});

test("The nearest word is found for one or two wrong letters and none for another word", () => {
  const words = ["scan", "explain", "rules", "disasm", "version"];
  assert.equal(nearest("rulse", words), "rules");
  assert.equal(nearest("exlpain", words), "explain");
  assert.equal(nearest("Version", words), "version");
  assert.equal(nearest("model", words), undefined);
  assert.equal(nearest("x".repeat(100_000), words), undefined);
});

test("Colour needs a terminal; NO_COLOR forbids it and FORCE_COLOR demands it", () => {
  const color = (env: Record<string, string>, tty: boolean): boolean =>
    wantsColor(env, testIo({ tty }).stdout);
  assert.equal(color({}, true), true);
  assert.equal(color({}, false), false);
  assert.equal(color({ NO_COLOR: "1" }, true), false);
  assert.equal(color({ NO_COLOR: "" }, true), true);
  assert.equal(color({ FORCE_COLOR: "1" }, false), true);
  assert.equal(color({ FORCE_COLOR: "0" }, true), false);
  assert.equal(color({ FORCE_COLOR: "1", NO_COLOR: "1" }, false), false);
  assert.equal(color({ TERM: "dumb" }, true), false);
});

test("The width is the terminal's, else that of COLUMNS, else a hundred", () => {
  assert.equal(columnsOf({ COLUMNS: "44" }, testIo({ columns: 70 }).stdout), 70);
  assert.equal(columnsOf({ COLUMNS: "44" }, testIo().stdout), 44);
  for (const odd of ["", "0", "-3", "wide"]) {
    assert.equal(columnsOf({ COLUMNS: odd }, testIo().stdout), 100);
  }
  assert.equal(columnsOf({}, testIo({ columns: 0 }).stdout), 100);
});
