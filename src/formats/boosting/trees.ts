/**
 * What all of XGBoost's forms say of a tree, checked: lengths that agree, children that exist and no
 * node that is reached twice, so that no reader follows an index out of its arrays or round in circles.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";

/** Numbers of an array. */
export type Numbers = ArrayLike<number>;

/** One tree by its arrays, each with one number a node. */
interface Tree {
  readonly left: Numbers;
  readonly right: Numbers;
  /** Feature that each node splits by; undefined where a form has none. */
  readonly features: Numbers;
}

/**
 * Checks a tree.
 *
 * @param name for messages, for instance `tree 3`
 * @param features that the model has; 0 where it does not say
 * @throws FormatError naming the first node that is wrong
 */
export function checkTree(name: string, { left, right, features }: Tree, count: number): void {
  const nodes = left.length;
  if (nodes === 0 || right.length !== nodes || features.length !== nodes) {
    throw new FormatError(
      `Cannot read ${name}: its arrays have ${nodes}, ${right.length} and ${features.length} nodes`,
    );
  }
  const reached = new Uint8Array(nodes);
  for (let node = 0; node < nodes; node++) {
    const children = [left[node], right[node]];
    if (children.every((child) => child === -1)) continue;
    for (const child of children) {
      if (child === undefined || !(child > 0 && child < nodes) || reached[child] === 1) {
        throw new FormatError(`Cannot read ${name}: node ${node} has the child ${child}`);
      }
      reached[child] = 1;
    }
    const feature = features[node];
    if (feature === undefined || feature < 0 || (count > 0 && feature >= count)) {
      throw new FormatError(`Cannot read ${name}: node ${node} splits by feature ${feature}`);
    }
  }
}
