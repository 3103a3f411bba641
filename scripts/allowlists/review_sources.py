"""The review (see review.py) of libraries of which the sources are read (source.py)."""

from __future__ import annotations

from review_types import TESTS, Review

#: What no model keeps: pictures, data sets, programs, and what talks to services.
WITHOUT = TESTS + (r"\.(datasets?|plots?|plotting|visuali[sz]ations?|examples?|benchmarks?|scripts?|docs?|app|apps|"
                   r"commands?|hub|hubconf|cli|server|client|dashboard|callbacks?\.(wb|mlflow|comet|clearml|neptune))(\.|$)",)
#: What makes a program do something by its attributes, not by its class.
EVALUATES = r".*\.\w*(Lambda|Eval|Expression|Expr|Command|Script|Subprocess|Download\w*|Worker|Server|Client)\w*"


def of(*modules: str, without: "tuple[str, ...]" = (), but: "tuple[str, ...]" = (),
       restored: "tuple[str, ...]" = ()) -> Review:
    """A review of packages, but for some of their modules and names; others are restored, whatever they define."""
    return Review(modules=modules, exclude_modules=WITHOUT + without, exclude=(EVALUATES, *but), restored=restored)


#: Statistics and distances are compiled; estimators keep functions of the library, and methods of their parts, by name.
RIVER = Review(
    modules=("river",),
    functions=(r"river\.(utils\.(math|norm)|feature_extraction\.vectorize|metrics\.(mutual_info|expected_mutual_info))",),
    exclude_modules=WITHOUT,
    exclude=(EVALUATES,),
    include={
        "river._river_rust.stats": "RsEWMean RsEWVar RsIQR RsKurtosis RsPeakToPeak RsQuantile RsRollingIQR RsRollingPRAUC "
        "RsRollingQuantile RsRollingROCAUC RsSkew",
        "river.stats._rust_stats": "RsEWMean RsEWVar RsIQR RsKurtosis RsPeakToPeak RsQuantile RsRollingIQR RsRollingQuantile RsSkew",
        "river._river_rust.vectordict": "VectorDict euclidean_distance_dict euclidean_distance_tuple lazy_search_euclidean",
        "river.drift.adwin_c": "__pyx_unpickle_AdaptiveWindowing __pyx_unpickle_Bucket",
        "river.utils.vectordict": "__pyx_unpickle_VectorDict",
        "river.metrics.mutual_info": "_average_arithmetic",
        "river.preprocessing.ordinal": "make_counter",
    },
    bound={r"river\.stats\.mean\.Mean": "clone", r"river\.drift\.dummy\.DummyDriftDetector": "_fixed_trigger _random_trigger",
           r"river\.naive_bayes\.gaussian\.GaussianNB": "_make_gaussian",
           r"river\.feature_extraction\.kernel_approx\.RBFSampler": "_random_weights",
           r"river\.tree\.splitter\.nominal_splitter_reg\.NominalSplitterReg": "_update_estimator_univariate _update_estimator_multivariate",
           r"river\.forest\.online_extra_trees\.ExtraTrees": "_detection_mode_all _detection_mode_drop _detection_mode_off",
           r"river\.linear_model\.pa\.PA\w+": "_calc_tau_0 _calc_tau_1 _calc_tau_2",
           r"river\.drift\.page_hinkley\.PageHinkley": "_test_both _test_increase _test_decrease",
           r"river\.preprocessing\.random_projection\.\w+Projector": "_rand_gauss _rand_weights_for_feature",
           r"river\.bandit\.thompson\.ThompsonSampling": "_clone_reward_obj_with_seed"},
    called=(r".*\.__pyx_unpickle_\w+",),
    named=(r"river\._river_rust\.vectordict\.[a-z]\w+", r"river\..*\.(clone|_fixed_trigger|_random_trigger|_make_gaussian|_random_weights|"
           r"_average_arithmetic|_(update_estimator|detection_mode|calc_tau|test|rand)_\w+|_clone_reward_obj_with_seed|make_counter)"),
)

#: Pipelines keep functions of languages, of scores and of layers by name.
SPACY = Review(
    modules=("spacy",),
    functions=(r"spacy\.lang\.(\w+\.)?(lex_attrs|syntax_iterators)", r"spacy\.pipeline\.(?!functions|factories)\w+"),
    exclude_modules=WITHOUT + (r"\.(cli|displacy|about|compat|schemas)",),
    # Files of knowledge bases, which compiled code opens: a rule has them.
    exclude=(EVALUATES, r"spacy\.kb\.kb_in_memory\.(Reader|Writer)"),
    include={
        **{f"spacy.{module}": " ".join(f"__pyx_unpickle_{name}" for name in names.split()) for module, names in {
            "pipeline.pipe": "Pipe", "pipeline.trainable_pipe": "TrainablePipe", "pipeline.transition_parser": "Parser",
            "pipeline.dep_parser": "DependencyParser", "pipeline.ner": "EntityRecognizer", "vectors": "BaseVectors",
            "tokens.graph": "Edge Node NoneEdge NoneNode", "training.alignment_array": "AlignmentArray"}.items()},
        "spacy.vocab": "unpickle_vocab",
        "spacy.vectors": "unpickle_vectors __pyx_unpickle_BaseVectors",
        "spacy.morphology": "unpickle_morphology",
        "spacy.matcher.matcher": "unpickle_matcher",
        "spacy.matcher.phrasematcher": "unpickle_matcher",
        "spacy.matcher.dependencymatcher": "unpickle_matcher",
        "spacy.matcher.levenshtein": "levenshtein levenshtein_compare",
        "spacy.tokens.doc": "unpickle_doc",
        "spacy.tokens._serialize": "unpickle_bin",
        "spacy.pipeline._edit_tree_internals.edit_trees": "unpickle_edittrees",
        "spacy.util": "_get_attr_unless_lookup raise_error",
        # The configuration that a pipeline keeps.
        "confection": "Config", "confection._config": "Config", "thinc.config": "Config",
    },
    called=(r".*\.(__pyx_)?unpickle_\w+", r"spacy\.util\._get_attr_unless_lookup"),
    # `__pyx_unpickle_Pipe` restores them; `EntityLinker(…)` calls a function that it is given.
    restored=(r"spacy\.pipeline\.(\w+\.)*[A-Z]\w*", r".*\.Config"),
    named=(r"spacy\.matcher\.levenshtein\.\w+", r"spacy\.util\.raise_error"),
)

#: Layers are one class, made of functions.
THINC = Review(
    modules=("thinc",),
    functions=(r"thinc\.(layers\.\w+|initializers|schedules|model)",),
    exclude_modules=WITHOUT,
    exclude=(r"(?!.*\.ParamServer$)" + EVALUATES,),
    include={"thinc.schedules": "_constant_schedule _decaying_schedule _compounding_schedule _linear_schedule "
             "_warmup_linear_schedule _slanted_triangular_schedule _cyclic_triangular_schedule _constant_then_schedule "
             "_plateau_schedule"},
    named=(r"thinc\.schedules\._\w+",),
)

#: What an exception or a record is about makes a program do nothing.
ABOUT = r".*\.\w*(Lambda|Eval(?!uation)|Expression|Script|Subprocess)\w*"

def enumerations(*modules: str) -> Review:
    """A review of what is called to be restored in libraries of which the sources are read: enumerations."""
    return Review(modules=modules, exclude_modules=WITHOUT, enumerations=True)


SOURCES: "dict[str, Review]" = {
    "flair_hooks": enumerations("flair.models", "flair.data!"),
    "lightning_hooks": enumerations("lightning.pytorch.callbacks", "lightning.pytorch.utilities", "lightning.pytorch.trainer",
                                    "lightning.fabric.utilities"),
    "monai_hooks": enumerations("monai.utils.enums!"),
    "sktime_hooks": enumerations("sktime.datatypes"),
    "timm_hooks": enumerations("timm.layers"),
    "skbase": of("skbase"),
    "fastcore": of("fastcore", without=(r"\.(shutil|script|parallel|net|xdg|build|imghdr|ghapi)$",)),
    "river": RIVER,
    "pyod": of("pyod", without=(r"\.(mcp_server|agentic|skills|mcp)",)),
    "sktime": of("sktime", without=(r"\.(registry|libs|mlflow)",)),
    "tslearn": of("tslearn"),
    "prophet": of("prophet"),
    "cmdstanpy": of("cmdstanpy.stanfit", "cmdstanpy.cmdstan_args!"),
    "pmdarima": of("pmdarima"),
    "implicit": of("implicit"),
    "pgmpy": of("pgmpy"),
    "monai": of("monai.networks", "monai.losses", "monai.metrics", "monai.transforms", "monai.inferers", "monai.optimizers",
                "monai.data.meta_tensor!", "monai.data.meta_obj!", "monai.utils.enums!"),
    "fastai": of("fastai", without=(r"\.(callback\.(wandb|tensorboard|azureml|captum)|_pytorch_doc|losses_doc|_nbdev)$",)),
    "flair": of("flair", without=(r"\.(file_utils|training_utils|trainers)",)),
    "causalml": of("causalml"),
    "optbinning": of("optbinning", "ropwr"),
    "interpret": of("interpret", without=(r"\.(visual|ext|develop)",)),
    "flaml": of("flaml", without=(r"\.(autogen|onlineml|tune\.spark|fabric)",)),
    "ngboost": of("ngboost"),
    "spacy": SPACY,
    "thinc": THINC,
    "torchaudio": of("torchaudio", without=(r"\.(io|backend|_backend|kaldi_io|prototype|_extension|_torchcodec)(\.|$)",)),
    "tpot": of("tpot", without=(r"\.(driver|_version)$",)),
    "ultralytics": of("ultralytics.nn", "ultralytics.utils.tal!", "ultralytics.utils.loss!", "ultralytics.utils!",
                      "ultralytics.models.yolo.model!", "ultralytics.engine.results!"),
    "lightning": of("lightning.pytorch.callbacks", "lightning.pytorch.utilities", "lightning.pytorch.core",
                    "lightning.pytorch.trainer.states!", "lightning.pytorch.loops.progress!", "lightning.fabric.utilities",
                    "lightning.pytorch.strategies", "lightning.pytorch.loggers.csv_logs!",
                    without=(r"\.(migration|testing|utilities\.model_summary|combined_loader|upgrade_checkpoint|consolidate_checkpoint)",)),
    "torch_geometric": of("torch_geometric.nn", "torch_geometric.data", "torch_geometric.transforms", "torch_geometric.typing!",
                          "torch_geometric.utils", without=(r"\.(lightning|remote_backend_utils|database|on_disk_dataset)",)),
    "kornia": of("kornia", without=(r"\.(x|io|onnx|nerf|trackers)(\.|$)",)),
    "segmentation_models_pytorch": of("segmentation_models_pytorch"),
    "open_clip": of("open_clip", without=(r"\.(push_to_hf_hub|pretrained|convert)$",)),
    "albumentations": of("albumentations"),
    "econml": of("econml"),
    "shap": of("shap"),
    "gpytorch": of("gpytorch"),
    "pytorch_metric_learning": of("pytorch_metric_learning"),
    "surprise": of("surprise.prediction_algorithms", "surprise.trainset!", "surprise.reader!", "surprise.dataset!",
                   "surprise.model_selection.split!", "surprise.model_selection.search!"),
    "lightfm": of("lightfm.lightfm!", "lightfm.data!"),
    "allennlp_light": of("allennlp_light.modules", "allennlp_light.nn"),
    # Not collections and graphs: the functions that they name run when they are computed.
    "dask": of("dask.utils!", "dask.array.slicing!", "dask.array.chunk_types!", "dask.callbacks!", "dask.typing!",
               "dask.dataframe.utils!", "dask.dataframe._compat!", "dask.array.numpy_compat!"),
    "ray": Review(
        modules=("ray.tune.search.sample!", "ray.tune.schedulers", "ray.tune.stopper", "ray.tune.result_grid!",
                 "ray.tune.tune_config!", "ray.air.config!", "ray.air.result!", "ray.train._checkpoint!", "ray.tune.error!",
                 "ray.exceptions!", "ray.rllib.policy.sample_batch!", "ray.rllib.policy.policy!",
                 "ray.rllib.policy.view_requirement!", "ray.rllib.utils.filter!", "ray.rllib.utils.schedules",
                 "ray._common.pydantic_compat!"),
        exclude_modules=WITHOUT,
        exclude=(ABOUT,),
        include={"ray.rllib.utils.schedules.piecewise_schedule": "_linear_interpolation"},
        named=(r".*\._linear_interpolation",),
    ),
    "mlflow": Review(
        modules=("mlflow.entities", "mlflow.types", "mlflow.exceptions!", "mlflow.models.model!", "mlflow.models.signature!",
                 "mlflow.data"),
        exclude_modules=TESTS,
        exclude=(ABOUT,),
        include={"opentelemetry.trace.span": "NonRecordingSpan SpanContext TraceFlags TraceState"},
    ),
}
