/**
 * `modelaudit man`: the manual page. https://man7.org/linux/man-pages/man7/man.7.html
 *
 * @module
 */

import { TOOL_VERSION } from "../../version.ts";
import type { Io } from "../io.ts";
import { type CommandShape, placed } from "../shape.ts";

const EXIT_STATUS: readonly (readonly [code: string, meaning: string])[] = [
  ["0", "Nothing at or above --fail-on was found."],
  ["1", "At least one such issue was found."],
  [
    "2",
    "No such issue, but something could not be read, nothing scannable was found, or the command " +
    "line is wrong.",
  ],
  ["130", "The scan was interrupted."],
];

/** Writes the page to standard output. */
export async function runMan(program: CommandShape, io: Io): Promise<number> {
  await io.stdout.write(manPage(program));
  return 0;
}

/** The page as text for `man`. */
export function manPage(program: CommandShape): string {
  const name = program.name;
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${TOOL_VERSION}" "User Commands"`,
    ".SH NAME",
    `${name} \\- static security scanner for machine\\-learning model files`,
    ".SH SYNOPSIS",
    `.B ${name}`,
    "[scan] [options] path...",
    ".br",
    `.B ${name}`,
    "command [options]",
    ".SH DESCRIPTION",
    roff(program.description),
    "Nothing in a scanned file is executed, imported, unpickled or written to disk.",
    "What could not be read to its end is never called clean.",
    ".SH COMMANDS",
  ];
  for (const { path, shape } of placed({ ...program, options: [] })) {
    if (path === "") continue;
    lines.push(
      `.SS "${roff(`${path} ${shape.usage}`.trim())}"`,
      `${roff(sentence(shape.description))}`,
    );
    for (const option of shape.options) {
      lines.push(".TP", `.B ${roff(option.flags)}`, roff(sentence(option.description)));
    }
  }
  lines.push(".SH EXIT STATUS");
  for (const [code, meaning] of EXIT_STATUS) lines.push(".TP", `.B ${code}`, roff(meaning));
  lines.push(".SH ENVIRONMENT", ".TP", ".B NO_COLOR, FORCE_COLOR", "Forbid or demand colours.");
  lines.push(".TP", ".B XDG_CONFIG_HOME, HOME", "Where the user's configuration lies.");
  return lines.join("\n") + "\n";
}

function sentence(text: string): string {
  const first = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.)]$/.test(first) ? first : `${first}.`;
}

/** Text that roff shows as it is. */
function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq")
    .replaceAll("…", "...").replace(/^[.']/, "\\&$&");
}
