/**
 * The command line against a server on this machine, for tests.
 *
 * @module
 */

import { runMain } from "../commands/main.ts";
import { testIo } from "./io.ts";
import { startServer, type TestServer } from "./server.ts";

/** Runs with a server that is closed afterwards. */
export async function withServer(body: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await startServer();
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

/**
 * Runs the command line with the test server as the hub.
 *
 * @returns what it wrote, and the report when that is JSON
 */
export async function runWithHub(
  server: TestServer,
  args: readonly string[],
  env: Record<string, string> = {},
) {
  const io = testIo({ env: { HF_ENDPOINT: server.url, ...env }, now: Date.now });
  const code = await runMain([...args, "--no-config", "--allow-private-network"], io);
  const out = io.stdout.text;
  return { code, out, err: io.stderr.text, report: out.startsWith("{") ? JSON.parse(out) : {} };
}
