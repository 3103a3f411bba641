import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleOf } from "../../formats/testing/scan.ts";
import { lfsPointer } from "./lfs_pointer.ts";

const read = (text: string) => lfsPointer(sampleOf(new TextEncoder().encode(text)));
const OID = "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
const POINTER = `version https://git-lfs.github.com/spec/v1\noid ${OID}\nsize 12345\n`;

test("a pointer of the specification, with extensions and of before 1.0, is read", () => {
  assert.deepEqual(read(POINTER), { oid: OID, size: 12345 });
  assert.deepEqual(read(POINTER.trimEnd()), { oid: OID, size: 12345 });
  assert.deepEqual(read(POINTER.replaceAll("\n", "\r\n")), { oid: OID, size: 12345 });
  assert.deepEqual(read(POINTER.replace("\noid", "\next-0-x sha256:aa\noid")), {
    oid: OID,
    size: 12345,
  });
  assert.deepEqual(read(POINTER.replace("git-lfs", "hawser")), { oid: OID, size: 12345 });
});

test("a text that only looks like one is none", () => {
  const wrong = [
    "",
    POINTER.replace("version", "Version"),
    ` ${POINTER}`,
    POINTER.replace("git-lfs.github.com", "git-lfs.example.com"),
    POINTER.replace("sha256:", ""),
    POINTER.replace("size", "length"),
    POINTER.replace("12345", "-1"),
    POINTER.replace("12345", "1e5"),
    POINTER.replace("12345", "1".repeat(16)),
  ];
  for (const text of wrong) assert.equal(read(text), undefined, text);
});

test("1,024 bytes and more are no pointer, whatever they begin with", () => {
  assert.ok(read(POINTER.padEnd(1023)) !== undefined);
  assert.equal(read(POINTER.padEnd(1024)), undefined);
});
