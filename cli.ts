/**
 * The entry of the command line.
 *
 * @module
 */

import process from "node:process";
import { processIo } from "./src/cli/io.ts";
import { runMain } from "./src/cli/commands/main.ts";
import { workerModuleOf } from "./src/cli/worker_module.ts";

// All output was handed over by now; a standard input that nothing closes must not keep us.
const io = processIo(workerModuleOf(import.meta.url));
process.exit(await runMain(process.argv.slice(2), io));
