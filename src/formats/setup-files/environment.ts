/**
 * Environments of conda and of MLflow: channels, and requirements of pip, in lists of YAML.
 * https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html,
 * https://mlflow.org/docs/latest/ml/model/#environment-variables
 *
 * @module
 */

import type { Observation } from "../../core/types.ts";
import { type ConfigNode, textOf } from "../../parsers/config_node.ts";
import { type Command, commandAnomalies } from "../../parsers/setup/commands.ts";
import { composeYaml } from "../../parsers/yaml/compose.ts";
import { requirementAnomalies, requirementLines } from "./requirements.ts";

type Anomaly = Extract<Observation, { readonly type: "anomaly" }>;

/**
 * What an environment is installed from. Text that is no YAML, such as a template, is read by its lines.
 *
 * @param check called now and then; may throw
 */
export function* environmentAnomalies(text: string, check: () => void): Iterable<Anomaly> {
  const { roots, syntaxError } = composeYaml(text, check);
  if (syntaxError !== undefined) yield* requirementAnomalies(itemLines(text));
  const waiting: ConfigNode[] = [...roots];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.kind === "scalar") continue;
    if (node.kind === "list") {
      for (const item of node.items) {
        waiting.push(item);
        // An item is written to a file of requirements as it stands.
        const lines = [...requirementLines(textOf(item) ?? "")];
        for (const one of requirementAnomalies(lines)) yield { ...one, offset: item.at };
      }
      continue;
    }
    for (const [key, value] of node.members) {
      waiting.push(value);
      const set = textOf(value);
      if (set === undefined) continue;
      const command = `${textOf(key) ?? ""}='${set.replaceAll("'", "")}'`;
      yield* commandAnomalies([{ text: command, at: value.at }], check);
    }
  }
}

function* itemLines(text: string): Iterable<Command> {
  for (const { text: line, at } of requirementLines(text)) {
    const item = /^\s*-\s+(?<item>[^]*)$/u.exec(line)?.groups?.["item"];
    if (item !== undefined) yield { text: item.replace(/^(["'])(.*)\1\s*$/u, "$2"), at };
  }
}
