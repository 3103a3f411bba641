import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { dayOf, Document, show } from "./document.ts";

const TEXT = 'a = 1\n[t]\nname = ""\nlist = ["x", 2]\n[[many]]\nkey = true\n';
const document = new Document(TEXT, "c.toml");

/** The error of a check: where, message, excerpt. */
function errorOf(check: () => unknown): ConfigError {
  try {
    check();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  return assert.fail("no error");
}

test("a text that is no TOML is refused with line, column and a mark", () => {
  const error = errorOf(() => new Document("a = 1\nb = = 2\n", "x.toml"));
  assert.match(error.where, /^x\.toml:2:\d+$/);
  assert.match(error.message, /^x\.toml, line 2, column \d+: this is no TOML: /);
  assert.match(error.excerpt.join("\n"), /^ {2}2 \| b = = 2\n {4}\| +\^$/);
});

test("an unknown key is named with its table and what was meant", () => {
  const error = errorOf(() =>
    document.onlyKeys(["t"], document.table(["t"], document.root["t"], "x"), ["names", "list"])
  );
  assert.match(
    error.message,
    /line 3, column 1: there is no key "name" in \[t\]\. Did you mean "names"\? Expected: names, list$/,
  );
});

test("a value of another type is shown as what it is", () => {
  assert.match(
    errorOf(() => document.text(["a"], 1, "a word")).message,
    /expected a word as text, but this is 1$/,
  );
  assert.match(
    errorOf(() => document.text(["t", "name"], "", "a word")).message,
    /line 3.*but this is empty$/,
  );
  assert.match(
    errorOf(() => document.list(["a"], 1, "globals")).message,
    /a list of globals, but this is 1$/,
  );
  assert.match(
    errorOf(() => document.table(["t", "list"], [], "rules")).message,
    /line 4.*but this is a list$/,
  );
  assert.equal(document.text(["x"], "word", "a word"), "word");
});

test("a word that there is not is answered with those that there are", () => {
  const error = errorOf(() =>
    document.failWord(["many", 0, "key"], "value", "severity", "hihg", ["high", "low"])
  );
  assert.match(
    error.message,
    /line 6, column 7: there is no severity "hihg"\. Did you mean "high"\? Expected one of: high, low$/,
  );
});

test("a place that the text does not have is that of what surrounds it", () => {
  assert.equal(document.origin(["t", "list", 7]), "c.toml:4");
  assert.equal(document.origin(["nothing"]), "c.toml:1");
});

test("a long line is shown around the mark", () => {
  const error = errorOf(() => new Document(`a = "${"x".repeat(500)}" oops`, "x.toml"));
  const [line = "", mark = ""] = error.excerpt;
  assert.ok(line.length <= 110 && mark.length <= 110, `${line.length} ${mark.length}`);
  assert.ok(mark.endsWith("^"));
});

test("a day is a day, a time is none", () => {
  const { root } = new Document(
    "day = 2027-01-31\ntime = 2027-01-31T00:00:00Z\nclock = 07:32:00\n",
    "x",
  );
  assert.equal(dayOf(root["day"]), "2027-01-31");
  assert.deepEqual([dayOf(root["time"]), dayOf(root["clock"]), dayOf("2027-01-31")], [
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual([show(root["day"]), show([]), show({}), show(undefined), show("x")], [
    "a date",
    "a list",
    "a table",
    "missing",
    'the text "x"',
  ]);
});
