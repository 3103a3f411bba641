/**
 * The entry of the process that scans for the guard of the Python package.
 *
 * @module
 */

import { readSync, writeSync } from "node:fs";
import { serveScans } from "../../../src/cli/served.ts";

const [INPUT, OUTPUT] = [0, 1];

await serveScans({
  read(target) {
    for (let at = 0; at < target.length;) {
      const count = readSync(INPUT, target, at, target.length - at, null);
      if (count === 0) return false;
      at += count;
    }
    return true;
  },
  write(text) {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) {
      at += writeSync(OUTPUT, bytes, at, bytes.length - at, null);
    }
  },
});
