import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { report } from "../testing/cuts.ts";

const SAMPLES = new URL("../../../testdata/text-config/", import.meta.url);
const config = readFileSync(new URL("safe/config.pbtxt", SAMPLES), "utf8");
const labels = readFileSync(new URL("safe/label_map.pbtxt", SAMPLES), "utf8");

async function verdict(name: string, text: string): Promise<string> {
  return (await report(name, new TextEncoder().encode(text))).verdict;
}

test("Triton's configuration and label maps are clean", async () => {
  assert.equal(await verdict("config.pbtxt", config), "clean");
  assert.equal(await verdict("mscoco_label_map.pbtxt", labels), "clean");
});

test("a text cut within a message is never clean", async () => {
  for (const [name, text] of [["config.pbtxt", config], ["label_map.pbtxt", labels]] as const) {
    for (let at = 0; at < text.length; at++) {
      const cut = text.slice(0, at);
      const open = cut.split(/[{[]/u).length - cut.split(/[}\]]/u).length;
      if (open > 0) assert.equal(await verdict(name, cut), "incomplete", `${name} cut at ${at}`);
    }
  }
});

test("a graph in text is no configuration, whatever it begins with", async () => {
  const graph = 'node { name: "a" op: "ReadFile" }\n';
  assert.equal(await verdict("graph.pbtxt", graph), "dangerous");
  assert.equal(await verdict("config.pbtxt", `name: "m"\n${graph}`), "incomplete");
  assert.equal(await verdict("label_map.pbtxt", labels + graph), "incomplete");
  assert.equal(await verdict("label_map.pbtxt", 'item { node { op: "ReadFile" } }'), "incomplete");
});

test("libraries that Triton loads and paths that lead out are reported", async () => {
  for (
    const line of [
      'model_operations { op_library_filename: "libx.so" }',
      'model_repository_agents { agents [ { name: "x" } ] }',
      'runtime: "libtriton_x.so"',
      'default_model_filename: "../../other/model.pt"',
      'default_model_filename: "/etc/passwd"',
    ]
  ) {
    assert.equal(await verdict("config.pbtxt", `${config}${line}\n`), "suspicious", line);
  }
});
