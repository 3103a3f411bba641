/**
 * `modelaudit version`: as text one line, as JSON with the rules and the runtime.
 *
 * @module
 */

import process from "node:process";
import { jsonText } from "../../report/escape.ts";
import { REPOSITORY, TOOL_NAME, TOOL_VERSION } from "../../core/version.ts";

/** One line, at once: nothing else is loaded for it. */
export function versionText(): string {
  return `${TOOL_NAME} ${TOOL_VERSION}\n`;
}

/**
 * What a bug report needs, and by what `scripts/hook` knows this program from others of its name.
 *
 * @param rules hash of the rules
 */
export function versionJson(rules: string): string {
  const own = { name: TOOL_NAME, version: TOOL_VERSION, repository: REPOSITORY };
  return jsonText({ ...own, rules, ...runtime() }, 2) + "\n";
}

/** What the program runs on. */
export function runtime(): { readonly runtime: string; readonly platform: string } {
  const { versions, platform, arch } = process;
  const name = versions["deno"] !== undefined
    ? `deno ${versions["deno"]}`
    : versions["bun"] !== undefined
    ? `bun ${versions["bun"]}`
    : `node ${versions["node"] ?? "unknown"}`;
  return { runtime: name, platform: `${platform}-${arch}` };
}
