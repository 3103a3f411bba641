import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError, LimitError, SourceError } from "../core/errors.ts";
import type { Member } from "../core/types.ts";
import { bytesSource } from "../sources/memory.ts";
import { memberBytes } from "./member_bytes.ts";

function member(bytes: Uint8Array, size: number | undefined = bytes.length): Member {
  return { name: "m", kind: "file", size, open: () => bytesSource("m", bytes) };
}
const failing = (error: Error): Member => ({
  ...member(new Uint8Array(3)),
  open: () => ({
    ...bytesSource("m", new Uint8Array()),
    size: 0,
    read: () => Promise.reject(error),
  }),
});

test("all bytes are given up to the limit, and none beyond it", async () => {
  const bytes = Uint8Array.of(1, 2, 3);
  assert.deepEqual(await memberBytes(member(bytes), 3), bytes);
  assert.equal(await memberBytes(member(bytes), 2), undefined);
  assert.equal((await memberBytes(member(new Uint8Array()), 0))?.length, 0);
});

test("a size that lies, or is not known, does not let more in", async () => {
  assert.equal(await memberBytes(member(new Uint8Array(100), 1), 50), undefined);
  assert.equal(
    await memberBytes({
      name: "m",
      kind: "file",
      size: undefined,
      open: () => bytesSource("m", new Uint8Array(100)),
    }, 50),
    undefined,
  );
});

test("a member that cannot be read gives nothing, a spent budget ends everything", async () => {
  assert.equal(await memberBytes(failing(new FormatError("x")), 10), undefined);
  assert.equal(await memberBytes(failing(new SourceError("m", "x")), 10), undefined);
  await assert.rejects(memberBytes(failing(new LimitError("members", "x")), 10), LimitError);
  await assert.rejects(memberBytes(failing(new TypeError("defect")), 10), TypeError);
  assert.equal(
    await memberBytes({ name: "m", kind: "folder", size: 0, open: undefined }, 10),
    undefined,
  );
});
