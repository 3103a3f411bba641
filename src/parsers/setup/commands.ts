/**
 * Commands of a shell as Dockerfiles and notebooks have them: scripts that are fetched and run, and indexes that
 * packages are installed from. Everyday ones are quiet: installers and indexes that a table lists, over TLS.
 *
 * @module
 */

import type { Observation } from "../../core/types.ts";
import { indexAnomaly, isKnownHost, requirementAnomaly } from "./packages.ts";
import { type Pipeline, type ShellCommand, shellPipelines } from "./shell.ts";

type Anomaly = Extract<Observation, { readonly type: "anomaly" }>;

/** Programs that fetch, and those that run what they read. */
const FETCHES = /^(?:curl|wget|aria2c|fetch|https?|httpie|xh|lynx|axel)$/u;
const SHELLS = /^(?:(?:ba|z|da|k|a)?sh)$/u;
const RUNS =
  /^(?:(?:ba|z|da|k|a)?sh|python[\d.]*|perl|ruby|node|php|pwsh|powershell|eval|source|\.)$/u;
/** Options whose value is code, or names it, in the place of what is piped. */
const OTHER_CODE: readonly (readonly [programs: RegExp, option: RegExp])[] = [
  [/^(?:(?:ba|z|da|k|a)?sh)$/u, /^-[a-z]*c/u],
  [/^python/u, /^-[a-zA-Z]*[cm]/u],
  [/^(?:perl|ruby)$/u, /^-[a-zA-Z]*[en]/u],
  [/^node$/u, /^(?:-[epr]|--eval|--print|--require)/u],
  [/^php$/u, /^-[rBRf]/u],
  [/^(?:pwsh|powershell)$/u, /^-(?:c|command|f|file)/iu],
];
/** Words before a program: keywords, another user, variables. */
const BEFORE =
  /^(?:sudo|doas|env|exec|nohup|time|command|nice|ionice|stdbuf|timeout|setsid|busybox|xargs|parallel|then|do|else|if|while|!|\{|\w+=.*)$/u;
/** Their options, and numbers. */
const BEFORE_OPTION = /^(?:-\S*|\d+\w?)$/u;
/** Decoders whose output is hidden from a reader. */
const DECODES = /^(?:base64|base32|xxd|openssl)$/u;
const ADDRESS = /^(?:https?|ftp):\/\/\S+$/iu;
const SOCKET = /\/dev\/(?:tcp|udp)\/\w/u;
/** Options by which the other side need not prove who it is. */
const UNVERIFIED = /^(?:-(?=[a-zA-Z]*k)[a-zA-Z]+|--insecure|--no-check-certificate)$/u;
/** Options whose value is the name of the file. */
const OUTPUT = /^(?:-[a-zA-Z]*[oO]|--output|--output-document)$/u;

/** Code of Python, Perl, Ruby and Node that fetches code and runs it. */
const FETCHED_CODE = [
  /\b(?:urlopen|urlretrieve|requests\.get|httpx\.get|LWP|Net::HTTP|open-uri|https?\.get|fetch)\b/u,
  /\b(?:exec|eval|system|popen|run|check_call|check_output|spawn)\b/u,
];
/** What is written to the next word. */
const REDIRECTION = /^[12&]?>{1,2}$/u;

/** Installers that projects tell their users to pipe into a shell, by host and beginning of the path. */
const INSTALLERS: readonly string[] = [
  ...[
    "sh.rustup.rs",
    "astral.sh",
    "install.python-poetry.org",
    "pyenv.run",
    "bootstrap.pypa.io",
    "get.docker.com",
  ],
  ...[
    "deb.nodesource.com",
    "rpm.nodesource.com",
    "ollama.com/install",
    "ollama.ai/install",
    "bun.sh",
    "deno.land",
  ],
  ...[
    "raw.githubusercontent.com/nvm-sh/",
    "raw.githubusercontent.com/creationix/nvm/",
    "get.pnpm.io",
  ],
  ...[
    "raw.githubusercontent.com/Homebrew/",
    "raw.githubusercontent.com/pyenv/",
    "get.sdkman.io",
    "get.helm.sh",
  ],
  ...[
    "raw.githubusercontent.com/astral-sh/",
    "raw.githubusercontent.com/python-poetry/",
    "micro.mamba.pm",
  ],
  ...[
    "packagecloud.io/install/repositories/github/git-lfs",
    "raw.githubusercontent.com/helm/",
    "aka.ms",
  ],
  ...[
    "install.julialang.org",
    "apt.llvm.org",
    "sdk.cloud.google.com",
    "repo.anaconda.com",
    "repo.continuum.io",
  ],
  ...[
    "github.com/conda-forge/miniforge",
    "dot.net",
    "nixos.org/nix",
    "developer.download.nvidia.com",
    "fnm.vercel.app",
  ],
  ...[
    "just.systems",
    "taskfile.dev",
    "get.modular.com",
    "dl.yarnpkg.com",
    "yarnpkg.com/install",
    "pixi.sh",
  ],
  ...[
    "tailscale.com/install",
    "fly.io/install",
    "packages.microsoft.com",
    "code-server.dev/install",
  ],
];

/** Options of installers of packages that name an index, or a channel. */
const INDEX_OPTIONS: readonly string[] = [
  ...["--index-url", "--pypi-url", "--extra-index-url", "--find-links", "--index"],
  ...["--default-index", "--registry", "--channel"],
];
/** In one letter, and as settings that `pip config set`, `npm config set` and `conda config --add` write. */
const INDEX_WORD =
  /^(?:-i|-f|(?:[\w-]+\.)?(?:(?:extra-)?index-url|find-links)|registry|channels|channel_alias)$/u;
const INDEX_LETTER = /^-[ifc](?<place>[a-z]+:\/\/.+)$/u;
const TRUSTED = /^--trusted-host(?:=(?<host>.+))?$/u;
const INSTALLS = /^(?:pip[\d.]*|uv|pipx|poetry|pdm|npm|yarn|pnpm|conda|mamba|micromamba)$/u;
const PIP = /^(?:pip[\d.]*|uv|pipx)$/u;
/** Options of pip whose value is no requirement. */
const VALUED =
  /^(?:-r|--requirement|-c|--constraint|-t|--target|--prefix|--root|--python|-p|--cache-dir|--timeout|--retries|--platform|--proxy|--cert|--log|--progress-bar|--config-settings|-C|--global-option|--no-binary|--only-binary|--src|--upgrade-strategy|--python-version|--implementation|--abi|--client-cert|--report)$/u;
/** Variables by which installers are given an index. */
const VARIABLE =
  /^(?:export\s+)?(?:PIP_(?:(?:EXTRA_)?INDEX|PYPI)_URL|PIP_FIND_LINKS|UV_(?:EXTRA_)?INDEX_URL|UV_(?:DEFAULT_)?INDEX|NPM_CONFIG_REGISTRY)=(?<place>.+)$/iu;
const TRUSTED_VARIABLE = /^PIP_TRUSTED_HOST=(?<host>.+)$/u;

/** Characters of a command that are shown. CWE-779. */
const SHOWN = 300;
/** Characters of a command; the longest real one has some thousands. CWE-770. */
const COMMAND = 64 * 1024;
/** Commands as arguments of commands (`sh -c`), and in substitutions. CWE-674. */
const DEPTH = 6;

/** A command and its place. */
export interface Command {
  /** Of one instruction or line, continued lines too. */
  readonly text: string;
  /** Offset in the file, in bytes. */
  readonly at: number;
}

/**
 * What commands fetch and run, or install from elsewhere; each finding once a command. A file that one fetches may be
 * run by a later one.
 *
 * @param check called before each command; may throw
 */
export function commandAnomalies(commands: Iterable<Command>, check: () => void): Anomaly[] {
  const walk = new CommandWalk();
  const found: Anomaly[] = [];
  for (const { text, at } of commands) {
    check();
    if (text.length > COMMAND) {
      const detail = `A command of ${text.length} characters is not looked at`;
      found.push({ type: "anomaly", rule: "setup-unread", detail, offset: at, unread: true });
    } else found.push(...walk.command(text).map((one) => ({ ...one, offset: at })));
  }
  return found;
}

class CommandWalk {
  /** Files that were fetched, by their base names, with the rule for running them. */
  readonly #files = new Map<string, string | undefined>();
  readonly #found = new Map<string, Anomaly>();
  #shown = "";

  command(text: string): readonly Anomaly[] {
    this.#shown = text.trim().replaceAll(/(?:\\?\s)+/gu, " ").slice(0, SHOWN);
    this.#found.clear();
    this.#text(text, 0);
    return [...this.#found.values()];
  }

  #add(one: Anomaly | undefined): void {
    if (one !== undefined) this.#found.set(`${one.rule} ${one.detail}`, one);
  }

  #rule(rule: string | undefined): void {
    if (rule !== undefined) this.#add({ type: "anomaly", rule, detail: this.#shown });
  }

  #text(text: string, depth: number): void {
    if (depth > DEPTH) {
      const detail = `Commands lie more than ${DEPTH} deep in one another: ${this.#shown}`;
      this.#add({ type: "anomaly", rule: "setup-unread", detail, unread: true });
      return;
    }
    if (SOCKET.test(text)) this.#rule("setup-hidden-command");
    for (const pipeline of shellPipelines(text)) this.#pipeline(pipeline, depth);
  }

  #pipeline(pipeline: Pipeline, depth: number): void {
    const fetched = new Set<string | undefined>();
    let decoded = false;
    for (const command of pipeline) {
      const words = withoutPrefix(command);
      const program = programOf(words);
      if (RUNS.test(program)) {
        const isArguments = /^(?:xargs|parallel)$/u.test(programOf(command));
        if (isArguments || runsInput(words)) {
          for (const rule of fetched) this.#rule(rule);
          if (decoded) this.#rule("setup-hidden-command");
        }
        this.#run(words, depth);
      }
      this.#rule(this.#files.get(program));
      if (FETCHES.test(program)) {
        const rule = scriptRule(words);
        fetched.add(rule);
        for (const name of outputsOf(words)) this.#files.set(name, rule);
      } else if (fetched.size > 0) {
        // What is fetched goes through it: `| tee FILE`, `| cat > FILE`.
        for (const name of writtenBy(words)) {
          for (const rule of fetched) this.#files.set(name, rule);
        }
      }
      decoded ||= DECODES.test(program) &&
        words.some(({ text }) => /^(?:-(?=[a-zA-Z]*[dDr])\w+|--decode)$/u.test(text));
      this.#packages(command);
      for (const { substitutions } of command) {
        for (const inside of substitutions) this.#text(inside, depth + 1);
      }
    }
  }

  /** An interpreter, or `eval`, with its arguments. */
  #run(words: ShellCommand, depth: number): void {
    const shell = SHELLS.test(programOf(words)) || programOf(words) === "eval";
    for (const [index, { text, substitutions }] of words.entries()) {
      if (index === 0 || REDIRECTION.test(words[index - 1]?.text ?? "")) continue;
      for (const inside of substitutions) {
        for (const pipeline of shellPipelines(inside)) {
          const commands = pipeline.map(withoutPrefix);
          const fetch = commands.find((one) => FETCHES.test(programOf(one)));
          if (fetch !== undefined) this.#rule(scriptRule(fetch));
          if (commands.some((one) => DECODES.test(programOf(one)))) {
            this.#rule("setup-hidden-command");
          }
        }
      }
      this.#rule(this.#files.get(baseOf(text)));
      // A program that fetches another one by itself.
      if (FETCHED_CODE.every((pattern) => pattern.test(text))) this.#rule("setup-remote-script");
      // The command of `sh -c`.
      if (shell && /[\s|;&]/u.test(text)) this.#text(text, depth + 1);
    }
  }

  #packages(command: ShellCommand): void {
    const words = command.map(({ text }) => text);
    for (const word of words) {
      const variable = VARIABLE.exec(word)?.groups?.["place"];
      if (variable !== undefined) {
        for (const place of variable.split(/\s+/u)) this.#add(indexAnomaly(place));
      }
      const host = TRUSTED_VARIABLE.exec(word)?.groups?.["host"];
      if (host !== undefined) this.#add(indexAnomaly(`http://${host}`));
    }
    const from = words.findIndex((word) => INSTALLS.test(baseOf(word)));
    if (from < 0) return;
    for (let index = from + 1; index < words.length; index++) {
      const word = words[index] ?? "";
      const value = words[index + 1] ?? "";
      const place = indexOf(word, value);
      // uv's have names: `NAME=ADDRESS`.
      if (place !== undefined) this.#add(indexAnomaly(place.replace(/^[\w-]+=(?=[a-z]+:)/iu, "")));
      const trusted = TRUSTED.exec(word);
      if (trusted !== null) this.#add(indexAnomaly(`http://${trusted.groups?.["host"] ?? value}`));
      const isValue = VALUED.test(words[index - 1] ?? "") ||
        indexOf(words[index - 1] ?? "", "") === "" ||
        words[index - 1] === "--trusted-host";
      const pip = PIP.test(baseOf(words[from] ?? ""));
      if (pip && !isValue && !word.startsWith("-")) this.#add(requirementAnomaly(word));
    }
  }
}

/**
 * The index that an option names: options of pip and npm may be abbreviated.
 *
 * @param value the next word
 * @returns undefined where the word is no such option
 */
function indexOf(word: string, value: string): string | undefined {
  if (INDEX_WORD.test(word)) return value;
  if (!word.startsWith("--")) return INDEX_LETTER.exec(word)?.groups?.["place"];
  const equals = word.indexOf("=");
  const name = equals < 0 ? word : word.slice(0, equals);
  if (name.length < 3 || !INDEX_OPTIONS.some((option) => option.startsWith(name))) return undefined;
  return equals < 0 ? value : word.slice(equals + 1);
}

/** True for an interpreter that runs what is piped into it, and not a script, a module or an argument. */
function runsInput(words: ShellCommand): boolean {
  const program = programOf(words);
  if (/^(?:eval|source|\.)$/u.test(program)) return false;
  const [, other] = OTHER_CODE.find(([programs]) => programs.test(program)) ?? [];
  for (const { text } of words.slice(1)) {
    if (text === "-" || text === "/dev/stdin" || /^-[a-z]*s$/u.test(text)) return true;
    if (other?.test(text) === true || !/^[-+]/u.test(text)) return false;
  }
  return true;
}

/** The words from the program on. */
function withoutPrefix(command: ShellCommand): ShellCommand {
  let from = 0;
  for (const { text } of command) {
    const isBefore = BEFORE.test(text) || (from > 0 && BEFORE_OPTION.test(text)) ||
      (from === 0 && /^--(?:mount|network|security)=/u.test(text));
    if (!isBefore) break;
    from++;
  }
  return command.slice(from);
}

function programOf(words: ShellCommand): string {
  return baseOf(words[0]?.text ?? "");
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Base names of the files that a fetch writes: curl's only where it is told to. */
function outputsOf(words: ShellCommand): string[] {
  const texts = words.map(({ text }) => text);
  const named = texts.some((text) => /^(?:-[a-zA-Z]*O|--remote-name(?:-all)?)$/u.test(text)) ||
    programOf(words) !== "curl";
  const names = texts.flatMap((text, index) => {
    const before = texts[index - 1] ?? "";
    if (OUTPUT.test(before) || REDIRECTION.test(before)) return [text];
    const joined = /^(?:--output(?:-document)?=|[12]?>+)(?<name>[^]+)$/u.exec(text)?.groups
      ?.["name"];
    if (joined !== undefined) return [joined];
    return named && ADDRESS.test(text) ? [text.replace(/[?#][^]*$/u, "")] : [];
  });
  return names.map(baseOf).filter((name) => !/^[.-]?$/u.test(name));
}

/** Base names of the files that a command behind a pipe writes. */
function writtenBy(words: ShellCommand): string[] {
  const texts = words.map(({ text }) => text);
  const isTee = programOf(words) === "tee";
  return texts.flatMap((text, index) => {
    const joined = /^(?:[12]?>+|of=)(?<name>[^]+)$/u.exec(text)?.groups?.["name"];
    if (joined !== undefined) return [joined];
    const isOutput = REDIRECTION.test(texts[index - 1] ?? "");
    return isOutput || (isTee && index > 0 && !text.startsWith("-")) ? [text] : [];
  }).map(baseOf).filter((name) => !/^[.-]?$/u.test(name));
}

/** The rule for a script that is fetched and run; undefined for a known installer. */
function scriptRule(fetch: ShellCommand): string | undefined {
  const texts = fetch.map(({ text }) => text);
  const addresses = texts.filter((text) => ADDRESS.test(text));
  // An address without a scheme is fetched without TLS; one in a variable is not known.
  if (addresses.length === 0) return "setup-remote-script";
  const unsafe = addresses.some((address) =>
    !/^https:/iu.test(address) ||
    /^https:\/\/(?:[^/@]*@)?(?:(?:\d{1,3}\.){3}\d|\[|0x|\d+[/:])/iu.test(address)
  );
  if (unsafe || texts.some((text) => UNVERIFIED.test(text))) return "setup-unverified-script";
  return addresses.every((address) => isKnownHost(address, INSTALLERS))
    ? undefined
    : "setup-remote-script";
}
