import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTemplate } from "./parser.ts";
import { reaches } from "./reach.ts";

function names(text: string): string[] {
  return reaches(parseTemplate(text), text).map(({ name }) => name);
}

/** As Jinja 3.1.6 fills up: the last batch to its length, and each slice behind those that have one more. */
test("batches and slices are filled up as Jinja fills them", () => {
  const reaching = [
    "{{ ''[(['a']|batch(2, '__class__')|list)[0][1]] }}",
    "{{ ''[(['a']|slice(1, '__class__')|list)[0][1]] }}",
    "{{ ''[(['a', 'b', 'c']|slice(2, '__class__')|list)[1][1]] }}",
    "{{ ''[(['a', '__class__']|batch(2, 'x')|first)[1]] }}",
  ];
  for (const text of reaching) assert.ok(names(text).includes("attribute.__class__"), text);
  const others = [
    "{{ ''[(['a', 'b']|batch(2, '__class__')|list)[0][1]] }}",
    "{{ ''[(['a', '__class__']|slice(2, 'x')|list)[0][0]] }}",
  ];
  for (const text of others) assert.deepEqual(names(text), [], text);
});
