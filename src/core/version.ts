/**
 * Name and version of this program, as every report carries them, and its address. `make rules` fills them in
 * from `release.json`; a test keeps them equal to `CHANGELOG.md`.
 *
 * @module
 */

/** The program's name. */
export const TOOL_NAME = "modelaudit";

/** The program's version, by semantic versioning. */
export const TOOL_VERSION = "0.1.0";

/**
 * The version since which readers observe the same of the same bytes. It becomes that of the program with every
 * change of a reader, and stays where only rules change: facts that were kept are judged anew only by equal readers.
 */
export const READERS_VERSION = "0.1.0";

/** When that version was released, ISO 8601; for the manual page. */
export const RELEASE_DATE = "2026-11-26";

/** Where this program is developed. Other programs have its name. */
export const REPOSITORY = "https://github.com/modelaudit/modelaudit";
