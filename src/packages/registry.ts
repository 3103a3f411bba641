/**
 * The packages that look at several members at once.
 *
 * @module
 */

import { nativePackage } from "./native.ts";
import { onnxPackage } from "./onnx.ts";
import type { Package } from "./package.ts";
import { repositoryPackage } from "./repository.ts";
import { torchPackage } from "./torch.ts";
import { torchservePackage } from "./torchserve.ts";

/** All packages; each sees every listing. */
export const PACKAGES: readonly Package[] = [
  torchPackage,
  onnxPackage,
  repositoryPackage,
  nativePackage,
  torchservePackage,
];
