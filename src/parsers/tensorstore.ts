/**
 * TensorStore's specifications in configurations: where arrays are read from. T5X, Orbax and zarr name stores in
 * them. https://google.github.io/tensorstore/kvstore/index.html
 *
 * @module
 */

import { type ConfigNode, textOf } from "./config_node.ts";
import type { Observation } from "../core/types.ts";

/** Drivers of stores that are elsewhere. */
const REMOTE = /^(?:gcs|gcs_grpc|s3|http|tsgrpc_kvstore|ocdbt_coordinator|neuroglancer_http)$/u;
/** Addresses of stores. */
const ADDRESS = /^(?:gs|s3|https?|ftp|gcs|hdfs):\/\//iu;
/** Keys whose text is a store. */
const STORES = ["kvstore", "base", "manifest", "ts_spec"];
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
      if (STORES.includes(key) && ADDRESS.test(text)) {
        anomaly("orbax-remote-store", `"${key}" is "${text}"`);
      }
      const isFile = drivers.some((driver) => /^(?:file|gfile)$/u.test(driver));
      if (key === "path" && isFile && leavesStore(text)) {
        anomaly("orbax-outside", `A store has the path "${text}"`);
      }
    }
  }
  return found;
}
