import assert from "node:assert/strict";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Folders, listFolder } from "./folder.ts";

function inFolder(check: (folder: string) => Promise<void> | void): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "modelaudit-"));
    try {
      mkdirSync(join(folder, "sub"));
      mkdirSync(join(folder, ".git"));
      writeFileSync(join(folder, ".git", "x"), "x");
      writeFileSync(join(folder, "a.json"), "{}");
      writeFileSync(join(folder, "sub", "b.bin"), "12345");
      symlinkSync("sub/b.bin", join(folder, "link"));
      symlinkSync("nowhere", join(folder, "broken"));
      linkSync(join(folder, "a.json"), join(folder, "hard.json"));
      await check(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

test(
  "a folder is listed with what lies below it, links reported as links",
  inFolder((folder) => {
    const listed = listFolder(folder, true).map(({ name, kind, size, linkTarget }) => [
      name,
      kind,
      size,
      linkTarget,
    ]);
    assert.deepEqual(listed, [
      [".git", "folder", undefined, undefined],
      ["a.json", "hardlink", 2, undefined],
      ["broken", "link", undefined, "nowhere"],
      ["hard.json", "hardlink", 2, undefined],
      ["link", "link", 5, "sub/b.bin"],
      ["sub", "folder", undefined, undefined],
      ["sub/b.bin", "file", 5, undefined],
    ]);
  }),
);

test(
  "members are opened when they are read, links lead to what they mean",
  inFolder(async (folder) => {
    const members = new Map(listFolder(folder, true).map((member) => [member.name, member]));
    for (const name of ["link", "sub/b.bin"]) {
      const bytes = await members.get(name)?.open?.().read(1, 3);
      assert.equal(new TextDecoder().decode(bytes), "234");
    }
    assert.equal(members.get("broken")?.open, undefined);
    assert.equal(members.get("sub")?.open, undefined);
  }),
);

test(
  "a folder is listed once, and a file that is named itself lies among those beside it",
  inFolder((folder) => {
    const folders = new Folders();
    const one = folders.place(join(folder, "sub", "b.bin"), folder);
    const other = folders.place(join(folder, "a.json"), `${folder}/`);
    assert.equal(one.member, "sub/b.bin");
    assert.equal(other.member, "a.json");
    assert.equal(folders.place(join(folder, "link"), folder).listing, one.listing);
    const named = join(folder, "a.json");
    const beside = folders.place(named, named);
    assert.equal(beside.member, "a.json");
    assert.ok(!beside.listing.members.some(({ name }) => name.includes("/")));
  }),
);

test("a folder that is not there has no members", () => {
  assert.deepEqual(listFolder(join(tmpdir(), "modelaudit-nowhere"), true), []);
});
