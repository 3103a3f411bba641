import assert from "node:assert/strict";
import { test } from "node:test";
import { buildZip } from "../formats/testing/zip.ts";
import { loadRules } from "../rules/rules.ts";
import { scanSource } from "../scan/scan_source.ts";
import { bytesSource } from "../sources/memory.ts";
import { entryPoints } from "./entry_points.ts";

const rules = loadRules();
const MODULE = "import os\ndef start():\n    os.system('echo hi')\n";

async function verdict(members: Readonly<Record<string, string>>): Promise<string> {
  const archive = buildZip(Object.entries(members).map(([name, data]) => ({ name, data })));
  return (await scanSource(bytesSource("a-1-py3-none-any.whl", archive), { rules })).verdict;
}

test("functions that PyTorch or setuptools calls by itself are judged, commands of a user are not", async () => {
  // `importlib.metadata.entry_points(group="torch.backends")` gives them to `import torch`.
  const wheel = (group: string, target = "a.plugin:start"): Promise<string> =>
    verdict({
      "a/__init__.py": "",
      "a/plugin.py": MODULE,
      "a-1.dist-info/WHEEL": "Wheel-Version: 1.0\n",
      "a-1.dist-info/entry_points.txt": `[${group}]\nx = ${target}\n`,
    });
  assert.equal(await wheel("torch.backends"), "suspicious");
  assert.equal(await wheel("setuptools.finalize_distribution_options"), "suspicious");
  assert.equal(await wheel("vllm.general_plugins"), "suspicious");
  assert.equal(await wheel("console_scripts"), "clean");
  assert.equal(await wheel("torch.backends", "a.plugin:other"), "clean");
});

test("groups of a project's table are its entry points", async () => {
  const project = '[project]\nname = "a"\n[project.entry-points."torch.backends"]\n' +
    'x = "a.plugin:start"\n';
  assert.deepEqual(entryPoints(project, true), [
    { group: "torch.backends", module: "a.plugin", attribute: "start" },
  ]);
  assert.equal(
    await verdict({ "a-1/pyproject.toml": project, "a-1/src/a/plugin.py": MODULE }),
    "suspicious",
  );
});

test("comments, other sections and lines without a function are no entry points", () => {
  const text = "# x\n[a]\n; y = b:c\nz = m.n\n[b]\nx=m:f [extra]\n";
  assert.deepEqual(entryPoints(text, false), [{ group: "b", module: "m", attribute: "f" }]);
});
