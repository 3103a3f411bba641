import assert from "node:assert/strict";
import { test } from "node:test";
import { runMain } from "./commands/main.ts";
import { testIo } from "./testing/io.ts";
import {
  checkpoint,
  type CheckpointOptions,
  concatenate,
  numbers,
  sparse,
} from "./testing/checkpoint.ts";
import {
  type Misbehaviour,
  type ServedFile,
  type SeveralRanges,
  startServer,
  type TestServer,
} from "./testing/server.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const CALL = encode("cposix\nsystem\n(Vecho hi\ntR0");
const HARMFUL = concatenate(CALL, encode("N."));
const MIB = 1024 * 1024;

interface Report {
  readonly assets: readonly {
    readonly verdict: string;
    readonly size: number;
    readonly bytes_read: number;
    readonly bytes_total: number;
  }[];
  readonly issues: readonly { readonly rule_id: string }[];
  readonly bytes_total: number;
}

interface Cost {
  readonly code: number;
  readonly report: Report;
  readonly requests: number;
  readonly sent: number;
  readonly rules: readonly string[];
  readonly out: string;
}

/** What a scan of a file on a server says and costs. */
async function scanned(
  file: ServedFile | Uint8Array,
  several: SeveralRanges,
  args: readonly string[] = ["-f", "json"],
  name = "checkpoint.pt",
  misbehave?: Misbehaviour,
): Promise<Cost> {
  const server: TestServer = await startServer(several);
  try {
    server.serve(`/${name.replace(/\?.*/u, "")}`, file, misbehave);
    server.serve("/elsewhere/arrays.npz", file);
    const io = testIo({ now: Date.now });
    const code = await runMain(
      ["--no-config", "--allow-private-network", ...args, `${server.url}/${name}`],
      io,
    );
    const out = io.stdout.text;
    const empty = { assets: [], issues: [], bytes_total: 0 };
    const report: Report = args.includes("json") ? JSON.parse(out) : empty;
    const rules = report.issues.map(({ rule_id }) => rule_id);
    return { code, report, rules, out, requests: server.requests.length, sent: server.sent() };
  } finally {
    await server.close();
  }
}

const LARGE: CheckpointOptions = { storages: 512, storageBytes: 4 * MIB };

for (const several of ["parts", "first", "whole", "refused"] as const) {
  for (const harmful of [true, false]) {
    const what = harmful ? "harmful" : "harmless";
    test(`a ${what} checkpoint of 2 GB in 512 storages, several ranges: ${several}`, async () => {
      const file = checkpoint({ ...LARGE, ...(harmful && { also: CALL }) });
      const { code, report, rules, requests, sent } = await scanned(file, several);
      const [asset] = report.assets;
      assert.ok(asset !== undefined);
      assert.equal(asset.verdict, harmful ? "dangerous" : "clean", rules.join());
      assert.equal(code, harmful ? 1 : 0);
      assert.ok(asset.bytes_total > 2 * 1024 ** 3 && report.bytes_total === asset.size);
      assert.ok(requests < 20, `${requests} requests`);
      assert.ok(asset.bytes_read < 1e6, `${asset.bytes_read} bytes`);
      assert.equal(asset.bytes_read, sent);
      assert.ok(rules.includes("zip-storages-not-fetched"));
    });
  }
}

test("with --remote-full every storage is looked into, from servers of one range, too", async () => {
  for (const several of ["parts", "first", "whole", "refused"] as const) {
    const file = checkpoint({ storages: 64, storageBytes: MIB });
    const args = ["-f", "json", "--remote-full"];
    const { report, rules, requests } = await scanned(file, several, args);
    assert.equal(report.assets[0]?.verdict, "clean");
    assert.ok(!rules.includes("zip-storages-not-fetched"));
    assert.equal(requests > 64, several !== "parts", `${requests} requests`);
  }
});

test("every report says what was not looked into", async () => {
  const file = checkpoint({ storages: 64, storageBytes: MIB });
  for (const format of ["text", "json", "ndjson", "sarif", "junit", "markdown"]) {
    const { code, out } = await scanned(file, "refused", ["-f", format]);
    assert.equal(code, 0);
    assert.match(out, /storages of .* not looked\s+into/s, format);
  }
  const all = await scanned(file, "refused", ["-f", "markdown", "--remote-full"]);
  assert.doesNotMatch(all.out, /not looked/);
});

/** A stored member without a record in any directory. */
const UNLISTED = concatenate(
  numbers([0x04034b50, 4], [20, 2], [0, 2], [0, 2], [0, 4], [0, 4]),
  numbers([HARMFUL.length, 4], [HARMFUL.length, 4], [1, 2], [0, 2]),
  encode("x"),
  HARMFUL,
);

/** What an attacker makes of one storage, and what has to be seen on a server of single ranges. */
const TRICKS: readonly (readonly [string, Partial<CheckpointOptions>, RegExp])[] = [
  ["that nothing names is a pickle", {
    unnamed: [5],
    change: (it) => it.name === "m/data/5" ? { ...it, bytes: HARMFUL } : it,
  }, /pickle-command/],
  ["is a pickle and shorter than its tensor", {
    change: (it) => it.name === "m/data/5" ? { ...it, bytes: HARMFUL, size: 100 } : it,
  }, /pickle-command/],
  ["is there twice, once as a pickle", {
    change: (it) => it.name === "m/data/5" ? [it, { ...it, bytes: HARMFUL }] : it,
  }, /pickle-command/],
  ["overlaps the one before", {
    change: (it) => it.name === "m/data/5" ? { ...it, shift: -1000 } : it,
  }, /zip-overlap|zip-malformed/],
  ["is compressed", {
    change: (it) => it.name === "m/data/5" ? { ...it, method: 8 } : it,
  }, /zip-/],
  ["is called otherwise in its own header, and data.pkl too", {
    change: (it) => it.name === "m/data.pkl" ? { ...it, localName: "m/date.pkl" } : it,
  }, /zip-name-mismatch/],
  ["has a name that climbs out", {
    change: (it) => ({ ...it, name: it.name.replace("m/", "../m/") }),
  }, /zip-unsafe-path/],
  ["is followed by a member that the directory does not list", {
    change: (it) => it.name === "m/version" ? { ...it, bytes: HARMFUL } : it,
  }, /pickle-command/],
  ["that nothing names has a pickle behind its bytes", {
    unnamed: [5],
    change: (it) => it.name === "m/data/5" ? { ...it, behind: HARMFUL } : it,
  }, /pickle-command/],
  ["that nothing names has a member behind it that no directory lists", {
    unnamed: [5],
    change: (it) => it.name === "m/data/5" ? { ...it, behind: UNLISTED } : it,
  }, /zip-hidden-member.*pickle-command|pickle-command.*zip-hidden-member/],
  ["that nothing names is called otherwise in its own header", {
    unnamed: [5],
    change: (it) => it.name === "m/data/5" ? { ...it, localName: "m/evil.pkl" } : it,
  }, /zip-name-mismatch/],
  ["lies in a checkpoint whose pickle is cut off", {
    also: encode("."),
    unnamed: Array.from({ length: 64 }, (_, key) => key),
    change: (it) => it.name === "m/data/63" ? { ...it, bytes: HARMFUL } : it,
  }, /pickle-command/],
];

for (const [what, change, expected] of TRICKS) {
  test(`a storage ${what}: seen on a server of single ranges`, async () => {
    const file = checkpoint({ storages: 64, storageBytes: MIB, ...change });
    const { rules } = await scanned(file, "refused");
    assert.match(rules.join(), expected);
  });
}

/** A checkpoint one of whose storages is an array of NumPy with a harmful pickle. */
function withObjectArray(): ReturnType<typeof checkpoint> {
  const header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }".padEnd(117) + "\n";
  const array = concatenate(
    Uint8Array.of(0x93),
    encode("NUMPY"),
    numbers([1, 1], [0, 1], [header.length, 2]),
    encode(header),
    HARMFUL,
  );
  return checkpoint({
    storages: 64,
    storageBytes: MIB,
    change: (it) => it.name === "m/data/5" ? { ...it, bytes: array } : it,
  });
}

test("an archive that NumPy would open is looked into, whatever a pickle in it claims", async () => {
  const file = withObjectArray();
  const { rules } = await scanned(file, "refused", ["-f", "json"], "arrays.npz");
  assert.match(rules.join(), /pickle-command/);
});

test("a storage is left on the server only where no name of the file says anything else", async () => {
  const file = withObjectArray();
  const disposed = (disposition: string): Misbehaviour => (_, response) => {
    response.setHeader("content-disposition", disposition);
    return false;
  };
  const away: Misbehaviour = (_, response) => {
    response.writeHead(302, { location: "/elsewhere/arrays.npz" });
    response.end();
    return true;
  };
  const named: readonly (readonly [name: string, misbehave?: Misbehaviour])[] = [
    ["download"],
    ["download?file=arrays.npz"],
    ["m.pt?file=arrays.npz"],
    ["m.pt?response-content-disposition=attachment%3B%20filename%3D%22arrays.npz%22"],
    ["m.pt", disposed('attachment; filename="arrays.npz"')],
    ["m.pt", disposed("attachment; filename*=UTF-8''arrays.npz")],
    ["m.pt", away],
    ["download", away],
  ];
  for (const [name, misbehave] of named) {
    const { rules } = await scanned(file, "refused", ["-f", "json"], name, misbehave);
    assert.match(rules.join(), /pickle-command/, name);
  }
  const agreeing: typeof named = [
    ["m.pt?X-Amz-Signature=abc&X-Amz-Date=20260101T000000Z&v=1.0"],
    ["m.pt?response-content-disposition=attachment%3B%20filename%3D%22m.pt%22"],
    ["m.pt", disposed("attachment; filename*=UTF-8''m.pt; filename=\"m.pt\"")],
  ];
  for (const [name, misbehave] of agreeing) {
    const { rules } = await scanned(file, "refused", ["-f", "json"], name, misbehave);
    assert.ok(rules.includes("zip-storages-not-fetched"), name);
  }
});

test("a safetensors file of 2 GB costs less than a megabyte", async () => {
  const data = 2 * 1024 ** 3;
  const header = encode(
    JSON.stringify({ a: { dtype: "U8", shape: [data], data_offsets: [0, data] } }),
  );
  const front = concatenate(numbers([header.length, 8]), header);
  const file = sparse(front.length + data, [[0, front]]);
  const { code, report, sent, requests } = await scanned(file, "refused");
  assert.equal(code, 0);
  assert.equal(report.assets[0]?.verdict, "clean");
  assert.ok(sent < 1e6 && requests < 30, `${sent} bytes, ${requests} requests`);
});

test("a raw pickle of 70 MB is streamed once", async () => {
  const size = 70 * MIB;
  const head = concatenate(Uint8Array.of(0x80, 3, 0x42), numbers([size, 4]));
  const tail = concatenate(encode("0"), HARMFUL);
  const file = sparse(head.length + size + tail.length, [[0, head], [head.length + size, tail]]);
  const { code, report, sent, requests } = await scanned(file, "refused");
  assert.equal(code, 1);
  assert.equal(report.assets[0]?.verdict, "dangerous");
  assert.ok(sent <= file.size && requests < 30, `${sent} bytes, ${requests} requests`);
});

test("a raw pickle of 16 MB whose every byte counts is read once, in few requests", async () => {
  const size = 16 * MIB;
  const pairs = new Uint8Array(size).fill(0x30);
  for (let at = 0; at < size; at += 2) pairs[at] = 0x4e;
  const pickle = concatenate(pairs, HARMFUL);
  const { code, sent, requests } = await scanned(pickle, "refused");
  assert.equal(code, 1);
  assert.ok(sent <= pickle.length * 1.01 && requests < 30, `${sent} bytes, ${requests} requests`);
});
