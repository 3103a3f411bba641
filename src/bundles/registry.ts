/**
 * The list of bundles.
 *
 * @module
 */

import { entryPointsBundle } from "./entry_points.ts";
import { loadersBundle } from "./loaders.ts";
import { modelCardBundle } from "./model_card.ts";
import { nativeBundle } from "./native.ts";
import { onnxBundle } from "./onnx.ts";
import { pythonCallsBundle } from "./python_calls.ts";
import type { Bundle } from "../core/bundle.ts";
import { repositoryBundle } from "./repository.ts";
import { torchBundle } from "./torch.ts";
import { torchserveBundle } from "./torchserve.ts";

/** All bundles; each sees every listing. */
export const BUNDLES: readonly Bundle[] = [
  torchBundle,
  onnxBundle,
  repositoryBundle,
  loadersBundle,
  nativeBundle,
  torchserveBundle,
  entryPointsBundle,
  pythonCallsBundle,
  modelCardBundle,
];
