/**
 * How files that set something up are recognised: by their names, since they are text, and manifests by their keys.
 *
 * @module
 */

import type { Sample } from "../../core/format.ts";
import { latin1, looksLikeText } from "../../parsers/bytes.ts";
import { jsonLetters } from "../../parsers/json.ts";

/**
 * What a file holds: lines of requirements, instructions of a Dockerfile or Modelfile, YAML with requirements, commands
 * that conda runs.
 */
type SetupKind = "requirements" | "dockerfile" | "modelfile" | "environment" | "script";

const KINDS: readonly (readonly [SetupKind, RegExp])[] = [
  [
    "requirements",
    /(?:^|\/)(?:[\w.-]*requirements?[\w.-]*|constraints?[\w.-]*)\.(?:txt|in|pip)$|(?:^|\/)requirements\/[^/]+\.(?:txt|in)$/iu,
  ],
  ["dockerfile", /(?:^|\/)(?:Docker|Container)file(?:[._-][^/]*)?$|\.(?:docker|container)file$/iu],
  ["modelfile", /(?:^|\/)Modelfile(?:[._-][^/]*)?$|\.modelfile$/iu],
  // https://docs.conda.io/projects/conda-build/en/stable/resources/link-scripts.html
  ["script", /(?:^|\/)\.[^/]+-(?:pre|post)-(?:un)?link\.(?:sh|bat)$/iu],
  ["environment", /(?:^|\/)(?:conda|environment|python_env)[\w.-]*\.ya?ml$/iu],
];

/** Endings of such files that other text has, too. */
const TEXTS = /\.(?:txt|in|pip|ya?ml|template|tmpl|tpl|sh|bat)$/iu;

/** What a file holds by its name; undefined for all others, and for what is no text. */
export function setupKind({ name, head, hint, claim }: Sample): SetupKind | undefined {
  if (hint !== undefined || head.length === 0) return undefined;
  // `Dockerfile.py` is a program.
  if (claim?.kind === "other" && !TEXTS.test(name)) return undefined;
  const kind = KINDS.find(([, pattern]) => pattern.test(name))?.[0];
  // pip and Ollama decode by a byte order mark.
  const isWide = (kind === "requirements" || kind === "modelfile") &&
    /^(?:\xff\xfe|\xfe\xff|\0\0\xfe\xff)/u.test(latin1(head, 4));
  return kind !== undefined && (isWide || looksLikeText(head)) ? kind : undefined;
}

/**
 * True for the beginning of a manifest: https://github.com/opencontainers/image-spec/blob/main/manifest.md. Go reads
 * keys without regard to case, and Ollama asks for no version.
 */
export function isManifest({ head, hint }: Sample): boolean {
  if (hint !== undefined || ![0x7b, 0x20, 0x09, 0x0a, 0x0d].includes(head[0] ?? 0)) return false;
  const letters = jsonLetters(head);
  return /^\s*\{/u.test(letters) && (
    (/"schemaVersion"\s*:/iu.test(letters) &&
      /"(?:digest|layers|manifests|mediaType)"\s*:/iu.test(letters)) ||
    (/"layers"\s*:\s*\[\s*\{/iu.test(letters) && /"digest"\s*:\s*"/iu.test(letters))
  );
}
