import { strict as assert } from "node:assert";
import { test } from "node:test";
import { claimOf, unreadableFormat } from "./claims.ts";
import { lfsPointer } from "./lfs_pointer.ts";
import { looksLikeText } from "../../parsers/bytes.ts";
import { baseName } from "../../parsers/base_name.ts";
import type { Sample } from "../../core/format.ts";

function sample(name: string, content: string | Uint8Array, size?: number): Sample {
  const head = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return { name, head, size: size ?? head.length, tail: undefined, hint: undefined };
}

const POINTER = "version https://git-lfs.github.com/spec/v1\n" +
  `oid sha256:${"4d".repeat(32)}\nsize 548105171\n`;

test("a base name ends either kind of path", () => {
  assert.equal(baseName("a/b/model.pt"), "model.pt");
  assert.equal(baseName("C:\\models\\model.pt"), "model.pt");
  assert.equal(baseName("folder/"), "folder");
  assert.equal(baseName("model.pt"), "model.pt");
  assert.equal(baseName(""), "");
});

test("extensions claim what they are known for, whatever their case", () => {
  assert.equal(claimOf("a/MODEL.PKL")?.label, "a pickle");
  assert.equal(claimOf("weights.tar.gz")?.label, "a compressed file");
  assert.equal(claimOf("model.pt ")?.label, "a PyTorch checkpoint");
  assert.equal(claimOf("notes.txt")?.kind, "other");
  assert.equal(claimOf("model.mnn")?.supported, false);
  assert.equal(claimOf("pytorch_model.bin")?.weak, true);
  assert.equal(claimOf("debug.xyz"), undefined);
  assert.equal(claimOf("data"), undefined);
  assert.equal(claimOf("model.pt."), undefined);
  assert.equal(claimOf("constructor"), undefined);
  assert.equal(claimOf("x.constructor"), undefined);
});

test("a Git-LFS pointer is read with its hash and size", () => {
  assert.deepEqual(lfsPointer(sample("m", POINTER)), {
    oid: `sha256:${"4d".repeat(32)}`,
    size: 548105171,
  });
  assert.ok(lfsPointer(sample("m", POINTER.replaceAll("\n", "\r\n"))));
  assert.ok(lfsPointer(sample("m", POINTER.replace("git-lfs.github", "hawser.github"))));
  assert.ok(lfsPointer(sample("m", POINTER.replace("oid", "ext-0-foo sha256:ab\noid"))));
});

test("what only resembles a Git-LFS pointer is none", () => {
  assert.equal(lfsPointer(sample("m", POINTER + " ".repeat(2000))), undefined);
  assert.equal(lfsPointer(sample("m", ` ${POINTER}`)), undefined);
  assert.equal(lfsPointer(sample("m", POINTER.replace("sha256", ""))), undefined);
  assert.equal(lfsPointer(sample("m", POINTER.replace(/size.*/u, ""))), undefined);
  assert.equal(lfsPointer(sample("m", POINTER.replace("github.com", "example.org"))), undefined);
  assert.equal(lfsPointer(sample("m", "")), undefined);
});

test("formats without a reader are known by their first bytes", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["7z\xbc\xaf\x27\x1c", undefined],
    ["Rar!\x1a\x07\x01\0", undefined],
    ["\x1c\0\0\0CIR0", "a Circle model"],
    ["RDX3\n", undefined],
    ["", undefined],
    ["GGU", undefined],
  ];
  for (const [text, label] of cases) {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    assert.equal(unreadableFormat(sample("x", bytes)), label, JSON.stringify(text.slice(0, 20)));
  }
});

test("text is UTF-8 without control characters, also when its last character is cut", () => {
  assert.equal(looksLikeText(new TextEncoder().encode("héllo\n\tworld")), true);
  assert.equal(looksLikeText(new TextEncoder().encode("é").subarray(0, 1)), true);
  assert.equal(looksLikeText(Uint8Array.of(0x80, 2, 0x2e)), false);
  assert.equal(looksLikeText(Uint8Array.of(0x61, 0, 0x62)), false);
});
