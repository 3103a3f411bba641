import assert from "node:assert/strict";
import { test } from "node:test";
import { boundaryOf, joinRanges, parseContentRange, readParts } from "./http_ranges.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const SIZE = 100;
/** Two parts, the second with what looks like a boundary in it. */
const BODY = encode(
  "\r\n--b\r\nContent-Type: x/y\r\nContent-Range: bytes 0-3/100\r\n\r\nabcd" +
    "\r\n--b\r\ncontent-range: bytes 10-17/100\r\nContent-Type: x/y\r\n\r\n\r\n--b--\r" +
    "\r\n--b--\r\n",
);

function shown(body: Uint8Array): string[] | undefined {
  return readParts(body, "b", SIZE)?.map(({ start, bytes }) =>
    `${start} ${JSON.stringify(new TextDecoder().decode(bytes))}`
  );
}

test("parts of an answer are distinguished by their lengths, not by what stands in them", () => {
  assert.deepEqual(shown(BODY), ['0 "abcd"', String.raw`10 "\r\n--b--\r"`]);
});

test("an answer cut at any byte is none, or whole", () => {
  for (let length = 0; length < BODY.length; length++) {
    const parts = shown(BODY.slice(0, length));
    // The line break behind the closing delimiter is all that may be missing.
    assert.equal(parts?.length, length >= BODY.length - 2 ? 2 : undefined, `${length}`);
  }
});

test("parts that lie about their place, length or file are no answer", () => {
  const text = new TextDecoder().decode(BODY);
  for (
    const lie of [
      "bytes 0-4/100",
      "bytes 0-2/100",
      "bytes 3-0/100",
      "bytes 0-999999999999999/100",
      "bytes 0-3/101",
      "bytes 98-101/100",
      "bytes */100",
      "items 0-3/100",
      "bytes 0-99999999999999999999/100",
      "",
    ]
  ) {
    assert.equal(shown(encode(text.replace("bytes 0-3/100", lie))), undefined, lie);
  }
  assert.deepEqual(shown(encode(text.replace("0-3/100", "0-3/*")))?.[0], '0 "abcd"');
});

test("what a Content-Range says is believed only when it can be", () => {
  assert.deepEqual(parseContentRange("bytes 5-9/10"), { start: 5, end: 9, total: 10 });
  assert.deepEqual(parseContentRange(" bytes 5-9/* "), { start: 5, end: 9, total: undefined });
  for (const it of [undefined, "", "bytes 9-5/10", "bytes 5-10/10", "bytes 5-/10", "bytes -5/10"]) {
    assert.equal(parseContentRange(it), undefined, it);
  }
});

test("a boundary is that of multipart/byteranges and of nothing else", () => {
  assert.equal(boundaryOf("multipart/byteranges; boundary=abc"), "abc");
  assert.equal(boundaryOf('Multipart/Byteranges; charset=x; boundary="a b"'), "a b");
  for (
    const it of [
      undefined,
      "multipart/byteranges",
      "multipart/form-data; boundary=abc",
      "application/octet-stream",
      `multipart/byteranges; boundary=${"x".repeat(71)}`,
      'multipart/byteranges; boundary=""',
    ]
  ) {
    assert.equal(boundaryOf(it), undefined, it);
  }
});

test("ranges come in order, cut to the file, neighbours joined", () => {
  const ranges = (...list: readonly (readonly [number, number])[]) =>
    list.map(([start, end]) => ({ start, end }));
  assert.deepEqual(
    joinRanges(ranges([5000, 5100], [0, 10], [400, 410], [4000, 4100], [9990, 12_000]), 10_000),
    ranges([0, 410], [4000, 4100], [5000, 5100], [9990, 10_000]),
  );
  assert.deepEqual(joinRanges(ranges([0, 10], [5, 3000], [8, 9]), 10_000), ranges([0, 3000]));
  assert.deepEqual(joinRanges(ranges([-5, 3], [7, 7], [NaN, 3], [10_000, 10_001]), 10_000), []);
});
