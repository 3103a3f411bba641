/**
 * `modelaudit man`: the manual page. https://man7.org/linux/man-pages/man7/man.7.html
 *
 * @module
 */

import { RELEASE_DATE, TOOL_VERSION } from "../../core/version.ts";
import type { Io } from "../io.ts";
import { type CommandModel, type OptionModel, withPaths } from "./command_model.ts";

const EXIT_STATUS: readonly (readonly [code: string, meaning: string])[] = [
  ["0", "Nothing at or above --fail-on was found."],
  ["1", "At least one such issue was found (another code by --exit-code)."],
  [
    "2",
    "No such issue, but something could not be read, nothing scannable was found, or the command " +
    "line is wrong.",
  ],
  ["130", "The scan was interrupted."],
];

const ENVIRONMENT: readonly (readonly [names: string, meaning: string])[] = [
  ["NO_COLOR, FORCE_COLOR", "Forbid or demand colours."],
  ["XDG_CONFIG_HOME, HOME", "Where the user's configuration lies."],
  [
    "HF_TOKEN, HF_ENDPOINT",
    "The token for the hub, which no other host gets, and a mirror of the hub.",
  ],
  [
    "AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_ENDPOINT_URL; GOOGLE_APPLICATION_CREDENTIALS; AZURE_STORAGE_CONNECTION_STRING; DOCKER_CONFIG",
    "Credentials of object stores and registries, and where these are; docs/remote.md lists all.",
  ],
  ["HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "What stands between here and servers."],
  ["NODE_EXTRA_CA_CERTS, SSL_CERT_FILE", "Certificates to trust besides the usual ones."],
];

const FILES: readonly (readonly [path: string, meaning: string])[] = [
  [
    "./modelaudit-security.toml",
    "A configuration found here may have come with the model: it adds and raises, and loosens nothing.",
  ],
  [
    "~/.config/modelaudit/security.toml",
    "The user's configuration, where there is none of the above.",
  ],
  ["/etc/modelaudit/security.toml", "The system's, where there is none of these."],
];

const EXAMPLES: readonly (readonly [command: string, meaning: string])[] = [
  ["modelaudit models/", "Scan a folder and everything in it."],
  ["modelaudit hf://org/model", "Scan a repository on the hub without downloading it."],
  ["modelaudit s3://bucket/models/bert/", "Scan objects of a bucket by ranges."],
  ["modelaudit --format sarif models/ > report.sarif", "Report for code scanning."],
];

/** Writes the page to standard output. */
export async function runMan(program: CommandModel, io: Io): Promise<number> {
  await io.stdout.write(manPage(program));
  return 0;
}

/** The page as text for `man`. */
function manPage(program: CommandModel): string {
  const name = program.name;
  const lines = [
    `.TH ${name.toUpperCase()} 1 "${RELEASE_DATE}" "${name} ${TOOL_VERSION}" "User Commands"`,
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
  for (const { path, command } of withPaths({ ...program, options: [] })) {
    if (path === "") continue;
    lines.push(
      `.SS "${roff(`${path} ${command.usage}`.trim())}"`,
      `${roff(sentence(command.description))}`,
      ...optionLines(command.options),
    );
  }
  lines.push(".SH OPTIONS OF ALL COMMANDS", ...optionLines(program.options));
  lines.push(...listed("EXIT STATUS", EXIT_STATUS), ...listed("ENVIRONMENT", ENVIRONMENT));
  lines.push(...listed("FILES", FILES), ...listed("EXAMPLES", EXAMPLES));
  return lines.join("\n") + "\n";
}

function optionLines(options: readonly OptionModel[]): string[] {
  return options.flatMap(({ flags, description }) => [
    ...[".TP", `.B ${roff(flags)}`, roff(sentence(description))],
  ]);
}

function listed(title: string, entries: readonly (readonly [string, string])[]): string[] {
  const body = entries.flatMap(([term, text]) => [".TP", `.B ${roff(term)}`, roff(text)]);
  return [`.SH ${title}`, ...body];
}

function sentence(text: string): string {
  const first = text.slice(0, 1).toUpperCase() + text.slice(1);
  return first.endsWith(".") ? first : `${first}.`;
}

/** Text that roff shows as it is. */
function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq")
    .replaceAll("…", "...").replace(/^[.']/, "\\&$&");
}
