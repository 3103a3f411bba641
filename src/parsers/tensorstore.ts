/**
 * TensorStore's specifications in configurations: where arrays are read from. T5X, Orbax and zarr name stores in
 * them. https://google.github.io/tensorstore/kvstore/index.html
 *
 * @module
 */

import { type ConfigNode, hasMember, textOf } from "./config_node.ts";
import type { Observation } from "../core/types.ts";

/** Drivers of stores that are elsewhere. */
const REMOTE = /^(?:gcs|gcs_grpc|s3|http|tsgrpc_kvstore|ocdbt_coordinator|neuroglancer_http)$/u;
/** Addresses of stores, with formats behind bars: `url_registry.h` of TensorStore. */
const ADDRESS = /^(?<scheme>[a-z][\w+.-]*):\/\//iu;
/** Schemes of stores on this machine, and of such that nothing is read from. */
const FILE_SCHEME = /^g?file$/iu;
const NO_SCHEME = /^(?:memory|null)$/iu;
/** Keys whose text is a store. */
const STORES = ["kvstore", "ts_spec"];
/** Keys whose text is one in a specification, which has a driver. */
const STORES_OF_DRIVERS = ["base", "manifest"];
/** How a text of older releases of Orbax begins that stands for an array in the folder. */
const PLACEHOLDER = /^(?:PLACEHOLDER|AGGREGATED):\/\//u;
/** Characters of the keys around a value, of which the first ones say where they lead. CWE-770. */
const PATH = 4096;
/** Nodes that are looked at. CWE-770. */
const NODES = 4_000_000;
/** Anomalies that are reported one by one. CWE-779. */
const REPORTED = 20;

/** True for a path that does not stay where its folder is: absolute, with a drive or host, or climbing out. */
export function leavesStore(path: string): boolean {
  return /^(?:[\\/]|[A-Za-z]:[\\/]|[A-Za-z][\w+.-]*:\/\/)/u.test(path) ||
    path.split(/[\\/]/u).includes("..");
}

/**
 * Stores elsewhere, and paths outside of the checkpoint, that a configuration names.
 *
 * @param roots of its documents
 */
export function storeAnomalies(roots: readonly ConfigNode[]): Observation[] {
  const found: Observation[] = [];
  const anomaly = (rule: string, detail: string): void => {
    if (found.length < REPORTED) {
      found.push({ type: "anomaly", rule, detail: detail.slice(0, 300) });
    }
  };
  const address = (key: string, text: string): void => {
    const scheme = ADDRESS.exec(text)?.groups?.["scheme"];
    if (scheme === undefined || NO_SCHEME.test(scheme)) return;
    const rule = FILE_SCHEME.test(scheme) ? "orbax-outside" : "orbax-remote-store";
    anomaly(rule, `"${key}" is "${text}"`);
  };
  let nodes = 0;
  const waiting = [...roots];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (++nodes > NODES) {
      const detail = `More than ${NODES} values are not searched for stores`;
      return [...found, { type: "anomaly", rule: "orbax-malformed", detail, unread: true }];
    }
    if (node.kind === "list") { for (const item of node.items) waiting.push(item); }
    if (node.kind !== "map") continue;
    const texts = node.members.flatMap(([key, value]) => {
      if (value.kind !== "scalar") waiting.push(value);
      const name = textOf(key);
      const text = textOf(value);
      return name === undefined || text === undefined ? [] : [[name, text] as const];
    });
    for (const [key, value] of node.members) {
      // Layers of `kvstack` and `stack` are stores, too.
      if (textOf(key) !== "layers" || value.kind !== "list") continue;
      for (const layer of value.items) address("layers", textOf(layer) ?? "");
    }
    const drivers = texts.filter(([key]) => key === "driver").map(([, text]) => text);
    for (const driver of drivers) {
      if (REMOTE.test(driver)) {
        const where = texts.filter(([key]) =>
          /^(?:bucket|base_url|path|endpoint|address)$/u.test(key)
        );
        const shown = where.map(([key, text]) => `${key} "${text}"`).join(", ");
        anomaly("orbax-remote-store", `A store has the driver "${driver}"${shown && `, ${shown}`}`);
      }
    }
    for (const [key, text] of texts) {
      if (STORES.includes(key) || (drivers.length > 0 && STORES_OF_DRIVERS.includes(key))) {
        address(key, text);
      }
      // Drivers of formats have the rest of their store's path beside it.
      const isPath = key === "path" &&
        (drivers.some((driver) => FILE_SCHEME.test(driver)) || hasMember(node, "kvstore"));
      if (isPath && leavesStore(text)) anomaly("orbax-outside", `A store has the path "${text}"`);
    }
  }
  return found;
}

/**
 * Names of arrays that leave the folder of an older checkpoint of Orbax: a tree with texts in the places of arrays,
 * of which newer releases take the keys around them for the name, older ones the text itself.
 * `_CHECKPOINT_FILE` in `orbax/checkpoint/_src/handlers/pytree_checkpoint_handler.py`, `orbax/checkpoint/utils.py`
 */
export function placeholderAnomalies(root: ConfigNode): Observation[] {
  const found: Observation[] = [];
  const waiting: { readonly node: ConfigNode; readonly path: string }[] = [{
    node: root,
    path: "",
  }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, path } = next;
    if (node.kind === "scalar") {
      if (!PLACEHOLDER.test(node.text)) continue;
      for (const name of [path, node.text.replace(PLACEHOLDER, "")]) {
        if (!leavesStore(name) || found.length >= REPORTED) continue;
        const detail = `An array is "${name.slice(0, 200)}"`;
        found.push({ type: "anomaly", rule: "orbax-outside", detail, offset: node.at });
      }
      continue;
    }
    const members = node.kind === "list"
      ? node.items.map((item, index) => [String(index), item] as const)
      : node.members.map(([key, value]) => [textOf(key) ?? "", value] as const);
    for (const [key, value] of members) {
      waiting.push({ node: value, path: (path === "" ? key : `${path}.${key}`).slice(0, PATH) });
    }
  }
  return found;
}
