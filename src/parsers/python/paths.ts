/**
 * Dotted paths of what lies in other modules.
 *
 * @module
 */

import { withoutUnderscores } from "./names.ts";

/** A name that is not a constant. */
export const COMPUTED = "<computed>";
/** Modules that others hand on: `shutil.os.system` is `os.system`. */
export const HANDED_ON: ReadonlySet<string> = new Set(
  "os posix nt subprocess builtins pty ctypes runpy importlib socket sys shutil".split(" "),
);

/** A path in which one of them stands behind something. */
const HANDS_ON = new RegExp(`\\._*(?:${[...HANDED_ON].join("|")})(?:__)?(?:\\.|$)`, "u");

/** The same path by way of the module that it ends in: `shutil.os.system` is `os.system`. */
export function shortest(path: string): string {
  if (!HANDS_ON.test(path)) return path;
  const parts = path.split(".");
  for (let at = parts.length - 1; at > 0; at--) {
    const bare = withoutUnderscores(parts[at] ?? "");
    // A class or method of that name is no module.
    if (bare === "socket" && at === parts.length - 1 && parts[at] === bare) continue;
    if (HANDED_ON.has(bare) && parts[at - 1] !== "<module>") {
      return [bare, ...parts.slice(at + 1)].join(".");
    }
  }
  return path;
}
