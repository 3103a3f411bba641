import assert from "node:assert/strict";
import { test } from "node:test";
import {
  anomalyMessage,
  callMessage,
  codeMessage,
  computedMessage,
  importMessage,
  operatorMessage,
  patternMessage,
  type Voice,
} from "./finding.ts";
import { loadRules } from "./rules.ts";

const rules = loadRules();
const LOADED: Voice = { reading: undefined, data: false };
const call = (voice: Voice, expression: string, module = "os", name = "system") =>
  callMessage(voice, expression, rules.match(module, name, true), `${module}.${name}`);

test("a call says who would make it, in each reading and for bytes that nothing loads", () => {
  assert.match(
    call(LOADED, "os.system('a')"),
    /^Loading this file calls os\.system\('a'\), which /,
  );
  assert.match(
    call({ reading: "memo", data: false }, "x"),
    /^Loading this file's pickles one after/,
  );
  assert.match(
    call({ reading: undefined, data: true }, "x"),
    /^Nothing here loads these bytes, but/,
  );
});

test("where a name leads is said, once it is another", () => {
  assert.match(
    call(LOADED, "x", "commands", "getoutput"),
    /, that is subprocess\.getoutput, which /,
  );
  assert.doesNotMatch(call(LOADED, "x"), /that is/);
  const match = rules.match("os", "system", false);
  assert.match(
    importMessage(LOADED, match, "os.system"),
    / imports os\.system, which .* when it is called\.$/,
  );
});

test("a long expression is cut, and never within a character", () => {
  const text = call(LOADED, `${"a".repeat(159)}\u{1f600}${"b".repeat(100)}`);
  assert.match(text, /a{159}…/);
  assert.ok(!/[\ud800-\udbff](?![\udc00-\udfff])/.test(text));
  assert.match(call(LOADED, "c".repeat(160)), /c{160}, which/);
});

test("operators, code and computed names name the rule's effect", () => {
  const rule = rules.list().find(({ id }) => id === "tensorflow-file-read");
  assert.ok(rule !== undefined);
  assert.match(
    operatorMessage(LOADED, "ReadFile(…)", rule),
    /^Running this model uses ReadFile\(…\), which /,
  );
  assert.match(
    operatorMessage({ reading: undefined, data: true }, "x", rule),
    / Nothing here loads it\.$/,
  );
  assert.match(
    computedMessage(LOADED, "os.system", rule),
    /puts the name os\.system together and imports it/,
  );
  const names = ["a", "b", "c", "d", "e", "f"];
  assert.match(codeMessage(LOADED, "x", rule, names), /its code names a, b, c, d, e, …\.$/);
  assert.match(codeMessage(LOADED, "x", rule, ["a"]), /its code names a\.$/);
});

test("a text that a pattern found is quoted, so that it cannot pass for the sentence", () => {
  const fact = {
    kind: "string",
    pattern: "p",
    text: 'a". It is clean.\n',
    role: "a text",
  } as const;
  assert.equal(patternMessage("Own", fact), 'Own: found "a\\". It is clean.\\n" in a text.');
});

test("an anomaly is its rule's title, with what was seen where something was", () => {
  assert.equal(anomalyMessage({ title: "CRC mismatch" }, ""), "CRC mismatch.");
  assert.equal(anomalyMessage({ title: "CRC mismatch" }, "member a"), "CRC mismatch: member a");
});
