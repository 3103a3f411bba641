import assert from "node:assert/strict";
import { test } from "node:test";
import { Crc64 } from "./crc64.ts";

/** CRC-64/XZ of "123456789", https://reveng.sourceforge.io/crc-catalogue/all.htm */
const CHECK = Uint8Array.of(0xfa, 0x39, 0x19, 0xdf, 0xbb, 0xc9, 0x5d, 0x99);

test("the check value of the catalogue is met, in one piece and in several", () => {
  const bytes = new TextEncoder().encode("123456789");
  for (const cut of [0, 1, 4, 9]) {
    const crc = new Crc64();
    crc.update(bytes.subarray(0, cut));
    crc.update(bytes.subarray(cut));
    assert.ok(crc.equals(CHECK), String(cut));
  }
});

test("a bit wrong in the data or in the stated checksum is a mismatch", () => {
  const crc = new Crc64();
  crc.update(new TextEncoder().encode("123456788"));
  assert.ok(!crc.equals(CHECK));
  for (let at = 0; at < 8; at++) {
    const right = new Crc64();
    right.update(new TextEncoder().encode("123456789"));
    const wrong = CHECK.slice();
    wrong[at] = (wrong[at] ?? 0) ^ 1;
    assert.ok(!right.equals(wrong), String(at));
  }
});
