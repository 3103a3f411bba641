import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRules } from "../rules/rules.ts";
import { pythonCallsBundle } from "./python_calls.ts";
import { listing } from "./testing/members.ts";

const { interest } = loadRules();
const GO =
  "import os\ndef go(): os.system('echo hi')\nclass C:\n  def run(self): os.popen('echo hi')\n";

/** Calls that are stated of the files of an archive, as `file path`. */
async function calls(files: Readonly<Record<string, string>>, format = "zip"): Promise<string[]> {
  const given = { ...listing(files), format };
  if (!pythonCallsBundle.matches(given)) return [];
  const found: string[] = [];
  for await (const { part, observation } of pythonCallsBundle.observe(given, interest)) {
    if (observation.type !== "fact" || observation.fact.kind !== "reference") continue;
    const path = `${observation.fact.module}.${observation.fact.name}`;
    if (/^os\.(?:system|popen)$/u.test(path)) found.push(`${part} ${path}`);
  }
  return found;
}

test("a function that another module of the archive calls is read as run", async () => {
  for (
    const source of [
      "from a.b import go\ngo()\n",
      "from .b import go\ngo()\n",
      "from . import b\nb.go()\n",
      "from .b import *\ngo()\n",
      "import a.b\na.b.go()\n",
      "import importlib\nimportlib.import_module('a.b').go()\n",
      "from .c import go\ngo()\n",
    ]
  ) {
    const files = { "a/__init__.py": source, "a/b.py": GO, "a/c.py": "from .b import go\n" };
    assert.deepEqual(await calls(files), ["a/b.py os.system"], source);
  }
  const method = { "a/__init__.py": "from .b import C\nC().run()\n", "a/b.py": GO };
  assert.deepEqual(await calls(method), ["a/b.py os.popen"]);
});

test("neither a long module nor many members beside it hide what is called", async () => {
  const own = { "a/__init__.py": "from .b import go\ngo()\n", "a/b.py": GO };
  const padded = { ...own, "a/b.py": `${GO}#${"a".repeat(3 << 20)}\n` };
  assert.deepEqual(await calls(padded), ["a/b.py os.system"]);
  const data = Object.fromEntries(Array.from({ length: 10_001 }, (_, at) => [`a/${at}.txt`, ""]));
  assert.deepEqual(await calls({ ...data, ...own }), ["a/b.py os.system"]);
});

function numbered(count: number, text: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => text(at)).join("");
}

test("a configuration of a build that has more called than is followed, or that its reader refuses, is unread", async () => {
  for (
    const configuration of [
      `[a]\nversion = attr: a.b.go\n${numbered(200, (n) => `x${n} = attr: a.c\n`)}`,
      `[a]\nversion = attr: a.b.go\n${"#".repeat(1 << 20)}`,
      "[a]\nversion = attr: a.b.go\nversion = 1\n",
      "[a]\nversion = attr: %(b)s\n",
    ]
  ) {
    const given = { ...listing({ "setup.cfg": configuration, "a/b.py": GO }), format: "zip" };
    const unread: string[] = [];
    for await (const { part, observation } of pythonCallsBundle.observe(given, interest)) {
      if (observation.type === "anomaly" && observation.unread === true) unread.push(part);
    }
    assert.deepEqual(unread, ["setup.cfg"]);
  }
});

test("what no module calls while it is imported is not read as run", async () => {
  for (const source of ["from a.b import go\n", "from .b import go\ndef f(): go()\n", ""]) {
    assert.deepEqual(await calls({ "a/__init__.py": source, "a/b.py": GO }), [], source);
  }
  // A command that a user starts.
  assert.deepEqual(
    await calls({ "a/__main__.py": "from a.b import go\ngo()\n", "a/b.py": GO }),
    [],
  );
  // A folder of a model's repository is no package.
  const folder = { "__init__.py": "from b import go\ngo()\n", "b.py": GO };
  assert.deepEqual(await calls(folder, "folder"), []);
});

test("a name through which nothing harmful is reached is not followed", async () => {
  const quiet = "import os\ndef other(): return 1\ndef go(): os.system('echo hi')\n";
  const files = { "a/__init__.py": "from .b import other\nother()\n", "a/b.py": quiet };
  assert.deepEqual(await calls(files), []);
});

/**
 * Projects that run `os.system` of `be.py` or `pkg/c.py` while pip 24.2 builds them, or pytest 9.2 tests them: each was
 * built with a command that wrote a file.
 */
const PROJECTS: readonly (readonly [what: string, files: Readonly<Record<string, string>>])[] = [
  ["object of a backend", {
    "x-1/pyproject.toml":
      '[build-system]\nrequires = []\nbuild-backend = "be:b"\nbackend-path = ["."]\n',
    "x-1/be.py":
      "import os\nclass Q:\n  def build_wheel(self, *a): os.system('echo hi')\nb = Q()\n",
  }],
  ["function of another name", {
    "x-1/pyproject.toml":
      '[build-system]\nrequires = []\nbuild-backend = "be"\nbackend-path = ["_b"]\n',
    "x-1/_b/be.py":
      "import os, functools\ndef f(*a): os.system('echo hi')\nbuild_wheel = functools.partial(f)\n",
  }],
  ["version from a function", {
    "x-1/setup.cfg": "[metadata]\nversion = attr: pkg.c.get\n",
    "x-1/pkg/c.py": "import os\ndef get(): os.system('echo hi')\n",
  }],
  ["version from a function in a table", {
    "x-1/pyproject.toml": '[tool.setuptools.dynamic]\nversion = {attr = "pkg.c.get"}\n',
    "x-1/src/pkg/c.py": "import os\ndef get(): os.system('echo hi')\n",
  }],
  ["command", {
    "x-1/pyproject.toml": '[tool.setuptools.cmdclass]\nbuild_py = "pkg.c.C"\n',
    "x-1/pkg/c.py":
      "import os\nfrom setuptools.command.build_py import build_py\nclass C(build_py):\n  def run(self): os.system('echo hi')\n",
  }],
  ["helper of setup.py", {
    "x-1/setup.py": "from pkg.c import go\ngo()\n",
    "x-1/pkg/c.py": "import os\ndef go(): os.system('echo hi')\n",
  }],
  ["hook of hatch", {
    "x-1/pyproject.toml": "[tool.hatch.build.hooks.custom]\n",
    "x-1/hatch_build.py":
      "import os\nclass H:\n  def initialize(self, v, d): os.system('echo hi')\n",
  }],
  ["hook of PDM", {
    "x-1/pyproject.toml": '[build-system]\nbuild-backend = "pdm.backend"\n',
    "x-1/pdm_build.py": "import os\ndef pdm_build_initialize(c): os.system('echo hi')\n",
  }],
  ["script of poetry", {
    "x-1/pyproject.toml": '[tool.poetry.build]\nscript = "b.py"\n',
    "x-1/b.py": "import os\nif __name__ == '__main__': os.system('echo hi')\n",
  }],
  ["version from a function, by a value of another section", {
    "x-1/setup.cfg": "[DEFAULT]\nm = pkg.c\n[metadata] # x\nVersion: attr: %(m)s.get\n",
    "x-1/pkg/c.py": "import os\ndef get(): os.system('echo hi')\n",
  }],
  ["version from a function in a folder of any name", {
    "x-1/setup.cfg": "[metadata]\nversion = attr: pkg.c.get\n[options]\npackage_dir =\n  = odd\n",
    "x-1/odd/pkg/c.py": "import os\ndef get(): os.system('echo hi')\n",
  }],
  ["version from a function, by quoted and dotted keys", {
    "x-1/pyproject.toml": '[tool."setuptools"]\ndynamic.version.\'attr\'="""pkg.c.get"""\n',
    "x-1/pkg/c.py": "import os\ndef get(): os.system('echo hi')\n",
  }],
  ["backend in an inline table, by an escaped key, with a list over lines", {
    "x-1/pyproject.toml":
      '"build-system"={"requires"=[],"build\\u002dbackend"="be", "backend-path"=[\n"_b" # x\n,\n]}\n',
    "x-1/_b/be.py": "import os\ndef build_wheel(*a): os.system('echo hi')\n",
  }],
  ["command in setup.cfg", {
    "x-1/setup.cfg": "[options]\ncmdclass =\n  build_py = pkg.c.C\n",
    "x-1/pkg/c.py":
      "import os\nfrom setuptools.command.build_py import build_py\nclass C(build_py):\n  def run(self): os.system('echo hi')\n",
  }],
  ["script of poetry in the older notation", {
    "x-1/pyproject.toml": '[tool.poetry]\nbuild = "b.py"\n',
    "x-1/b.py": "import os\nif __name__ == '__main__': os.system('echo hi')\n",
  }],
  ["plugin of pytest, joined to its option", {
    "x-1/pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-pevil"]\n',
    "x-1/evil.py": "import os\ndef pytest_configure(config): os.system('echo hi')\n",
  }],
  ["plugin of pytest", {
    "x-1/pytest.ini": "[pytest]\naddopts = -p evil\n",
    "x-1/evil.py": "import os\ndef pytest_configure(config): os.system('echo hi')\n",
  }],
];

for (const [what, files] of PROJECTS) {
  test(`what a build or test calls by its configuration is read as run: ${what}`, async () => {
    const found = await calls(files, "tar");
    assert.equal(found.length, 1, found.join());
    assert.match(found[0] ?? "", / os\.system$/u);
    const { [Object.keys(files)[0] ?? ""]: _configuration, ...alone } = files;
    assert.deepEqual(await calls(alone, "tar"), []);
  });
}
