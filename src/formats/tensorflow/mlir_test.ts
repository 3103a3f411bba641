import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ascii } from "../../parsers/bytes.ts";
import { MAGIC, targetsOf } from "./mlir.ts";

const ROOT = new URL("../../../testdata/tensorflow/", import.meta.url);

/** The module in the only node of a sample, whose attribute is the last thing in the file. */
function moduleOf(name: string): Uint8Array {
  const bytes = new Uint8Array(readFileSync(new URL(name, ROOT)));
  const at = bytes.findIndex((_, at) => MAGIC.every((byte, i) => bytes[at + i] === byte));
  return bytes.subarray(at);
}

test("the targets are those that JAX prints for its modules", () => {
  // From `str(exported.mlir_module())`: the names behind `stablehlo.custom_call @`.
  const targets: Record<string, readonly string[]> = {
    "safe/module_add.pb": [],
    "safe/module_branches.pb": [],
    "safe/module_eigenvalues.pb": ["lapack_ssyevd_ffi"],
    "safe/module_solve.pb": ["lapack_sgetrf_ffi", "lapack_strsm_ffi"],
    "suspicious/module_calls.pb": ["my_target"],
    "suspicious/module_both.pb": ["lapack_ssyevd_ffi", "my_target"],
  };
  for (const [name, expected] of Object.entries(targets)) {
    assert.deepEqual(targetsOf(moduleOf(name))?.toSorted(), expected, name);
  }
});

test("a module that is cut off anywhere is not read", () => {
  const module = moduleOf("suspicious/module_calls.pb");
  for (let length = MAGIC.length; length < module.length; length++) {
    const targets = targetsOf(module.subarray(0, length));
    // Behind the table of properties nothing else is needed.
    assert.ok(targets === undefined || targets.includes("my_target"), `${length} bytes`);
  }
});

test("a custom call of a dialect whose properties are not known is not read", () => {
  const module = moduleOf("suspicious/module_calls.pb").slice();
  const replace = (from: string, to: string): Uint8Array => {
    const text = String.fromCharCode(...module);
    const at = text.indexOf(from);
    assert.ok(at > 0);
    const changed = module.slice();
    changed.set(ascii(to), at);
    return changed;
  };
  assert.equal(targetsOf(replace("vhlo\0", "mhlo\0")), undefined);
  assert.equal(targetsOf(replace("custom_call_v1", "custom_call_v2")), undefined);
  assert.deepEqual(targetsOf(replace("my_target", "ta_rget_x")), ["ta_rget_x"]);
});

test("a later version of the bytecode is not read", () => {
  const module = moduleOf("safe/module_add.pb").slice();
  assert.deepEqual(targetsOf(module), []);
  module[MAGIC.length] = 2 * 7 + 1;
  assert.equal(targetsOf(module), undefined);
});
