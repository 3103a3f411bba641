/**
 * What an ONNX model reads from other files: data of tensors, and programs compiled for an accelerator.
 * The rules of `location` are in `bundles/onnx_location.ts`.
 *
 * @module
 */

import {
  findExternal,
  type LocationProblem,
  locationProblem,
} from "../../bundles/onnx_location.ts";
import type { FolderPlace, Observation } from "../../core/types.ts";
import { stringsOf } from "./operators.ts";
import { EXTERNAL, FIELD } from "./schema.ts";
import { type Frame, textOf } from "./walk.ts";

/**
 * Files, and anomalies, that are reported separately. `onnx.save_model` writes one file, or one a tensor.
 * CWE-779.
 */
const FILES = 20_000;
const ANOMALIES = 200;

/** Keys of `external_data`; onnxruntime writes further ones for weights in the order of a processor. */
const KEYS = new Set(["location", "offset", "length", "checksum", "basepath"]);
const RUNTIME_KEY = /^prepacked_/u;

/** What readers take without a thought: others have signs, spaces, other bases. */
const PLAIN_NUMBER = /^\d{1,15}$/u;

type Anomaly = Extract<Observation, { readonly type: "anomaly" }>;

interface File {
  readonly offset: number;
  /** What first asked for it, for instance `Tensor "w"`. */
  readonly by: string;
  count: number;
  /** The furthest byte asked for. */
  end: number;
}

/** Collects the external data files of one model. */
export class Externals {
  readonly #files = new Map<string, File>();
  readonly #anomalies = new Map<string, { anomaly: Anomaly; count: number }>();
  #omitted = 0;

  /** A tensor has ended. A location counts even where the tensor does not say that it is used. */
  addTensor(tensor: Frame): void {
    const declared = tensor.numbers.get(FIELD.dataLocation) === EXTERNAL;
    if (!declared && tensor.parts.length === 0) return;
    const by = `Tensor "${textOf(tensor, FIELD.tensorName)}"`;
    const { offset } = tensor;
    let end = 0;
    const locations: string[] = [];
    for (const entry of tensor.parts) {
      const key = textOf(entry, FIELD.entryKey);
      const value = textOf(entry, FIELD.entryValue);
      if (key === "location") locations.push(value);
      else if (key === "offset" || key === "length") end += this.#number(by, key, value, offset);
      else if (!KEYS.has(key) && !RUNTIME_KEY.test(key)) {
        const detail = `${by} has the key "${key}" among those that say where its data are`;
        this.#anomaly("onnx-external-data-key", detail, offset);
      }
    }
    if (locations.length === 0 && declared) {
      const detail = `${by} has its data in another file, but no location says which`;
      this.#anomaly("onnx-external-data-odd", detail, offset);
    }
    for (const location of locations) this.#addFile(by, location, offset, end);
  }

  /**
   * A node has ended. EPContext with `embed_mode` 0 names a file that an execution provider reads,
   * https://onnxruntime.ai/docs/execution-providers/EP-Context-Design.html
   */
  addNode(node: Frame): void {
    if (textOf(node, FIELD.opType) !== "EPContext") return;
    const named = (name: string): Frame | undefined =>
      node.parts.find((part) => textOf(part, FIELD.attributeName) === name);
    if (named("embed_mode")?.numbers.get(FIELD.attributeInt) !== 0) return;
    const context = named("ep_cache_context");
    const by = `Node "${textOf(node, FIELD.nodeName)}"`;
    for (const { text } of context === undefined ? [] : stringsOf(context)) {
      this.#addFile(by, text, node.offset, 0);
    }
  }

  /**
   * All that is wrong.
   *
   * @param folder the folder that the model lies in, where it is known
   */
  anomalies(folder: FolderPlace | undefined): Anomaly[] {
    if (folder !== undefined) {
      for (const [location, file] of this.#files) this.#lookUp(folder, location, file);
    }
    const anomalies = [...this.#anomalies.values()].map(({ anomaly, count }) =>
      count > 1 ? { ...anomaly, detail: `${anomaly.detail} (${count} times)` } : anomaly
    );
    if (this.#omitted > 0) {
      const detail = `${this.#omitted} further locations are as wrong as those reported`;
      anomalies.push({ type: "anomaly", rule: "onnx-external-data-odd", detail });
    }
    return anomalies;
  }

  #addFile(by: string, location: string, offset: number, end: number): void {
    const problem = locationProblem(location);
    if (problem !== undefined) {
      this.#problem(by, location, problem, offset);
      return;
    }
    const file = this.#files.get(location);
    if (file !== undefined) {
      file.count++;
      file.end = Math.max(file.end, end);
    } else if (this.#files.size < FILES) {
      this.#files.set(location, { offset, by, count: 1, end });
    }
  }

  #lookUp(folder: FolderPlace, location: string, { by, offset, end }: File): void {
    const found = findExternal(folder.listing, folder.member, location);
    if (found === undefined) return;
    if (found.type === "problem") {
      const rule = found.problem.kind === "outside"
        ? "onnx-external-data-link"
        : "onnx-external-data-odd";
      const detail = `${by} takes its data from "${location}", which ${found.problem.text}`;
      this.#anomaly(rule, detail, offset);
    } else if (found.type === "missing") {
      const detail = `${by} takes its data from "${location}", which is not there`;
      this.#anomaly("onnx-external-data-missing", detail, offset);
    } else if (found.size !== undefined && end > found.size) {
      const detail = `${by} takes data up to byte ${end} of "${location}", ` +
        `which has ${found.size} bytes`;
      this.#anomaly("onnx-external-data-range", detail, offset);
    }
  }

  #number(by: string, key: string, value: string, offset: number): number {
    if (PLAIN_NUMBER.test(value)) return Number(value);
    this.#anomaly("onnx-external-data-range", `${by} has "${value}" as ${key} of its data`, offset);
    return 0;
  }

  #problem(by: string, location: string, { kind, text }: LocationProblem, offset: number): void {
    const rule = kind === "outside" ? "onnx-external-data-outside" : "onnx-external-data-odd";
    const detail = location === ""
      ? `${by} takes its data from a file whose location is empty`
      : `${by} takes its data from "${location}", which ${text}`;
    this.#anomaly(rule, detail, offset, `${rule}\n${location}`);
  }

  #anomaly(rule: string, detail: string, offset: number, key = `${rule}\n${detail}`): void {
    const known = this.#anomalies.get(key);
    if (known !== undefined) known.count++;
    else if (this.#anomalies.size >= ANOMALIES) this.#omitted++;
    else this.#anomalies.set(key, { anomaly: { type: "anomaly", rule, detail, offset }, count: 1 });
  }
}
