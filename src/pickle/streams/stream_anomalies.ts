/**
 * What is wrong with a stream's bytes, as anomalies.
 *
 * @module
 */

import type { Observation, Siblings } from "../../core/types.ts";
import type { Input } from "./input.ts";
import type { Run } from "./driver.ts";
import { STATUS } from "../machine/status.ts";
import { claimStorages, storageMismatches } from "../semantics/tensors.ts";

/**
 * What is wrong with a stream's bytes under the base reading.
 *
 * @param within the place of the stream in its source
 * @param siblings the files beside the pickle, where it is a member of an archive; its storages are claimed there
 */
export function anomaliesOf(
  run: Run,
  input: Input,
  within: readonly string[],
  siblings: Siblings | undefined,
): Observation[] {
  const { machine } = run;
  const { anomalies, reader: { error } } = machine;
  const found: Observation[] = [];
  const anomaly = (rule: string, detail: string, offset: number, unread = false): void => {
    found.push({
      type: "anomaly",
      rule,
      detail,
      offset: input.actual(offset),
      within,
      ...(unread && { unread: true }),
    });
  };
  if (run.status === STATUS.FAILED && error !== undefined) {
    const rule = error.truncated ? "pickle-truncated" : "pickle-malformed";
    anomaly(rule, error.message, error.offset, true);
  }
  if (run.badArray !== undefined) {
    anomaly(
      "joblib-array-truncated",
      "the array's bytes cannot be counted or go past the end",
      run.badArray,
      true,
    );
  }
  if (machine.heap.detailLost) {
    anomaly(
      "pickle-budget",
      "values were too many to keep the arguments of every call",
      run.end,
      true,
    );
  }
  if (anomalies.refused !== undefined) {
    anomaly("pickle-malformed", anomalies.refused.message, anomalies.refused.offset, true);
  }
  if (anomalies.straddles > 0 || anomalies.oddFrame >= 0) {
    const at = anomalies.straddles > 0 ? anomalies.straddleOffset : anomalies.oddFrame;
    anomaly(
      "pickle-frame-divergence",
      "an argument or a frame crosses the end of its frame",
      at,
      anomalies.longFrame,
    );
  }
  if (anomalies.looseArgument >= 0) {
    anomaly(
      "pickle-grammar-divergence",
      "only the C unpickler reads this argument",
      anomalies.looseArgument,
    );
  }
  if (anomalies.unsearched >= 0) {
    const detail = "a text is too long to be searched to its end for the patterns";
    anomaly("scan-limit", detail, anomalies.unsearched, true);
  }
  if (anomalies.memoRedefined >= 0) {
    anomaly(
      "pickle-memo-redefined",
      "a memo entry is written a second time",
      anomalies.memoRedefined,
    );
  }
  if (anomalies.oddProtocol >= 0) {
    anomaly(
      "pickle-protocol-odd",
      "PROTO stands in the middle of the stream",
      anomalies.oddProtocol,
    );
  }
  for (const mismatch of machine.semantics.tensorMismatches) {
    anomaly("torch-storage-mismatch", mismatch.message, mismatch.offset);
  }
  for (const mismatch of storageMismatches(machine.heap, machine.persistentIds, siblings)) {
    anomaly("torch-storage-mismatch", mismatch, run.end);
  }
  if (siblings?.claim !== undefined) {
    claimStorages(machine.heap, machine.persistentIds, siblings);
  }
  if (machine.leftovers > 0 && run.status === STATUS.STOPPED) {
    anomaly(
      "pickle-stack-left",
      `${machine.leftovers} values or marks are left at STOP`,
      run.end - 1,
    );
  }
  return found;
}
