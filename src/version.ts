/**
 * Name and version of this program, as every report carries them. A test keeps them equal to
 * `package.json` and `deno.json`.
 *
 * @module
 */

/** The program's name. */
export const TOOL_NAME = "modelaudit";

/** The program's version, by semantic versioning. */
export const TOOL_VERSION = "0.1.0";
