/**
 * What the metadata of a GGUF file say of its model.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#general-metadata
 *
 * @module
 */

import type { ModelAbout } from "../../core/about.ts";
import { aboutText, aboutTexts, NumbersByType } from "../../parsers/about.ts";
import { type GgufTensor, typeName } from "./tensors.ts";

/** Keys of texts that are kept. */
const KEYS =
  /^general\.(?:architecture|name|license|license\.name|base_model\.\d{1,3}\.(?:name|repo_url)|datasets?|dataset\.\d{1,3}\.(?:name|repo_url)|tags)$/;

/** Types that are no quantisation. */
const PLAIN = /^(?:F16|F32|F64|BF16|I8|I16|I32|I64)$/;

/** Texts that are kept of one file. CWE-770. */
const KEPT = 1000;

/** Gathers while the file is read. */
export class GgufAbout {
  readonly #texts = new Map<string, string[]>();
  readonly #numbers = new NumbersByType();
  #kept = 0;

  /** True for a key whose text is wanted. */
  wants(key: string): boolean {
    return this.#kept < KEPT && KEYS.test(key);
  }

  /** A text, or one item of a list of texts. */
  text(key: string, text: string): void {
    this.#kept++;
    const known = this.#texts.get(key);
    if (known === undefined) this.#texts.set(key, [text]);
    else known.push(text);
  }

  tensor({ type, dimensions }: GgufTensor): void {
    this.#numbers.add(typeName(type), dimensions.reduce((count, size) => count * size, 1n));
  }

  /** All that was said. */
  about(): ModelAbout {
    const first = (key: string): string | undefined => aboutText(this.#texts.get(key)?.[0]);
    const all = (key: RegExp): readonly string[] =>
      aboutTexts([...this.#texts].filter(([it]) => key.test(it)).flatMap(([, texts]) => texts));
    const family = first("general.architecture");
    const name = first("general.name");
    const licenses = all(/^general\.license(?:\.name)?$/);
    const baseModels = all(/^general\.base_model\.\d+\.name$/);
    const datasets = all(/^general\.(?:datasets?|dataset\.\d+\.name)$/);
    const numbers = this.#numbers.about();
    const [quantization] = Object.keys(numbers.types ?? {}).filter((it) => !PLAIN.test(it));
    return {
      ...numbers,
      ...(name !== undefined && { name }),
      ...(family !== undefined && { family }),
      ...(quantization !== undefined && { quantization }),
      ...(licenses.length > 0 && { licenses }),
      ...(baseModels.length > 0 && { baseModels }),
      ...(datasets.length > 0 && { datasets }),
    };
  }
}
