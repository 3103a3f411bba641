/**
 * `modelaudit config init|check|show`: a template, whether a file is right, and what holds here.
 *
 * @module
 */

import { loadRules } from "../../rules/rules.ts";
import type { PolicyLine } from "../../config/configuration.ts";
import type { Effective, Layer } from "../../config/effective.ts";
import { TEMPLATE } from "../../config/template.ts";
import { escapeText, jsonText } from "../../report/escape.ts";
import { formatCount } from "../../core/numbers.ts";
import { painter, severityLabel } from "../../report/style.ts";
import { displayWidth, padEnd } from "../../report/width.ts";
import type { Severity } from "../../core/types.ts";
import {
  type ConfigurationChoice,
  type Configured,
  findConfigurations,
  loadConfigured,
  placesOf,
} from "../configuration.ts";
import type { Io } from "../io.ts";
import { wantsColor } from "../terminal.ts";

/** How `config show` writes. */
export interface ConfigShowOptions {
  readonly format: string;
  readonly emoji: boolean;
  readonly config: ConfigurationChoice;
}

/** Writes the template to standard output. */
export async function runConfigInit(io: Io): Promise<number> {
  await io.stdout.write(TEMPLATE);
  return 0;
}

/**
 * Validates a configuration.
 *
 * @param file its path; when undefined, the one that a scan would find
 * @throws ConfigError when it is wrong
 */
export async function runConfigCheck(file: string | undefined, io: Io): Promise<number> {
  const { configuration } = await loadConfigured(file, io);
  const lines = configuration.layers.length === 0
    ? ["There is no configuration: the embedded rules hold."]
    : configuration.layers.map((layer) => {
      const entries = formatCount(entriesOf(layer).length, "entry", "entries");
      return `${layer.configuration.file} is right: ${entries}.`;
    });
  const warnings = configuration.layers.flatMap(warningsOf).map((text) => `warning: ${text}`);
  const all = [...lines, ...warnings, ...configuration.notes.map((note) => `note: ${note}`)];
  await io.stdout.write(all.map((line) => `${escapeText(line)}\n`).join(""));
  return 0;
}

/** Entries that let through what does harm, or all that there is. */
function warningsOf({ configuration: { allow, exclude, ignores, policies } }: Layer): string[] {
  const rules = loadRules();
  const harmful = allow.filter(({ path, wildcard }) => {
    const dot = path.lastIndexOf(".");
    const [module, name] = wildcard || dot < 0
      ? [path, "anything"]
      : [path.slice(0, dot), path.slice(dot + 1)];
    return rules.match(module, name, true).rule.safety === "dangerous";
  });
  const everything = ignores.filter(({ path, rule }) => rule === undefined && isEverything(path));
  const governed = policies.filter(({ path }) => isEverything(path));
  return [
    ...harmful.map(({ path, wildcard, origin }) =>
      `${origin}: "${path}${wildcard ? ".*" : ""}" is allowed, which can do harm whoever calls it.`
    ),
    ...everything.map(({ path, origin }) =>
      `${origin}: the ignore of "${path}" accepts every issue of every file.`
    ),
    ...governed.filter(({ failOn }) => failOn === "never").map(({ path, origin }) =>
      `${origin}: by the policy of "${path}" no issue of any file fails a run.`
    ),
    ...governed.filter(({ acceptsIncomplete }) => acceptsIncomplete).map(({ path, origin }) =>
      `${origin}: the policy of "${path}" accepts every file that is incomplete.`
    ),
    ...exclude.filter(({ name }) => isEverything(name)).map(({ name, origin }) =>
      `${origin}: "${name}" excludes every file.`
    ),
  ];
}

/** True for a glob that matches every path. */
function isEverything(glob: string): boolean {
  return /^(?:\*\*|\*|\*\*\/\*|\.)$/u.test(glob);
}

/** Writes the effective rules and where each came from. */
export async function runConfigShow(options: ConfigShowOptions, io: Io): Promise<number> {
  const configured = await loadConfigured(options.config, io);
  const text = options.format === "json"
    ? jsonText(record(configured, options.config, io), 2) + "\n"
    : page(configured, options, io);
  await io.stdout.write(text);
  return 0;
}

/** One entry of a file, as people read it. */
interface EntryLine {
  readonly what: string;
  readonly severity: Severity | undefined;
  readonly subject: string;
  readonly origin: string;
}

/** All entries of a layer, in the order of their kinds. */
function entriesOf({ configuration: it }: Layer): EntryLine[] {
  const entry = (
    what: string,
    subject: string,
    origin: string,
    severity?: Severity,
  ): EntryLine => ({ what, subject, origin, severity });
  return [
    ...(it.replace === undefined ? [] : [entry("replace", "the embedded tables", it.replace)]),
    ...(it.failOn === undefined ? [] : [entry("fail_on", it.failOn.severity, it.failOn.origin)]),
    ...it.include.map((one) => entry("include", one.name, one.origin)),
    ...it.exclude.map((one) => entry("exclude", one.name, one.origin)),
    ...it.globals.map(({ module, names, severity, origin }) =>
      entry(
        "global",
        names === "*" ? `${module}.*` : names.map((name) => `${module}.${name}`).join(" "),
        origin,
        severity,
      )
    ),
    ...it.operators.map((one) => entry(one.language, one.operator, one.origin, one.severity)),
    ...it.patterns.map((one) =>
      entry(one.literal ? "text" : "pattern", one.pattern, one.origin, one.severity)
    ),
    ...it.rules.map((one) => entry("rule", one.rule, one.origin, one.severity)),
    ...it.forbid.map((one) => entry("forbid", one.name, one.origin, "high")),
    ...it.allow.map((one) => entry("allow", one.wildcard ? `${one.path}.*` : one.path, one.origin)),
    ...it.disable.map((one) => entry("disable", one.name, one.origin)),
    ...it.loaders.map(({ id, library, origin }) => entry("loader", `${id} (${library})`, origin)),
    ...it.ignores.map((one) =>
      entry(
        "ignore",
        [
          one.path,
          one.rule ?? "",
          one.expires === undefined ? "" : `until ${one.expires}`,
          `(${one.reason})`,
        ]
          .filter((part) => part !== "").join(" "),
        one.origin,
      )
    ),
    ...it.policies.map((one) => entry("policy", policyText(one), one.origin)),
    ...it.scores.map((one) => entry("score", String(one.score), one.origin, one.severity)),
    ...it.limits.map((one) => entry("limit", `${one.limit} = ${one.value}`, one.origin)),
  ];
}

/** A policy on one line. */
function policyText(policy: PolicyLine): string {
  const { path, failOn, disable, forbid, acceptsIncomplete, expires, reason } = policy;
  return [
    path,
    failOn === undefined ? "" : `fail_on ${failOn}`,
    disable.length === 0 ? "" : `disable ${disable.join(" ")}`,
    forbid.length === 0 ? "" : `forbid ${forbid.join(" ")}`,
    acceptsIncomplete ? "incomplete accepted" : "",
    expires === undefined ? "" : `until ${expires}`,
    `(${reason})`,
  ].filter((part) => part !== "").join(" ");
}

/** Files that were looked for, and what came of it. */
function patternLines(
  choice: ConfigurationChoice,
  configuration: Effective,
  io: Io,
): { readonly path: string; readonly used: string }[] {
  if (choice === false) return [];
  const used = new Map(
    findConfigurations(choice, io).map(({ path }) => {
      const layer = configuration.layers.find((it) => it.configuration.file === path);
      return [path, layer?.trusted === false ? "adds and raises only" : "used"];
    }),
  );
  const paths = choice === undefined ? placesOf(io).map((it) => it.path) : [choice];
  return paths.map((path) => ({ path, used: used.get(path) ?? "not used" }));
}

function record(
  { rules, configuration }: Configured,
  choice: ConfigurationChoice,
  io: Io,
): Record<string, unknown> {
  return {
    configuration: configuration.name,
    places: patternLines(choice, configuration, io),
    notes: configuration.notes,
    fail_on: configuration.failOn ?? "medium",
    limits: configuration.limits,
    entries: configuration.layers.flatMap((layer) =>
      entriesOf(layer).map((it) => ({
        ...it,
        severity: it.severity ?? null,
        trusted: layer.trusted,
      }))
    ),
    rules_version: rules.version,
    rules: rules.list().map((rule) => ({
      id: rule.id,
      severity: rule.severity,
      safety_level: rule.safety,
      origin: rule.origin ?? "embedded",
    })),
  };
}

function page({ rules, configuration }: Configured, options: ConfigShowOptions, io: Io): string {
  const paint = painter(wantsColor(io.env, io.stdout));
  const row = (
    severity: Severity | undefined,
    cells: readonly string[],
    origin: string,
  ): string => {
    const label = severity === undefined
      ? { text: "", style: "dim" as const }
      : severityLabel(severity, options.emoji);
    const gap = " ".repeat(Math.max(0, 12 - displayWidth(label.text)));
    return `  ${paint(label.text, label.style)}${gap}${cells.map(escapeText).join("  ")}  ${
      paint(escapeText(origin), "dim")
    }`;
  };
  const entries = configuration.layers.flatMap(entriesOf);
  const idWidth = Math.max(0, ...rules.list().map((it) => displayWidth(it.id)));
  const lines = [
    paint("Configuration", "bold"),
    ...patternLines(options.config, configuration, io)
      .map(({ path, used }) => `  ${escapeText(path)}  ${paint(used, "dim")}`),
    ...(configuration.layers.length === 0 ? ["  the embedded rules hold"] : []),
    ...configuration.notes.map((note) => `  ${paint("note", "yellow")} ${escapeText(note)}`),
    ...(entries.length === 0 ? [] : ["", paint("Entries", "bold")]),
    ...entries.map((it) => row(it.severity, [padEnd(it.what, 10), it.subject], it.origin)),
    "",
    paint("Rules", "bold"),
    ...rules.list().map((rule) =>
      row(rule.severity, [padEnd(rule.id, idWidth)], rule.origin ?? "embedded")
    ),
  ];
  return lines.map((line) => line + "\n").join("");
}
