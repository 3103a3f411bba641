/**
 * What the card of a repository says of its model: the YAML at the head of `README.md`. It is read of local
 * folders and archives only: a file that no verdict needs is not fetched.
 * https://huggingface.co/docs/hub/model-cards
 *
 * @module
 */

import type { ModelAbout } from "../core/about.ts";
import type { Bundle, BundleObservation } from "../core/bundle.ts";
import type { Listing } from "../core/types.ts";
import { aboutText, aboutTexts } from "../parsers/about.ts";
import { type ConfigMap, type ConfigNode, textOf } from "../parsers/config_node.ts";
import { composeYaml } from "../parsers/yaml/compose.ts";

const CARD = /(?:^|\/)README\.md$/;

/** Cards that are read of one listing. A repository has one. CWE-834. */
const CARDS = 200;

/** Bytes of a card's head. Those of the longest lists of languages have some kilobytes. CWE-770. */
const HEAD_BYTES = 32 * 1024;

/** The listing of a remote repository. */
const REMOTE = "repository";

/** Cards of models. */
export const modelCardBundle: Bundle = {
  id: "model-card",
  title: "Cards of models",
  matches,
  observe,
};

function matches({ format, members }: Listing): boolean {
  return format !== REMOTE && members.some(({ name }) => CARD.test(name));
}

async function* observe({ members }: Listing): AsyncIterable<BundleObservation> {
  const cards = members.filter(({ name }) => CARD.test(name)).slice(0, CARDS);
  for (const { name, open } of cards) {
    if (open === undefined) continue;
    let head: Uint8Array;
    try {
      head = await open().read(0, HEAD_BYTES);
    } catch {
      // What is wrong with it is said where it is scanned for itself.
      continue;
    }
    const about = cardAbout(new TextDecoder().decode(head));
    if (about !== undefined) yield { part: name, observation: { type: "about", about } };
  }
}

/** What the head of a card says; undefined where there is none. */
function cardAbout(text: string): ModelAbout | undefined {
  const [, front] = /^\ufeff?---\r?\n([^]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text) ?? [];
  if (front === undefined) return undefined;
  const { roots: [root], syntaxError } = composeYaml(front);
  if (syntaxError !== undefined || root?.kind !== "map") return undefined;
  const one = (key: string): string | undefined => aboutText(textOf(valueOf(root, key)));
  const all = (key: string): readonly string[] => aboutTexts(textsOf(valueOf(root, key)));
  const task = one("pipeline_tag");
  const library = one("library_name");
  const licenses = all("license_name").length > 0 ? all("license_name") : all("license");
  const [baseModels, datasets] = [all("base_model"), all("datasets")];
  const about = {
    ...(task !== undefined && { task }),
    ...(library !== undefined && { library }),
    ...(licenses.length > 0 && { licenses }),
    ...(baseModels.length > 0 && { baseModels }),
    ...(datasets.length > 0 && { datasets }),
  };
  return Object.keys(about).length === 0 ? undefined : about;
}

function valueOf({ members }: ConfigMap, key: string): ConfigNode | undefined {
  return members.find(([name]) => textOf(name) === key)?.[1];
}

function textsOf(node: ConfigNode | undefined): readonly (string | undefined)[] {
  return node?.kind === "list" ? node.items.map(textOf) : [textOf(node)];
}
