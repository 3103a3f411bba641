/**
 * Models compiled for one kind of processor: known by name or magic number, not read. Their runtimes
 * are native code that trusts the file, and some engines carry libraries of plugins.
 *
 * @module
 */

import type { FormatDescriptor } from "../../core/format.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";

/** Compiled models. */
export const acceleratorsDescriptor: FormatDescriptor = {
  id: "accelerators",
  title: "Models compiled for accelerators",
  role: "unread",
  claims: [
    { label: "a TensorRT engine", extensions: "engine trt" },
    { label: "a TensorRT engine", extensions: "plan", weak: true },
    { label: "a UFF model", extensions: "uff" },
    { label: "a RKNN model", extensions: "rknn" },
    { label: "an Ascend offline model", extensions: "om", weak: true },
    { label: "a Hailo executable", extensions: "hef" },
    { label: "a Hailo archive", extensions: "har", weak: true },
    { label: "an IREE module", extensions: "vmfb" },
    { label: "a Qualcomm deep learning container", extensions: "dlc", weak: true },
    { label: "a Kendryte model", extensions: "kmodel" },
    { label: "a Vitis AI model", extensions: "xmodel" },
    { label: "an Axera model", extensions: "axmodel" },
    { label: "a CVITEK model", extensions: "cvimodel" },
    { label: "a Sophgo model", extensions: "bmodel" },
    { label: "an ESP-DL model", extensions: "espdl" },
    { label: "a compiled OpenVINO model", extensions: "blob", weak: true },
  ],
  readers: [],
  unread: [
    // Plans begin with "ptrt", those of TensorRT 5 and later with "ftrt".
    { label: "a TensorRT engine", matches: ({ head }) => anyOf(head, 0, ["ptrt", "ftrt"]) },
    // Ultralytics puts the length of a JSON text and the text before the engine.
    { label: "a TensorRT engine", matches: ({ head }) => isWrappedEngine(head) },
    { label: "a RKNN model", matches: ({ head }) => anyOf(head, 0, ["RKNN\0", "CRYPTRKN"]) },
    // `MODEL_FILE_MAGIC_NUM`, inc/framework/common/types.h of Ascend's graph engine.
    { label: "an Ascend offline model", matches: ({ head }) => anyOf(head, 0, ["IMOD"]) },
    // `HEF_HEADER_MAGIC`, hef_internal.hpp of HailoRT, big-endian.
    { label: "a Hailo executable", matches: ({ head }) => anyOf(head, 0, ["\x01HEF\0"]) },
    // Identifiers of the FlatBuffers follow the root's offset.
    { label: "an IREE module", matches: ({ head }) => anyOf(head, 4, ["IREE"]) },
    // `BLOB_MAGIC` of src/plugins/intel_cpu, since 2026; plugins of other devices have none.
    { label: "a compiled OpenVINO model", matches: ({ head }) => anyOf(head, 0, ["RR_UPCVO"]) },
    { label: "a Kendryte model", matches: ({ head }) => anyOf(head, 0, ["LDMK"]) },
    { label: "a CVITEK model", matches: ({ head }) => anyOf(head, 0, ["CviModel"]) },
    { label: "an ESP-DL model", matches: ({ head }) => anyOf(head, 0, ["EDL1", "EDL2", "PDL1"]) },
  ],
  coverage: [],
};

/** Bytes of metadata before an engine; real ones have some hundred. */
const METADATA_BYTES = 65_000;

function anyOf(head: Uint8Array, at: number, magics: readonly string[]): boolean {
  return magics.some((magic) => startsWith(head, ascii(magic), at));
}

function isWrappedEngine(head: Uint8Array): boolean {
  if (head.length < 8 || head[4] !== 0x7b) return false;
  const length = new DataView(head.buffer, head.byteOffset, head.length).getUint32(0, true);
  return length <= METADATA_BYTES && anyOf(head, 4 + length, ["ptrt", "ftrt"]);
}
