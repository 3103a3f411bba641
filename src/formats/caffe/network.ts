/**
 * Caffe's networks and solvers in text (`.prototxt`): NetParameter, SolverParameter, and the label maps of
 * its branch for detection, `src/caffe/proto/caffe.proto` of https://github.com/BVLC/caffe
 *
 * A layer `Python` imports a module and makes an instance of what it names there as soon as the network is
 * made. Layers of data read files, `HDF5Output` writes one. Branches of Caffe have fields of their own, so that
 * text is read by names.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { type Format, type FormatContext, type Sample, SAMPLE_BYTES } from "../../core/format.ts";
import { importedSources } from "../../bundles/repository.ts";
import type { Source } from "../../core/source.ts";
import type { Evidence, FolderPlace, Observation } from "../../core/types.ts";
import { looksLikeText } from "../../parsers/bytes.ts";
import { leavesFolder } from "../../parsers/leaves_folder.ts";
import { firstField } from "../../parsers/text_head.ts";
import { readTextProto, type TextField } from "../../parsers/text_proto.ts";
import { readAll } from "../../sources/read_all.ts";

/** Bytes of a network, without its weights. ResNet-152 has 300 KiB. CWE-770. */
const TEXT_BYTES = 16 * 1024 * 1024;

/** Fields of `NetParameter`; `layers` are those before 2014. */
const NETWORK = new Set([
  ...["name", "input", "input_shape", "input_dim", "force_backward", "state", "debug_info"],
  ...["layer", "layers"],
]);
/** Fields of `SolverParameter`. */
const SOLVER = new Set([
  ...["net", "net_param", "train_net", "test_net", "train_net_param", "test_net_param"],
  ...["train_state", "test_state", "test_iter", "test_interval", "test_compute_loss"],
  ...["test_initialization", "base_lr", "display", "average_loss", "max_iter", "iter_size"],
  ...["lr_policy", "gamma", "power", "momentum", "weight_decay", "regularization_type", "stepsize"],
  ...["stepvalue", "clip_gradients", "snapshot", "snapshot_prefix", "snapshot_diff"],
  ...["snapshot_format", "solver_mode", "device_id", "random_seed", "type", "delta", "momentum2"],
  ...["rms_decay", "debug_info", "snapshot_after_train", "solver_type", "layer_wise_reduce"],
  ...["weights", "eval_type", "ap_version", "show_per_class_result", "plateau_winsize"],
]);
/** Label maps: `LabelMap` of the branch for detection. */
const LABELS = new Set(["item"]);

/** Messages that hold a network. */
const NETWORKS = new Set(["net_param", "train_net_param", "test_net_param"]);

/** Attributes that name files which are read, and such that are written. */
const READ = new Set([
  ...["source", "root_folder", "mean_file", "meanfile", "label_map_file", "name_size_file"],
  ...["net", "train_net", "test_net", "weights", "learned_net"],
]);
const WRITTEN = new Set([
  ...["file_name", "snapshot_prefix", "output_directory", "save_file", "outname_prefix"],
]);

/** Layers that run Python; types are compared as they stand. */
const PYTHON = "Python";

/** What Caffe calls of it (`python_layer.hpp`): the first two when the network is made, the others when it runs. */
const METHODS = ["setup", "reshape", "forward", "backward"];

const NAMED = /\.prototxt$/iu;
/** Anomalies that are reported one by one. CWE-779. */
const REPORTED = 20;
/** Characters of a text that are reported: evidence, and no listing. CWE-779. */
const TEXT_LENGTH = 2048;

/** Caffe's networks. */
export const caffeFormat: Format = {
  id: "caffe",
  random: false,
  detect,
  isUndecided: ({ name, head }) =>
    NAMED.test(name) && head.length === SAMPLE_BYTES && firstField(head) === "cut",
  detectFurther: async (source, _sample, check) => {
    if ((source.size ?? 0) > TEXT_BYTES) return undefined;
    const first = firstField(await readAll(source, TEXT_BYTES, "a network", check));
    return first !== undefined && first !== "cut" && isNetwork(first.name);
  },
  scan,
};

function detect({ name, head }: Sample): boolean {
  if (!looksLikeText(head)) return false;
  const first = firstField(head);
  if (first === undefined || first === "cut") return false;
  if (NAMED.test(name)) return isNetwork(first.name);
  // Under other names a layer with a type must be in sight.
  const text = new TextDecoder("latin1").decode(head);
  return NETWORK.has(first.name) && /\blayers?\s*[:{<][^]*?\btype\s*:/u.test(text);
}

function isNetwork(first: string): boolean {
  return NETWORK.has(first) || SOLVER.has(first) || LABELS.has(first);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const fields = readTextProto(await readAll(source, TEXT_BYTES, "a network", check));
  yield [];
  const walk = new NetworkWalk();
  const unknown = walk.fields(fields);
  yield walk.found();
  if (context.folder !== undefined) yield await walk.modules(context.folder, check);
  if (unknown !== undefined) {
    throw new FormatError(`Cannot read network: "${unknown.name}" is no field`, unknown.at);
  }
}

interface Layers {
  readonly type: string;
  readonly name: string;
  readonly at: number;
  readonly evidence: Map<string, Evidence>;
  count: number;
}

class NetworkWalk {
  readonly #layers = new Map<string, Layers>();
  readonly #references: Observation[] = [];
  readonly #anomalies: Observation[] = [];
  /** Names of modules, with those of the classes that are made of them. */
  readonly #modules = new Map<string, Set<string>>();

  /**
   * Goes through a network or a solver.
   *
   * @returns the first field that neither has
   */
  fields(fields: readonly TextField[]): TextField | undefined {
    const known = fields.every(({ name }) => LABELS.has(name))
      ? LABELS
      : fields.some(({ name }) => NETWORK.has(name) && !SOLVER.has(name))
      ? NETWORK
      : SOLVER;
    for (const field of fields) {
      if (field.name === "layer" || field.name === "layers") this.#layer(field.fields);
      else if (NETWORKS.has(field.name)) this.fields(field.fields);
      else this.#paths(field);
    }
    return fields.find(({ name }) => !known.has(name));
  }

  found(): Observation[] {
    const layers = [...this.#layers.values()].map(
      ({ type, name, at, count, evidence }): Observation => ({
        type: "fact",
        fact: {
          kind: "operator",
          language: "caffe",
          name: type,
          expression: `${type} (layer "${name}"${files(evidence)})`.slice(0, TEXT_LENGTH),
          evidence: [...evidence.values()],
        },
        count,
        offset: at,
      }),
    );
    return [...layers, ...this.#references, ...this.#anomalies];
  }

  /**
   * What the modules run that layers import, where they lie in the network's folder or below: programs put folders of
   * theirs on Python's path.
   *
   * @throws what `check` throws
   */
  async modules({ listing }: FolderPlace, check: () => void): Promise<readonly Observation[]> {
    const files = new Map(listing.members.map((member) => [member.name, member]));
    const named = [...this.#modules].flatMap(([module, classes]) => {
      const path = module.replaceAll(".", "/");
      const ends = [`${path}.py`, `${path}/__init__.py`];
      const found = [...files.keys()].filter((name) =>
        ends.some((end) => name === end || name.endsWith(`/${end}`))
      );
      const called = [...classes].flatMap((
        name,
      ) => [name, ...METHODS.map((it) => `${name}.${it}`)]);
      return found.flatMap((sourcePath) => called.map((className) => ({ sourcePath, className })));
    });
    const sources = await importedSources(named, files, check);
    return sources.flatMap(({ name, facts, unread }) => [
      ...facts.map((fact) => ({ ...fact, within: [name] })),
      ...(unread === undefined ? [] : [
        {
          type: "anomaly",
          rule: "python-unread",
          detail: `Not all of it was followed: ${unread}`,
          unread: true,
          within: [name],
        } as const,
      ]),
    ]);
  }

  /** Before 2014 a layer could lie in a message of its own. */
  #layer(fields: readonly TextField[]): void {
    const inner = fields.filter(({ name, scalar }) => name === "layer" && scalar === undefined);
    for (const { fields } of inner) this.#layer(fields);
    const textOf = (wanted: string): string =>
      fields.findLast(({ name, scalar }) => name === wanted && scalar !== undefined)?.scalar ?? "";
    const name = textOf("name");
    // Of several types the last counts; none of them is left out.
    const types = fields.filter((field) => field.name === "type" && field.scalar !== undefined);
    for (const { scalar: type = "", at } of types) {
      let layers = this.#layers.get(type);
      if (layers === undefined) {
        layers = { type, name, at, count: 0, evidence: new Map() };
        this.#layers.set(type, layers);
      }
      layers.count++;
      gather(fields, layers.evidence);
      if (type === PYTHON) this.#python(fields, name, at);
    }
    for (const field of fields) this.#paths(field);
  }

  #python(fields: readonly TextField[], layer: string, at: number): void {
    const parameters = fields.filter(({ name }) => name === "python_param");
    const texts = (wanted: string): string[] =>
      parameters.flatMap(({ fields }) =>
        fields.flatMap(({ name, scalar }) =>
          name === wanted && scalar !== undefined ? [scalar] : []
        )
      );
    const modules = texts("module");
    const names = texts("layer");
    for (const module of modules.length > 0 ? modules : [""]) {
      const classes = this.#modules.get(module) ?? new Set();
      this.#modules.set(module, classes);
      for (const name of names.length > 0 ? names : [""]) {
        classes.add(name);
        const expression = `${module}.${name} (Python layer "${layer}")`.slice(0, TEXT_LENGTH);
        const evidence = texts("param_str").slice(0, REPORTED).map((text): Evidence => ({
          kind: "text",
          text: text.slice(0, TEXT_LENGTH),
          cut: text.length > TEXT_LENGTH,
        }));
        const fact = {
          kind: "reference",
          language: "caffe",
          module,
          name,
          expression,
          evidence,
        } as const;
        this.#references.push({ type: "fact", fact, count: 1, offset: at });
      }
    }
  }

  /** Files outside of the folder, in a field and all in it. */
  #paths({ name, scalar, fields, at }: TextField): void {
    for (const field of fields) this.#paths(field);
    const written = WRITTEN.has(name);
    if (scalar === undefined || !(written || READ.has(name)) || !leavesFolder(scalar)) return;
    if (this.#anomalies.length >= REPORTED) return;
    this.#anomalies.push({
      type: "anomaly",
      rule: written ? "caffe-written-path" : "caffe-path",
      detail: `"${name}" is "${scalar}"`,
      offset: at,
    });
  }
}

/** Names of files among a layer's attributes. */
function gather(fields: readonly TextField[], into: Map<string, Evidence>): void {
  for (const { name, scalar, fields: inner } of fields) {
    gather(inner, into);
    if (scalar === undefined || !(READ.has(name) || WRITTEN.has(name))) continue;
    if (into.size >= REPORTED) return;
    const cut = scalar.length > TEXT_LENGTH;
    into.set(scalar, { kind: "path", text: scalar.slice(0, TEXT_LENGTH), cut });
  }
}

function files(evidence: ReadonlyMap<string, Evidence>): string {
  const [first] = evidence.values();
  return first === undefined ? "" : `, ${JSON.stringify(first.text.slice(0, 120))}`;
}
