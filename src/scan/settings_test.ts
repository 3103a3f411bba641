import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  bytesSource,
  loadRules,
  scan,
  type ScanProgress,
  type ScanSettings,
  scanSource,
  toSarif,
  toText,
} from "../../mod.ts";

const BYTES = new TextEncoder().encode("cos\nsystem\n(S'echo hi'\ntR.");

test("settings that there are not are refused, with the one that was meant", async () => {
  const refused: readonly (readonly [object, RegExp])[] = [
    [
      { limit: {} },
      /setting "limit" of scan: there is none of that name\. Did you mean "limits"\?/,
    ],
    [{ timeout: 10 }, /setting "timeout" of scan: .* There are rules, limits, /],
    [{ toString: 1 }, /setting "toString" of scan/],
    [{ remote: { tokn: "" } }, /"tokn" of remote: .*Did you mean "token"\?/],
    [{ walk: { followSymlink: true } }, /Did you mean "followSymlinks"\?/],
  ];
  for (const [settings, message] of refused) {
    await assert.rejects(scan(BYTES, settings as ScanSettings), { name: "TypeError", message });
  }
  await assert.rejects(scan(BYTES, { limits: { seconds: 1 } } as ScanSettings), {
    name: "RangeError",
    message: /limit "seconds" of a scan/,
  });
});

test("settings of a wrong type are refused, and undefined ones count as not given", async () => {
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ hash: "yes" }, /"hash" of scan: it must be true or false/],
    [{ signal: {} }, /"signal" of scan: it must be an AbortSignal/],
    [{ rules: {} }, /"rules" of scan: it must be rules, as loadRules\(\) gives them/],
    [{ onProgress: true }, /"onProgress" of scan: it must be a function/],
    [{ remote: { networkTimeout: "30" } }, /"networkTimeout" of remote: it must be a number/],
    [{ walk: { exclude: "*.bin" } }, /"exclude" of walk: it must be a list/],
  ];
  for (const [settings, message] of refused) {
    await assert.rejects(scan(BYTES, settings as ScanSettings), { name: "TypeError", message });
  }
  const none = { hash: undefined, limits: undefined, remote: undefined } as unknown;
  assert.equal((await scan(BYTES, none as ScanSettings)).files[0]?.verdict, "dangerous");
});

test("other functions of the module refuse what they do not know, too", async () => {
  const source = bytesSource("a.pkl", BYTES);
  const rules = loadRules();
  const wrong = { rules, hash: true } as Parameters<typeof scanSource>[1];
  await assert.rejects(scanSource(source, wrong), /setting "hash" of scanSource/);
  assert.throws(() => loadRules({ overides: {} } as object), /Did you mean "overrides"\?/);
  const report = await scan(BYTES);
  assert.throws(() => toSarif(report, { failon: "low" } as object), /Did you mean "failOn"\?/);
  assert.throws(() => toSarif(report, { failOn: "severe" } as object), /one of critical, high,/);
  assert.throws(() => toText(report, { width: 0 }), /a whole number of at least 20/);
});

test("progress names each file, with counts and totals", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-progress-"));
  try {
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "a.pkl"), BYTES);
    writeFileSync(join(folder, "sub", "b.pkl"), BYTES);
    const reported: ScanProgress[] = [];
    await scan([folder, BYTES, join(folder, "none")], { onProgress: (it) => reported.push(it) });
    const ends = reported.filter(({ event }) => event === "end");
    assert.deepEqual(ends.map(({ path }) => path), [
      ...[join(folder, "a.pkl"), join(folder, "sub", "b.pkl"), "input-1"],
    ]);
    assert.deepEqual(ends.map(({ files }) => files), [1, 2, 3]);
    assert.ok(
      reported.every(({ totalFiles, totalBytes }) =>
        totalFiles === 3 && totalBytes === 3 * BYTES.length
      ),
    );
    assert.deepEqual([reported[0]?.event, reported[0]?.files, reported[0]?.bytes], ["start", 0, 0]);
    assert.equal(reported.at(-1)?.bytes, 3 * BYTES.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what the function for progress throws ends the scan", async () => {
  const onProgress = (): void => {
    throw new Error("of the program");
  };
  await assert.rejects(scan([BYTES, BYTES], { onProgress }), /of the program/);
});
