/**
 * `modelaudit disasm FILE`: the opcodes of a pickle, annotated. Safe on any input.
 *
 * @module
 */

import { escapeText } from "../../report/escape.ts";
import { fileSource } from "../../sources/file.ts";
import { streamSource } from "../../sources/forward.ts";
import type { Source } from "../../core/source.ts";
import type { Io } from "../io.ts";
import { STDIN_PATH } from "../inputs.ts";
import { fitted } from "../terminal.ts";

/** Characters gathered before they are written: a pickle has millions of lines. */
const BUFFER_LENGTH = 65_536;

/** Columns before the arguments of opcodes, where a wrapped line continues. */
const ARGUMENTS_AT = 27;

/** Ends the listing when nothing reads it any more (`| head`). */
const READER_GONE = new Error("the reader of the listing has gone away");

/**
 * Writes the listing.
 *
 * @param path a file, or `-` for standard input
 * @returns the exit code
 * @throws SourceError when the file cannot be read
 */
export async function runDisasm(path: string, io: Io): Promise<number> {
  const { disassemble } = await import("../../pickle/streams/disasm.ts");
  const { loadRules } = await import("../../rules/rules.ts");
  const file = path === STDIN_PATH ? undefined : await fileSource(path);
  if (file !== undefined && await isZip(file)) {
    await io.stderr.write(
      fitted(
        "note: this is a zip archive, which holds pickles and is none. For one of them:",
        io.env,
        io.stderr,
      ) +
        "\n  unzip -p FILE archive/data.pkl | modelaudit disasm -\n",
    );
  }
  let buffer = "";
  const flush = async (): Promise<void> => {
    const text = buffer;
    buffer = "";
    await io.stdout.write(text);
    if (io.stdout.closed) throw READER_GONE;
  };
  try {
    const source = file ?? streamSource(STDIN_PATH, io.stdin());
    await disassemble(source, loadRules().interest, (line: string) => {
      const text = line.split("\n").map(escapeText).join("\n");
      buffer += `${fitted(text, io.env, io.stdout, ARGUMENTS_AT)}\n`;
      return buffer.length < BUFFER_LENGTH ? undefined : flush();
    });
    await flush();
  } catch (error) {
    if (error !== READER_GONE) throw error;
  } finally {
    file?.close();
  }
  return 0;
}

/** PyTorch's checkpoints are what people have. */
async function isZip(source: Source): Promise<boolean> {
  return String(await source.read(0, 4)) === "80,75,3,4";
}
