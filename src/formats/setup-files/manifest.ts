/**
 * Manifests of images, which Ollama keeps for models too: digests name the files of layers. Ollama before 0.1.34
 * joined them to a folder as they stood (CVE-2024-37032).
 * https://github.com/opencontainers/image-spec/blob/main/descriptor.md
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { isArray, isObject, type JsonValue, parseJson } from "../../parsers/json.ts";
import { readAll } from "../../sources/read_all.ts";
import { isManifest } from "./head.ts";

/** Bytes of a manifest. Registries accept 4 MiB. CWE-770. */
const MANIFEST_BYTES = 16 * 1024 * 1024;
/** Digests that are reported one by one. CWE-779. */
const REPORTED = 20;
/** Algorithm and code: descriptor.md, with the hyphen that files of Ollama have in the place of the colon. */
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*[:-][\w=-]+$/u;

/** Manifests of images. */
export const imageManifestFormat: Format = {
  id: "image-manifest",
  random: false,
  detect: isManifest,
  scan,
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const bytes = await readAll(source, MANIFEST_BYTES, "a manifest", check);
  const { value, error } = parseJson(bytes);
  yield digestAnomalies(value);
  if (error !== undefined) throw new FormatError(error.message, error.offset);
}

function digestAnomalies(root: JsonValue | undefined): Observation[] {
  const found: Observation[] = [];
  const waiting = root === undefined ? [] : [root];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (isArray(next)) waiting.push(...next.items);
    if (!isObject(next)) continue;
    for (const [key, value] of next.members) {
      if (typeof value === "object" && value !== null) waiting.push(value);
      // Go takes keys without regard to case.
      if (!/^digest$/iu.test(key) || typeof value !== "string" || isDigest(value)) continue;
      const isPath = /[\\/]|\.\./u.test(value);
      if (found.length >= REPORTED) continue;
      found.push({
        type: "anomaly",
        rule: isPath ? "setup-digest-path" : "setup-digest",
        detail: `A digest is "${value.slice(0, 200)}"`,
        offset: next.at,
      });
    }
  }
  return found;
}

/** True for a digest; real ones have 71 characters, or 135. */
function isDigest(text: string): boolean {
  return text.length <= 256 && DIGEST.test(text);
}
