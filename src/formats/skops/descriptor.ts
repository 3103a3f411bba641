/**
 * skops files, by the schema in them.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";

/** skops. */
export const skopsDescriptor: FormatDescriptor = {
  id: "skops",
  title: "skops",
  role: "code",
  claims: [],
  readers: [
    {
      id: "skops",
      malformedRule: "skops-malformed",
      label: "the schema of a skops file",
      under: "json",
      patternSearch: "text",
      mayMatch: mayBeJson,
      load: once(async () => (await import("./mod.ts")).skopsFormat),
      samples: {
        harmful: "skops/harmful/operator.skops",
        harmless: "skops/safe/attrgetter.skops",
      },
    },
  ],
  coverage: [
    [
      "skops",
      "every node of the schema: classes, functions, methods and operators, and what is done with them; arrays beside it",
    ],
  ],
};

/** A bracket behind white space, zeros (UTF-16) and byte order marks; or what a container says is JSON. */
function mayBeJson({ head, hint }: Sample): boolean {
  if (hint?.startsWith("skops")) return true;
  const first = head.find((byte) => byte > 0x20 && byte < 0x7f);
  return first === 0x7b || first === 0x5b;
}
