import assert from "node:assert/strict";
import { test } from "node:test";
import { schemasModule } from "./embed_schemas.ts";

test("a schema whose identifier has no version, or another name, is refused", () => {
  const schema = (id: string): Readonly<Record<string, string>> => ({
    report: JSON.stringify({ $id: id, title: "a report" }),
  });
  assert.match(schemasModule(schema("urn:modelaudit:report:2.10")), /version: "2\.10"/);
  for (const id of ["urn:modelaudit:report", "urn:modelaudit:reports:1.0", "report", ""]) {
    assert.throws(() => schemasModule(schema(id)), /write urn:modelaudit:report:VERSION/, id);
  }
});
