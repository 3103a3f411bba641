/**
 * The list of formats, outer ones first; the order is that of the report.
 *
 * @module
 */

import type { FormatDescriptor, FormatReader } from "../core/format.ts";
import { acceleratorsDescriptor } from "./accelerators/descriptor.ts";
import { ctranslate2Descriptor } from "./ctranslate2/descriptor.ts";
import { wordVectorsDescriptor } from "./word-vectors/descriptor.ts";
import { arrowDescriptor } from "./arrow/descriptor.ts";
import { boostingDescriptor } from "./boosting/descriptor.ts";
import { rawDataDescriptor } from "./raw-data/descriptor.ts";
import { openvinoDescriptor } from "./openvino/descriptor.ts";
import { tfCheckpointDescriptor } from "./tf-checkpoint/descriptor.ts";
import { vectorIndexDescriptor } from "./vector-index/descriptor.ts";
import { tokenizerDescriptor } from "./tokenizer/descriptor.ts";
import { textConfigDescriptor } from "./text-config/descriptor.ts";
import { caffeDescriptor } from "./caffe/descriptor.ts";
import { compressedDescriptor } from "./compressed/descriptor.ts";
import { caffe2Descriptor } from "./caffe2/descriptor.ts";
import { cntkDescriptor } from "./cntk/descriptor.ts";
import { coremlDescriptor } from "./coreml/descriptor.ts";
import { executorchDescriptor } from "./executorch/descriptor.ts";
import { flaxDescriptor } from "./flax/descriptor.ts";
import { frameworksDescriptor } from "./frameworks/descriptor.ts";
import { ggmlDescriptor } from "./ggml/descriptor.ts";
import { ggufDescriptor } from "./gguf/descriptor.ts";
import { hdf5Descriptor } from "./hdf5/descriptor.ts";
import { kerasDescriptor } from "./keras/descriptor.ts";
import { modelConfigDescriptor } from "./model-config/descriptor.ts";
import { mxnetDescriptor } from "./mxnet/descriptor.ts";
import { nativeDescriptor } from "./native/descriptor.ts";
import { numpyDescriptor } from "./numpy/descriptor.ts";
import { onnxDescriptor } from "./onnx/descriptor.ts";
import { paddleDescriptor } from "./paddle/descriptor.ts";
import { orbaxDescriptor } from "./orbax/descriptor.ts";
import { pickleDescriptor } from "./pickle/descriptor.ts";
import { pmmlDescriptor } from "./pmml/descriptor.ts";
import { pythonDescriptor } from "./python/descriptor.ts";
import { rDataDescriptor } from "./r/descriptor.ts";
import { safetensorsDescriptor } from "./safetensors/descriptor.ts";
import { setupFilesDescriptor } from "./setup-files/descriptor.ts";
import { sevenZipDescriptor } from "./sevenzip/descriptor.ts";
import { skopsDescriptor } from "./skops/descriptor.ts";
import { tarDescriptor } from "./tar/descriptor.ts";
import { templateDescriptor } from "./template/descriptor.ts";
import { tensorflowDescriptor } from "./tensorflow/descriptor.ts";
import { tfliteDescriptor } from "./tflite/descriptor.ts";
import { torch7Descriptor } from "./torch7/descriptor.ts";
import { torchscriptDescriptor } from "./torchscript/descriptor.ts";
import { zipDescriptor } from "./zip/descriptor.ts";

/** All formats. */
export const DESCRIPTORS: readonly FormatDescriptor[] = [
  zipDescriptor,
  tarDescriptor,
  sevenZipDescriptor,
  compressedDescriptor,
  numpyDescriptor,
  pickleDescriptor,
  onnxDescriptor,
  tensorflowDescriptor,
  hdf5Descriptor,
  kerasDescriptor,
  skopsDescriptor,
  safetensorsDescriptor,
  ggufDescriptor,
  rDataDescriptor,
  templateDescriptor,
  modelConfigDescriptor,
  nativeDescriptor,
  torchscriptDescriptor,
  pythonDescriptor,
  tfliteDescriptor,
  ggmlDescriptor,
  coremlDescriptor,
  flaxDescriptor,
  pmmlDescriptor,
  textConfigDescriptor,
  tokenizerDescriptor,
  vectorIndexDescriptor,
  tfCheckpointDescriptor,
  openvinoDescriptor,
  rawDataDescriptor,
  boostingDescriptor,
  wordVectorsDescriptor,
  ctranslate2Descriptor,
  acceleratorsDescriptor,
  frameworksDescriptor,
  arrowDescriptor,
  executorchDescriptor,
  torch7Descriptor,
  paddleDescriptor,
  mxnetDescriptor,
  caffe2Descriptor,
  cntkDescriptor,
  caffeDescriptor,
  setupFilesDescriptor,
  orbaxDescriptor,
];

/** What reads them. Each module is loaded when a sample first looks as if it might be of that format. */
export const FORMATS: readonly FormatReader[] = DESCRIPTORS.flatMap(({ readers }) => readers);
