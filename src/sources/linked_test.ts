import assert from "node:assert/strict";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openRegular, walk } from "./file.ts";
import { Folders } from "./folder.ts";
import { inodeOf, KeptBytes, LinkedFiles } from "./linked.ts";

/** A file in memory that counts how often each of its bytes is read. */
function counted(size: number) {
  const data = Uint8Array.from({ length: size }, (_, index) => index * 7 & 255);
  const reads = new Uint8Array(size);
  return {
    data,
    reads,
    readRange(offset: number, target: Uint8Array): void {
      target.set(data.subarray(offset, offset + target.length));
      for (let at = offset; at < offset + target.length; at++) reads[at] = (reads[at] ?? 0) + 1;
    },
  };
}

test("Ranges of any kind give the file's bytes and read each byte once", () => {
  let seed = 7;
  const dice = (limit: number): number =>
    (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % limit;
  const file = counted(1000);
  const kept = new KeptBytes(() => true);
  let total = 0;
  for (let round = 0; round < 500; round++) {
    const offset = dice(1000);
    const target = new Uint8Array(dice(1001 - offset));
    total += kept.read(offset, target, file.readRange);
    assert.deepEqual(target, file.data.slice(offset, offset + target.length));
  }
  assert.equal(Math.max(...file.reads), 1);
  assert.equal(total, file.reads.reduce((sum, count) => sum + count, 0));
});

test("What may not be kept is read again, and is right", () => {
  const file = counted(100);
  let room = 300;
  const kept = new KeptBytes((bytes) => (room -= bytes) >= 0);
  for (const _ of [0, 1]) {
    for (const [offset, length] of [[10, 20], [0, 100], [50, 50]] as const) {
      const target = new Uint8Array(length);
      kept.read(offset, target, file.readRange);
      assert.deepEqual(target, file.data.slice(offset, offset + length));
    }
  }
  assert.equal(file.reads[15], 1);
  assert.equal(file.reads[99], 4);
});

test("A read that fails keeps nothing", () => {
  const file = counted(10);
  const kept = new KeptBytes(() => true);
  assert.throws(() => kept.read(0, new Uint8Array(10), () => assert.fail("no disk")), /no disk/);
  const target = new Uint8Array(10);
  assert.equal(kept.read(0, target, file.readRange), 10);
  assert.deepEqual(target, file.data);
});

/** Runs in a folder of the test's own. */
function inFolder(body: (at: (name: string) => string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-linked-"));
  try {
    body((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Reads all of a file and says how many bytes of it came from the disk. */
function fetched(path: string, linked: LinkedFiles): number | undefined {
  const source = openRegular(path, linked);
  source.readSync?.(0, 1 << 20);
  source.close();
  return source.bytesFetched;
}

test("A file and links to it found before and behind it are read once; another file is plain", () => {
  inFolder((at) => {
    writeFileSync(at("b"), "bbbb");
    writeFileSync(at("c"), "other");
    symlinkSync("b", at("a"));
    symlinkSync("b", at("z"));
    const linked = new LinkedFiles();
    const found = [...linked.ahead(walk([at(".")]))];
    const bytes = found.map(({ path }) => fetched(path, linked));
    assert.deepEqual(bytes, [4, 0, undefined, 0]);
  });
});

test("Hard links are read once, an argument that is named by two paths too", () => {
  inFolder((at) => {
    writeFileSync(at("a"), "aaaa");
    linkSync(at("a"), at("b"));
    writeFileSync(at("c"), "cc");
    symlinkSync("c", at("d"));
    const linked = new LinkedFiles();
    const found = [...linked.ahead(walk([at("a"), at("b"), at("c"), at("d")]))];
    assert.deepEqual(found.map(({ path }) => fetched(path, linked)), [4, 0, 2, 0]);
  });
});

test("The link of a cache whose blob no other link names keeps nothing", () => {
  inFolder((at) => {
    const blob = "a".repeat(64);
    for (const name of ["blobs", "snapshots", "snapshots/1", "snapshots/2"]) mkdirSync(at(name));
    writeFileSync(at(`blobs/${blob}`), "bytes");
    writeFileSync(at(`blobs/${"b".repeat(40)}`), "alone");
    symlinkSync(at(`blobs/${blob}`), at("snapshots/1/x"));
    symlinkSync(at(`blobs/${"b".repeat(40)}`), at("snapshots/1/y"));
    symlinkSync(at(`blobs/${blob}`), at("snapshots/2/x"));
    const linked = new LinkedFiles();
    const found = [...linked.ahead(walk([at(".")]))];
    assert.deepEqual(found.map(({ path }) => fetched(path, linked)), [5, undefined, 0]);
  });
});

test("A file that was written to since is read anew", () => {
  inFolder((at) => {
    writeFileSync(at("a"), "aaaa");
    linkSync(at("a"), at("b"));
    const linked = new LinkedFiles();
    assert.equal(fetched(at("a"), linked), 4);
    writeFileSync(at("a"), "longer");
    assert.equal(fetched(at("b"), linked), 6);
  });
});

test("The files that were opened longest ago are forgotten first", () => {
  inFolder((at) => {
    for (const name of ["a", "b", "c"]) {
      writeFileSync(at(name), "x".repeat(1000));
      linkSync(at(name), at(`${name}2`));
    }
    const linked = new LinkedFiles(2500);
    const bytes = ["a", "b", "c", "b2", "c2", "a2"].map((name) => fetched(at(name), linked));
    assert.deepEqual(bytes, [1000, 1000, 1000, 0, 0, 1000]);
  });
});

test("What a bundle reads of a linked file was read with the file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-linked-"));
  try {
    writeFileSync(join(folder, "a"), "aaaa");
    linkSync(join(folder, "a"), join(folder, "b"));
    const linked = new LinkedFiles();
    const place = new Folders(linked).place(join(folder, "b"), folder);
    const member = place.listing.members.find(({ name }) => name === "b");
    const bytes = await member?.open?.().read(0, 10);
    assert.equal(new TextDecoder().decode(bytes), "aaaa");
    assert.equal(fetched(join(folder, "a"), linked), 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("Numbers that are not exact tell no files apart", () => {
  const numbers = { nlink: 2, size: 1, mtimeMs: 1, ctimeMs: 1 };
  assert.equal(inodeOf({ ...numbers, dev: 1, ino: 2 }), "1:2");
  assert.equal(inodeOf({ ...numbers, dev: 1, ino: 0 }), undefined);
  assert.equal(inodeOf({ ...numbers, dev: 1, ino: 2 ** 60 }), undefined);
  assert.equal(new LinkedFiles().keptOf({ ...numbers, dev: 1, ino: 2 ** 60 }), undefined);
});
