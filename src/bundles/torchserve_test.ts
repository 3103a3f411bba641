import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { buildZip, type Entry } from "../formats/testing/zip.ts";
import { loadRules } from "../rules/rules.ts";
import { scanSource } from "../scan/scan_source.ts";
import { bytesSource } from "../sources/memory.ts";
import type { FileReport, Listing, Observation } from "../core/types.ts";
import { torchserveBundle } from "./torchserve.ts";

const rules = loadRules();
const HANDLER: Entry = {
  name: "handler.py",
  data: "def handle(data, context):\n    return data\n",
};

async function scanMar(manifest: unknown, ...more: Entry[]): Promise<FileReport> {
  const data = typeof manifest === "string" ? manifest : JSON.stringify({ model: manifest });
  const bytes = buildZip([{ name: "MAR-INF/MANIFEST.json", data }, ...more]);
  return await scanSource(bytesSource("m.mar", bytes), { rules });
}

function reported({ findings }: FileReport): string[] {
  return findings.filter(({ safety }) => safety !== "innocuous").map(({ ruleId }) => ruleId);
}

test("a handler is reported as code, whatever function it names", async () => {
  for (const handler of ["handler.py", "handler", "handler:handle", "src/handler.py:handle"]) {
    const report = await scanMar({ handler }, HANDLER);
    assert.deepEqual(reported(report), ["torchserve-handler"], handler);
    assert.equal(report.verdict, "suspicious");
  }
});

test("the function that the manifest names is called with requests", async () => {
  const data = "import subprocess\ndef serve(data, context):\n    subprocess.run(['echo'])\n";
  const handler: Entry = { name: "handler.py", data };
  assert.deepEqual(reported(await scanMar({ handler: "handler.py:serve" }, handler)).sort(), [
    "torchserve-handler",
    "torchserve-request-call",
  ]);
  assert.deepEqual(reported(await scanMar({ handler: "handler.py" }, handler)), [
    "torchserve-handler",
  ]);
});

test("modules beside the handler count, since they lie on its path", async () => {
  const helper: Entry = { name: "lib/helper.py", data: "import os\nos.system('echo hi')\n" };
  const report = await scanMar({ handler: "handler.py" }, HANDLER, helper);
  assert.equal(report.verdict, "dangerous");
  const finding = report.findings.find(({ ruleId }) => ruleId === "torchserve-call");
  assert.deepEqual(finding?.location.parts, ["lib/helper.py"]);
});

test("a manifest that names what is not there, or nothing, lies", async () => {
  const lies: readonly (readonly [unknown, string])[] = [
    [{ handler: "elsewhere.py" }, "torchserve-manifest-lies"],
    [{}, "torchserve-manifest-lies"],
    [{ handler: "image_classifier", serializedFile: "w.pt" }, "torchserve-manifest-lies"],
    [
      '{"model": {"handler": "image_classifier"}, "model": {"handler": "handler.py"}}',
      "torchserve-manifest-lies",
    ],
    [
      '{"model": {"handler": "image_classifier", "handler": "handler"}}',
      "torchserve-manifest-lies",
    ],
    ["[]", "torchserve-manifest-lies"],
  ];
  for (const [manifest, rule] of lies) {
    assert.ok(reported(await scanMar(manifest, HANDLER)).includes(rule), JSON.stringify(manifest));
  }
});

test("of equal keys every handler is looked at", async () => {
  const data = "import os\nclass H:\n    def __init__(self):\n        os.system('echo hi')\n";
  for (const names of [["a", "b"], ["b", "a"]]) {
    const manifest = `{"model": {"handler": "${names[0]}.py", "handler": "${names[1]}.py"}}`;
    const report = await scanMar(manifest, { name: "a.py", data }, {
      name: "b.py",
      data: "x = 1\n",
    });
    assert.equal(report.verdict, "dangerous");
  }
});

test("files outside the archive are dangerous under whatever key they are named", async () => {
  for (const key of ["handler", "modelFile", "serializedFile", "requirementsFile", "configFile"]) {
    for (const path of ["../x.pt", "/etc/passwd", "a/../../x", "..\\x", "C:\\x"]) {
      const report = await scanMar({ handler: "handler.py", [key]: path }, HANDLER);
      assert.equal(report.verdict, "dangerous", `${key} ${path}`);
    }
  }
});

test("a manifest cut anywhere makes the archive incomplete, and its sources are still judged", async () => {
  const complete = JSON.stringify({ model: { handler: "handler.py" } });
  const harmful: Entry = { name: "handler.py", data: "import os\nos.system('echo hi')\n" };
  for (let end = 1; end < complete.length; end++) {
    const report = await scanMar(complete.slice(0, end), HANDLER);
    assert.equal(report.verdict, "incomplete", `cut at ${end}`);
    assert.equal(
      (await scanMar(complete.slice(0, end), harmful)).verdict,
      "dangerous",
      `cut at ${end}`,
    );
  }
});

test("requirements from elsewhere count for more than those of pip's own index", async () => {
  const scan = async (data: string) =>
    reported(
      await scanMar({ handler: "image_classifier", requirementsFile: "r.txt" }, {
        name: "r.txt",
        data,
      }),
    );
  assert.deepEqual(await scan("numpy==2.0\n# see https://numpy.org\n"), [
    "torchserve-requirements",
  ]);
  for (
    const line of [
      "--index-url http://x/",
      "-i http://x/",
      "a @ https://x/a.whl",
      "git+https://x/a",
    ]
  ) {
    assert.deepEqual(await scan(`numpy\n${line}\n`), ["torchserve-requirements-foreign"], line);
  }
});

test("more manifests than anybody packs are not followed without end", async () => {
  const entries = Array.from({ length: 200 }, (_, at): Entry => ({
    name: `${at}/MAR-INF/MANIFEST.json`,
    data: '{"model": {"handler": "image_classifier"}}',
  }));
  const report = await scanSource(bytesSource("m.zip", buildZip(entries)), { rules });
  assert.equal(report.verdict, "incomplete");
});

test("an unpacked archive is judged like a packed one", async () => {
  const root = new URL("../../testdata/torchserve/unpacked/", import.meta.url);
  const names = readdirSync(root, { recursive: true }).map(String).filter((name) =>
    name.includes(".")
  );
  const listing: Listing = {
    format: "folder",
    members: names.map((name) => ({
      name: name.replaceAll("\\", "/"),
      kind: "file",
      open: () => bytesSource(name, new Uint8Array(readFileSync(new URL(name, root)))),
    })),
  };
  const seen: Observation[] = [];
  for await (const { observation } of torchserveBundle.observe(listing)) seen.push(observation);
  const said = seen.flatMap((one) => one.type === "anomaly" ? [one.rule] : []);
  assert.deepEqual(said, ["torchserve-handler"]);
});
