import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import { compressedFormat } from "./mod.ts";
import { run, sampleOf } from "../testing/scan.ts";
import { bytesOf, join } from "../testing/zip.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";

const PLAIN = "(lp0\nI1\na.".repeat(400);
const detects = (bytes: Uint8Array) => compressedFormat.detect(sampleOf(bytes));
const scan = (bytes: Uint8Array, name = "x", limits = {}) =>
  run(compressedFormat, bytes, { name, limits });

test("zlib and gzip of every level give what they hold", async () => {
  for (const level of [0, 1, 6, 9]) {
    for (const bytes of [deflateSync(PLAIN, { level }), gzipSync(PLAIN, { level })]) {
      assert.ok(detects(bytes));
      const seen = await scan(bytes);
      assert.deepEqual([seen.rules, seen.error], [[], undefined]);
      assert.equal(seen.entries[0]?.text, PLAIN);
    }
  }
  for (const windowBits of [9, 10, 12, 14]) {
    assert.ok(detects(deflateSync(PLAIN, { windowBits })), String(windowBits));
  }
});

test("the part is called after the file without its suffix, or after what wraps it", async () => {
  const names = [["a.pkl.gz", "a.pkl"], ["a.joblib", "(gzip)"], ["a.PT.GZ", "a.PT"], [
    ".gz",
    "(gzip)",
  ]];
  for (const [name, part] of names) {
    assert.equal((await scan(gzipSync("x"), name)).entries[0]?.part, part);
  }
});

test("the oldest joblib files have a header before their stream", async () => {
  for (const blank of ["", " "]) {
    const stream = deflateSync(PLAIN);
    const bytes = join(`ZF${"0x1000".padEnd(19)}`, blank, stream);
    assert.ok(detects(bytes));
    assert.equal((await scan(bytes)).entries[0]?.text, PLAIN);
  }
  // What Python's int(…, 16) takes for a number, too.
  for (const length of ["2d", "0X2D", "  0x2d", "+2d", "0x_2_d", "000000002d", "\t\n\v2d"]) {
    const bytes = join(`ZF${length.padEnd(19)}`, deflateSync(PLAIN));
    assert.ok(detects(bytes), length);
    assert.equal((await scan(bytes)).entries[0]?.text, PLAIN);
  }
  assert.ok(!detects(join(`ZF${"2d".padEnd(19)}`, "no stream")));
  assert.ok(!detects(join("ZF and other text that goes on and on")));
  assert.ok(!detects(join("ZF0x")));
});

test("text, pickles and noise are not taken for a stream", () => {
  const others = [
    ...["x^2 + y^2 = z^2", "x^", "x\x01", "(S'a string'\np0\n.", '(S"a string"\np0\n.', "hello"],
    ...[
      "x^".repeat(4000),
      'X\x07 "and so on"',
      "h\x05",
      "8O is a smile",
      "H\x89",
      "]q\x00.",
      "BZh",
      "BZh9x",
    ],
    ...[
      "(lp0\n.",
      "",
      "x",
      "ZF",
      "PK",
      "]\x00\x00\x00\x00.",
      "x^ is a hat, isn't it? ".repeat(300),
    ],
  ];
  for (const text of others) {
    assert.ok(
      !detects(Uint8Array.from(Buffer.from(text, "latin1"))),
      JSON.stringify(text.slice(0, 20)),
    );
  }
  let matches = 0;
  for (let seed = 0; seed < 256; seed++) {
    let state = seed + 1;
    const noise = Uint8Array.from({ length: 6000 }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state >>> 16;
    });
    noise.set([0x78, [0x01, 0x5e, 0x9c, 0xda][seed & 3] ?? 0]);
    if (detects(noise)) matches++;
  }
  // A stored block of noise is a stored block.
  assert.ok(matches <= 2, String(matches));
});

test("a compression that cannot be decoded is recognised and unread", async () => {
  const bytes = Uint8Array.from([0x1f, 0x9d, 0x90]);
  assert.ok(detects(bytes));
  const seen = await scan(bytes);
  assert.deepEqual([seen.rules, seen.unread], [["compression-unsupported"], true]);
});

test("a stream cut at any byte gives what came before and is unread", async () => {
  for (const bytes of [deflateSync(PLAIN), gzipSync(PLAIN)]) {
    for (let length = 3; length < bytes.length; length += SWEEP) {
      const cut = bytes.subarray(0, length);
      if (!detects(cut)) {
        assert.ok(length < 10, String(length));
        continue;
      }
      const seen = await scan(cut);
      assert.ok(PLAIN.startsWith(seen.entries[0]?.text ?? "?"));
      assert.ok(seen.rules.includes("compression-truncated"), String(length));
    }
  }
});

test("a stream broken in the middle is malformed and gives what came before", async () => {
  let state = 1;
  const random = Uint8Array.from({ length: 50_000 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) & 0x7f;
  });
  const bytes = gzipSync(random, { level: 1 });
  bytes.fill(0xff, 30_000, 30_600);
  const seen = await scan(bytes);
  assert.ok(seen.unread);
  assert.deepEqual(seen.rules, ["compression-malformed"]);
  assert.ok((seen.entries[0]?.text.length ?? 0) > 10_000);
});

test("wrong checksums and data behind the stream are noted, and that data is looked at", async () => {
  for (const make of [deflateSync, gzipSync]) {
    const behind = await scan(join(make(PLAIN), "behind"));
    assert.deepEqual(behind.rules, ["compression-trailing-data"]);
    assert.deepEqual(behind.entries.map(({ text }) => text), [PLAIN, "behind"]);
    assert.equal(behind.entries[1]?.loaded, "data");
    const wrong = Uint8Array.from(make(PLAIN));
    const at = wrong.length - (make === gzipSync ? 8 : 4);
    wrong[at] = (wrong[at] ?? 0) ^ 1;
    const seen = await scan(wrong);
    assert.deepEqual([seen.rules, seen.unread], [["compression-crc"], false]);
  }
});

test("gzip members in a row are one part", async () => {
  const seen = await scan(join(gzipSync("a"), gzipSync("b"), new Uint8Array(100)));
  assert.deepEqual([seen.rules, seen.entries[0]?.text], [[], "ab"]);
});

test("a bomb is stopped by its ratio, a budget ends the scan", async () => {
  const bytes = deflateSync(new Uint8Array(64 * 1024 * 1024), { level: 9 });
  const ratio = await scan(bytes, "x", { ratio: 50 });
  assert.deepEqual([ratio.rules, ratio.unread], [["compression-bomb"], true]);
  const budget = await scan(bytes, "x", { expandedBytes: 1000 });
  assert.match(String(budget.error), /LimitError/);
});

test("a sample that is of no such format is refused", async () => {
  assert.match(String((await scan(bytesOf("hello"))).error), /no such format/);
});

test("a compressed pickle of every kind cut anywhere is never clean", async () => {
  const rules = loadRules();
  for (const suffix of ["bz2", "xz", "lzma", "lz4", "zst"]) {
    const name = `model.pkl.${suffix}`;
    const complete = new Uint8Array(
      readFileSync(new URL(`../../../testdata/compressed/safe/${name}`, import.meta.url)),
    );
    const verdict = async (bytes: Uint8Array) =>
      (await scanSource(bytesSource(name, bytes), { rules })).verdict;
    assert.equal(await verdict(complete), "clean", name);
    for (let length = 0; length < complete.length; length += 3) {
      assert.equal(
        await verdict(complete.subarray(0, length)),
        "incomplete",
        `${name} at ${length}`,
      );
    }
  }
});

test("what a pickle runs before its compressed stream breaks is reported", async () => {
  const evil = "cos\nsystem\n(S'echo hi'\ntR" + "0N".repeat(4000);
  const cut = gzipSync(evil, { level: 0 }).subarray(0, 4000);
  // RFC 1951, 3.2.3: behind a stored block, which is not the last, one of the reserved type.
  const stored = [0, evil.length & 255, evil.length >> 8, ~evil.length & 255, ~evil.length >> 8];
  const header = gzipSync("").subarray(0, 10);
  const broken = join(header, Uint8Array.from(stored), evil, Uint8Array.of(7));
  for (const bytes of [cut, broken]) {
    const report = await scanSource(bytesSource("m.joblib", bytes), { rules: loadRules() });
    assert.equal(report.verdict, "dangerous");
    assert.ok(report.findings.some(({ message }) => message.includes("os.system('echo hi')")));
    assert.ok(report.findings.some(({ ruleId }) => ruleId.startsWith("compression-")));
  }
});

test("what joblib would unpickle is no model because it is compressed", async () => {
  const rules = loadRules();
  for (const name of ["m.joblib", "m.pkl", "m.pkl.gz"]) {
    const junk = gzipSync("nothing that can be unpickled");
    const report = await scanSource(bytesSource(name, new Uint8Array(junk)), { rules });
    assert.equal(report.verdict, "incomplete", name);
  }
  const other = await scanSource(bytesSource("m.gz", new Uint8Array(gzipSync("text"))), { rules });
  assert.equal(other.verdict, "skipped");
});
