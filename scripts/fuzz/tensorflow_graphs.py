"""Metamorphic fuzzing of TensorFlow's graphs: an operator that writes, or reads a file with a secret, under many
ways of computing its path or its graph. TensorFlow is the judge.

    scripts/fuzz/tensorflow_graphs.py make FOLDER COUNT [SEED]     graphs, one file each
    scripts/fuzz/tensorflow_graphs.py vary GRAPHS FOLDER COUNT [SEED]
                                                                   the same with constants computed, on the wire
    scripts/fuzz/tensorflow_graphs.py run FOLDER NAMES.txt         loads and runs the named files, in a child
                                                                   process with a folder of its own, and prints
                                                                   those that wrote or read

The names of those that modelaudit calls clean go into NAMES.txt: none of them may be printed.
"""

import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
SECRET = "the secret of the sandbox"


def load():
    global tf, v1, raw, Defun, pb
    import tensorflow as tf
    from tensorflow.python.framework.function import Defun
    v1, raw = tf.compat.v1, tf.raw_ops


class Maker:
    def __init__(self, rng):
        self.rng = rng

    # Ways to compute a text.
    def text(self, value, depth=None):
        """A tensor that is `value` when the graph runs."""
        rng = self.rng
        depth = rng.choice([0, 0, 1, 2, 3]) if depth is None else depth
        if depth == 0:
            return self.leaf(value)
        way = rng.choice([self.identity, self.joined, self.decoded, self.cut, self.replaced, self.reduced, self.gathered,
                          self.selected, self.packed, self.default, self.called, self.branch, self.variable, self.inflated,
                          self.unicode, self.looped, self.table, self.concat, self.cased, self.listed, self.queued, self.split, self.squeezed])
        try:
            return way(value, depth - 1)
        except (UnicodeDecodeError, NotImplementedError):
            return self.text(value, depth - 1)

    def leaf(self, value):
        return tf.constant(value)

    def identity(self, value, depth):
        return self.rng.choice([tf.identity, tf.stop_gradient, lambda x: tf.ensure_shape(x, []), lambda x: tf.identity_n([x, x])[1]])(self.text(value, depth))

    def joined(self, value, depth):
        at = self.rng.randint(0, len(value))
        return tf.strings.join([self.text(value[:at], depth), self.text(value[at:], depth)])

    def decoded(self, value, depth):
        return tf.io.decode_base64(self.text(base64.urlsafe_b64encode(value).rstrip(b"="), depth))

    def inflated(self, value, depth):
        return tf.io.decode_compressed(self.text(zlib.compress(value), depth), compression_type="ZLIB")

    def cut(self, value, depth):
        return tf.strings.substr(self.text(b"xx" + value + b"yyy", depth), 2, len(value))

    def replaced(self, value, depth):
        if b"Q" in value or b"\\" in value or any(b > 127 or b < 32 for b in value):
            raise NotImplementedError
        at = self.rng.randint(0, len(value))
        return tf.strings.regex_replace(self.text(value[:at] + b"QQ" + value[at:], depth), "QQ", "")

    def reduced(self, value, depth):
        parts = [value[i:i + 7] for i in range(0, len(value), 7)] or [b""]
        return tf.strings.reduce_join(tf.stack([self.text(p, 0) for p in parts]))

    def gathered(self, value, depth):
        return tf.gather(tf.stack([tf.constant(b"other"), self.text(value, depth)]), 1)

    def selected(self, value, depth):
        return tf.where(tf.constant(self.rng.random() < 2), self.text(value, depth), tf.constant(b""))

    def packed(self, value, depth):
        return tf.unstack(tf.stack([self.text(value, depth), tf.constant(b"")]))[0]

    def concat(self, value, depth):
        return tf.concat([[self.text(value, depth)], [b""]], 0)[0]

    def squeezed(self, value, depth):
        return tf.squeeze(tf.reshape(tf.expand_dims(self.text(value, depth), 0), [1, 1]))

    def default(self, value, depth):
        return v1.placeholder_with_default(self.text(value, depth), [])

    def called(self, value, depth):
        @Defun(tf.string)
        def inner(x):
            return tf.identity(x)
        return raw.StatefulPartitionedCall(args=[self.text(value, depth)], Tout=[tf.string], f=inner)[0]

    def branch(self, value, depth):
        @Defun(tf.string)
        def yes(x):
            return tf.identity(x)

        @Defun(tf.string)
        def no(x):
            return tf.constant(b"")
        return raw.If(cond=tf.constant(True), input=[self.text(value, depth)], Tout=[tf.string], then_branch=yes, else_branch=no)[0]

    def cased(self, value, depth):
        inside = value

        @Defun()
        def one():
            return tf.constant(inside)

        @Defun()
        def two():
            return tf.constant(b"")
        return raw.Case(branch_index=tf.constant(0), input=[], Tout=[tf.string], branches=[one, two])[0]

    def looped(self, value, depth):
        @Defun(tf.int32, tf.string)
        def condition(i, x):
            return i < 1

        @Defun(tf.int32, tf.string)
        def body(i, x):
            return i + 1, tf.strings.join([x, b""])
        return raw.While(input=[tf.constant(0), self.text(value, depth)], cond=condition, body=body)[1]

    def variable(self, value, depth):
        handle = raw.VarHandleOp(dtype=tf.string, shape=[], shared_name=f"v{self.rng.random()}")
        with tf.control_dependencies([raw.AssignVariableOp(resource=handle, value=self.text(value, depth))]):
            return raw.ReadVariableOp(resource=handle, dtype=tf.string)

    def unicode(self, value, depth):
        return tf.strings.unicode_encode(tf.constant([ord(c) for c in value.decode("ascii")]), "UTF-8")

    def table(self, value, depth):
        handle = raw.HashTableV2(key_dtype=tf.int64, value_dtype=tf.string, shared_name=f"t{self.rng.random()}")
        filled = raw.LookupTableImportV2(table_handle=handle, keys=tf.constant([1], tf.int64), values=tf.reshape(self.text(value, depth), [1])) \
            if self.rng.random() < .5 else raw.InitializeTableV2(table_handle=handle, keys=tf.constant([1], tf.int64), values=tf.reshape(self.text(value, depth), [1]))
        with tf.control_dependencies([filled]):
            return raw.LookupTableFindV2(table_handle=handle, keys=tf.constant(1, tf.int64), default_value=tf.constant(b""))

    def listed(self, value, depth):
        one = raw.TensorListFromTensor(tensor=tf.reshape(self.text(value, depth), [1]), element_shape=tf.constant([], tf.int32))
        return raw.TensorListGetItem(input_handle=one, index=0, element_shape=tf.constant([], tf.int32), element_dtype=tf.string)

    def queued(self, value, depth):
        queue = raw.FIFOQueueV2(component_types=[tf.string], shapes=[[]], shared_name=f"q{self.rng.random()}")
        with tf.control_dependencies([raw.QueueEnqueueV2(handle=queue, components=[self.text(value, depth)])]):
            return raw.QueueDequeueV2(handle=queue, component_types=[tf.string])[0]

    def split(self, value, depth):
        if b"|" in value or not value:
            raise NotImplementedError
        return tf.strings.split([tf.strings.join([self.text(value, depth), b"|z"])], "|").values[0]

    # What does harm.
    def writes(self, path):
        return tf.io.write_file(self.text(path), self.text(b"written"))

    def reads(self, path):
        return tf.io.read_file(self.text(path))

    def prints(self, path):
        return raw.PrintV2(input=tf.constant("printed"), output_stream="file://" + path.decode())

    def maps(self, path):
        return raw.ImmutableConst(dtype=tf.uint8, shape=[8], memory_region_name=path.decode())

    def lists(self, path):
        return raw.MatchingFiles(pattern=self.text(path))

    def saves(self, path):
        return raw.SaveV2(prefix=self.text(path), tensor_names=["a"], shape_and_slices=[""], tensors=[tf.constant(1.0)])

    def samples(self, path):
        return raw.FixedUnigramCandidateSampler(true_classes=tf.constant([[0]], tf.int64), num_true=1, num_sampled=1, unique=False, range_max=1,
                                                vocab_file=path.decode(), num_reserved_ids=0, unigrams=[]).sampled_candidates

    def caches(self, path):
        data = raw.CacheDataset(input_dataset=raw.RangeDataset(start=tf.constant(0, tf.int64), stop=tf.constant(2, tf.int64), step=tf.constant(1, tf.int64),
                                                               output_types=[tf.int64], output_shapes=[[]]),
                                filename=self.text(path), output_types=[tf.int64], output_shapes=[[]])
        return self.consumed(data)

    def lines(self, path):
        data = raw.TextLineDataset(filenames=self.text(path), compression_type=tf.constant(""), buffer_size=tf.constant(0, tf.int64))
        return self.consumed(data, tf.string)

    def file_table(self, path):
        handle = raw.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name=f"t{self.rng.random()}")
        return raw.InitializeTableFromTextFileV2(table_handle=handle, filename=self.text(path), key_index=-2, value_index=-1)

    def summary(self, path):
        writer = raw.SummaryWriter(shared_name=f"s{self.rng.random()}")
        made = raw.CreateSummaryFileWriter(writer=writer, logdir=self.text(os.path.dirname(path)), max_queue=tf.constant(1), flush_millis=tf.constant(1), filename_suffix=self.text(b"x"))
        with tf.control_dependencies([made]):
            return raw.FlushSummaryWriter(writer=writer)

    def consumed(self, data, dtype=None):
        dtype = dtype or tf.int64

        @Defun(dtype, dtype)
        def last(old, new):
            return new
        start = tf.constant(b"", tf.string) if dtype == tf.string else tf.constant(0, dtype)
        return raw.ReduceDataset(input_dataset=data, initial_state=[start], other_arguments=[], f=last, output_types=[dtype], output_shapes=[[]])[0]

    def serialized(self, path):
        """A dataset's graph, as text, that does harm when it is run."""
        inner = v1.Graph()
        with inner.as_default():
            harm = self.rng.choice([self.writes, self.reads, self.saves, self.prints])

            @Defun(tf.int64)
            def mapped(x):
                with tf.control_dependencies([harm(path)]):
                    return tf.identity(x)
            start = raw.RangeDataset(start=tf.constant(0, tf.int64), stop=tf.constant(1, tf.int64), step=tf.constant(1, tf.int64), output_types=[tf.int64], output_shapes=[[]])
            data = raw.MapDataset(input_dataset=start, other_arguments=[], f=mapped, output_types=[tf.int64], output_shapes=[[]])
            out = raw._Retval(T=tf.variant, input=data, index=0) if False else tf.identity(data, name="dataset")
        graph = inner.as_graph_def()
        graph.node.add(name="dataset_ret", op="_Retval", input=[out.op.name])
        graph.node[-1].attr["T"].type = tf.variant.as_datatype_enum
        graph.node[-1].attr["index"].i = 0
        return graph.SerializeToString()

    def rebuilt(self, path):
        data = raw.DatasetFromGraph(graph_def=self.text(self.serialized(path), self.rng.choice([0, 1, 1, 2, 2, 3])))
        return self.consumed(data)

    # Where it stands.
    def placed(self, harm, path):
        place = self.rng.choice(["main", "call", "if", "map", "while", "case"])
        if place == "main":
            return harm(path)

        @Defun(tf.int64)
        def body(x):
            with tf.control_dependencies([harm(path)]):
                return tf.identity(x)
        zero = tf.constant(0, tf.int64)
        if place == "call":
            return raw.StatefulPartitionedCall(args=[zero], Tout=[tf.int64], f=body)[0]
        if place == "if":
            @Defun(tf.int64)
            def other(x):
                return x + 1
            return raw.If(cond=tf.constant(True), input=[zero], Tout=[tf.int64], then_branch=body, else_branch=other)[0]
        if place == "case":
            return raw.Case(branch_index=tf.constant(0), input=[zero], Tout=[tf.int64], branches=[body, body])[0]
        if place == "while":
            @Defun(tf.int64)
            def condition(x):
                return x < 1

            @Defun(tf.int64)
            def step(x):
                with tf.control_dependencies([harm(path)]):
                    return x + 1
            return raw.While(input=[zero], cond=condition, body=step)[0]
        start = raw.RangeDataset(start=zero, stop=tf.constant(1, tf.int64), step=tf.constant(1, tf.int64), output_types=[tf.int64], output_shapes=[[]])
        return self.consumed(raw.MapDataset(input_dataset=start, other_arguments=[], f=body, output_types=[tf.int64], output_shapes=[[]], preserve_cardinality=True))

    def graph(self, sandbox):
        graph = v1.Graph()
        with graph.as_default():
            kind = self.rng.choice([self.writes, self.reads, self.prints, self.maps, self.lists, self.saves, self.samples, self.caches,
                                    self.lines, self.file_table, self.summary] + [self.rebuilt] * 12)
            reading = kind in (self.reads, self.maps, self.lists, self.samples, self.lines, self.file_table)
            path = (sandbox + ("/secret" if reading else "/out/w")).encode()
            target = self.placed(kind, path)
            operation = target if isinstance(target, tf.Operation) else target.op
            end = tf.group(operation, name="target")
        return graph.as_graph_def(), kind.__name__

    def saver(self, definition):
        """A MetaGraphDef with savers, signatures and assets that name what they should not."""
        meta = v1.MetaGraphDef()
        meta.graph_def.CopyFrom(definition)
        meta.meta_info_def.tags.append("serve")
        meta.meta_info_def.tensorflow_version = "2.21.0"
        texts = [node.name for node in definition.node if node.op in ("Const", "PlaceholderWithDefault", "Placeholder", "Identity")]
        names = self.rng.sample(texts, min(3, len(texts)))
        if names:
            meta.saver_def.filename_tensor_name = names[0] + ":0"
            meta.saver_def.save_tensor_name = "target"
            meta.saver_def.restore_op_name = "target"
        for name in names[1:]:
            asset = meta.asset_file_def.add()
            asset.tensor_info.name = name + ":0"
            asset.filename = self.rng.choice(["vocab.txt", "../secret", "/etc/hostname", "a/../../x"])
        if self.rng.random() < .5:
            meta.collection_def["saved_model_main_op"].node_list.value.append("target")
        model = saved_model_pb2.SavedModel(saved_model_schema_version=1)
        model.meta_graphs.add().CopyFrom(meta)
        return model

    def wire(self, data):
        """The same message in other bytes: unknown fields in front, which every reader steps over."""
        if self.rng.random() < .2:
            return b"\xaa\x3e\x03abc" + data
        return data


def make(folder, count, seed):
    load()
    global saved_model_pb2
    from tensorflow.core.protobuf import saved_model_pb2
    os.makedirs(folder, exist_ok=True)
    rng = random.Random(seed)
    kinds = {}
    for index in range(count):
        maker = Maker(rng)
        for _ in range(20):
            try:
                graph, kind = maker.graph("SANDBOXSANDBOX")
                break
            except Exception as error:
                kinds["refused"] = kinds.get("refused", 0) + 1
                kinds["last"] = str(error)[:200]
        else:
            raise RuntimeError(kinds)
        kinds[kind] = kinds.get(kind, 0) + 1
        if rng.random() < .3:
            name, data = f"{index}_{kind}.saved_model.pb", maker.saver(graph).SerializeToString()
        else:
            name, data = f"{index}_{kind}.pb", maker.wire(graph.SerializeToString())
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    print(json.dumps(kinds))


class Varier:
    """Replaces constants that are texts by operators that compute them; their output has the same name."""

    def __init__(self, rng):
        self.rng = rng

    def vary(self, definition):
        scopes = [(definition.node, "")] + [(one.node_def, ":output:0") for one in definition.library.function]
        texts = [(nodes, suffix, node) for nodes, suffix in scopes for node in nodes
                 if node.op == "Const" and node.attr["dtype"].type == 7 and len(node.attr["value"].tensor.string_val) == 1
                 and not node.attr["value"].tensor.tensor_shape.dim]
        if not texts:
            return
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            nodes, suffix, node = self.rng.choice(texts)
            if node.op == "Const":
                self.compute(nodes, suffix, node)

    def constant(self, nodes, name, value):
        node = nodes.add(name=name, op="Const")
        if isinstance(value, int):
            node.attr["dtype"].type = 3
            node.attr["value"].tensor.dtype = 3
            node.attr["value"].tensor.int_val.append(value)
            node.attr["value"].tensor.tensor_shape.SetInParent()
            return name
        node.attr["dtype"].type = 7
        tensor = node.attr["value"].tensor
        tensor.dtype = 7
        tensor.tensor_shape.SetInParent()
        if self.rng.random() < .3 and len(value) < 128:
            tensor.tensor_content = bytes([len(value)]) + value
            if self.rng.random() < .5:
                tensor.string_val.append(b"")
        else:
            tensor.string_val.append(value)
        return name

    def compute(self, nodes, suffix, node):
        value = node.attr["value"].tensor.string_val[0]
        name = node.name
        inputs = lambda *values: [self.constant(nodes, f"{name}/x{at}_{self.rng.randint(0, 10 ** 9)}", one) + suffix for at, one in enumerate(values)]
        way = self.rng.choice(["identity", "base64", "join", "substr", "zlib", "regex", "default", "content", "twice", "snapshot"])
        node.ClearField("input")
        attrs = {}
        if way == "identity" or way == "snapshot" or way == "default":
            node.op = {"identity": "Identity", "snapshot": "StopGradient", "default": "PlaceholderWithDefault"}[way]
            if way == "default" and suffix:
                node.op = "Identity"
            given = inputs(value)
            attrs = {"T": 7} if node.op != "PlaceholderWithDefault" else {"dtype": 7}
        elif way == "base64":
            node.op, given = "DecodeBase64", inputs(base64.urlsafe_b64encode(value).rstrip(b"="))
        elif way == "join":
            at = self.rng.randint(0, len(value))
            node.op, given, attrs = "StringJoin", inputs(value[:at], value[at:]), {"N": 2}
        elif way == "substr":
            node.op, given, attrs = "Substr", inputs(b"ab" + value + b"c", 2, len(value)), {"T": 3}
        elif way == "zlib":
            node.op, given, attrs = "DecodeCompressed", inputs(zlib.compress(value)), {"compression_type": b"ZLIB"}
        elif way == "regex" and all(31 < b < 127 and b not in b"\\Q" for b in value):
            at = self.rng.randint(0, len(value))
            node.op, given = "RegexReplace", inputs(value[:at] + b"QQ" + value[at:], b"QQ", b"")
        elif way == "content" and len(value) < 128:
            tensor = node.attr["value"].tensor
            tensor.ClearField("string_val")
            tensor.tensor_content = bytes([len(value)]) + value
            tensor.string_val.append(self.rng.choice([b"", b"other"]))
            return
        elif way == "twice":
            node.attr["value"].tensor.string_val.append(b"")
            return
        else:
            return
        node.ClearField("attr")
        node.input.extend(given)
        for key, one in attrs.items():
            if isinstance(one, bytes):
                node.attr[key].s = one
            elif key == "N":
                node.attr[key].i = one
            else:
                node.attr[key].type = one


def vary(source, folder, count, seed):
    from tensorflow.core.framework import graph_pb2
    from tensorflow.core.protobuf import saved_model_pb2
    os.makedirs(folder, exist_ok=True)
    rng = random.Random(seed)
    names = sorted(os.listdir(source))
    for index in range(count):
        name = rng.choice(names)
        with open(os.path.join(source, name), "rb") as file:
            data = file.read()
        if ".saved_model." in name:
            model = saved_model_pb2.SavedModel()
            model.ParseFromString(data)
            definition = model.meta_graphs[0].graph_def
        else:
            model = definition = graph_pb2.GraphDef()
            definition.ParseFromString(data)
        Varier(rng).vary(definition)
        with open(os.path.join(folder, f"{index}_{name}"), "wb") as file:
            file.write(model.SerializeToString())


CHILD = r"""
import os, sys
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
v1 = tf.compat.v1
for line in sys.stdin:
    path = line.strip()
    before = set(os.listdir('.'))
    os.makedirs('SANDBOXSANDBOX/out', exist_ok=True)
    with open('SANDBOXSANDBOX/secret', 'w') as file: file.write('the secret of the sandbox\n')
    os.utime('SANDBOXSANDBOX/secret', (1, 10 ** 9))
    error = ''
    with open(path, 'rb') as file: data = file.read()
    definition = v1.GraphDef()
    try:
        if '.saved_model.' in path:
            model = saved_model_pb2.SavedModel(); model.ParseFromString(data); definition = model.meta_graphs[0].graph_def
        else:
            definition.ParseFromString(data)
        with v1.Graph().as_default() as graph:
            tf.import_graph_def(definition, name='')
            config = v1.ConfigProto(inter_op_parallelism_threads=1, intra_op_parallelism_threads=1)
            config.graph_options.rewrite_options.disable_meta_optimizer = True
            config.graph_options.optimizer_options.opt_level = -1
            with v1.Session(config=config) as session: session.run('target', options=v1.RunOptions(timeout_in_ms=5000))
    except Exception as e:
        error = ' '.join(str(e).split())[:400]
    wrote = [n for _, _, files in os.walk('SANDBOXSANDBOX/out') for n in files]
    read = os.stat('SANDBOXSANDBOX/secret').st_atime != 1
    print(os.path.basename(path), 'WROTE' if wrote else '', 'READ' if read else '', error, flush=True)
    import shutil; shutil.rmtree('SANDBOXSANDBOX')
"""


def run(folder, names):
    with open(names) as file:
        paths = [os.path.abspath(os.path.join(folder, line.strip())) for line in file if line.strip()]
    with tempfile.TemporaryDirectory() as sandbox:
        child = subprocess.run([sys.executable, "-c", CHILD], input="\n".join(paths), text=True, cwd=sandbox, capture_output=True)
        sys.stdout.write(child.stdout)
        sys.stderr.write(child.stderr[-2000:] if child.returncode else "")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    elif sys.argv[1] == "vary":
        vary(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]) if len(sys.argv) > 5 else 1)
    else:
        run(sys.argv[2], sys.argv[3])
