/**
 * Name and version of this program, as every report carries them. A test keeps them equal to
 * `package.json`, `deno.json` and `CHANGELOG.md`.
 *
 * @module
 */

/** The program's name. */
export const TOOL_NAME = "modelaudit";

/** The program's version, by semantic versioning. */
export const TOOL_VERSION = "0.1.0";

/** When that version was released, ISO 8601; for the manual page. */
export const RELEASE_DATE = "2026-11-26";
