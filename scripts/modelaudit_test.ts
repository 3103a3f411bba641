import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ENVIRONMENT, NETWORK_ENVIRONMENT } from "../src/cli/io.ts";
import { TOOL_VERSION } from "../src/core/version.ts";
import { expectWriteErrors } from "./testing/scripts.ts";

const LAUNCHER = fileURLToPath(new URL("./modelaudit", import.meta.url));
const windows = { skip: process.platform === "win32" };

/** Runs `launcher version` in a folder and gives what it printed. */
function version(launcher: string, cwd: string, env: Record<string, string> = {}): string {
  const result = spawnSync(launcher, ["version"], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", ...env },
  });
  assert.equal(result.status, 0, result.stderr);
  return result.stdout;
}

function inFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit launcher "));
  try {
    body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the launcher works from any folder", windows, () => {
  inFolder((folder) => {
    assert.match(version(LAUNCHER, folder), new RegExp(TOOL_VERSION.replaceAll(".", "\\.")));
    assert.match(version(LAUNCHER, "/"), new RegExp(TOOL_VERSION.replaceAll(".", "\\.")));
  });
});

test("the launcher works through absolute, relative and chained links", windows, () => {
  inFolder((folder) => {
    mkdirSync(join(folder, "bin"));
    symlinkSync(LAUNCHER, join(folder, "bin", "absolute"));
    symlinkSync("bin/absolute", join(folder, "chained"));
    const expected = version(LAUNCHER, folder);
    assert.equal(version("./chained", folder), expected);
    assert.equal(version(join(folder, "bin", "absolute"), "/"), expected);
    assert.equal(version("chained", "/", { PATH: `${folder}:${process.env.PATH}` }), expected);
  });
});

test("nothing that lies in the working directory has a say", windows, () => {
  inFolder((folder) => {
    const evil = `throw new Error("the working directory was asked");`;
    const files: Record<string, string> = {
      "deno.json": JSON.stringify({
        imports: { commander: "./evil.ts", "smol-toml": "./evil.ts", "node:fs": "./evil.ts" },
        preload: ["./evil.ts"],
        tasks: { version: "false" },
        permissions: { default: { run: true } },
      }),
      "deno.lock": "not a lock file",
      "package.json": JSON.stringify({ type: "commonjs", imports: { "#x": "./evil.ts" } }),
      "tsconfig.json": "not a configuration",
      "import_map.json": JSON.stringify({ imports: { commander: "./evil.ts" } }),
      "bunfig.toml": 'preload = ["./evil.ts"]',
      ".env": "FORCE_COLOR=1\nNODE_OPTIONS=--require=./evil.cjs\n",
      ".npmrc": "registry=http://127.0.0.1:9/\n",
      "evil.ts": evil,
      "evil.cjs": evil,
      "cli.ts": evil,
      "commander.ts": evil,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    for (const name of ["commander", "smol-toml"]) {
      mkdirSync(join(folder, "node_modules", name), { recursive: true });
      writeFileSync(join(folder, "node_modules", name, "index.js"), evil);
    }
    assert.equal(version(LAUNCHER, folder), version(LAUNCHER, "/"));
  });
});

test("the launcher grants reading, the network and writing where they are asked for, and nothing else", () => {
  const text = readFileSync(LAUNCHER, "utf8").replaceAll(/^#.*$/gm, "");
  const granted = [...text.matchAll(/--allow-[^\s]*/g)].map((match) => match[0].replace(/"$/, ""));
  assert.deepEqual(granted, [
    "--allow-net",
    "--allow-sys=ca",
    // The browser page is served to this machine alone.
    "--allow-net=127.0.0.1",
    "--allow-write",
    "--allow-read",
    `--allow-env="$variables`,
  ]);
  const named = [...text.matchAll(/^\s*variables=(.*)$/gm)].flatMap((match) =>
    (match[1] ?? "").replace("$variables,", "").split(",")
  );
  assert.deepEqual(named, [...ENVIRONMENT, ...NETWORK_ENVIRONMENT]);
});

/** What the picture in the README shows. */
const SAMPLES = ["testdata/torch/harmful/checkpoint.pt", "testdata/torch/safe/state_dict.pt"];

test("the README and the configuration page show what the program prints", windows, () => {
  const page = (path: string): string =>
    readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), "utf8");
  const run = (cwd: string, ...args: string[]) => {
    const env = { ...process.env, NO_COLOR: "1", COLUMNS: "", XDG_CONFIG_HOME: cwd };
    return spawnSync(LAUNCHER, args, { cwd, encoding: "utf8", env });
  };
  const lasting = (text: string): string =>
    text.replace(/\d+\.\d\d s · embedded rules [0-9a-f]{12}/, "");
  // The picture has the words of a run, without the spaces between columns.
  const words = (text: string): string => lasting(text).replaceAll(/\s+/g, "");
  const drawn = page("docs/report.svg").replaceAll(/<[^>]+>/g, "").replaceAll("&gt;", ">");
  const root = fileURLToPath(new URL("..", import.meta.url));
  const report = run(root, "--no-config", ...SAMPLES).stdout;
  assert.notEqual(report, "");
  assert.ok(words(drawn).endsWith(words(report)), report);
  assert.match(page("README.md"), /\(docs\/report\.svg\)/);
  inFolder((folder) => {
    writeFileSync(join(folder, "security.toml"), "\n\n\n[tensorflow_rule]\n");
    const { stderr, status } = run(folder, "config", "check", "security.toml");
    assert.equal(status, 2);
    const shown = stderr.replace(/ Expected: .*/, " …");
    assert.ok(page("docs/configuration.md").includes(shown), stderr);
  });
});

test(
  "a report that the launcher's program cannot write is an error, a closed pipe none",
  windows,
  () => {
    inFolder((folder) => expectWriteErrors(folder, LAUNCHER, []));
  },
);
