/**
 * The formats whose strings the loop searches for the user's patterns, and as what. A pickle searches
 * its own; what is not listed holds members or numbers.
 *
 * @module
 */

/** Id of a format to the kind of search. */
export const SEARCHED_FORMATS: Readonly<Record<string, "text" | "protobuf">> = {
  "chat-template": "text",
  "keras-config": "text",
  "keras-metadata": "protobuf",
  "model-config": "text",
  "onnx": "protobuf",
  "python-source": "text",
  "skops": "text",
  "tensorflow": "protobuf",
  "torchscript": "text",
};
