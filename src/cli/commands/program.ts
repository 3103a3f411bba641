/**
 * Commands, options and help.
 *
 * @module
 */

import { Command, CommanderError, type Option } from "commander";
import { escapeText } from "../../report/escape.ts";
import { SEVERITIES } from "../../core/types.ts";
import { TOOL_NAME, TOOL_VERSION } from "../../core/version.ts";
import type { ConfigShowOptions } from "./config.ts";
import type { DoctorOptions } from "./doctor.ts";
import type { ExplainOptions } from "./explain.ts";
import type { RulesListOptions } from "./rules.ts";
import type { ScanCommandOptions } from "./scan.ts";
import type { Rule } from "../../rules/rule.ts";
import type { Effective } from "../../config/effective.ts";
import type { ConfigurationChoice } from "../configuration.ts";
import type { Io } from "../io.ts";
import {
  choose,
  FAIL_ON,
  type OutputChoice,
  parseExitCode,
  parseFailOn,
  parseJobs,
  parseOutput,
  parsePort,
  parseReportFormat,
  parseSeconds,
  REPORT_FORMATS,
  type ReportFormat,
} from "../options.ts";
import type { OutputFile } from "../outputs.ts";
import {
  addLimitOptions,
  checked,
  collect,
  configOption,
  limitsOf,
  option,
} from "../option_kinds.ts";
import {
  addRemoteOptions,
  hubArgument,
  type RawRemoteOptions,
  remoteOf,
} from "../remote_options.ts";
import { commandModelOf, type Shell, SHELLS } from "./command_model.ts";
import { columnsOf, fitted } from "../terminal.ts";
import { describeShard } from "./shard_command.ts";
import { describeTasks } from "./task_commands.ts";

const DATA_FORMATS = ["text", "json"] as const;

const EXAMPLES = `
"modelaudit scan --help" lists the options of a scan.

Examples:
  modelaudit model.pt            what would happen if this file were loaded
  modelaudit hf://org/model      a model on the hub, without downloading it
  modelaudit --format json models/ | jq '.issues[].severity'
  cat model.pkl | modelaudit -   standard input
  modelaudit explain os.system   how a global is judged, and why
  modelaudit config init         a configuration to begin with
  modelaudit config allow FOLDER what models of your own need beside the lists
  modelaudit doctor              whether every scanner works here

Exit code:
  0  nothing at or above --fail-on
  1  at least one such issue (--exit-code chooses another code)
  2  none, but something could not be read, nothing scannable was found,
     or the usage was wrong
`;

/** What a command gives back to be run: parsing comes first, work after. */
type Job = () => Promise<number>;

/**
 * Parses arguments and runs the command.
 *
 * @throws ConfigError and what the command throws
 */
export async function runProgram(argv: readonly string[], io: Io): Promise<number> {
  let job: Job | undefined;
  const texts: { out: string; err: string } = { out: "", err: "" };
  const program = describeProgram(io, texts, (it) => job = it);
  let code = 0;
  try {
    if (argv.length === 0) {
      texts.err += program.helpInformation() + EXAMPLES;
      code = 2;
    } else {
      program.parse([...argv], { from: "user" });
    }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end in an "error" too. Its own exit code would be the process's.
    const isHelp = /^commander\.(help|helpDisplayed|version)$/.test(error.code);
    code = isHelp && texts.err === "" ? 0 : 2;
    job = undefined;
  }
  await io.stdout.write(fitted(texts.out, io.env, io.stdout));
  await io.stderr.write(fitted(texts.err, io.env, io.stderr));
  return job === undefined ? code : await job();
}

function describeProgram(
  { env: given, ...world }: Io,
  texts: { out: string; err: string },
  run: (job: Job) => void,
): Command {
  // What --color says goes before what the environment says.
  const env = { ...given };
  const io: Io = { ...world, env };
  const program: Command = new Command("modelaudit")
    .description("Says what would happen if a model file were loaded, without loading it.")
    .version(`${TOOL_NAME} ${TOOL_VERSION}`, "-V, --version", "show the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help of a command")
    .addOption(
      option("--color <when>", `colours: ${COLORS.join(", ")}; auto, for a terminal, unless given`)
        .argParser(checked((text) => choose(text, COLORS, "choice of colours"))),
    )
    .hook("preAction", () => useColor(env, program.opts<{ color?: Color }>().color))
    .addHelpText("after", EXAMPLES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => texts.out += text,
      writeErr: (text) => texts.err += text.split("\n").map(escapeText).join("\n"),
      getOutHelpWidth: () => columnsOf(io.env, io.stdout),
      getErrHelpWidth: () => columnsOf(io.env, io.stderr),
      // Otherwise commander looks into the environment, which the executable may not.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  describeScan(program, io, run);
  describeExplain(program, io, run);
  describeRules(program, io, run);
  describeConfig(program, io, run);
  describeBaseline(program, io, run);
  describeTasks(program, io, run);
  describeShard(program, io, run);
  describeConvert(program, io, run);
  describeDoctor(program, io, run);
  describeServe(program, io, run);
  describeShells(program, io, run);
  program.command("disasm").description(
    "list a pickle's opcodes with what the machine makes of them",
  )
    .argument("<file>", "a pickle, or - for standard input")
    .action((path: string) =>
      run(async () => {
        io.confine({ network: false });
        return await (await import("./disasm.ts")).runDisasm(path, io);
      })
    );
  program.command("schema").description("print a JSON schema of what is read or written")
    .argument("[name]", "report, configuration …; all are listed unless given")
    .action((name: string | undefined) =>
      run(async () => (await import("./schema.ts")).runSchema(name, io))
    );
  program.command("version").description("show the version")
    .addOption(dataFormat())
    .action((options: { format: string }) =>
      run(async () => {
        const { versionJson, versionText } = await import("./version.ts");
        const { loadRules } = await import("../../rules/rules.ts");
        await io.stdout.write(
          options.format === "json" ? versionJson(loadRules().version) : versionText(),
        );
        return 0;
      })
    );
  hintAtHelp(program, []);
  return program;
}

/** When a report is coloured. */
const COLORS = ["auto", "always", "never"] as const;
type Color = typeof COLORS[number];

/** Lets the environment say what the option says: https://no-color.org, and FORCE_COLOR of Node. */
function useColor(env: Record<string, string | undefined>, color: Color = "auto"): void {
  if (color === "auto") return;
  env["NO_COLOR"] = color === "never" ? "1" : undefined;
  env["FORCE_COLOR"] = color === "always" ? "1" : undefined;
}

/** Each command's errors name the help of that command. */
function hintAtHelp(command: Command, path: readonly string[]): void {
  const words = [TOOL_NAME, ...path, "--help"].join(" ");
  command.showHelpAfterError(`("${words}" shows what there is)`);
  for (const it of command.commands) hintAtHelp(it, [...path, it.name()]);
}

/** The options of `scan` as commander leaves them. */
interface RawScanOptions extends RawRemoteOptions {
  readonly format: ReportFormat;
  readonly output?: readonly OutputChoice[];
  readonly failOn: ReturnType<typeof parseFailOn>;
  readonly verbose?: boolean;
  readonly showAccepted?: boolean;
  readonly quiet?: boolean;
  readonly emoji: boolean;
  readonly progress?: boolean;
  readonly timeout?: number;
  readonly jobs?: number;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly followSymlinks?: boolean;
  readonly allowNoModels?: boolean;
  readonly hash?: boolean;
  readonly exitCode?: number;
  readonly config?: ConfigurationChoice;
  readonly baseline?: string;
}

function describeScan(program: Command, io: Io, run: (job: Job) => void): void {
  const scan = program.command("scan", { isDefault: true })
    .description("scan files and folders (the default command)")
    .argument(
      "[path...]",
      "files, folders, https://, hf://, s3://, gs://, az:// and oci:// addresses; - is standard input",
    )
    .addOption(reportFormat())
    .addOption(outputOption())
    .addOption(
      option(
        "--fail-on <severity>",
        "least severity that fails: critical … info, or never; goes before the configuration",
      )
        .default("medium").argParser(checked(parseFailOn)),
    )
    .addOption(configOption())
    .addOption(
      option("--exit-code <n>", "exit code when there are issues that fail; 1 unless given")
        .argParser(checked(parseExitCode)),
    )
    .option("--no-config", "the embedded rules and nothing else")
    .option("--baseline <file>", "report only issues that are not in this baseline")
    .option("-v, --verbose", "also show what is harmless, and every file")
    .option("--show-accepted", "show each issue that was accepted, not only how many")
    .option("-q, --quiet", "one line an issue and nothing else")
    .option("--include <glob>", "scan only files that match (repeatable)", collect)
    .option("--exclude <glob>", "leave out files and folders that match (repeatable)", collect)
    .option("--follow-symlinks", "go into links to folders")
    .option("--allow-no-models", "finding nothing to scan is no failure")
    .option("--hash", "also give the SHA-256 of each file, for which all of it is read")
    .addOption(
      option("--timeout <seconds>", "time for the whole scan").argParser(checked(parseSeconds)),
    )
    .addOption(
      option("-j, --jobs <n>", "files scanned at a time; auto: by the machine's cores")
        .argParser(checked(parseJobs)),
    );
  addRemoteOptions(scan)
    .option("--progress", "show progress on standard error even if it is no terminal")
    .option("--no-progress", "never show progress")
    .option("--no-emoji", "words without symbols");
  addLimitOptions(scan);
  scan.action((named: string[], raw: RawScanOptions) => {
    const paths = [...named, ...raw.url ?? [], ...(raw.hf ?? []).map(hubArgument)];
    if (paths.length === 0) scan.error("error: missing required argument 'path'");
    const commands = program.commands.map((it) => it.name());
    const failOnGiven = scan.getOptionValueSource("failOn") !== "default";
    const options = {
      format: raw.format,
      verbose: raw.verbose ?? false,
      showAccepted: raw.showAccepted ?? false,
      quiet: raw.quiet ?? false,
      emoji: raw.emoji,
      progress: raw.progress,
      timeout: raw.timeout,
      jobs: raw.jobs,
      limits: limitsOf(scan),
      include: raw.include ?? [],
      exclude: raw.exclude ?? [],
      followSymlinks: raw.followSymlinks ?? false,
      allowNoModels: raw.allowNoModels ?? false,
      hash: raw.hash ?? false,
      failedCode: raw.exitCode,
    };
    run(async () => {
      const [{ runScan }, { scanSource }, { loadConfigured }] = await Promise.all([
        import("./scan.ts"),
        import("../../scan/scan_source.ts"),
        import("../configuration.ts"),
      ]);
      const remote = await remoteOf(paths, raw, io);
      const used = [...paths, raw.config, raw.baseline].filter((it) => typeof it === "string");
      const outputs = await outputsOf(raw.output, used);
      io.confine({ network: remote !== undefined });
      const { rules, configuration, texts } = await loadConfigured(raw.config, io);
      const full: ScanCommandOptions = {
        ...options,
        outputs,
        remote,
        failOn: failOnGiven ? raw.failOn : configuration.failOn ?? raw.failOn,
        limits: { ...configuration.limits, ...options.limits },
      };
      const isKnown = raw.baseline === undefined
        ? undefined
        : (await import("../baseline.ts")).loadBaseline(raw.baseline);
      return await runScan(paths, full, commands, io, {
        scan: scanSource,
        rules,
        configuration: failOnGiven ? withoutFailOn(configuration) : configuration,
        texts,
        isKnown,
      });
    });
  });
}

/** The configuration where the command line says what fails: that goes before all of its policies. */
function withoutFailOn(configuration: Effective): Effective {
  const { policyOf } = configuration;
  if (policyOf === undefined) return configuration;
  return {
    ...configuration,
    policyOf(path) {
      const found = policyOf(path);
      if (found === undefined) return undefined;
      const { failOn: _, ...policy } = found;
      return policy;
    },
  };
}

function describeExplain(program: Command, io: Io, run: (job: Job) => void): void {
  program.command("explain").description(
    "say how a rule, a global or an operator is judged, and why",
  )
    .argument("<subject>", "for instance pickle-malformed, os.system or ReadFile")
    .addOption(dataFormat())
    .addOption(configOption())
    .option("--no-config", "the embedded rules and nothing else")
    .option("--no-emoji", "words without symbols")
    .action((subject: string, options: ExplainOptions) =>
      run(async () => (await import("./explain.ts")).runExplain(subject, options, io))
    );
}

function describeRules(program: Command, io: Io, run: (job: Job) => void): void {
  const rules = program.command("rules").description("the rules there are");
  rules.command("list", { isDefault: true }).description("list rules (the default)")
    .argument("[text]", "only rules with this text in them")
    .option("--severity <severity>", "only this severity")
    .option("--area <area>", "only rules of this format, for instance pickle or zip")
    .addOption(dataFormat())
    .addOption(configOption())
    .option("--no-config", "the embedded rules and nothing else")
    .option("--no-emoji", "words without symbols")
    .action((text: string | undefined, options: RulesListOptions) =>
      run(async () => (await import("./rules.ts")).runRulesList(text, options, io))
    );
  rules.command("show").description("show one rule")
    .argument("<rule>", "its id")
    .addOption(dataFormat())
    .addOption(configOption())
    .option("--no-config", "the embedded rules and nothing else")
    .option("--no-emoji", "words without symbols")
    .action((id: string, options: ExplainOptions) =>
      run(async () => (await import("./explain.ts")).runExplain(id, options, io))
    );
}

function describeConfig(program: Command, io: Io, run: (job: Job) => void): void {
  const config = program.command("config").description(
    "the configuration: template, check, what holds",
  );
  config.command("init").description("write a commented template to standard output")
    .action(() => run(async () => (await import("./config.ts")).runConfigInit(io)));
  config.command("check").description("say whether a configuration is right")
    .argument("[file]", "the file; what a scan would find unless given")
    .action((file: string | undefined) =>
      run(async () => (await import("./config.ts")).runConfigCheck(file, io))
    );
  config.command("show").description("show the rules that hold and where each came from")
    .addOption(dataFormat())
    .addOption(configOption())
    .option("--no-config", "the embedded rules and nothing else")
    .option("--no-emoji", "words without symbols")
    .action((options: ConfigShowOptions) =>
      run(async () => (await import("./config.ts")).runConfigShow(options, io))
    );
  describeConfigAllow(config, io, run);
}

/** What `config allow` takes of the options of `scan`. */
type RawConfigAllowOptions = Pick<
  RawScanOptions,
  "config" | "include" | "exclude" | "followSymlinks"
>;

function describeConfigAllow(config: Command, io: Io, run: (job: Job) => void): void {
  config.command("allow").description("propose allow entries for models of one's own")
    .argument("<path...>", "files and folders")
    .addOption(configOption())
    .option("--no-config", "the embedded rules and nothing else")
    .option("--include <glob>", "scan only files that match (repeatable)", collect)
    .option("--exclude <glob>", "leave out files and folders that match (repeatable)", collect)
    .option("--follow-symlinks", "go into links to folders")
    .action((paths: string[], raw: RawConfigAllowOptions) =>
      run(async () => {
        const [{ runConfigAllow }, { scanSource }, { loadConfigured }] = await Promise.all([
          import("./config_allow.ts"),
          import("../../scan/scan_source.ts"),
          import("../configuration.ts"),
        ]);
        io.confine({ network: false });
        const configured = await loadConfigured(raw.config, io);
        const { configuration } = configured;
        const options = {
          scan: scanSource,
          limits: configuration.limits,
          walk: {
            followSymlinks: raw.followSymlinks ?? false,
            include: [...raw.include ?? [], ...configuration.include],
            exclude: [...raw.exclude ?? [], ...configuration.exclude],
          },
        };
        return await runConfigAllow(paths, options, configured, io);
      })
    );
}

/** What `baseline` takes of the options of `scan`. */
type RawBaselineOptions =
  & RawRemoteOptions
  & Pick<RawScanOptions, "config" | "include" | "exclude" | "followSymlinks">;

function describeBaseline(program: Command, io: Io, run: (job: Job) => void): void {
  const baseline = program.command("baseline").description(
    "print the issues there are now, for scan --baseline",
  )
    .argument(
      "[path...]",
      "files, folders, https://, hf://, s3://, gs://, az:// and oci:// addresses; - is standard input",
    )
    .addOption(configOption())
    .option("--no-config", "the embedded rules and nothing else")
    .option("--include <glob>", "scan only files that match (repeatable)", collect)
    .option("--exclude <glob>", "leave out files and folders that match (repeatable)", collect)
    .option("--follow-symlinks", "go into links to folders");
  addRemoteOptions(baseline)
    .action((named: string[], raw: RawBaselineOptions) => {
      const paths = [...named, ...raw.url ?? [], ...(raw.hf ?? []).map(hubArgument)];
      if (paths.length === 0) baseline.error("error: missing required argument 'path'");
      run(async () => {
        const [{ runBaseline }, { scanSource }, { loadConfigured }] = await Promise.all([
          import("./baseline.ts"),
          import("../../scan/scan_source.ts"),
          import("../configuration.ts"),
        ]);
        const remote = await remoteOf(paths, raw, io);
        io.confine({ network: remote !== undefined });
        const { rules, configuration } = await loadConfigured(raw.config, io);
        return await runBaseline(paths, {
          scan: scanSource,
          rules,
          suppress: configuration.suppress,
          limits: configuration.limits,
          walk: {
            followSymlinks: raw.followSymlinks ?? false,
            include: [...raw.include ?? [], ...configuration.include],
            exclude: [...raw.exclude ?? [], ...configuration.exclude],
          },
          remote,
        }, io);
      });
    });
}

/** The options of `convert` as commander leaves them. */
type RawConvertOptions = Pick<
  RawScanOptions,
  "format" | "output" | "emoji" | "verbose" | "quiet" | "showAccepted"
>;

function describeConvert(program: Command, io: Io, run: (job: Job) => void): void {
  program.command("convert").description("make other reports of a JSON report, without a new scan")
    .argument("<report>", "a report by --format json; - is standard input")
    .addOption(reportFormat())
    .addOption(outputOption())
    .option("-v, --verbose", "also show what is harmless, and every file")
    .option("--show-accepted", "show each issue that was accepted, not only how many")
    .option("-q, --quiet", "one line an issue and nothing else")
    .option("--no-emoji", "words without symbols")
    .action((path: string, raw: RawConvertOptions) =>
      run(async () => {
        const { runConvert } = await import("./convert.ts");
        const outputs = await outputsOf(raw.output, [path]);
        io.confine({ network: false });
        const { format, emoji, verbose = false, quiet = false, showAccepted = false } = raw;
        const text = { emoji, verbose, quiet, showAccepted };
        return await runConvert(path, { format, outputs, text }, io);
      })
    );
}

/** Opens the files of `--output`; what they need is loaded only for them. */
async function outputsOf(
  choices: readonly OutputChoice[] | undefined,
  used: readonly string[],
): Promise<readonly OutputFile[]> {
  if (choices === undefined) return [];
  return (await import("../outputs.ts")).openOutputs(choices, used);
}

function describeDoctor(program: Command, io: Io, run: (job: Job) => void): void {
  program.command("doctor").description("let every scanner prove that it works")
    .addOption(dataFormat())
    .addOption(configOption())
    .option("--no-config", "the embedded rules and nothing else")
    .option("--no-emoji", "words without symbols")
    .action((options: DoctorOptions) =>
      run(async () => (await import("./doctor.ts")).runDoctor(options, io))
    );
}

function describeServe(program: Command, io: Io, run: (job: Job) => void): void {
  program.command("serve").description("open the browser page on this machine, with files to scan")
    .argument("[path...]", "files and folders that the page is given")
    .addOption(
      option("--port <n>", "the port on 127.0.0.1; 0, any that is free, unless given")
        .default(0).argParser(checked(parsePort)),
    )
    .action((paths: string[], { port }: { readonly port: number }) =>
      run(async () => (await import("./serve.ts")).runServe(paths, { port }, io))
    );
}

function describeShells(program: Command, io: Io, run: (job: Job) => void): void {
  program.command("completions").description("write completions for a shell to standard output")
    .addArgument(
      program.createArgument("<shell>", SHELLS.join(", ")).argParser(
        checked((text) => choose(text, SHELLS, "shell")),
      ),
    )
    .action((shell: Shell) =>
      run(async () => {
        const [{ runCompletions }, { loadRules }, { SCHEMA_NAMES }] = await Promise.all([
          import("./completions.ts"),
          import("../../rules/rules.ts"),
          import("./schema.ts"),
        ]);
        const rules = loadRules().list();
        const model = commandModelOf(program, {
          options: (command, name) => choicesOf(command, name, rules),
          arguments: (command) => command === "schema" ? SCHEMA_NAMES : argumentsOf(command, rules),
        });
        return await runCompletions(shell, model, io);
      })
    );
  program.command("man").description("write the manual page to standard output")
    .action(() =>
      run(async () => {
        const { runMan } = await import("./man.ts");
        const model = commandModelOf(program, { options: () => [], arguments: () => [] });
        return await runMan(model, io);
      })
    );
}

/** What the values of an option may be, for completions. One that ends in "=" goes on. */
function choicesOf(
  command: string,
  option: string,
  rules: readonly Rule[],
): readonly string[] {
  switch (option) {
    case "--format":
      return command === "scan" || command === "convert" ? REPORT_FORMATS : DATA_FORMATS;
    case "--output":
      return REPORT_FORMATS.map((it) => `${it}=`);
    case "--fail-on":
      return FAIL_ON;
    case "--color":
      return COLORS;
    case "--severity":
      return SEVERITIES;
    case "--area":
      return [...new Set(rules.map((it) => it.format))].sort();
    default:
      return [];
  }
}

/** What the arguments of a command may be, for completions. */
function argumentsOf(command: string, rules: readonly Rule[]): readonly string[] {
  if (command === "explain" || command === "show") return rules.map((it) => it.id);
  return command === "completions" ? SHELLS : [];
}

function reportFormat(): Option {
  return option("-f, --format <format>", `form of the report: ${REPORT_FORMATS.join(", ")}`)
    .default("text").argParser(checked(parseReportFormat));
}

function outputOption(): Option {
  return option(
    "--output <format=file>",
    "write a report to a file, beside the one on standard output (repeatable)",
  ).argParser((text: string, before: readonly OutputChoice[] = []) => [
    ...before,
    checked(parseOutput)(text),
  ]);
}

function dataFormat(): Option {
  return option("-f, --format <format>", DATA_FORMATS.join(" or ")).default("text")
    .argParser(checked((text) => choose(text, DATA_FORMATS, "format")));
}
