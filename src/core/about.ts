/**
 * What a file says of the model that is in it or beside it. Nothing of it is checked.
 *
 * @module
 */

/** What a file says of a model; texts are raw, as the file has them, and cut where they are long. */
export interface ModelAbout {
  /** Its name. */
  readonly name?: string;
  /** For instance `LlamaForCausalLM` or `llama`. */
  readonly architecture?: string;
  /** The family of the architecture, for instance `llama`. */
  readonly family?: string;
  /** What it is for, for instance `text-generation`. */
  readonly task?: string;
  /** The library that it is made for. */
  readonly library?: string;
  /** How its numbers are quantised, for instance `Q4_K` or `gptq, 4 bits`. */
  readonly quantization?: string;
  /** The type of its numbers, as a configuration names it, for instance `bfloat16`. */
  readonly dtype?: string;
  /** Numbers in its tensors. */
  readonly parameters?: number;
  /** The same by type, most first. */
  readonly types?: Readonly<Record<string, number>>;
  /** Names of licences. */
  readonly licenses?: readonly string[];
  /** Models that it was made from. */
  readonly baseModels?: readonly string[];
  /** Data sets that it was trained on. */
  readonly datasets?: readonly string[];
}

/** What two statements about one model come to: the first says what both say. */
export function mergedAbout(first: ModelAbout | undefined, second: ModelAbout): ModelAbout {
  if (first === undefined) return second;
  const joined = (key: "licenses" | "baseModels" | "datasets"): ModelAbout => {
    const all = [...new Set([...first[key] ?? [], ...second[key] ?? []])];
    return all.length === 0 ? {} : { [key]: all };
  };
  return {
    ...second,
    ...first,
    ...joined("licenses"),
    ...joined("baseModels"),
    ...joined("datasets"),
  };
}
