/**
 * The entry of the command line.
 *
 * @module
 */

import process from "node:process";
import { processIo } from "./src/cli/io.ts";
import { runMain } from "./src/cli/commands/main.ts";
import { readPage } from "./src/cli/page_file.ts";
import { workerModuleOf } from "./src/cli/worker_module.ts";

// All output was handed over by now; a standard input that nothing closes must not keep us.
const { url } = import.meta;
const io = processIo(workerModuleOf(url), () => readPage(new URL(url)));
process.exit(await runMain(process.argv.slice(2), io));
