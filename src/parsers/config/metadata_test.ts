import assert from "node:assert/strict";
import { test } from "node:test";
import { HINT } from "../../core/hints.ts";
import { metadataEntries } from "./metadata.ts";

test("metadata of plain words are no entry", () => {
  assert.deepEqual(metadataEntries("m", [["format", "pt"], ["author", "somebody"]]), []);
  assert.deepEqual(metadataEntries("m", []), []);
});

test("a text that may be markup, a name, a structure or a call makes an entry of all", async () => {
  for (const text of ["<b>", "f(x)", "{}", "[1]", "$x", "os.system"]) {
    const [entry, ...others] = metadataEntries("__metadata__", [["a", "x"], ["b", text]]);
    assert.ok(entry?.type === "entry" && others.length === 0, text);
    assert.deepEqual([entry.part, entry.hint], ["__metadata__", HINT.configuration]);
    const bytes = await entry.source.read(0, 1000);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(bytes)), { a: "x", b: text });
  }
  assert.equal(metadataEntries("m", [["_target_", "x"]]).length, 1);
});

test("a name that is given twice stays so, and quotes in names do not end them", async () => {
  const [entry] = metadataEntries("m", [["a", "x.y"], ["a", "z"], ['"', "\n"]]);
  assert.ok(entry?.type === "entry");
  const text = new TextDecoder().decode(await entry.source.read(0, 1000));
  assert.equal(text, '{"a":"x.y","a":"z","\\"":"\\n"}');
});

test("metadata beyond the limit are unread, and not passed over", () => {
  const [anomaly] = metadataEntries("m", [["a", `os.system${"x".repeat(16 * 1024 * 1024)}`]]);
  assert.ok(anomaly?.type === "anomaly");
  assert.deepEqual([anomaly.rule, anomaly.unread], ["config-malformed", true]);
});
