import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { SourceError } from "../core/errors.ts";
import { fileSource, type FoundPath, pathOfUrl, walk, type WalkOptions } from "./file.ts";

const WINDOWS = process.platform === "win32";

/** Root reads everything, so that permissions prove nothing. */
const ROOT = process.getuid?.() === 0;

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Paths below the folder, errors marked with "!". */
async function found(folder: string, paths: string[], options?: WalkOptions): Promise<string[]> {
  const out: string[] = [];
  for await (const one of walk(paths, options)) out.push(shown(folder, one));
  return out;
}

function shown(folder: string, one: FoundPath): string {
  const below = one.path.slice(folder.length + 1).replaceAll("\\", "/");
  return one.kind === "error" ? `!${below}` : below;
}

function write(...parts: string[]): string {
  const path = join(...parts);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, "bytes");
  return path;
}

/** A cache as the hub's client makes it: two revisions, a blob that both have, one that none has. */
function hubCache(folder: string): { readonly used: string; readonly unused: string } {
  const [used, unused] = ["a".repeat(64), "b".repeat(40)];
  const root = join(folder, "models--org--name");
  for (const name of [used, unused, "config.json"]) write(root, "blobs", name);
  write(root, "refs", "main");
  for (const revision of ["1", "2"]) {
    mkdirSync(join(root, "snapshots", revision), { recursive: true });
    symlinkSync(`../../blobs/${used}`, join(root, "snapshots", revision, "model.bin"));
  }
  symlinkSync("../../blobs/config.json", join(root, "snapshots/1/config.json"));
  return { used, unused };
}

test("a blob of the hub's cache is found under the names of its links only", {
  skip: WINDOWS,
}, async () => {
  await inFolder(async (folder) => {
    const { used, unused } = hubCache(folder);
    const root = "models--org--name";
    const links = [
      `${root}/snapshots/1/config.json`,
      `${root}/snapshots/1/model.bin`,
      `${root}/snapshots/2/model.bin`,
    ];
    const refs = `${root}/refs/main`;
    // A name of its own is no hash: what it claims is judged, too.
    const others = [`${root}/blobs/${unused}`, `${root}/blobs/config.json`];
    assert.deepEqual(await found(folder, [folder]), [refs, ...links, ...others]);
    const blob = `${root}/blobs/${used}`;
    // A link that is left out leads nowhere: the blob is found as it is.
    assert.deepEqual(await found(folder, [folder], { exclude: ["*.bin"] }), [
      refs,
      ...links.slice(0, 1),
      `${root}/blobs/${used}`,
      ...others,
    ]);
    assert.deepEqual(await found(folder, [folder], { include: ["*.bin", "*a"] }), links.slice(1));
    assert.deepEqual(await found(folder, [join(folder, root, "blobs")]), [blob, ...others]);
    // What is named itself is found.
    assert.ok((await found(folder, [folder, join(folder, blob)])).includes(blob));
  });
});

test("a broken link that the globs leave out is no error", { skip: WINDOWS }, async () => {
  await inFolder(async (folder) => {
    write(folder, "model.pt");
    symlinkSync("gone", join(folder, "broken.txt"));
    assert.deepEqual(await found(folder, [folder]), ["!broken.txt", "model.pt"]);
    assert.deepEqual(await found(folder, [folder], { include: ["*.pt"] }), ["model.pt"]);
    assert.deepEqual(await found(folder, [folder], { exclude: ["*.txt"] }), ["model.pt"]);
    const both = { include: ["*.txt"] };
    assert.deepEqual(await found(folder, [folder], both), ["!broken.txt"]);
  });
});

test("a file is read at any offset, with and without waiting", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "a");
    writeFileSync(path, Uint8Array.from({ length: 100 }, (_, index) => index));
    const source = await fileSource(path);
    assert.equal(source.size, 100);
    assert.equal(source.name, path);
    assert.deepEqual([...await source.read(10, 3)], [10, 11, 12]);
    assert.deepEqual([...source.readSync?.(98, 10) ?? []], [98, 99]);
    assert.equal((await source.read(100, 10)).length, 0);
    assert.equal((await source.read(5000, 10)).length, 0);
    await assert.rejects(() => source.read(-1, 2), SourceError);
    await assert.rejects(() => source.read(0, 0.5), SourceError);
    source.close();
    source.close();
    await assert.rejects(() => source.read(0, 1), /it was closed/);
  });
});

test("earlier reads keep their bytes", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "a");
    writeFileSync(path, "abcdef");
    const source = await fileSource(path);
    const first = await source.read(0, 3);
    await source.read(3, 3);
    assert.deepEqual([...first], [97, 98, 99]);
    source.close();
  });
});

test("a sparse file of two gigabytes costs what is asked of it", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "big");
    const size = 2 * 1024 ** 3 + 1;
    const handle = openSync(path, "w");
    writeSync(handle, Uint8Array.of(7), 0, 1, size - 1);
    closeSync(handle);
    const source = await fileSource(path);
    assert.equal(source.size, size);
    assert.deepEqual([...await source.read(size - 2, 10)], [0, 7]);
    source.close();
  });
});

test("a file that shrinks while it is read says so", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "a");
    writeFileSync(path, new Uint8Array(1000));
    const source = await fileSource(path);
    truncateSync(path, 900);
    assert.equal((await source.read(0, 900)).length, 900);
    await assert.rejects(() => source.read(850, 100), (error: unknown) => {
      assert.ok(error instanceof SourceError);
      assert.equal(error.reason, "changed");
      assert.match(error.message, /it had 1000 bytes when it was opened and now ends at 900/);
      return true;
    });
    source.close();
  });
});

test("what is missing or no regular file is refused with a reason and a remedy", async () => {
  await inFolder(async (folder) => {
    const cases: [string, RegExp][] = [
      [join(folder, "none"), /no such file/],
      [folder, /it is a folder/],
    ];
    if (!WINDOWS) {
      spawnSync("mkfifo", [join(folder, "fifo")]);
      cases.push([join(folder, "fifo"), /a FIFO, not a regular file/]);
      cases.push(["/dev/null", /a device, not a regular file/]);
      symlinkSync("loop", join(folder, "loop"));
      cases.push([join(folder, "loop"), /links lead in a circle/]);
    }
    for (const [path, expected] of cases) {
      await assert.rejects(() => fileSource(path), (error: unknown) => {
        assert.ok(error instanceof SourceError, String(error));
        assert.match(error.message, expected);
        assert.notEqual(error.remedy, "");
        return true;
      });
    }
  });
});

test("a file without permission is refused with a remedy", { skip: ROOT || WINDOWS }, async () => {
  await inFolder(async (folder) => {
    const path = write(folder, "a");
    chmodSync(path, 0);
    await assert.rejects(() => fileSource(path), /permission denied/);
  });
});

test("folders are walked in sorted order, without git's objects, and nothing twice", async () => {
  await inFolder(async (folder) => {
    for (
      const name of ["b.pkl", "a/z.pkl", "a/B", ".git/objects/x", "sub/.git/y", ".hidden", "c"]
    ) {
      write(folder, ...name.split("/"));
    }
    assert.deepEqual(await found(folder, [folder, join(folder, "c"), join(folder, "a")]), [
      ".hidden",
      "a/B",
      "a/z.pkl",
      "b.pkl",
      "c",
    ]);
    assert.deepEqual(await found(folder, [join(folder, ".git")]), [".git/objects/x"]);
    assert.deepEqual(await found(folder, [join(folder, "c"), folder]), [
      "c",
      ".hidden",
      "a/B",
      "a/z.pkl",
      "b.pkl",
    ]);
  });
});

test("missing paths and FIFOs are errors among what is found", async () => {
  await inFolder(async (folder) => {
    write(folder, "a");
    if (!WINDOWS) spawnSync("mkfifo", [join(folder, "b")]);
    const expected = WINDOWS ? ["!none", "a"] : ["!none", "a", "!b"];
    assert.deepEqual(await found(folder, [join(folder, "none"), folder]), expected);
  });
});

test("an unreadable folder is an error, what is beside it is found", {
  skip: ROOT || WINDOWS,
}, async () => {
  await inFolder(async (folder) => {
    write(folder, "locked", "a");
    write(folder, "z");
    chmodSync(join(folder, "locked"), 0);
    assert.deepEqual(await found(folder, [folder]), ["!locked", "z"]);
    chmodSync(join(folder, "locked"), 0o700);
  });
});

test("links to files are read, links to folders only on request and never in a circle", {
  skip: WINDOWS,
}, async () => {
  await inFolder(async (folder) => {
    write(folder, "real", "a");
    mkdirSync(join(folder, "seen"));
    symlinkSync("../real/a", join(folder, "seen", "file"));
    symlinkSync("../real", join(folder, "seen", "folder"));
    symlinkSync("..", join(folder, "seen", "up"));
    symlinkSync("nowhere", join(folder, "seen", "broken"));
    const seen = join(folder, "seen");
    assert.deepEqual(await found(folder, [seen]), ["!seen/broken", "seen/file"]);
    assert.deepEqual(await found(folder, [seen], { followSymlinks: true }), [
      "!seen/broken",
      "seen/file",
      "seen/folder/a",
    ]);
    assert.deepEqual(await found(folder, [join(seen, "folder")]), ["seen/folder/a"]);
  });
});

test("globs choose among files and keep out of folders", async () => {
  await inFolder(async (folder) => {
    for (const name of ["a.pkl", "b.txt", "skip/c.pkl", "keep/d.pkl"]) {
      write(folder, ...name.split("/"));
    }
    assert.deepEqual(await found(folder, [folder], { include: ["*.pkl"] }), [
      "a.pkl",
      "keep/d.pkl",
      "skip/c.pkl",
    ]);
    assert.deepEqual(await found(folder, [folder], { include: ["*.pkl"], exclude: ["skip"] }), [
      "a.pkl",
      "keep/d.pkl",
    ]);
    assert.deepEqual(await found(folder, [folder], { exclude: ["**/*.pkl"] }), ["b.txt"]);
    assert.deepEqual(await found(folder, [join(folder, "a.pkl")], { exclude: ["*.pkl"] }), []);
  });
});

test("names with spaces, line ends and other scripts are found", { skip: WINDOWS }, async () => {
  await inFolder(async (folder) => {
    const names = ["a b.pkl", "a\nb.pkl", "модель.pkl", "🐍.pkl"];
    for (const name of names) write(folder, name);
    assert.deepEqual((await found(folder, [folder])).toSorted(), names.toSorted());
  });
});

test("a file URL names a path, another does not", () => {
  assert.equal(pathOfUrl(pathToFileURL("/tmp/a b.pkl")), "/tmp/a b.pkl");
  assert.throws(() => pathOfUrl(new URL("https://example.org/a.pkl")), SourceError);
});

test("this module asks the file system for nothing but reading", () => {
  const text = readFileSync(new URL("./file.ts", import.meta.url), "utf8");
  const imported = /import \{([^}]*)\} from "node:fs"/u.exec(text)?.[1] ?? "";
  assert.match(imported, /openSync/u);
  assert.doesNotMatch(imported, /write|unlink|mkdir|rm|rename|chmod|copy|append|truncate/iu);
  assert.match(text, /OPEN_FLAGS = constants\.O_RDONLY/u);
});
