import assert from "node:assert/strict";
import { test } from "node:test";
import { run, type Seen } from "../testing/scan.ts";
import { buildZip, type End, type Entry, join, numbers } from "../testing/zip.ts";
import { zipFormat } from "./mod.ts";

const EVIL = "(cos\nsystem\n(S'echo hi' \ntR0.";
const SAFE = "harmless bytes";

const zip = (entries: readonly Entry[], end: Partial<End> = {}) =>
  run(zipFormat, buildZip(entries, end));
const parts = (seen: Seen) => seen.entries.map(({ part }) => part);
const found = (seen: Seen, text = EVIL) => seen.entries.some((entry) => entry.text === text);

test("members that the directory does not list are found in the gaps between others", async () => {
  const hidden: Entry = { name: "hidden.pkl", data: EVIL, hidden: true };
  const a: Entry = { name: "a", data: SAFE };
  const b: Entry = { name: "b", data: SAFE };
  for (const deflate of [false, true]) {
    for (const descriptor of [false, true]) {
      const one = { ...hidden, deflate, descriptor };
      for (const order of [[one, a], [a, one, b], [a, one]]) {
        const seen = await zip(order);
        assert.deepEqual(seen.rules, ["zip-hidden-member"]);
        assert.ok(found(seen), `${deflate} ${descriptor} ${order.map(({ name }) => name)}`);
      }
    }
  }
  const several = await zip([a, hidden, { ...hidden, name: "c", data: "third" }, b]);
  assert.ok(found(several) && found(several, "third"));
});

test("a stored member is no gap: an archive inside is left to the loop", async () => {
  const inner = buildZip([{ name: "in", data: EVIL }, { name: "in2", data: SAFE }]);
  const seen = await zip([{ name: "inner.zip", data: inner }]);
  assert.deepEqual(seen.rules, []);
  assert.deepEqual(parts(seen), ["inner.zip"]);
});

test("overlapping members are an anomaly and all are read", async () => {
  const inner = buildZip([{ name: "in", data: EVIL }]);
  const bytes = buildZip([
    { name: "outer", data: inner },
    { name: "in", data: EVIL, packed: new Uint8Array(0), hidden: true },
  ]);
  assert.ok(bytes.length > 0);
  const offset = 30 + "outer".length;
  const seen = await zip([
    { name: "outer", data: inner },
    { name: "in", data: EVIL, central: { offset } },
  ]);
  assert.ok(seen.rules.includes("zip-overlap"));
  assert.ok(found(seen));
});

test("bytes before the archive are an anomaly, offsets absolute or counted from its start", async () => {
  const prefix = "#!/bin/sh and other things\n";
  const relative = join(prefix, buildZip([{ name: "a", data: EVIL }]));
  const seen = await run(zipFormat, relative);
  assert.deepEqual(seen.rules, ["zip-prepended-data"]);
  assert.ok(found(seen));
  const absolute = await run(
    zipFormat,
    join(
      prefix,
      buildZip([{ name: "a", data: EVIL, central: { offset: prefix.length } }], {
        directoryOffset: prefix.length + 31 + EVIL.length,
      }),
    ),
  );
  assert.ok(found(absolute));
});

test("bytes behind the archive are an anomaly and are looked at, padding is not", async () => {
  const archive = buildZip([{ name: "a", data: SAFE }]);
  const seen = await run(zipFormat, join(archive, EVIL));
  assert.deepEqual(seen.rules, ["zip-appended-data"]);
  assert.ok(found(seen));
  const padded = await run(zipFormat, join(archive, new Uint8Array(1024)));
  assert.deepEqual([padded.rules, parts(padded)], [[], ["a"]]);
  const member = buildZip([{ name: "b", data: EVIL }]).subarray(0, 31 + EVIL.length);
  const walked = await run(zipFormat, join(archive, member));
  assert.ok(walked.rules.includes("zip-hidden-member"));
  assert.ok(found(walked));
});

test("data between members, behind a descriptor and in the comment is looked at", async () => {
  const gap = new TextEncoder().encode(EVIL);
  const a: Entry = { name: "a", data: SAFE };
  const cases: [readonly Entry[], Partial<End>][] = [
    [[{ ...a, gap }, { name: "b", data: SAFE }], {}],
    [[{ ...a, gap, descriptor: true }, { name: "b", data: SAFE }], {}],
    [[a], { gap }],
    [[a], { comment: gap }],
  ];
  for (const [entries, end] of cases) {
    const seen = await zip(entries, end);
    assert.ok(found(seen), JSON.stringify(entries));
    assert.ok(!seen.unread);
  }
  const zeros = await zip([{ ...a, gap: new Uint8Array(100) }, { name: "b", data: SAFE }]);
  assert.deepEqual([zeros.rules, parts(zeros)], [[], ["a", "b"]]);
});

test("two archives one after the other are both read", async () => {
  const evil = buildZip([{ name: "data.pkl", data: EVIL }]);
  const safe = buildZip([{ name: "data.pkl", data: SAFE }]);
  for (const [first, second] of [[evil, safe], [safe, evil]] as const) {
    const seen = await run(zipFormat, join(first, second));
    assert.ok(found(seen) && found(seen, SAFE));
    assert.ok(seen.rules.length > 0);
  }
  const far = await run(
    zipFormat,
    join(evil, buildZip([{ name: "b", data: "x".repeat(200_000) }])),
  );
  const inner = far.entries.find(({ part }) => part.startsWith("(archive"));
  assert.equal(inner?.text.length, evil.length);
});

test("an end record in the comment leads to a second directory, and both are read", async () => {
  const fake = buildZip([{ name: "fake", data: SAFE }]);
  const real = buildZip([{ name: "data.pkl", data: EVIL }], { comment: fake });
  const seen = await run(zipFormat, real);
  assert.ok(found(seen) && found(seen, SAFE));
  assert.ok(seen.rules.includes("zip-hidden-member"));
});

test("an end record in the comment that leads nowhere is passed over", async () => {
  const comment = join("see ", numbers([4, 0x06054b50]), "z".repeat(30));
  const seen = await zip([{ name: "a", data: EVIL }], { comment });
  assert.ok(found(seen));
  assert.deepEqual(seen.rules, []);
});

test("size and offset that lead to different directories are both followed", async () => {
  const hidden = buildZip([{ name: "x", data: EVIL }]);
  const directory = hidden.subarray(31 + EVIL.length, 31 + EVIL.length + 47);
  const seen = await run(
    zipFormat,
    buildZip([{ name: "x", data: EVIL }, { name: "y", data: SAFE, gap: directory }], {
      entries: 1,
      directoryOffset: 2 * 31 + EVIL.length + SAFE.length,
    }),
  );
  assert.ok(found(seen) && found(seen, SAFE));
  assert.ok(seen.rules.includes("zip-hidden-member"));
});

test("counts that lie hide no member", async () => {
  const entries: Entry[] = [{ name: "a", data: SAFE }, { name: "b", data: EVIL }];
  const fewer = await zip(entries, { entries: 1 });
  assert.deepEqual(fewer.rules, ["zip-hidden-member"]);
  assert.ok(found(fewer));
  const more = await zip(entries, { entries: 3 });
  assert.deepEqual([more.rules, more.unread], [["zip-malformed"], true]);
  assert.ok(found(more));
});

test("what a limit of members leaves unsearched is reported", async () => {
  const limited = (bytes: Uint8Array) => run(zipFormat, bytes, { limits: { members: 1 } });
  const a: Entry = { name: "a", data: SAFE };
  const hidden: Entry = { name: "hidden.pkl", data: EVIL, hidden: true };
  for (const bytes of [join(buildZip([a]), EVIL), buildZip([a, hidden]), buildZip([hidden, a])]) {
    assert.match(String((await limited(bytes)).error), /more than 1 members/);
  }
  for (const entry of [a, { ...a, descriptor: true }]) {
    const seen = await limited(buildZip([entry]));
    assert.deepEqual([seen.error, seen.rules], [undefined, []]);
  }
});
