/**
 * The packages that look at several members at once.
 *
 * @module
 */

import type { Package } from "./package.ts";
import { torchPackage } from "./torch.ts";

/** All packages; each sees every listing. */
export const PACKAGES: readonly Package[] = [torchPackage];
