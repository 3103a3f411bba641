import { strict as assert } from "node:assert";
import { test } from "node:test";
import { FormatError, LimitError, SourceError } from "../core/errors.ts";
import {
  type Behaviour,
  chunks,
  entry,
  fakeFormat,
  imports,
  ruleIds,
  scanFake,
  states,
  textSource,
  throwsAfter,
} from "./testing/fakes.ts";
import { buildZip } from "../formats/testing/zip.ts";
import { type Format, SAMPLE_BYTES, TAIL_BYTES } from "../core/format.ts";
import { loadRules } from "../rules/rules.ts";
import { scanSource } from "./scan_source.ts";
import { forwardSource } from "../sources/forward.ts";
import type { Source } from "../core/source.ts";
import { bytesSource } from "../sources/memory.ts";
import type { FileReport, Observation, Verdict } from "../core/types.ts";
import { LARGE_INPUT } from "../parsers/testing/sweep.ts";

const UNREAD: Observation = { type: "anomaly", rule: "zip-encrypted", detail: "", unread: true };
const ODD: Observation = { type: "anomaly", rule: "zip-crc", detail: "" };

/** A format whose scan goes on for ever without doing anything else. */
const endless: Behaviour = async function* (_source, context) {
  for (;;) {
    context.checkDeadline();
    await Promise.resolve();
    yield [];
  }
};

function needsRandom(format: Format): Format {
  return { ...format, random: true };
}

const VERDICTS: readonly (readonly [readonly Observation[], Verdict])[] = [
  [[], "clean"],
  [[imports("safe", "x")], "clean"],
  [[imports("unknown", "x")], "suspicious"],
  [[imports("os", "system")], "dangerous"],
  [[UNREAD], "incomplete"],
  [[ODD], "suspicious"],
  [[UNREAD, imports("unknown", "x")], "incomplete"],
  [[UNREAD, imports("os", "system")], "dangerous"],
  [[imports("unknown", "x"), imports("os", "system")], "dangerous"],
];

test("the verdict is the first that holds of dangerous, incomplete, suspicious and clean", async () => {
  for (const [observations, verdict] of VERDICTS) {
    const report = await scanFake(textSource("a.x", "fake:"), [
      fakeFormat("fake", states(...observations)),
    ]);
    assert.equal(report.verdict, verdict, JSON.stringify(observations));
  }
});

test("what no format matches and whose name claims nothing is skipped", async () => {
  const report = await scanFake(textSource("a.x", "whatever"), [fakeFormat("fake", states())]);
  assert.equal(report.verdict, "skipped");
  assert.deepEqual(report.formats, []);
  assert.deepEqual(report.findings, []);
});

test("the risk score is the highest severity's", async () => {
  const report = await scanFake(textSource("a.x", "fake:"), [
    fakeFormat("fake", states(imports("safe", "x"), imports("os", "system"), ODD)),
  ]);
  assert.equal(report.riskScore, 10);
  assert.deepEqual(ruleIds(report), ["fake-os", "zip-crc", "fake-safe"]);
});

test("every format that matches is scanned", async () => {
  const report = await scanFake(textSource("a.x", "one: … two:"), [
    fakeFormat("one", states(imports("safe", "x"))),
    fakeFormat("two", states(imports("os", "system")), { at: "tail" }),
  ]);
  assert.deepEqual(report.formats, ["one", "two"]);
  assert.equal(report.verdict, "dangerous");
});

test("locations carry the members and streams on the way", async () => {
  const report = await scanFake(textSource("dir/bundle.x", "outer:"), [
    fakeFormat("outer", states(entry("models/m.y", "inner:"))),
    fakeFormat("inner", states(imports("os", "system", ["stream_1"]), imports("safe", "x"))),
  ]);
  assert.deepEqual(report.findings.map((finding) => finding.location), [
    { path: "dir/bundle.x", parts: ["models/m.y", "stream_1"] },
    { path: "dir/bundle.x", parts: ["models/m.y"] },
  ]);
  assert.deepEqual(report.formats, ["outer", "inner"]);
});

test("the path of the report can be another than the source's name", async () => {
  const report = await scanFake(textSource("-", "fake:"), [
    fakeFormat("fake", states(imports("os", "system"))),
  ], { path: "model.x" });
  assert.equal(report.path, "model.x");
  assert.equal(report.findings[0]?.location.path, "model.x");
});

test("streams and members are counted as parts", async () => {
  const streams = ["stream_0", "stream_1", "stream_2"].map((name) => imports("safe", "x", [name]));
  const report = await scanFake(textSource("a.x", "outer:"), [
    fakeFormat("outer", states(entry("a", "inner:"), entry("b", "nothing"))),
    fakeFormat("inner", states(...streams)),
  ]);
  assert.equal(report.partsScanned, 5);
});

test("what nothing loads is at most suspicious, and so is everything inside it", async () => {
  const report = await scanFake(textSource("a.x", "outer:"), [
    fakeFormat("outer", states(entry("constant", "middle:", { loaded: "data" }))),
    fakeFormat("middle", states(entry("deeper", "inner:"))),
    fakeFormat("inner", states(imports("os", "system"))),
  ]);
  assert.equal(report.verdict, "suspicious");
  assert.equal(report.findings[0]?.severity, "medium");
});

test("a source that contains itself ends at the depth limit, incomplete", async () => {
  const quine = fakeFormat("fake", async function* (source) {
    await Promise.resolve();
    yield [entry("again", source)];
  });
  const report = await scanFake(textSource("a.x", "fake:"), [quine], { limits: { depth: 5 } });
  assert.equal(report.verdict, "incomplete");
  assert.deepEqual(ruleIds(report), ["scan-limit"]);
  assert.equal(report.findings[0]?.location.parts.length, 6);
  assert.match(report.findings[0]?.message ?? "", /more than 5 containers deep/);
});

test("a limit that is reached thousands of times is reported a few times and counted", async () => {
  const wide = fakeFormat("fake", async function* (source) {
    await Promise.resolve();
    yield Array.from({ length: 3000 }, (_, index) => entry(`m${index}`, source));
  });
  const report = await scanFake(textSource("a.x", "fake:"), [wide], { limits: { depth: 0 } });
  assert.equal(report.findings.length, 11);
  assert.ok(report.findings.some((finding) => /at 2990 further places/.test(finding.message)));
});

test("members beyond the limit are not looked at, the facts beside them are", async () => {
  const report = await scanFake(textSource("a.x", "outer:"), [
    fakeFormat(
      "outer",
      states(entry("a", "inner:"), entry("b", "inner:"), entry("c", "inner:"), imports("os", "x")),
    ),
    fakeFormat("inner", states(imports("safe", "x"))),
  ], { limits: { members: 2 } });
  assert.deepEqual(ruleIds(report), ["fake-os", "scan-limit", "fake-safe", "fake-safe"]);
  assert.equal(report.verdict, "dangerous");
});

test(
  "an archive whose hundred members are the archive itself ends soon, incomplete",
  LARGE_INPUT,
  async () => {
    const content = "fake:".padEnd(100_000, " ");
    const overlapping = fakeFormat("fake", async function* (source) {
      await source.read(0, 100_000);
      yield Array.from({ length: 100 }, (_, index) => entry(`m${index}`, source));
    });
    for (const source of [textSource("a.x", content), forwardSource("-", chunks(content, 4096))]) {
      const random = [{ ...overlapping, load: () => overlapping.load().then(needsRandom) }];
      const report = await scanFake(source, random);
      assert.equal(report.verdict, "incomplete");
      assert.ok(report.findings.some((finding) => /its parts overlap/.test(finding.message)));
    }
  },
);

test("time that runs out leaves what was found before, and an incomplete file", async () => {
  let begun = false;
  const slow: Behaviour = (...given) => (begun = true, endless(...given));
  let report: FileReport | undefined;
  // On a busy machine the time may be spent before the endless part is reached.
  for (let milliseconds = 60; !begun; milliseconds *= 2) {
    report = await scanFake(textSource("a.x", "outer:"), [
      fakeFormat(
        "outer",
        states(imports("unknown", "x"), entry("a", "slow:"), entry("b", "next:")),
      ),
      fakeFormat("slow", slow),
      fakeFormat("next", states(imports("os", "system"))),
    ], { limits: { milliseconds } });
  }
  assert.ok(report);
  assert.equal(report.verdict, "incomplete");
  assert.deepEqual(ruleIds(report).toSorted(), ["fake-unknown", "scan-timeout"]);
  assert.match(report.findings.map((f) => f.message).join(), /time limit of [\d.]+ s/);
});

test("a signal from a timer stops a scan that never waits, with a partial report", async () => {
  const controller = new AbortController();
  const slow: Behaviour = (...given) => {
    setTimeout(() => controller.abort(), 0);
    return endless(...given);
  };
  const report = await scanFake(textSource("a.x", "outer:"), [
    fakeFormat("outer", states(imports("os", "system"), entry("a", "slow:"))),
    fakeFormat("slow", slow),
  ], { signal: controller.signal });
  assert.equal(report.verdict, "dangerous");
  assert.deepEqual(ruleIds(report), ["fake-os", "scan-cancelled"]);
});

test("a signal given before the start gives an incomplete report, not a skipped one", async () => {
  const report = await scanFake(textSource("a.x", "fake:"), [fakeFormat("fake", states())], {
    signal: AbortSignal.abort(),
  });
  assert.equal(report.verdict, "incomplete");
});

test("expanded bytes and opcodes are counted over all of an asset", async () => {
  for (const limit of ["expandedBytes", "opcodes"] as const) {
    const spender = fakeFormat("inner", async function* (_source, context) {
      await Promise.resolve();
      yield [imports("safe", "x")];
      if (limit === "opcodes") context.spendOpcodes(60);
      else context.spendExpanded(60);
    });
    const report = await scanFake(textSource("a.x", "outer:"), [
      fakeFormat("outer", states(entry("a", "inner:"), entry("b", "inner:"), imports("os", "x"))),
      spender,
    ], { limits: { [limit]: 100 } });
    assert.equal(report.verdict, "dangerous", "what follows the spent budget still counts");
    assert.deepEqual(ruleIds(report), ["fake-os", "scan-limit", "fake-safe", "fake-safe"]);
  }
});

test("the worst issues are kept when there are too many, and the verdict counts them all", async () => {
  const many = Array.from({ length: 500 }, (_, index) => imports("unknown", `x${index}`));
  const report = await scanFake(textSource("a.x", "outer:"), [
    fakeFormat("outer", states(entry("a", "many:"), entry("b", "bad:"))),
    fakeFormat("many", states(...many)),
    fakeFormat("bad", states(imports("os", "system"))),
  ], { limits: { issues: 10 } });
  assert.equal(report.verdict, "dangerous");
  assert.equal(report.findings.length, 11);
  assert.equal(report.findings[0]?.ruleId, "fake-os");
  assert.match(report.findings.at(-1)?.message ?? "", /^491 further issues/);
});

const THROWN: readonly (readonly [unknown, string])[] = [
  [new FormatError("Bad.", 7), "fake-malformed"],
  [new LimitError("values", "Too many."), "scan-limit"],
  [new LimitError("ratio", "Too dense."), "compression-bomb"],
  [new SourceError("a", "Gone."), "file-unreadable"],
  [new SourceError("a", "Shrunk.", { reason: "changed" }), "file-changed"],
  [new TypeError("x is undefined"), "scan-defect"],
  [new RangeError("Maximum call stack size exceeded"), "scan-defect"],
  ["a string", "scan-defect"],
  [undefined, "scan-defect"],
];

test("whatever a format throws, what came before counts and the file is not clean", async () => {
  for (const [error, rule] of THROWN) {
    const report = await scanFake(textSource("a.x", "fake:"), [
      fakeFormat("fake", throwsAfter(error, imports("safe", "x"))),
    ]);
    assert.equal(report.verdict, "incomplete", String(error));
    assert.deepEqual(ruleIds(report), [rule, "fake-safe"], String(error));
  }
});

test("a format that fails in one member does not keep the others from being scanned", async () => {
  const report = await scanFake(textSource("a.x", "outer:"), [
    fakeFormat("outer", states(entry("a", "broken:"), entry("b", "bad:"))),
    fakeFormat("broken", throwsAfter(new TypeError("defect"))),
    fakeFormat("bad", states(imports("os", "system"))),
  ]);
  assert.equal(report.verdict, "dangerous");
  assert.deepEqual(report.errors.map((error) => error.location.parts), [["a"]]);
  assert.match(report.errors[0]?.remedy ?? "", /report it/);
});

test("a detection that throws makes the file incomplete, the other formats still scan", async () => {
  const broken = fakeFormat("broken", states());
  const report = await scanFake(textSource("a.x", "bad:"), [
    {
      ...broken,
      mayMatch: () => {
        throw new TypeError("defect");
      },
    },
    fakeFormat("bad", states(imports("unknown", "x"))),
  ]);
  assert.equal(report.verdict, "incomplete");
  assert.deepEqual(ruleIds(report).toSorted(), ["fake-unknown", "scan-defect"]);
});

test("a decoder that cannot be loaded makes the file incomplete", async () => {
  const missing = { ...fakeFormat("gone", states()), load: () => Promise.reject(new Error("404")) };
  const report = await scanFake(textSource("a.x", "gone:"), [missing]);
  assert.equal(report.verdict, "incomplete");
  assert.deepEqual(ruleIds(report), ["scan-decoder-missing"]);
});

test("rules that fail are a defect, never a clean file", async () => {
  const { FAKE_RULES } = await import("./testing/fakes.ts");
  const report = await scanFake(textSource("a.x", "fake:"), [
    fakeFormat("fake", states(imports("safe", "x"))),
  ], {
    rules: {
      ...FAKE_RULES,
      judge: () => {
        throw new Error("no such rule");
      },
    },
  });
  assert.equal(report.verdict, "incomplete");
  assert.deepEqual(ruleIds(report), ["scan-defect"]);
});

test("a file that cannot be read at all is incomplete, with the reason among the errors", async () => {
  const source: Source = {
    name: "a.x",
    size: 100,
    access: "random",
    read: () => Promise.reject(new SourceError("a.x", "Cannot read it", { remedy: "Try again." })),
  };
  const report = await scanFake(source, [fakeFormat("fake", states())]);
  assert.equal(report.verdict, "incomplete");
  assert.deepEqual(ruleIds(report), ["file-unreadable"]);
  assert.equal(report.errors[0]?.remedy, "Try again.");
});

test("a package sees the listing and speaks of members by name", async () => {
  const listing = { format: "fake", members: [{ name: "a.onnx", kind: "file" as const }] };
  const report = await scanFake(textSource("a.x", "fake:"), [
    fakeFormat("fake", states({ type: "listing", listing })),
    fakeFormat("inner", states(imports("os", "system"))),
  ], {
    bundles: [{
      id: "p",
      matches: (seen) => seen.members.length === 1,
      observe: () => [
        { part: "a.onnx", observation: ODD },
        {
          part: "",
          observation: entry("code/x", "inner:") as Extract<Observation, { type: "entry" }>,
        },
      ],
    }, {
      id: "broken",
      matches: () => {
        throw new TypeError("defect");
      },
      observe: () => [],
    }],
  });
  assert.deepEqual(report.findings.map((f) => [f.ruleId, f.location.parts]), [
    ["fake-os", ["code/x"]],
    ["scan-defect", []],
    ["zip-crc", ["a.onnx"]],
  ]);
});

test("a stream is read once by a format that goes onward only", async () => {
  const reader = fakeFormat("fake", async function* (source) {
    const seen = new TextDecoder().decode(await source.read(0, 1000));
    yield [imports(seen.endsWith("os") ? "os" : "safe", source.access)];
  });
  const report = await scanFake(forwardSource("-", chunks("fake:os")), [reader]);
  assert.equal(report.verdict, "dangerous");
  assert.equal(report.size, 7);
  assert.equal(report.bytesRead, 7);
});

test("a stream is kept in memory for a format that needs random access or for two formats", async () => {
  const access: string[] = [];
  const reader: Behaviour = async function* (source) {
    await Promise.resolve();
    access.push(source.access);
    yield [];
  };
  const open = () => forwardSource("-", chunks("one:two:"));
  await scanFake(open(), [fakeFormat("one", reader)]);
  await scanFake(open(), [fakeFormat("one", reader, { random: true })]);
  await scanFake(open(), [fakeFormat("one", reader), fakeFormat("two", reader, { at: "tail" })]);
  assert.deepEqual(access, ["forward", "random", "random", "random"]);
});

test("a stream too long for memory is incomplete", async () => {
  const report = await scanFake(
    forwardSource("-", chunks("one:".padEnd(5000, " "))),
    [fakeFormat("one", states(), { random: true })],
    { limits: { spoolBytes: 1000 } },
  );
  assert.equal(report.verdict, "incomplete");
  assert.deepEqual(ruleIds(report), ["scan-limit"]);
});

test("a stream whose end shows a further format is incomplete, since it cannot be read again", async () => {
  const drain = fakeFormat("one", async function* (source) {
    for (let at = 0;;) {
      const bytes = await source.read(at, 4096);
      if (bytes.length === 0) break;
      at += bytes.length;
    }
    yield [];
  });
  const report = await scanFake(
    forwardSource("-", chunks(`one:${" ".repeat(200_000)}two:`, 4096)),
    [drain, fakeFormat("two", states(), { at: "tail" })],
  );
  assert.equal(report.verdict, "incomplete");
  assert.match(report.findings[0]?.message ?? "", /ends like two/);
});

test("a stream that begins like nothing and ends like a format is incomplete", async () => {
  const formats = [fakeFormat("two", states(), { at: "tail" })];
  for (const length of [200_000, 1_000_000]) {
    const report = await scanFake(
      forwardSource("-", chunks(`${" ".repeat(length)}two:`, 4096)),
      formats,
    );
    assert.equal(report.verdict, "incomplete", String(length));
  }
  const nothing = await scanFake(forwardSource("-", chunks(" ".repeat(200_000), 4096)), formats);
  assert.equal(nothing.verdict, "skipped");
});

test("an archive behind other bytes that comes as a stream is not passed over", async () => {
  const archive = buildZip([{ name: "data.pkl", data: "cos\nsystem\n(S'echo hi'\ntR." }]);
  // White space may begin a format that reads on: what is kept for that is read to its end.
  const ways = [[70_000, 0x79], [300_000, 0x79], [70_000, 0x20], [300_000, 0x20]] as const;
  for (const [length, byte] of ways) {
    const before = new Uint8Array(length).fill(byte);
    const pieces = (async function* () {
      yield before;
      await Promise.resolve();
      yield archive;
    })();
    const report = await scanSource(forwardSource("-", pieces), { rules: loadRules() });
    if (byte === 0x20) {
      assert.equal(report.verdict, "dangerous", String(length));
      continue;
    }
    assert.equal(report.verdict, "incomplete", String(length));
    assert.match(report.findings[0]?.message ?? "", /ends like zip/);
  }
});

test("a stream that breaks off is incomplete although its reader took that for the end", async () => {
  async function* broken() {
    yield new TextEncoder().encode("fake:");
    await Promise.resolve();
    throw new FormatError("Truncated", 5);
  }
  const report = await scanFake(forwardSource("-", broken()), [fakeFormat("fake", states())]);
  assert.equal(report.verdict, "incomplete");
});

test("bytes read and progress follow what was asked of the file", async () => {
  const seen: number[] = [];
  const size = 400_000;
  const slow = fakeFormat("fake", async function* (source) {
    await source.read(0, 1000);
    source.readSync?.(64_000, 1536);
    await source.read(size - 100, 1000);
    for (let at = 0; at < 5; at++) {
      await source.read(100_000, 10);
      source.readSync?.(100_000, 10);
      await new Promise((done) => setTimeout(done, 60));
    }
    yield [];
  });
  const text = textSource("a.x", "fake:".padEnd(size, " "));
  let asked = 0;
  const counted = (bytes: Uint8Array): Uint8Array => {
    asked += bytes.length;
    return bytes;
  };
  const source: Source = {
    ...{ name: text.name, size: text.size, access: text.access },
    read: async (offset, length) => counted(await text.read(offset, length)),
    readSync: (offset, length) => counted(text.readSync?.(offset, length) ?? new Uint8Array()),
  };
  const report = await scanFake(source, [slow], {
    onProgress: ({ bytesRead }) => seen.push(bytesRead),
  });
  const sampled = SAMPLE_BYTES + TAIL_BYTES;
  assert.equal(asked, sampled + 100, "what was sampled is not read again");
  assert.equal(report.bytesRead, sampled + 10, "ten bytes were read ten times");
  assert.ok(seen.length > 0 && seen.every((bytes) => bytes >= sampled));
});

test("the bytes that were sampled are those that a format reads", async () => {
  const content = "fake:" + Array.from({ length: 40_000 }, (_, at) => at % 10).join("");
  const reader = fakeFormat("fake", async function* (source) {
    const complete = await source.read(0, 100_000);
    const head = await source.read(3, 10);
    const tail = source.readSync?.(content.length - 7, 100);
    const behind = await source.read(content.length + 5, 10);
    const text = [complete, head, tail ?? complete, behind].map((it) =>
      new TextDecoder().decode(it)
    );
    assert.deepEqual(text, [content, content.slice(3, 13), content.slice(-7), ""]);
    yield [];
  });
  const report = await scanFake(textSource("a.x", content), [reader]);
  assert.deepEqual(report.errors, []);
  assert.equal(report.bytesRead, content.length);
});

test("raw storages of a checkpoint cost a few bytes each, other members more", async () => {
  const size = 50 * 1024 * 1024;
  let reads = 0;
  const big = (): Source => ({
    name: "0",
    size,
    access: "random",
    read: (offset, length) => {
      const bytes = new Uint8Array(Math.min(length, size - offset));
      reads += bytes.length;
      return Promise.resolve(bytes);
    },
  });
  const storages = Array.from(
    { length: 600 },
    (_, index) => entry(`archive/data/${index}`, big(), { hint: "torch-storage" }),
  );
  const report = await scanFake(textSource("a.x", "outer:"), [
    fakeFormat("outer", states(...storages)),
  ]);
  assert.equal(report.verdict, "clean");
  assert.ok(reads <= 600 * 64, `${reads} bytes`);
  reads = 0;
  await scanFake(textSource("a.x", "outer:"), [fakeFormat("outer", states(entry("b", big())))]);
  assert.ok(reads > 65_536 && reads < 250_000, `${reads} bytes`);
});

test("a storage that begins like a known format is looked into after all", async () => {
  const report = await scanFake(textSource("a.x", "outer:"), [
    fakeFormat("outer", states(entry("archive/data/0", "bad:", { hint: "torch-storage" }))),
    fakeFormat("bad", states(imports("os", "system"))),
  ]);
  assert.equal(report.verdict, "dangerous");
});

test("an empty source is looked at by every format and read without a anomaly", async () => {
  const report = await scanFake(bytesSource("a.pkl", new Uint8Array(0)), [
    fakeFormat("fake", states()),
  ]);
  assert.deepEqual(ruleIds(report), ["file-empty"]);
  assert.equal(report.verdict, "incomplete");
});

test("a limit that is no number is refused", async () => {
  await assert.rejects(
    () => scanFake(textSource("a", ""), [], { limits: { depth: Number.NaN } }),
    RangeError,
  );
});
