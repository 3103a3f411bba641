/**
 * Which operators of a TorchScript program are reported, by their names `namespace::name`.
 *
 * @module
 */

import type { Interest } from "../../core/types.ts";

/**
 * Operators of PyTorch itself that read or write files or talk to other machines: those among the
 * schemas of `torch._C._jit_get_all_schemas()` in PyTorch 2.13, and names that older or other
 * releases bind.
 */
const FAR_REACHING = "save from_file load jit.load jit.save export_chrome_trace".split(" ");

/**
 * Operators that read or write outside their tensors, or tell addresses: each was called with lengths,
 * strides or indices past the end in PyTorch 2.13 on a CPU, and gave back what lies there or crashed.
 */
const MEMORY =
  ("_reshape_alias _reshape_alias_copy segment_reduce _segment_reduce_backward _sparse_coo_tensor_unsafe " +
    "_sparse_compressed_tensor_unsafe _sparse_csr_tensor_unsafe _sparse_csc_tensor_unsafe " +
    "_sparse_bsr_tensor_unsafe _sparse_bsc_tensor_unsafe _convert_indices_from_csr_to_coo " +
    "max_pool2d_with_indices_backward max_pool3d_with_indices_backward adaptive_max_pool2d_backward " +
    "adaptive_max_pool3d_backward _embedding_bag_dense_backward").split(" ");

const NOTABLE: ReadonlySet<string> = new Set([
  ...[...FAR_REACHING, ...MEMORY].map((name) => `aten::${name}`),
  "mkldnn::data_ptr",
]);

/** True for an operator of `MEMORY`, which a program may write as a method of a tensor. */
export function isMethodOfTensors(name: string): boolean {
  return MEMORY.includes(name);
}

/** Remote calls, which are written without a namespace or with one of several. */
export const REMOTE: ReadonlySet<string> = new Set(["rpc_async", "rpc_remote", "rpc_sync"]);

/** Namespaces of PyTorch itself, whose operators are told apart by their names. */
const COMPUTING: ReadonlySet<string> = new Set([
  ..."aten prim prims quantized _quantized static_runtime mkldnn onednn mkl sparse".split(" "),
  ..."mkldnn_prepacked onnx quantization profiler _native inductor_prims rngprims".split(" "),
  ..."xnnpack cuda prepacked fb_prepacked vulkan_prepacked vulkan_prepack rnn".split(" "),
  ..."metal_prepacked metal_prepack".split(" "),
]);

/**
 * True for an operator that does more than compute, or that nothing knows.
 *
 * @param interest says which operators of PyTorch compute (`rules/torchscript_ops.toml`)
 */
export function isNotable(name: string, interest: Interest): boolean {
  const [namespace = "", rest = ""] = name.split("::", 2);
  return NOTABLE.has(name) || REMOTE.has(rest) || !COMPUTING.has(namespace) ||
    interest.operatorKnowledge?.("torchscript", name) !== "harmless";
}

/**
 * A class that a library registers with PyTorch, `__torch__.torch.classes.<path>`.
 *
 * @returns its name as that of an operator; undefined for one of PyTorch's own
 */
export function customClass(path: string): string | undefined {
  const owner = path.split(".")[0] ?? "";
  return COMPUTING.has(owner) ? undefined : `classes::${path}`;
}
