/**
 * What `scripts/modelaudit version` runs: the runtime opens every module that an entry can reach, before
 * the first line of it, and the version needs none of them.
 *
 * @module
 */

import process from "node:process";
import { processIo } from "../src/cli/io.ts";
import { versionText } from "../src/cli/commands/version.ts";
import { workerModuleOf } from "../src/cli/worker_module.ts";

await processIo(workerModuleOf(import.meta.url)).stdout.write(versionText());
process.exit(0);
