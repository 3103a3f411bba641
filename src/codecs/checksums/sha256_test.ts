import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Sha256 } from "./sha256.ts";

function hexOf(chunks: readonly Uint8Array[]): string {
  const hash = new Sha256();
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest();
}

test("the examples of NIST have the digests that it gives", () => {
  // https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values
  const encode = (text: string): Uint8Array[] => [new TextEncoder().encode(text)];
  assert.equal(
    hexOf(encode("abc")),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  assert.equal(
    hexOf(encode("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
});

test("every length around a block, and any division into chunks, has the digest of OpenSSL", () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, index) => (index * 131) & 255);
  for (let length = 0; length <= bytes.length; length++) {
    const complete = bytes.subarray(0, length);
    const expected = createHash("sha256").update(complete).digest("hex");
    const cut = (length * 7) % (length + 1);
    assert.equal(hexOf([complete]), expected, String(length));
    assert.equal(
      hexOf([complete.subarray(0, cut), complete.subarray(cut)]),
      expected,
      String(length),
    );
  }
});
