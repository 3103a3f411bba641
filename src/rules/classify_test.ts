import assert from "node:assert/strict";
import { test } from "node:test";
import { explainGlobal } from "./explain.ts";
import { loadRules } from "./rules.ts";

const rules = loadRules({ strict: true });

function verdict(module: string, name: string, called = true): string {
  const { severity, safety } = rules.match(module, name, called).rule;
  return `${severity} ${safety}`;
}

/** "module name", one a line. */
function table(text: string): [string, string][] {
  return text.trim().split("\n").map((line) => {
    const [module = "", name = ""] = line.trim().split(" ");
    return [module, name];
  });
}

const CRITICAL = table(`
builtins eval
builtins exec
builtins compile
builtins __import__
builtins execfile
builtins breakpoint
builtins __build_class__
__builtin__ eval
os system
nt system
posix system
subprocess Popen
sys exit
runpy run_module
socket socket
pty spawn
_pickle loads
bdb Bdb
pdb run
commands getoutput
ctypes CDLL
_ctypes dlopen
_posixsubprocess fork_exec
importlib import_module
importlib.util spec_from_file_location
imp load_source
code interact
code InteractiveInterpreter.runcode
codeop compile_command
marshal loads
pip main
pip._internal.cli main
venv create
timeit timeit
asyncio run
asyncio.subprocess create_subprocess_shell
pydoc locate
pydoc pipepager
_pyrepl.pager pipe_pager
_aix_support _read_cmd_output
_osx_support _read_output
types CodeType
types FunctionType
types LambdaType
numpy.testing._private.utils runstring
uuid _get_command_stdout
imaplib IMAP4_stream
test.support.script_helper assert_python_ok
cProfile run
cProfile runctx
profile run
profile Profile.run
profile Profile.runctx
trace Trace.run
trace Trace.runctx
doctest debug_script
ensurepip _run_pip
idlelib.autocomplete AutoComplete.get_entity
idlelib.calltip get_entity
idlelib.debugobj ObjectTreeItem.SetText
idlelib.pyshell ModifiedInterpreter.runcode
idlelib.run Executive.runcode
lib2to3.pgen2.grammar Grammar.loads
lib2to3.pgen2.pgen ParserGenerator.make_label
pkgutil resolve_name
torch.utils.bottleneck.__main__ run_cprofile
torch.utils.bottleneck.__main__ run_autograd_prof
torch._dynamo.guards GuardBuilder.get
torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression
torch.utils.collect_env run
torch.utils.collect_env run_and_read_all
torch.utils.data.datapipes.utils.decoder basichandlers
torch.jit.unsupported_tensor_ops execWrapper
torch.utils._config_module ConfigModule.load_config
torch._inductor.codecache compile_file
torch.serialization load
torch load
torch.hub load
torch.fx.graph_module reduce_graph_module
numpy.f2py.crackfortran getlincoef
numpy load
numpy __builtins__
cloudpickle.cloudpickle _make_function
cloudpickle.cloudpickle subimport
dill._dill _create_code
functools partial
`);

const HIGH = table(`
builtins open
__builtin__ file
io open
_io FileIO
ssl get_server_certificate
webbrowser open
tempfile mktemp
aiohttp ClientSession
httplib HTTPSConnection
http.client HTTPSConnection
urllib urlopen
urllib.request urlopen
urllib.request urlretrieve
urllib2 urlopen
requests get
requests.api get
ntpath exists
posixpath exists
multiprocessing Process
shutil rmtree
pickle load
pickle loads
cPickle loads
dill load
dill loads
cloudpickle loads
joblib load
joblib.numpy_pickle load
pandas read_pickle
logging FileHandler
logging.handlers RotatingFileHandler
logging.handlers SocketHandler
logging.config dictConfig
distutils.file_util write_file
pathlib Path.write_text
pathlib PosixPath.unlink
`);

const HARMLESS = table(`
builtins slice
builtins bytearray
builtins set
builtins frozenset
builtins complex
builtins range
builtins object
__builtin__ set
__builtin__ unicode
__builtin__ long
copyreg _reconstructor
copy_reg _reconstructor
numpy.random._pickle __bit_generator_ctor
numpy.random._pickle __generator_ctor
numpy.random._pickle __randomstate_ctor
numpy.random __RandomState_ctor
numpy.random._mt19937 MT19937
_operator add
operator mul
joblib.memory NotMemorizedFunc
joblib.numpy_pickle NumpyArrayWrapper
torch DoubleStorage
torch FloatStorage
torch QUInt4x2Storage
torch BFloat16Storage
torch.storage UntypedStorage
torch._utils _rebuild_tensor_v2
torch._utils _rebuild_parameter
torch.nn.modules.linear Linear
torch.nn.modules.container Sequential
torch.optim.sgd SGD
torch float32
torch Size
torch device
torch.torch_version TorchVersion
torch.nn.functional relu
torch._C._nn gelu
ultralytics.nn.modules.block C2f
ultralytics.nn.modules Detect
ultralytics.nn.tasks DetectionModel
yolov5.models.yolo DetectionModel
models.common Conv
transformers.training_args TrainingArguments
transformers.trainer_utils HubStrategy
transformers.deepspeed HfTrainerDeepSpeedConfig
accelerate.state PartialState
omegaconf.dictconfig DictConfig
omegaconf.nodes AnyNode
argparse Namespace
collections defaultdict
collections OrderedDict
collections Counter
UserDict UserDict
typing Any
datetime datetime
decimal Decimal
fractions Fraction
uuid UUID
pathlib PosixPath
re _compile
numpy ndarray
numpy dtype
numpy clip
numpy log1p
numpy.core.multiarray _reconstruct
numpy._core.multiarray scalar
numpy._core.numeric _frombuffer
scipy.sparse._csr csr_matrix
scipy.sparse.csr csr_matrix
pandas.core.frame DataFrame
pandas DataFrame
pandas._libs.internals _unpickle_block
pandas.core.indexes.base _new_Index
sklearn.ensemble._forest RandomForestClassifier
sklearn.tree._tree Tree
sklearn.pipeline Pipeline
sklearn.neighbors._kd_tree newObj
sklearn.metrics._classification f1_score
xgboost.core Booster
xgboost.sklearn XGBClassifier
lightgbm.sklearn LGBMClassifier
lightgbm.basic Booster
__torch__ Net
`);

test("every published callable that runs code or commands is critical, dangerous", () => {
  for (const [module, name] of CRITICAL) {
    assert.equal(verdict(module, name), "critical dangerous", `${module} ${name}`);
    assert.equal(verdict(module, name, false), "critical dangerous", `import ${module} ${name}`);
  }
});

test("every published callable that reaches files, network or other pickles is high, dangerous", () => {
  for (const [module, name] of HIGH) {
    assert.equal(verdict(module, name), "high dangerous", `${module} ${name}`);
  }
});

test("what real models are made of is info, innocuous", () => {
  for (const [module, name] of HARMLESS) {
    assert.equal(verdict(module, name, false), "info innocuous", `${module} ${name}`);
  }
});

test("rebuild functions may be called, classes restored, functions named, and no further", () => {
  const call = (module: string, name: string, via: string): string => {
    const expression = `${module}.${name}(1)`;
    const fact = { kind: "call", via, expression, evidence: [], module, name } as const;
    const [finding] = rules.judge([{ type: "fact", fact, count: 1, offset: 0 }], {
      path: "x",
      parts: [],
    });
    return `${finding?.severity} ${finding?.ruleId}`;
  };
  assert.equal(call("torch._utils", "_rebuild_qtensor", "REDUCE"), "info pickle-known-harmless");
  assert.equal(call("models.yolo", "Model", "NEWOBJ"), "info pickle-known-harmless");
  assert.equal(call("models.yolo", "Model", "_reconstructor"), "info pickle-known-harmless");
  assert.equal(call("models.yolo", "Model", "REDUCE"), "medium pickle-unusual-call");
  assert.equal(call("numpy", "transpose", "REDUCE"), "medium pickle-unusual-call");
  assert.equal(call("numpy", "transpose", "NEWOBJ"), "medium pickle-unusual-call");
  assert.equal(call("os", "system", "NEWOBJ"), "critical pickle-command");
});

test("decoders, scope and log messages are suspicious to their degree", () => {
  assert.equal(verdict("base64", "b64decode"), "medium suspicious");
  assert.equal(verdict("codecs", "decode"), "medium suspicious");
  assert.equal(verdict("zlib", "decompress"), "medium suspicious");
  assert.equal(verdict("builtins", "globals"), "medium suspicious");
  assert.equal(verdict("builtins", "input"), "medium suspicious");
  assert.equal(verdict("builtins", "setattr"), "high suspicious");
  assert.equal(verdict("warnings", "warn"), "low suspicious");
  assert.equal(verdict("logging", "getLogger"), "low suspicious");
});

test("an unresolved attrgetter is medium, an unresolved partial critical, the others high", () => {
  assert.equal(verdict("operator", "attrgetter"), "medium suspicious");
  assert.equal(verdict("_functools", "partial"), "critical dangerous");
  for (const name of ["getattr", "map", "filter"]) {
    assert.equal(verdict("builtins", name), "high suspicious", name);
  }
  for (const name of ["itemgetter", "methodcaller"]) {
    assert.equal(verdict("_operator", name), "high suspicious", name);
  }
  assert.equal(verdict("__builtin__", "apply"), "high suspicious");
  assert.equal(verdict("itertools", "imap"), "high suspicious");
});

test("an exact entry beats a wildcard in both directions", () => {
  assert.equal(verdict("logging", "Formatter"), "low suspicious");
  assert.equal(verdict("logging", "FileHandler"), "high dangerous");
  assert.equal(verdict("codecs", "lookup"), "medium suspicious");
  assert.equal(verdict("codecs", "open"), "high dangerous");
  assert.equal(verdict("numpy", "ndarray"), "info innocuous");
});

test("a wildcard covers submodules, and a longer one beats a shorter one", () => {
  assert.equal(rules.match("os.path", "join", true).rule.id, "pickle-command");
  assert.equal(rules.match("setuptools.sandbox", "run_setup", true).rule.id, "pickle-installer");
  assert.equal(rules.match("setuptools.archive_util", "x", true).rule.id, "pickle-file-access");
  assert.equal(verdict("osgeo", "ogr"), "medium suspicious");
});

test("what is reached through another module counts, however it is split or spelled", () => {
  const spellings: [string, string][] = [
    ["torch", "serialization.os.system"],
    ["torch.serialization", "os.system"],
    ["pathlib", "os.system"],
    ["shelve", "_os.system"],
    ["collections", "_sys.modules"],
    ["random", "_os.system"],
    ["collections", "OrderedDict.x.os.system"],
    ["builtins", "eval.__call__"],
    ["six.moves", "builtins.eval"],
    ["six.moves.builtins", "eval"],
    ["sklearn.externals.six.moves.builtins", "eval"],
    ["eventlet.patched.os", "system"],
    ["torch", "serialization.load"],
    ["torch", "hub"],
    ["numpy", "core.os"],
    ["numpy", "__builtins__.get"],
    ["_os", "system"],
    ["os", ""],
  ];
  for (const [module, name] of spellings) {
    assert.equal(verdict(module, name), "critical dangerous", `${module} ${name}`);
  }
  assert.equal(rules.classify("torch", "serialization.os.system").reaches, "os.system");
  assert.equal(rules.classify("builtins", "eval.__call__").reaches, "builtins.eval");
  assert.equal(verdict("pathlib", "io.open"), "high dangerous");
  assert.equal(verdict("torch", "serialization.pickle.loads"), "high dangerous");
  assert.equal(verdict("torch", "serialization.tarfile.open"), "high dangerous");
});

test("a part of a package is not the module of the same name", () => {
  assert.equal(verdict("transformers.models.code", "CodeModel"), "medium suspicious");
  assert.equal(verdict("mylib.socket", "Plug"), "medium suspicious");
  assert.equal(verdict("mylib.types", "CodeType"), "medium suspicious");
});

test("Python 2 names are judged as their Python 3 selves", () => {
  assert.equal(rules.classify("__builtin__", "xrange").reaches, "builtins.range");
  assert.equal(rules.classify("urllib2", "urlopen").reaches, "urllib.request.urlopen");
  assert.equal(rules.classify("commands", "getoutput").reaches, "subprocess.getoutput");
  assert.equal(rules.classify("__builtin__", "eval").reaches, "builtins.eval");
  assert.equal(rules.match("__builtin__", "reduce", true).reaches, "functools.reduce");
  assert.equal(verdict("StringIO", "StringIO"), "info innocuous");
  assert.equal(verdict("exceptions", "ValueError"), "info innocuous");
  assert.equal(verdict("whichdb", "whichdb"), "high dangerous");
  assert.equal(verdict("repr", "Repr"), "high suspicious");
});

test("a private module that the standard library has not is somebody's own, and so is a part of a package", () => {
  for (const module of ["_loss", "_trace", "tpot.builtins", "mylib.builtins.stacking"]) {
    assert.equal(rules.match(module, "Thing", true).rule.id, "pickle-unclassified", module);
  }
  // Copies of modules that the rules name are as dangerous as these.
  for (
    const [module, name] of [
      ["_os", "system"],
      ["six.builtins", "eval"],
      ["pyspark.cloudpickle", "loads"],
      ["pyspark.cloudpickle.cloudpickle", "_make_function"],
      ["ray.cloudpickle", "loads"],
      ["distributed.protocol.pickle", "loads"],
      ["joblib.externals.cloudpickle", "loads"],
      ["vendor.joblib.numpy_pickle", "load"],
    ] as const
  ) {
    assert.equal(rules.match(module, name, true).rule.safety, "dangerous", module);
  }
});

test("a function of the standard library on no list is high when called, medium when named", () => {
  for (
    const [module, name] of [["inspect", "getsource"], ["_sysconfigdata_x", "run"], [
      "gc",
      "get_objects",
    ]]
  ) {
    assert.equal(verdict(module ?? "", name ?? ""), "high suspicious");
    assert.equal(verdict(module ?? "", name ?? "", false), "medium suspicious");
  }
});

test("what nothing has classified is medium, suspicious, called or not", () => {
  for (const called of [true, false]) {
    assert.equal(verdict("mylib.models", "Net", called), "medium suspicious");
    assert.equal(verdict("__main__", "Net", called), "medium suspicious");
    assert.equal(verdict("torch.nn", "modules", called), "medium suspicious");
  }
});

test("a member of a known class may be named and not called, a method not even named", () => {
  for (
    const method of [
      "gensim.models.keyedvectors KeyedVectors.load",
      "pandas DataFrame.to_pickle",
      "transformers.configuration_utils PreTrainedConfig.from_pretrained",
      "torch UntypedStorage.from_file",
    ]
  ) {
    const [module = "", name = ""] = method.split(" ");
    assert.equal(verdict(module, name, false), "medium suspicious", method);
  }

  assert.equal(verdict("transformers.trainer_utils", "HubStrategy.END", false), "info innocuous");
  assert.equal(verdict("collections", "OrderedDict.fromkeys", false), "info innocuous");
  assert.equal(verdict("collections", "OrderedDict.fromkeys"), "medium suspicious");
  assert.equal(
    verdict("transformers.generation.configuration_utils", "GenerationConfig.from_pretrained"),
    "medium suspicious",
  );
  assert.equal(verdict("numpy", "ndarray.tofile"), "high dangerous");
  assert.equal(verdict("collections", "OrderedDict.__init__", false), "medium suspicious");
  assert.equal(
    verdict("collections", "OrderedDict.__init__.__globals__", false),
    "critical dangerous",
  );
});

test("a module that merely is on the allowlists is not harmless", () => {
  assert.equal(verdict("torch.nn.modules.linear", "torch.load"), "critical dangerous");
  assert.equal(verdict("torch.nn.modules", "linear"), "medium suspicious");
  assert.equal(verdict("torch.nn.modules.linear", "anything"), "medium suspicious");
});

test("names of thousands of dots are judged at once, and badly", () => {
  assert.equal(verdict("a", "b.".repeat(100_000) + "c"), "critical dangerous");
  assert.equal(verdict("a.".repeat(100_000) + "c", "b"), "critical dangerous");
});

test("odd names do not break the lookup", () => {
  for (const name of ["", ".", "..", "a..b", "__proto__", "constructor", "\0", "x\ny"]) {
    for (const module of ["", ".", "__proto__", "constructor", "toString", "os."]) {
      rules.classify(module, name);
    }
  }
  assert.equal(verdict("__proto__", "constructor"), "medium suspicious");
});

test("arguments matter for everything but allowlisted globals that compute nothing", () => {
  const matter = rules.interest.argumentsMatter;
  assert.equal(matter("torch._utils", "_rebuild_tensor_v2"), false);
  assert.equal(matter("collections", "OrderedDict"), false);
  assert.equal(matter("os", "system"), true);
  assert.equal(matter("mylib", "Net"), true);
  assert.equal(matter("builtins", "getattr"), true);
  assert.equal(matter("_codecs", "encode"), true);
  assert.equal(matter("builtins", "bytearray"), true);
  assert.equal(matter("collections", "OrderedDict.fromkeys"), true);
  assert.equal(matter("torch._tensor", "_rebuild_from_type_v2"), true);
});

test("explainGlobal says how a global is judged, called and named, and why", () => {
  const answer = explainGlobal(rules, "posix.system");
  assert.equal(answer.reaches, "posix.system");
  assert.equal(answer.called.severity, "critical");
  assert.equal(answer.effect, "runs a shell command");
  assert.equal(answer.wrapper, false);
  assert.equal(explainGlobal(rules, "torch:serialization.os.system").reaches, "os.system");
  assert.equal(explainGlobal(rules, "torch serialization.os.system").reaches, "os.system");
  const partial = explainGlobal(rules, "functools.partial");
  assert.equal(partial.wrapper, true);
  assert.equal(partial.atBest?.safety, "innocuous");
  assert.throws(() => explainGlobal(rules, "partial"), /expected a global such as os.system/);
  assert.throws(() => explainGlobal(rules, ""), RangeError);
});
