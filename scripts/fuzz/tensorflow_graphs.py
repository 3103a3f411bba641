"""Metamorphic fuzzing of TensorFlow's graphs: an operator that writes, or reads a file with a secret, under many
ways of computing its path or its graph, with a harmless reading beside the harmful one wherever a way has two.
TensorFlow is the judge: every file is loaded and run in a child process with a folder of its own.

    scripts/fuzz/tensorflow_graphs.py all FOLDER COUNT [SEED]      makes, runs and scans; prints what is clean and
                                                                   wrote or read, and counts. What a run before it
                                                                   made and judged in FOLDER is only scanned
    scripts/fuzz/tensorflow_graphs.py make FOLDER COUNT [SEED]     graphs and SavedModels
    scripts/fuzz/tensorflow_graphs.py run FOLDER [NAMES.txt]       loads and runs them, or the named ones; a line each

None that wrote or read may be clean. The sandbox is a folder of its own, without network and as another user
where the program runs as root.
"""

import base64
import collections
import ctypes
import gzip
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BOX = "SANDBOXSANDBOX"
# Graphs that one child runs, and seconds that one of them may take.
BATCH, SECONDS = 250, 20
# Kinds of harm whose file is read; the others write.
READING = set("reads maps lists samples lines file_table records fixed lines_csv whole restores decodes vocabulary remaps asset saver_read".split())
# Kinds that only exist in a SavedModel.
IN_MODELS = ["saver_write", "saver_read", "asset"]


def load():
    global tf, v1, raw, Defun, saved_model_pb2, graph_pb2
    import tensorflow as tf
    from tensorflow.core.framework import graph_pb2
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow.python.framework.function import Defun
    v1, raw = tf.compat.v1, tf.raw_ops


class Maker:
    def __init__(self, rng):
        self.rng = rng
        self.used = []

    def name(self, letter):
        return "%s%d" % (letter, self.rng.randint(0, 10 ** 9))

    # Ways to compute a text. Each gives a tensor that is `value` when the graph runs; `decoy` is what another
    # reading of the graph would take for it.
    def text(self, value, decoy=None, depth=None):
        rng = self.rng
        depth = rng.choice([0, 1, 1, 2, 3]) if depth is None else depth
        if depth == 0:
            return tf.constant(value)
        decoy = b"other" if decoy is None else decoy
        way = rng.choice(WAYS)
        try:
            out = getattr(self, way)(value, decoy, depth - 1)
        except (UnicodeDecodeError, NotImplementedError):
            return self.text(value, decoy, depth - 1)
        self.used.append(way)
        return out

    def identity(self, value, decoy, depth):
        way = self.rng.choice([
            tf.identity, tf.stop_gradient, lambda x: tf.ensure_shape(x, []), lambda x: tf.identity_n([tf.constant(decoy), x])[1],
            lambda x: raw.DeepCopy(x=x), lambda x: raw.PreventGradient(input=x), lambda x: tf.reshape(x, []),
            lambda x: tf.squeeze(tf.expand_dims(x, 0)), lambda x: raw.GuaranteeConst(input=x) if hasattr(raw, "GuaranteeConst") else x])
        return way(self.text(value, decoy, depth))

    def joined(self, value, decoy, depth):
        at = self.rng.randint(0, len(value))
        separator = self.rng.choice(["", "", value[at:at + 1].decode("ascii")])
        return tf.strings.join([self.text(value[:at], decoy, depth), self.text(value[at + len(separator):], b"", 0)], separator)

    def decoded(self, value, decoy, depth):
        encoded = base64.urlsafe_b64encode(value)
        return tf.io.decode_base64(self.text(self.rng.choice([encoded, encoded.rstrip(b"=")]), base64.urlsafe_b64encode(decoy), depth))

    def inflated(self, value, decoy, depth):
        kind, pack = self.rng.choice([("ZLIB", zlib.compress), ("GZIP", gzip.compress), ("", bytes)])
        return tf.io.decode_compressed(self.text(pack(value), pack(decoy), depth), compression_type=kind)

    def cut(self, value, decoy, depth):
        whole = decoy + value + self.rng.choice([b"", b"yyy"])
        at = self.rng.choice([len(decoy), len(decoy) - len(whole)])
        return tf.strings.substr(self.text(whole, decoy, depth), at, len(value))

    def cut_characters(self, value, decoy, depth):
        value.decode("ascii")
        return tf.strings.substr(self.text("é".encode() + value, decoy, depth), 1, len(value), unit="UTF8_CHAR")

    def replaced(self, value, decoy, depth):
        if b"Q" in value or b"\\" in value or any(b > 127 or b < 32 for b in value):
            raise NotImplementedError
        at = self.rng.randint(0, len(value))
        which = self.rng.randint(0, 3)
        if which == 0:
            return tf.strings.regex_replace(self.text(value[:at] + b"QQ" + value[at:], decoy, depth), "QQ", "")
        if which == 1:
            return tf.strings.regex_replace(self.text(decoy, value, depth), ".*", value, replace_global=False)
        if which == 2:
            return raw.RegexReplace(input=self.text(b"QQ" + decoy, value, depth), pattern=self.text(b"^Q.*$", b"", 0), rewrite=tf.constant(value), replace_global=False)
        return raw.StaticRegexReplace(input=self.text(value[:at] + b"QxQ" + value[at:], decoy, depth), pattern="Q.Q", rewrite="")

    def reduced(self, value, decoy, depth):
        parts = [value[i:i + 7] for i in range(0, len(value), 7)] or [b""]
        if self.rng.random() < .5:
            return tf.strings.reduce_join(tf.stack([self.text(p, decoy, 0) for p in parts]))
        return tf.strings.unsorted_segment_join(tf.stack([self.text(p, decoy, 0) for p in parts]), tf.zeros([len(parts)], tf.int32), 1)[0]

    def chosen(self, value, decoy, depth):
        """From two, by a place."""
        both, at = [tf.constant(decoy), self.text(value, decoy, depth)], 1
        if self.rng.random() < .5:
            both, at = both[::-1], 0
        stacked = tf.stack(both)
        return self.rng.choice([
            lambda: tf.gather(stacked, at), lambda: tf.unstack(stacked)[at], lambda: stacked[at], lambda: tf.slice(stacked, [at], [1])[0],
            lambda: tf.gather_nd(stacked, [at]), lambda: tf.reverse(stacked, [0])[1 - at], lambda: tf.roll(stacked, 1, 0)[1 - at],
            lambda: tf.split(stacked, 2)[at][0], lambda: tf.boolean_mask(stacked, [at == 0, at == 1])[0], lambda: tf.tile(stacked, [2])[2 + at],
            lambda: tf.concat([stacked, [b"end"]], 0)[at], lambda: tf.transpose(tf.reshape(stacked, [1, 2]))[at][0],
            lambda: tf.dynamic_partition(stacked, [0, 1], 2)[at][0], lambda: tf.dynamic_stitch([[0], [1]], [stacked[:1], stacked[1:]])[at],
            lambda: tf.scatter_nd([[1 - at], [at]], stacked, [2])[1 - at], lambda: tf.tensor_scatter_nd_update(tf.constant([decoy]), [[0]], [stacked[at]])[0],
            lambda: tf.strings.reduce_join(tf.where([at == 0, at == 1], stacked, ["", ""])), lambda: tf.unique(stacked)[0][at] if value != decoy else stacked[at]])()

    def selected(self, value, decoy, depth):
        yes = self.rng.random() < .5
        a, b = self.text(value, decoy, depth), tf.constant(decoy)
        condition = self.rng.choice([lambda x: tf.constant(x), lambda x: tf.equal(tf.constant(1), 1 if x else 2), lambda x: tf.logical_not(tf.constant(not x))])(yes)
        a, b = (a, b) if yes else (b, a)
        return self.rng.choice([lambda: tf.where(condition, a, b), lambda: raw.Select(condition=condition, x=a, y=b)])()

    def switched(self, value, decoy, depth):
        yes, no = raw.Switch(data=self.text(value, decoy, depth), pred=tf.constant(True))[::-1]
        other = raw.Switch(data=tf.constant(decoy), pred=tf.constant(True))[0]
        return raw.Merge(inputs=self.rng.choice([[yes, other], [other, yes]])).output

    def default(self, value, decoy, depth):
        return v1.placeholder_with_default(self.text(value, decoy, depth), [])

    def called(self, value, decoy, depth):
        place = self.rng.randint(0, 1)

        @Defun(tf.string, tf.string)
        def inner(x, y):
            return (tf.identity(x), tf.identity(y)) if self.rng.random() < .5 else (y, x)[::-1]
        given = [tf.constant(decoy), tf.constant(decoy)]
        given[place] = self.text(value, decoy, depth)
        call = self.rng.choice([raw.StatefulPartitionedCall, raw.PartitionedCall])
        if self.rng.random() < .3:
            return inner(*given)[place]
        return call(args=given, Tout=[tf.string, tf.string], f=inner)[place]

    def returned(self, value, decoy, depth):
        maker = self

        @Defun()
        def inner():
            return tf.constant(decoy), maker.text(value, decoy, depth)
        return raw.StatefulPartitionedCall(args=[], Tout=[tf.string, tf.string], f=inner)[1]

    def branch(self, value, decoy, depth):
        swap = self.rng.random() < .5

        @Defun(tf.string, tf.string)
        def first(x, y):
            return tf.identity(x)

        @Defun(tf.string, tf.string)
        def second(x, y):
            return tf.identity(y)
        given = [self.text(value, decoy, depth), tf.constant(decoy)]
        branches = (second, first) if swap else (first, second)
        op = self.rng.choice([raw.If, raw.StatelessIf])
        return op(cond=tf.constant(not swap), input=given, Tout=[tf.string], then_branch=branches[0], else_branch=branches[1])[0]

    def cased(self, value, decoy, depth):
        texts = [decoy, decoy, decoy]
        at = self.rng.randint(0, 2)
        texts[at] = value

        def made(one):
            @Defun()
            def branch():
                return tf.constant(one)
            return branch
        op = self.rng.choice([raw.Case, raw.StatelessCase])
        return op(branch_index=tf.constant(at if at < 2 else 77), input=[], Tout=[tf.string], branches=[made(one) for one in texts])[0]

    def looped(self, value, decoy, depth):
        @Defun(tf.int32, tf.string, tf.string)
        def condition(i, x, y):
            return i < 1

        @Defun(tf.int32, tf.string, tf.string)
        def body(i, x, y):
            return i + 1, tf.identity(y), tf.identity(x)
        op = self.rng.choice([raw.While, raw.StatelessWhile])
        return op(input=[tf.constant(0), tf.constant(decoy), self.text(value, decoy, depth)], cond=condition, body=body)[1]

    def variable(self, value, decoy, depth):
        shared = self.name("v")
        handle = raw.VarHandleOp(dtype=tf.string, shape=[], shared_name=shared)
        with tf.control_dependencies([raw.AssignVariableOp(resource=handle, value=tf.constant(decoy))]):
            again = raw.VarHandleOp(dtype=tf.string, shape=[], shared_name=shared)
            with tf.control_dependencies([raw.AssignVariableOp(resource=again, value=self.text(value, decoy, depth))]):
                return raw.ReadVariableOp(resource=handle, dtype=tf.string)

    def reference(self, value, decoy, depth):
        with tf.device(None):
            ref = raw.VariableV2(shape=[], dtype=tf.string, shared_name=self.name("r"))
            first = raw.Assign(ref=ref, value=tf.constant(decoy))
            with tf.control_dependencies([first]):
                return tf.identity(raw.Assign(ref=ref, value=self.text(value, decoy, depth)))

    def unicode(self, value, decoy, depth):
        return tf.strings.unicode_encode(tf.constant([ord(c) for c in value.decode("ascii")]), "UTF-8")

    def transcoded(self, value, decoy, depth):
        return tf.strings.unicode_transcode(self.text(value.decode("ascii").encode("utf-16-be"), decoy, depth), "UTF-16-BE", "UTF-8")

    def cased_letters(self, value, decoy, depth):
        if value != value.lower() or any(b > 127 for b in value):
            raise NotImplementedError
        return tf.strings.lower(self.text(value.upper(), decoy, depth))

    def stripped(self, value, decoy, depth):
        if value != value.strip() or not value:
            raise NotImplementedError
        return tf.strings.strip(self.text(b" \n" + value + b" ", decoy, depth))

    def formatted(self, value, decoy, depth):
        at = self.rng.randint(0, len(value))
        first, second = value[:at].decode("ascii"), value[at:].decode("ascii")
        if "{" in value.decode() or "\\" in first or not second.isdigit():
            raise NotImplementedError
        return tf.strings.format(first.replace("%", "%%") + "{}", tf.constant(int(second)))

    def numbered(self, value, decoy, depth):
        for at in range(len(value)):
            digits = value[at:].decode("ascii")
            if digits.isdigit() and str(int(digits)) == digits and len(digits) < 9:
                return tf.strings.join([tf.constant(value[:at]), tf.strings.as_string(tf.constant(int(digits)))])
        raise NotImplementedError

    def table(self, value, decoy, depth):
        make = self.rng.choice([raw.HashTableV2, raw.MutableHashTableV2])
        handle = make(key_dtype=tf.int64, value_dtype=tf.string, shared_name=self.name("t"))
        keys, values = tf.constant([1, 2], tf.int64), tf.stack([self.text(value, decoy, depth), tf.constant(decoy)])
        fill = raw.LookupTableImportV2 if make is raw.MutableHashTableV2 or self.rng.random() < .5 else raw.InitializeTableV2
        with tf.control_dependencies([fill(table_handle=handle, keys=keys, values=values)]):
            return raw.LookupTableFindV2(table_handle=handle, keys=tf.constant(1, tf.int64), default_value=tf.constant(decoy))

    def listed(self, value, decoy, depth):
        one = raw.TensorListFromTensor(tensor=tf.stack([self.text(value, decoy, depth), tf.constant(decoy)]), element_shape=tf.constant([], tf.int32))
        if self.rng.random() < .5:
            one = raw.TensorListSetItem(input_handle=one, index=1, item=tf.constant(b"third"))
        return raw.TensorListGetItem(input_handle=one, index=0, element_shape=tf.constant([], tf.int32), element_dtype=tf.string)

    def array(self, value, decoy, depth):
        array = tf.TensorArray(tf.string, 2, element_shape=[])
        return array.write(0, tf.constant(decoy)).write(1, self.text(value, decoy, depth)).read(1)

    def queued(self, value, decoy, depth):
        make = self.rng.choice([raw.FIFOQueueV2, raw.PaddingFIFOQueueV2])
        queue = make(component_types=[tf.string], shapes=[[]], shared_name=self.name("q"))
        with tf.control_dependencies([raw.QueueEnqueueV2(handle=queue, components=[self.text(value, decoy, depth)])]):
            with tf.control_dependencies([raw.QueueEnqueueV2(handle=queue, components=[tf.constant(decoy)])]) if self.rng.random() < .3 else tf.control_dependencies([]):
                return raw.QueueDequeueV2(handle=queue, component_types=[tf.string])[0]

    def staged(self, value, decoy, depth):
        shared = self.name("s")
        with tf.control_dependencies([raw.Stage(values=[self.text(value, decoy, depth)], shared_name=shared)]):
            return raw.Unstage(dtypes=[tf.string], shared_name=shared)[0]

    def stacked(self, value, decoy, depth):
        handle = raw.StackV2(max_size=-1, elem_type=tf.string, stack_name=self.name("k"))
        with tf.control_dependencies([raw.StackPushV2(handle=handle, elem=tf.constant(decoy))]):
            with tf.control_dependencies([raw.StackPushV2(handle=handle, elem=self.text(value, decoy, depth))]):
                return raw.StackPopV2(handle=handle, elem_type=tf.string)

    def split(self, value, decoy, depth):
        if b"|" in value + decoy or not value:
            raise NotImplementedError
        return tf.strings.split([tf.strings.join([self.text(value, decoy, depth), b"|" + decoy])], "|").values[0]

    def parsed(self, value, decoy, depth):
        if self.rng.random() < .5:
            return tf.io.parse_tensor(self.text(tf.make_tensor_proto(value).SerializeToString(), decoy, depth), tf.string)
        example = tf.train.Example(features=tf.train.Features(feature={"a": tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])),
                                                                     "b": tf.train.Feature(bytes_list=tf.train.BytesList(value=[decoy]))}))
        return tf.io.parse_single_example(self.text(example.SerializeToString(), decoy, depth), {"a": tf.io.FixedLenFeature([], tf.string)})["a"]

    def csv(self, value, decoy, depth):
        if any(b in value for b in b"\",\n\r") or any(b in decoy for b in b"\",\n\r") or not value:
            raise NotImplementedError
        return tf.io.decode_csv(self.text(b'"' + value + b'","' + decoy + b'"', decoy, depth), [[""], [""]])[0]

    def dataset(self, value, decoy, depth):
        make = self.rng.choice([raw.TensorDataset, raw.TensorSliceDataset])
        one = self.text(value, decoy, depth)
        data = make(components=[one if make is raw.TensorDataset else tf.reshape(one, [1])], output_shapes=[[]])
        if self.rng.random() < .5:
            data = raw.TakeDataset(input_dataset=data, count=tf.constant(1, tf.int64), output_types=[tf.string], output_shapes=[[]])
        return raw.DatasetToSingleElement(dataset=data, output_types=[tf.string], output_shapes=[[]])[0]

    def optional(self, value, decoy, depth):
        return raw.OptionalGetValue(optional=raw.OptionalFromValue(components=[self.text(value, decoy, depth)]), output_types=[tf.string], output_shapes=[[]])[0]

    def ragged(self, value, decoy, depth):
        return tf.RaggedTensor.from_row_splits(tf.stack([tf.constant(decoy), self.text(value, decoy, depth)]), [0, 1, 2]).to_tensor(b"")[1, 0]

    def sparse(self, value, decoy, depth):
        return tf.sparse.to_dense(tf.SparseTensor([[0], [1]], tf.stack([tf.constant(decoy), self.text(value, decoy, depth)]), [2]), b"")[1]

    # What does harm.
    def writes(self, path):
        return tf.io.write_file(self.text(path), self.text(b"written"))

    def reads(self, path):
        return tf.io.read_file(self.text(path))

    def prints(self, path):
        return raw.PrintV2(input=tf.constant("printed"), output_stream="file://" + path.decode())

    def maps(self, path):
        return tf.identity(raw.ImmutableConst(dtype=tf.uint8, shape=[8], memory_region_name=path.decode()))

    def lists(self, path):
        return raw.MatchingFiles(pattern=self.text(os.path.dirname(path) + b"/*"))

    def saves(self, path):
        if self.rng.random() < .5:
            return raw.Save(filename=self.text(path), tensor_names=["a"], data=[tf.constant(1.0)])
        return raw.SaveV2(prefix=self.text(path), tensor_names=["a"], shape_and_slices=[""], tensors=[tf.constant(1.0)])

    def restores(self, path):
        return raw.RestoreV2(prefix=self.text(path), tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32])[0] if self.rng.random() < .5 \
            else raw.Restore(file_pattern=self.text(path), tensor_name="a", dt=tf.float32)

    def samples(self, path):
        return raw.FixedUnigramCandidateSampler(true_classes=tf.constant([[0]], tf.int64), num_true=1, num_sampled=1, unique=False, range_max=1,
                                                vocab_file=path.decode(), num_reserved_ids=0, unigrams=[]).sampled_candidates

    def decodes(self, path):
        return raw.DecodeProtoV2(bytes=v1.placeholder_with_default(tf.constant([b""]), [1]), message_type="a.B", field_names=["c"], output_types=[tf.int32],
                                 descriptor_source=path.decode()).sizes

    def numbers(self):
        return raw.RangeDataset(start=tf.constant(0, tf.int64), stop=tf.constant(2, tf.int64), step=tf.constant(1, tf.int64), output_types=[tf.int64], output_shapes=[[]])

    def caches(self, path):
        if self.rng.random() < .5:
            cache = raw.AnonymousMemoryCache()
            return self.consumed(raw.CacheDatasetV2(input_dataset=self.numbers(), filename=self.text(path, b""), cache=cache.handle, output_types=[tf.int64], output_shapes=[[]]))
        return self.consumed(raw.CacheDataset(input_dataset=self.numbers(), filename=self.text(path, b""), output_types=[tf.int64], output_shapes=[[]]))

    def snapshots(self, path):
        return self.consumed(raw.SnapshotDataset(input_dataset=self.numbers(), path=self.text(path), output_types=[tf.int64], output_shapes=[[]]))

    def lines(self, path):
        return self.consumed(raw.TextLineDataset(filenames=self.text(path), compression_type=tf.constant(""), buffer_size=tf.constant(0, tf.int64)), tf.string)

    def lines_csv(self, path):
        return self.consumed(raw.CSVDataset(filenames=self.text(path), compression_type=tf.constant(""), buffer_size=tf.constant(99, tf.int64), header=tf.constant(False),
                                            field_delim=tf.constant(","), use_quote_delim=tf.constant(True), na_value=tf.constant(""), select_cols=tf.constant([], tf.int64),
                                            record_defaults=[tf.constant([""])], output_shapes=[[]]), tf.string)

    def records(self, path):
        return self.consumed(raw.TFRecordDataset(filenames=self.text(path), compression_type=tf.constant(""), buffer_size=tf.constant(0, tf.int64)), tf.string)

    def fixed(self, path):
        return self.consumed(raw.FixedLengthRecordDatasetV2(filenames=self.text(path), header_bytes=tf.constant(0, tf.int64), record_bytes=tf.constant(1, tf.int64),
                                                            footer_bytes=tf.constant(0, tf.int64), buffer_size=tf.constant(0, tf.int64), compression_type=tf.constant("")), tf.string)

    def whole(self, path):
        reader = raw.WholeFileReaderV2(shared_name=self.name("w"))
        queue = raw.FIFOQueueV2(component_types=[tf.string], shapes=[[]], shared_name=self.name("q"))
        if self.rng.random() < .5:
            # ReaderBaseState: one piece of work was begun, and is not finished. The queue gives no name.
            state = b"\x08\x01\x10\x00\x18\x00\x22" + bytes([len(path)]) + path
            before = raw.ReaderRestoreStateV2(reader_handle=reader, state=self.text(state))
        else:
            before = raw.QueueEnqueueV2(handle=queue, components=[self.text(path)])
        with tf.control_dependencies([before]):
            return raw.ReaderReadV2(reader_handle=reader, queue_handle=queue).value

    def file_table(self, path):
        handle = raw.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name=self.name("t"))
        return raw.InitializeTableFromTextFileV2(table_handle=handle, filename=self.text(path), key_index=-2, value_index=-1)

    def vocabulary(self, path):
        return raw.GenerateVocabRemapping(new_vocab_file=self.text(path), old_vocab_file=self.text(path), new_vocab_offset=0, num_new_vocab=1).remapping

    def remaps(self, path):
        return raw.LoadAndRemapMatrix(ckpt_path=self.text(path), old_tensor_name=tf.constant("a"), row_remapping=tf.constant([0], tf.int64), col_remapping=tf.constant([], tf.int64),
                                      initializing_values=[], num_rows=1, num_cols=1)

    def summary(self, path):
        writer = raw.SummaryWriter(shared_name=self.name("s"))
        made = raw.CreateSummaryFileWriter(writer=writer, logdir=self.text(os.path.dirname(path)), max_queue=tf.constant(1), flush_millis=tf.constant(1), filename_suffix=self.text(b"x"))
        with tf.control_dependencies([made]):
            return raw.FlushSummaryWriter(writer=writer)

    def debugs(self, path):
        return raw.DebugIdentityV2(input=tf.constant(1.0), tfdbg_context_id="c", op_name="o", output_slot=0, tensor_debug_mode=2,
                                   debug_urls=["file://" + os.path.dirname(path).decode()], tfdbg_run_id="r")

    def consumed(self, data, dtype=None):
        dtype = dtype or tf.int64

        @Defun(dtype, dtype)
        def last(old, new):
            return new
        start = tf.constant(b"", tf.string) if dtype == tf.string else tf.constant(0, dtype)
        return raw.ReduceDataset(input_dataset=data, initial_state=[start], other_arguments=[], f=last, output_types=[dtype], output_shapes=[[]])[0]

    def serialized(self, path, harmful):
        """A dataset's graph, as text, that does harm when it is run, or none."""
        inner = v1.Graph()
        with inner.as_default():
            harm = self.rng.choice([self.writes, self.saves, self.prints, self.caches])
            place = self.rng.choice(["map", "main"])

            @Defun(tf.int64)
            def mapped(x):
                with tf.control_dependencies([harm(path)] if harmful and place == "map" else []):
                    return tf.identity(x)
            with tf.control_dependencies([harm(path)] if harmful and place == "main" else []):
                start = raw.RangeDataset(start=tf.constant(0, tf.int64), stop=tf.constant(1, tf.int64), step=tf.constant(1, tf.int64), output_types=[tf.int64], output_shapes=[[]])
            data = raw.MapDataset(input_dataset=start, other_arguments=[], f=mapped, output_types=[tf.int64], output_shapes=[[]])
            if harmful and self.rng.random() < .15:
                data = raw.DatasetFromGraph(graph_def=self.text(self.serialized(path, True), self.serialized(path, False)))
            out = tf.identity(data, name="dataset")
        graph = inner.as_graph_def()
        graph.node.add(name="dataset_ret", op="_Retval", input=[out.op.name])
        graph.node[-1].attr["T"].type = tf.variant.as_datatype_enum
        graph.node[-1].attr["index"].i = 0
        return graph.SerializeToString()

    def rebuilt(self, path):
        graph, decoy = self.serialized(path, True), self.serialized(path, False)
        return self.consumed(raw.DatasetFromGraph(graph_def=self.text(graph, decoy, self.rng.choice([0, 1, 1, 2, 2, 3]))))

    def harmless(self, path):
        graph = self.serialized(path, False)
        return self.consumed(raw.DatasetFromGraph(graph_def=self.text(graph, graph, self.rng.choice([0, 1, 1, 2, 2, 3]))))

    # Of SavedModels.
    def beside(self, filename, tail):
        parts = []
        while tail:
            at = self.rng.randint(1, len(tail))
            parts.append(tail[:at])
            tail = tail[at:]
        out = filename
        while parts:
            count = self.rng.randint(1, len(parts))
            separator = ""
            if count == 1 and len(parts[0]) > 2 and self.rng.random() < .3:
                separator, parts[0] = parts[0][:2].decode(), parts[0][2:]
            out = raw.StringJoin(inputs=[out] + [tf.constant(part) for part in parts[:count]], separator=separator)
            parts = parts[count:]
        return out

    def saver_write(self, path):
        target = self.beside(self.filename, self.rng.choice([b"/../../../out/w", b"", b"-1", b"/.././../../out/w"]))
        return raw.SaveV2(prefix=target, tensor_names=["a"], shape_and_slices=[""], tensors=[tf.constant(1.0)])

    def saver_read(self, path):
        return raw.RestoreV2(prefix=self.beside(self.filename, b"/../../../secret"), tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32])[0]

    def asset(self, path):
        """A file by a constant that is an asset while the model is loaded, and is read at another time, too."""
        constant = tf.constant(path, name="asset")
        self.assets.append(("asset:0", self.rng.choice(["vocab.txt", "../../secret", "a/../../../secret"])))
        return tf.io.read_file(self.rng.choice([lambda x: x, tf.identity, lambda x: tf.strings.join([x, ""])])(constant))

    # Where it stands.
    def placed(self, harm, path):
        place = self.rng.choice(["main", "call", "if", "map", "while", "case", "nested", "argument"])
        if place == "main" or harm.__name__ in IN_MODELS:
            return harm(path)
        zero = tf.constant(0, tf.int64)

        @Defun(tf.int64)
        def body(x):
            with tf.control_dependencies([harm(path)]):
                return tf.identity(x)
        if place == "call":
            return raw.StatefulPartitionedCall(args=[zero], Tout=[tf.int64], f=body)[0]
        if place == "nested":
            @Defun(tf.int64)
            def around(x):
                return raw.StatefulPartitionedCall(args=[x], Tout=[tf.int64], f=body)[0]
            return raw.StatefulPartitionedCall(args=[zero], Tout=[tf.int64], f=around)[0]
        if place == "argument":
            if harm.__name__ not in ("writes", "reads"):
                return harm(path)

            @Defun(tf.string, tf.string)
            def inner(other, name):
                done = tf.io.write_file(name, "x") if harm.__name__ == "writes" else tf.io.read_file(name)
                with tf.control_dependencies([done]):
                    return tf.identity(other)
            return raw.StatefulPartitionedCall(args=[tf.constant("other"), self.text(path)], Tout=[tf.string], f=inner)[0]
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

    def graph(self, is_model):
        rng = self.rng
        self.assets, self.used = [], []
        graph = v1.Graph()
        with graph.as_default():
            kinds = [rng.choice(PLAIN)] + ["rebuilt", "rebuilt", "rebuilt", "caches"] + (IN_MODELS * 2 if is_model else []) + ["harmless"] * (rng.random() < .15)
            kind = rng.choice(kinds)
            self.filename = v1.placeholder_with_default(tf.constant("model"), [], name="filename") if rng.random() < .5 else v1.placeholder(tf.string, [], name="filename")
            path = (BOX + ("/secret" if kind in READING else "/out/w")).encode()
            target = self.placed(getattr(self, kind), path)
            operation = target if isinstance(target, tf.Operation) else target.op
            tf.group(operation, name="target")
            tf.identity(tf.constant(1.0), name="y")
        return graph.as_graph_def(), kind

    def model(self, definition, kind):
        """A SavedModel that runs its target while it is loaded, or when it is used."""
        rng = self.rng
        meta = v1.MetaGraphDef()
        meta.graph_def.CopyFrom(definition)
        meta.meta_info_def.tags.append("serve")
        meta.meta_info_def.tensorflow_version = tf.__version__
        when = rng.choice(["main", "legacy", "init", "restore", "restore"] if kind not in IN_MODELS else ["restore"])
        when = "use" if kind == "asset" else when
        saver = meta.saver_def
        saver.filename_tensor_name, saver.save_tensor_name, saver.version = "filename:0", "y:0", 2
        # A loader restores where there are variables.
        saver.restore_op_name = "target" if when == "restore" else "y"
        if when in ("main", "legacy"):
            key = {"main": "saved_model_main_op", "legacy": "legacy_init_op"}[when]
            meta.collection_def[key].node_list.value.append("target")
        if when == "init":
            meta.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name = "target"
        if when == "use":
            meta.collection_def["saved_model_main_op"].node_list.value.append("y")
        for index in range(rng.choice([0, 1, 2, 40, 80])):
            info = meta.signature_def["s%d" % index].outputs["y"]
            info.name, info.dtype = "y:0", 1
        if when == "use":
            info = meta.signature_def["serving_default"].outputs["out"]
            info.name, info.dtype = "ReadFile:0", 7
        for tensor, filename in self.assets:
            asset = meta.asset_file_def.add()
            asset.tensor_info.name, asset.filename = tensor, filename
        model = saved_model_pb2.SavedModel(saved_model_schema_version=1)
        model.meta_graphs.add().CopyFrom(meta)
        return model


WAYS = ("identity joined decoded inflated cut cut_characters replaced reduced chosen selected switched default called returned branch cased looped "
        "variable reference unicode transcoded cased_letters stripped formatted numbered table listed array queued staged stacked split parsed csv "
        "dataset optional ragged sparse").split()
PLAIN = ("writes reads prints maps lists saves restores samples decodes snapshots lines lines_csv records fixed whole file_table vocabulary "
         "remaps summary debugs").split()


class Wire:
    """The same message in other bytes: what parsers take together, pass over, or replace by what comes later."""

    def __init__(self, rng, most):
        self.rng, self.left = rng, most

    def varint(self, value):
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        out.append(value)
        if len(out) < 5 and self.spend(.05):
            # Tags and lengths may have five bytes.
            out[-1] |= 128
            out += b"\x80" * self.rng.randint(0, 4 - len(out)) + b"\x00"
        return bytes(out)

    def field(self, number, payload):
        return self.varint(number << 3 | 2) + self.varint(len(payload)) + payload

    def unknown(self):
        rng = self.rng
        number = rng.choice([19, 77, 500, 100000])
        body = rng.choice([b"\x0a\x01a\x12\x04NoOp", b"stderr", b"", b"\x08\x01"])
        return rng.choice([self.field(number, body), self.varint(number << 3) + self.varint(7),
                           self.varint(number << 3 | 3) + self.field(1, body) + self.varint(number << 3 | 4), self.varint(number << 3 | 5) + b"abcd"])

    def message(self, message):
        """A message of protobuf, written anew; the parts of one field keep their order."""
        rng, pieces = self.rng, []
        for descriptor, value in message.ListFields():
            number, plain = descriptor.number, descriptor.cpp_type
            many = descriptor.is_repeated if hasattr(descriptor, "is_repeated") else descriptor.label == 3
            is_map = descriptor.message_type is not None and descriptor.message_type.GetOptions().map_entry
            run = []
            if is_map and any(not isinstance(key, str) for key in value):
                run = None
            elif is_map:
                entry = descriptor.message_type.fields_by_name
                for key in value:
                    inner = self.message(value[key]) if entry["value"].message_type is not None else None
                    if inner is None:
                        run = None
                        break
                    parts = [self.field(1, key.encode()), self.field(2, inner)]
                    # Of equal keys the last entry counts, and of equal fields in an entry the last key.
                    if self.spend(.1):
                        run.append(self.field(number, self.field(1, key.encode()) + self.field(2, rng.choice([b"", self.field(2, b"stderr"), self.field(8, b"\x08\x07\x42\x00")]))))
                    if self.spend(.1):
                        parts.reverse()
                    if self.spend(.05):
                        parts.insert(0, self.field(1, b"other"))
                    run.append(self.field(number, b"".join(parts)))
            elif descriptor.type == 11:
                for one in value if many else [value]:
                    inner = self.message(one)
                    if not many and self.spend(.2):
                        first, second = self.halves(one)
                        if first is not None:
                            run += [self.field(number, first), self.field(number, second)]
                            continue
                    run.append(self.field(number, inner))
            elif descriptor.type in (9, 12):
                for one in value if many else [value]:
                    data = one.encode() if isinstance(one, str) else one
                    if not many and descriptor.containing_oneof is None and self.spend(.1):
                        run.append(self.field(number, rng.choice([b"", b"NoOp", b"Const", b"other"])))
                    run.append(self.field(number, data))
            else:
                run = None
            if run is None:
                # As protobuf writes it.
                alone = type(message)()
                copy = getattr(alone, descriptor.name)
                if is_map and descriptor.message_type.fields_by_name["value"].message_type is not None:
                    for key in value:
                        copy[key].CopyFrom(value[key])
                elif is_map:
                    copy.update(value)
                elif many:
                    copy.extend(value)
                else:
                    setattr(alone, descriptor.name, value)
                run = [alone.SerializeToString()]
            pieces.append(run)
        if self.spend(.1):
            pieces.append([self.unknown()])
        if self.spend(.2) and not any(descriptor.containing_oneof is not None for descriptor, _ in message.ListFields()):
            # Fields in any order; those of one number in their own.
            mixed = []
            while pieces:
                run = rng.choice(pieces)
                mixed.append(run.pop(0))
                pieces = [run for run in pieces if run]
            return b"".join(mixed)
        return b"".join(part for run in pieces for part in run)

    def halves(self, message):
        """Two messages that are one when they are merged."""
        fields = message.ListFields()
        if len(fields) < 2 or any(descriptor.containing_oneof is not None for descriptor, _ in fields):
            return None, None
        at = self.rng.randint(1, len(fields) - 1)
        first, second = type(message)(), type(message)()
        first.CopyFrom(message)
        second.CopyFrom(message)
        for index, (descriptor, _) in enumerate(fields):
            (second if index < at else first).ClearField(descriptor.name)
        return self.message(first), self.message(second)

    def spend(self, chance):
        if self.left <= 0 or self.rng.random() >= chance:
            return False
        self.left -= 1
        return True


def rewired(message, rng):
    """Bytes that protobuf reads as the same message; those of protobuf itself where they are not."""
    plain = message.SerializeToString(deterministic=True)
    if rng.random() < .4:
        return message.SerializeToString(), "plain"
    data = Wire(rng, rng.choice([1, 3, 10, 100])).message(message)
    try:
        again = type(message).FromString(data)
        again.DiscardUnknownFields()
        if again.SerializeToString(deterministic=True) == plain:
            return data, "rewired"
    except Exception:
        pass
    return message.SerializeToString(), "not the same"


def make(folder, count, seed):
    load()
    os.makedirs(folder, exist_ok=True)
    rng = random.Random(seed)
    counts = collections.Counter()
    for index in range(count):
        maker, is_model = Maker(rng), rng.random() < .35
        for _ in range(50):
            try:
                graph, kind = maker.graph(is_model)
                break
            except Exception as error:
                counts["refused: " + type(error).__name__] += 1
                reason = error
        else:
            raise reason
        counts["kind " + kind] += 1
        for way in maker.used:
            counts["way " + way] += 1
        data, how = rewired(maker.model(graph, kind) if is_model else graph, rng)
        counts["wire " + how] += 1
        name = os.path.join(folder, "%s.%d.%d.%s" % (kind, seed, index, "model" if is_model else "pb"))
        if is_model:
            os.makedirs(name + "/variables", exist_ok=True)
            os.makedirs(name + "/assets", exist_ok=True)
            for other in ("/variables/variables.index", "/assets/vocab.txt"):
                with open(name + other, "wb") as file:
                    file.write(b"a\n" if "vocab" in other else b"")
        with open(name + "/saved_model.pb" if is_model else name, "wb") as file:
            file.write(data)
    print(json.dumps(counts, sort_keys=True))


def alone():
    """The child's own rights: no network, another user, little of everything."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 24, 1 << 24))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.geteuid() == 0:
        ctypes.CDLL(None).unshare(0x40000000)
        os.setgid(65534)
        os.setuid(65534)


def judge(path):
    """Loads and runs one file. Whether it wrote, read, and what TensorFlow said."""
    kind, model = os.path.basename(path), path.endswith(".model")
    shutil.rmtree(BOX, ignore_errors=True)
    os.makedirs(BOX + "/out")
    with open(BOX + "/secret", "w") as file:
        file.write("the secret of the sandbox\n" * 40)
    if model:
        # Where the paths that climb out of its folders lead.
        shutil.copytree(path, BOX + "/model")
        path = BOX + "/model"
    before = {os.path.join(folder, one): os.stat(os.path.join(folder, one)).st_mtime_ns for folder, _, files in os.walk(".") for one in files}
    os.utime(BOX + "/secret", (1, 10 ** 9))
    os.utime(BOX, (1, 10 ** 9))
    error = ""
    try:
        config = v1.ConfigProto(inter_op_parallelism_threads=2, intra_op_parallelism_threads=1)
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        config.graph_options.optimizer_options.opt_level = -1
        config.operation_timeout_in_ms = 8000
        with v1.Session(graph=v1.Graph(), config=config) as session:
            if model:
                v1.saved_model.load(session, ["serve"], path)
                if kind.startswith("asset."):
                    session.run("ReadFile:0")
            else:
                definition = v1.GraphDef()
                with open(path, "rb") as file:
                    definition.ParseFromString(file.read())
                with session.graph.as_default():
                    tf.import_graph_def(definition, name="")
                session.run("target", options=v1.RunOptions(timeout_in_ms=8000))
    except Exception as reason:
        error = " ".join(str(reason).split())[:300]
    listed = os.path.basename(kind).startswith("lists") and os.stat(BOX).st_atime != 1
    read = listed or os.stat(BOX + "/secret").st_atime != 1
    after = {os.path.join(folder, one): os.stat(os.path.join(folder, one)).st_mtime_ns for folder, _, files in os.walk(".") for one in files}
    after[os.path.join(".", BOX, "secret")] = before[os.path.join(".", BOX, "secret")] = 0
    return after != before, read, error


def work(paths, done, output):
    """In the child: one line for each file, as soon as it was judged."""
    import signal
    alone()
    for path in paths[done:]:
        output.write("BEGIN\n")
        output.flush()
        signal.alarm(SECONDS)
        wrote, read, error = judge(path)
        output.write("%s\t%s\t%s\t%s\n" % (os.path.basename(path), "WROTE" if wrote else "", "READ" if read else "", error))
        output.flush()


def run(folder, names=None):
    load()
    if names:
        with open(names) as file:
            names = [line.strip() for line in file if line.strip()]
    paths = [os.path.abspath(os.path.join(folder, one)) for one in names or sorted(os.listdir(folder)) if one.endswith((".pb", ".model"))]
    for start in range(0, len(paths), BATCH):
        batch, done = paths[start:start + BATCH], 0
        while done < len(batch):
            with tempfile.TemporaryDirectory() as sandbox:
                os.chmod(sandbox, 0o777)
                reader, writer = os.pipe()
                sys.stdout.flush()
                child = os.fork()
                if child == 0:
                    try:
                        os.close(reader)
                        os.chdir(sandbox)
                        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                        work(batch, done, os.fdopen(writer, "w"))
                    finally:
                        os._exit(0)
                os.close(writer)
                begun = False
                with os.fdopen(reader) as lines:
                    for line in lines:
                        begun = line == "BEGIN\n"
                        if not begun:
                            done += 1
                            sys.stdout.write(line)
                os.waitpid(child, 0)
                if begun:
                    print("%s\tDIED\t\t" % os.path.basename(batch[done]))
                    done += 1
    sys.stdout.flush()


def everything(folder, count, seed):
    """Makes, runs and scans, each in a process of its own; gives 1 when something harmful is clean."""
    def program(target, *arguments):
        path = os.path.join(folder, target)
        if not os.path.exists(path):
            done = subprocess.run([sys.executable, os.path.abspath(__file__), *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
            with open(path, "w") as file:
                file.write(done.stdout)
        with open(path) as file:
            return file.read()
    os.makedirs(folder, exist_ok=True)
    graphs = os.path.join(folder, "graphs")
    made = json.loads(program("made.json", "make", graphs, str(count), str(seed)))
    judged = {line.split("\t")[0]: line.rstrip("\n").split("\t")[1:] for line in program("judged.tsv", "run", graphs).splitlines()}
    scan = subprocess.run([os.path.join(ROOT, "scripts/modelaudit"), "scan", "--no-config", "--format", "ndjson", graphs], stdout=subprocess.PIPE, text=True).stdout
    verdicts = {}
    for line in scan.splitlines():
        one = json.loads(line)
        if one["type"] == "asset":
            name = os.path.relpath(one["path"], graphs).split(os.sep)
            if len(name) == 1 or name[1] == "saved_model.pb":
                verdicts[name[0]] = one["verdict"]
    counts, wrong = collections.Counter(made), []
    for name, (wrote, read, error) in judged.items():
        kind, harm = name.split(".")[0], "harm" if wrote + read else "none"
        verdict = verdicts.get(name, "missing")
        for which in (kind, "all"):
            counts["%s, %s, %s" % (which, harm, verdict)] += 1
        if harm == "harm" and verdict not in ("dangerous", "suspicious", "incomplete"):
            wrong.append((name, verdict, wrote, read))
    print("seed %d, %d files, judged %d" % (seed, count, len(judged)), json.dumps(counts, sort_keys=True))
    for one in wrong:
        print("CLEAN AND HARMFUL", *one)
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    elif sys.argv[1] == "all":
        sys.exit(everything(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1))
    else:
        run(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
