import assert from "node:assert/strict";
import { test } from "node:test";
import { defect, unreadReport } from "./placeholder_reports.ts";

test("a file that was not scanned is incomplete or skipped, and never clean", () => {
  const error = defect("a", new TypeError("x"));
  const unread = unreadReport("a", undefined, error);
  assert.deepEqual([unread.verdict, unread.size, unread.errors], ["incomplete", undefined, [
    error,
  ]]);
  assert.match(error.message, /this program failed \(TypeError: x\)/);
  assert.match(error.remedy, /Do not take the file for clean/);
});
