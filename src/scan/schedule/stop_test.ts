import assert from "node:assert/strict";
import { test } from "node:test";
import { notScanned, notScannedToEnd, type Stop } from "./stop.ts";

const stop: Stop = {
  signal: new AbortController().signal,
  remaining: () => undefined,
  reason: () => ({ message: "Interrupted.", remedy: "Scan again." }),
};

test("what was not scanned and what was not scanned to its end are told apart", () => {
  assert.deepEqual(notScanned("a", stop), {
    location: { path: "a", parts: [] },
    message: "Interrupted. This file and what comes after it were not scanned.",
    remedy: "Scan again.",
  });
  assert.match(
    notScannedToEnd("a", stop).message,
    /^Interrupted\. This file was not scanned to its end\.$/,
  );
});
