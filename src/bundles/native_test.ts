import assert from "node:assert/strict";
import { test } from "node:test";
import type { Listing } from "../core/types.ts";
import { nativeBundle } from "./native.ts";

/** Members that are reported, by rule. */
async function reported(...names: string[]): Promise<string[]> {
  const listing: Listing = {
    format: "zip",
    members: names.map((name) => ({ name, kind: "file" })),
  };
  if (!nativeBundle.matches(listing)) return [];
  const found: string[] = [];
  for await (const { part, observation } of nativeBundle.observe(listing)) {
    if (observation.type === "anomaly") found.push(`${observation.rule} ${part}`);
  }
  return found;
}

test("all that AOTInductor's loader loads or compiles is reported, whatever else is there", async () => {
  for (
    const name of ["m.wrapper.so", "m.wrapper.cpp", "m.kernel.o", "k.cubin", "m_compile_flags.json"]
  ) {
    const path = `archive/data/aotinductor/model/${name}`;
    assert.deepEqual(await reported("archive/archive_format", path), [
      `native-aot-inductor ${path}`,
    ]);
  }
  assert.deepEqual(await reported("archive/data/aotinductor/model/m_metadata.json"), []);
  assert.deepEqual(await reported("archive/data/weights/m.cpp"), []);
});
