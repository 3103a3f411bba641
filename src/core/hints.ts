/**
 * Hints: what a container tells the detection of a member, by the member's place and name. A hint adds
 * to detection and never replaces it.
 *
 * @module
 */

/** All hints, by what they say of the bytes. */
export const HINT = {
  /** A loader unpickles these bytes. */
  pickle: "pickle",
  /** A loader of pickles that takes no persistent ids, or of checkpoints, reads these bytes. */
  loaded: "loaded",
  /** Pickles may begin anywhere in these bytes, which a damaged archive left. */
  picklesWithin: "pickles-within",
  /** Bytes that no reader of the format around them reads: a pickle anywhere in them, or a program, is hidden. */
  hidden: "hidden",
  /** The same where pickles have been looked for already. */
  hiddenSearched: "hidden-searched",
  /** The raw storage of a tensor. */
  torchStorage: "torch-storage",
  /** TorchScript source. */
  torchscriptSource: "torchscript-source",
  /** Bytecode of PyTorch's mobile interpreter, member `bytecode.pkl`. */
  torchBytecode: "torch-bytecode",
  /** Member `storages` of PyTorch's tar format: pickles and raw data. */
  torchTarStorages: "torch-tar-storages",
  /** Member `tensors` of PyTorch's tar format: pickles and raw data. */
  torchTarTensors: "torch-tar-tensors",
  /** A Keras configuration. */
  kerasConfig: "keras-config",
  /** A Keras configuration in an HDF5 file, where safe mode has no effect (CVE-2025-9905). */
  kerasConfigH5: "keras-config-h5",
  /** A Keras configuration in JSON or YAML that its beginning does not show. */
  kerasConfigText: "keras-config-text",
  /** A chat template. */
  chatTemplate: "chat-template",
  /** A configuration in JSON that loaders read from a file's metadata. */
  configuration: "configuration",
  /** The schema of an archive that is called `.skops`. */
  skopsSchema: "skops-schema",
  /** What would be the schema if the archive were a skops file. */
  skopsSchemaMaybe: "skops-schema-maybe",
  /** Python source that every importer of the module runs. */
  pythonImport: "python-import",
  /** The same in a wheel, which nothing builds. */
  pythonInstalled: "python-installed",
  /** A module of Python whose calls were stated together with those of other modules. */
  pythonJudged: "python-judged",
  /** Python source that building or installing the source distribution runs. */
  pythonInstall: "python-install",
  /** Python source that installing makes a command of: the user who runs it runs it as a program. */
  pythonProgram: "python-program",
  /** Python source that every start of the interpreter runs that has it on its path. */
  pythonStartup: "python-startup",
  /** A path file, of which only lines that begin with `import` are code; every start runs them. */
  pythonPath: "python-path",
  /** A path file where no installed package is: a module's name ends otherwise. */
  pythonPathMaybe: "python-path-maybe",
  /** A Jupyter notebook, whose cells run when a user runs them. */
  pythonNotebook: "python-notebook",
  /** A compiled Python module of which there is no source. */
  pythonCompiled: "python-compiled",
  /** A compiled Python module beside its source. */
  pythonCached: "python-cached",
} as const;
