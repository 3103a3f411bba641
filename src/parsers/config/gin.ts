/**
 * gin configurations, as far as they name Python: modules that they import, configurables that they
 * bind, call and refer to, files that they include. As a map of lists: `import`, `include`, `call`,
 * `reference`, `bind`.
 * https://github.com/google/gin-config/blob/master/docs/index.md, `gin/config_parser.py`
 *
 * @module
 */

import type { ConfigNode } from "../config_node.ts";
import { textNode } from "../config_node.ts";

const IMPORT = /^\s*import\s+([\w.]+)(?:\s+as\s+\w+)?\s*(?:#.*)?$/u;
const FROM = /^\s*from\s+([\w.]+)\s+import\s+(\w+)(?:\s+as\s+\w+)?\s*(?:#.*)?$/u;
const INCLUDE = /^\s*include\s+(["'])(.*?)\1/u;
const BINDING = /^\s*((?:[\w.-]+\/)*[\w.]+)\s*=/u;
const REFERENCE = /@((?:[\w.-]+\/)*[\w.]+)(\(\))?/gu;

/** Reads a gin file; what is no statement of gin's says nothing. */
export function readGin(text: string): ConfigNode {
  const found: Record<string, ConfigNode[]> = {
    import: [],
    include: [],
    call: [],
    reference: [],
    bind: [],
  };
  let at = 0;
  for (const line of text.split(/\r\n|\r|\n/u)) {
    const add = (kind: string, name: string): void => {
      found[kind]?.push(textNode(name, at));
    };
    const module = IMPORT.exec(line)?.[1];
    const from = FROM.exec(line);
    const file = INCLUDE.exec(line)?.[2];
    if (module !== undefined) add("import", module);
    else if (from !== null) add("import", `${from[1]}.${from[2]}`);
    else if (file !== undefined) add("include", file);
    else {
      const bound = BINDING.exec(line)?.[1]?.split("/").at(-1);
      if (bound?.includes(".")) add("bind", bound.slice(0, bound.lastIndexOf(".")));
      for (const [, name = "", called] of line.matchAll(REFERENCE)) {
        add(called === undefined ? "reference" : "call", name.split("/").at(-1) ?? name);
      }
    }
    at += line.length + 1;
  }
  const members = Object.entries(found).map(([kind, items]) =>
    [textNode(kind), { kind: "list" as const, at: 0, items }] as const
  );
  return { kind: "map", at: 0, members };
}
