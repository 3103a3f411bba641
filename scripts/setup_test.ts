import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const windows = { skip: process.platform === "win32" };

/**
 * Runs scripts/setup in a copy of what it needs, with an npm of ours.
 *
 * @param tool the tool for which npm does what `npm` says; it unpacks everything else at once
 * @param npm lines of a shell script: "$n" counts the calls, "$1" is npm's command, `unpack` leaves an
 *   executable
 * @returns the exit status, what was said, and the path that was kept, empty for none
 */
function setup(tool: string, npm: string): { status: number | null; stderr: string; path: string } {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-setup-"));
  try {
    for (const file of ["scripts/setup", "scripts/tools", "package.json", "package-lock.json"]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      cpSync(join(ROOT, file), join(folder, file), { recursive: true });
    }
    const commands = join(folder, "commands");
    mkdirSync(commands);
    const command = (name: string, body: string): void => {
      writeFileSync(join(commands, name), `#!/bin/sh\n${body}`);
      chmodSync(join(commands, name), 0o755);
    };
    command("sleep", "exit 0\n");
    command(
      "npm",
      `unpack() {
  case $PWD in */deno) file=node_modules/@deno/linux/deno ;; *) file=node_modules/@oven/linux/bin/bun ;; esac
  mkdir -p "$(dirname $file)"
  printf '#!/bin/sh\\necho 9.9.9\\n' > $file
  chmod 755 $file
}
# Everything but the tool is there at once.
case $PWD in */tools/${tool}) ;; */tools/*) unpack; exit 0 ;; *) exit 0 ;; esac
n=$(($(cat "${folder}/calls" 2> /dev/null || echo 0) + 1))
echo $n > "${folder}/calls"
${npm}`,
    );
    const { status, stderr } = spawnSync("/bin/sh", [join(folder, "scripts/setup"), "bun"], {
      encoding: "utf8",
      env: {
        PATH: `${commands}:${dirname(process.env.npm_node_execpath ?? nodePath())}:/usr/bin:/bin`,
      },
    });
    let path = "";
    try {
      path = readFileSync(join(folder, ".cache", `${tool}-path`), "utf8");
    } catch {
      // Without the file the path stays empty.
    }
    return { status, stderr, path };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Where node lies, which scripts/setup reads lock files with. */
function nodePath(): string {
  return spawnSync("/bin/sh", ["-c", "command -v node"], { encoding: "utf8" }).stdout.trim();
}

test("setup fetches again what npm passes over in silence", windows, () => {
  const { status, stderr, path } = setup(
    "bun",
    `echo "npm warn tar no space left on device"
[ $n -lt 3 ] || unpack
exit 0
`,
  );
  assert.equal(status, 0, stderr);
  assert.match(path, /node_modules\/@oven\/linux\/bin\/bun\n$/);
  assert.match(stderr, /npm left out the executable of bun; trying again in 15 s/);
  assert.match(stderr, /npm warn tar no space left on device/);
});

test("setup tries again where npm fails, and says npm's own words at the end", windows, () => {
  const twice = setup("deno", `[ $n -lt 3 ] && exit 1\nunpack\n`);
  assert.equal(twice.status, 0, twice.stderr);
  assert.match(twice.stderr, /npm could not fetch deno; trying again in 10 s/);
  const ever = setup("deno", `echo "npm error network" >&2\nexit 1\n`);
  assert.equal(ever.status, 2);
  assert.match(ever.stderr, /npm error network\nsetup: npm could not fetch deno/);
});

test("setup asks for the package of the executable by its name in the end", windows, () => {
  const { status, stderr, path } = setup(
    "bun",
    `[ "$1" = install ] && unpack\nexit 0\n`,
  );
  assert.equal(status, 0, stderr);
  assert.match(stderr, /setup: fetching @oven\/bun-[a-z0-9-]+@\d+\.\d+\.\d+ by its name/);
  assert.match(path, /bin\/bun\n$/);
  const never = setup("bun", `exit 0\n`);
  assert.equal(never.status, 2);
  assert.match(never.stderr, /npm could not fetch a bun that starts on this machine/);
});
