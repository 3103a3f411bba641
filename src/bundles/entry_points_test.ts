import assert from "node:assert/strict";
import { test } from "node:test";
import { buildZip } from "../formats/testing/zip.ts";
import { loadRules } from "../rules/rules.ts";
import { scanSource } from "../scan/scan_source.ts";
import { bytesSource } from "../sources/memory.ts";
import { entryPoints, projectEntryPoints } from "./entry_points.ts";

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

test("hooks of plugins and commands of every build are judged, of other commands only their modules", async () => {
  const hook = "import os\ndef pytest_configure(config):\n    os.system('echo hi')\n";
  const command =
    "import os\nclass B:\n    def __init__(self, dist):\n        pass\n    def run(self):\n        os.system('echo hi')\n";
  const wheel = (points: string, source: string): Promise<string> =>
    verdict({
      "a/plugin.py": source,
      "a-1.dist-info/WHEEL": "Wheel-Version: 1.0\n",
      "a-1.dist-info/entry_points.txt": points,
    });
  assert.equal(await wheel("[pytest11]\nx = a.plugin\n", hook), "suspicious");
  assert.equal(await wheel("[console_scripts]\nx = a.plugin:main\n", hook), "clean");
  assert.equal(await wheel("[distutils.commands]\negg_info = a.plugin:B\n", command), "suspicious");
  assert.equal(await wheel("[distutils.commands]\ncheck_all = a.plugin:B\n", command), "clean");
});

test("what Jupyter's server calls of an extension that the package enables is judged", async () => {
  const source = "import os\ndef _load_jupyter_server_extension(app):\n    os.system('echo hi')\n";
  const wheel = (enabled: boolean, name = "a"): Promise<string> =>
    verdict({
      "a/__init__.py": source,
      "a-1.dist-info/WHEEL": "Wheel-Version: 1.0\n",
      "a-1.data/data/etc/jupyter/jupyter_server_config.d/a.json": JSON.stringify({
        ServerApp: { jpserver_extensions: { [name]: enabled } },
      }).replaceAll("\\\\", "\\"),
    });
  assert.equal(await wheel(true), "suspicious");
  assert.equal(await wheel(true, "\\u0061"), "suspicious");
  assert.equal(await wheel(false), "clean");
});

test("groups of a project's table are its entry points", async () => {
  const project = '[project]\nname = "a"\n[project.entry-points."torch.backends"]\n' +
    'x = "a.plugin:start"\n';
  assert.deepEqual(projectEntryPoints(project), [
    { group: "torch.backends", name: "x", module: "a.plugin", attribute: "start" },
  ]);
  assert.equal(
    await verdict({ "a-1/pyproject.toml": project, "a-1/src/a/plugin.py": MODULE }),
    "suspicious",
  );
});

test("a list is read as Python reads it", () => {
  // What `importlib.metadata.EntryPoints._from_text_for` of CPython 3.13 makes of the same.
  const text =
    "# x\n[a]\n; y = b:c\nz = m.n\n[[b]]\nx=m:f [extra]\n  w # v = m:g\n[c]\x0bq = größe:f\n";
  assert.deepEqual(entryPoints(text), [
    { group: "a", name: "; y", module: "b", attribute: "c" },
    { group: "a", name: "z", module: "m.n", attribute: "" },
    { group: "b", name: "x", module: "m", attribute: "f" },
    { group: "b", name: "w # v", module: "m", attribute: "g" },
    { group: "c", name: "q", module: "größe", attribute: "f" },
  ]);
});

test("entry points of a project are found in any notation of TOML, and in setup.cfg", async () => {
  const own = (name: string, text: string): Promise<string> =>
    verdict({ [`a-1/${name}`]: text, "a-1/lib/a/plugin.py": MODULE });
  for (
    const text of [
      'project.entry-points."torch.backends".x = "a.plugin:start"\n',
      '[project]\nentry-points = {"torch\\u002ebackends" = {x = "a.plugin:start"}}\n',
      "[\"project\".\"entry-points\".'torch.backends']\n\"x\"='''\na.plugin:start'''\n",
      '[tool.poetry.plugins."torch.backends"]\nx = {reference = "a.plugin:start", type = "console"}\n',
    ]
  ) assert.equal(await own("pyproject.toml", text), "suspicious", text);
  const setup = "[options.entry_points]\ntorch.backends =\n  x = a.plugin:start\n";
  assert.equal(await own("setup.cfg", setup), "suspicious");
  assert.equal(await own("setup.cfg", setup.replace("torch.backends", "console_scripts")), "clean");
});

test("a project's table that is no TOML is unread", async () => {
  assert.equal(
    await verdict({ "a-1/pyproject.toml": "[project\n", "a-1/a/plugin.py": MODULE }),
    "incomplete",
  );
});
