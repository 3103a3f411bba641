"""The review (see review.py) of libraries for clustering, survival, languages and networks."""

from __future__ import annotations

from review_types import TESTS, Review

SHAPELY = Review(
    modules=("shapely.geometry", "shapely.strtree!", "shapely.prepared!", "shapely.errors!"),
    # What geometries are restored by.
    include={"shapely.io": "from_wkb from_wkt", "shapely": "from_wkb from_wkt Geometry", "shapely.lib": "Geometry",
             "shapely.geometry.polygon": "_unpickle_linearring"},
    exclude_modules=TESTS,
)

HDBSCAN = Review(
    modules=("hdbscan",),
    # It makes an instance of the class that it is given: rules/callables.toml.
    include={"hdbscan.dist_metrics": "newObj"},
    called=(r".*\.newObj",),
    exclude_modules=TESTS,
)

UMAP = Review(modules=("umap",), exclude_modules=TESTS + (r"\.(plot|parametric_umap|validation)$",))

# numba's own types, which it makes when it compiles, are left off.
PYNNDESCENT = Review(modules=("pynndescent",), exclude_modules=TESTS,
                     exclude=(r".*\.(SearchIndex|Heap)(Type)?",))

HMMLEARN = Review(modules=("hmmlearn",), exclude_modules=TESTS)

MLXTEND = Review(
    modules=("mlxtend.classifier", "mlxtend.regressor", "mlxtend.cluster", "mlxtend.feature_extraction",
             "mlxtend.feature_selection", "mlxtend.preprocessing", "mlxtend._base"),
    exclude_modules=TESTS,
)

FEATURE_ENGINE = Review(modules=("feature_engine",), exclude_modules=TESTS + (r"\.datasets(\.|$)",))

SKLEARN_PANDAS = Review(modules=("sklearn_pandas",), exclude_modules=TESTS)

SKLEARN2PMML = Review(
    modules=("sklearn2pmml",),
    exclude_modules=TESTS,
    # What evaluates Python of its attributes when the model is used has a meaning in rules/callables.toml.
    exclude=(r".*\.EstimatorProxy",),
)

LIFELINES = Review(
    modules=("lifelines",),
    # What estimates keep bound.
    bound={r"lifelines\.fitters\..*Fitter": "plot _variance_f_smooth _additive_f_smooth _variance_f_discrete _additive_f_discrete "
           "_log_likelihood_right_censoring _log_likelihood_left_censoring _log_likelihood_interval_censoring _add_penalty "
           "_create_neg_likelihood_with_penalty_function"},
    named=(r".*\.(plot|_(variance|additive)_f_\w+|_log_likelihood_\w+_censoring|_add_penalty|_create_neg_likelihood_\w+)",),
    exclude_modules=TESTS + (r"\.(datasets|plotting|generate_datasets|utils\.printer)(\.|$)",),
)

# Specifications of models with a formula: what they evaluate in `predict` has a meaning in rules/callables.toml.
FORMULAIC = Review(
    modules=("formulaic.formula!", "formulaic.model_spec!", "formulaic.parser.types", "formulaic.materializers.types",
             "formulaic.materializers.base!", "formulaic.utils.variables!", "formulaic.utils.ordered_set!",
             "formulaic.utils.structured!", "formulaic.utils.layered_mapping!", "formulaic.model_matrix!", "formulaic.utils.sentinels!", "formulaic.parser.parser!", "formulaic.transforms.contrasts!"),
    exclude_modules=TESTS,
)

SKSURV = Review(modules=("sksurv",), exclude_modules=TESTS + (r"\.datasets(\.|$)",))

CATBOOST = Review(
    modules=("catboost.core!",),
    include={"_catboost": "_CatBoost CatBoostError", "catboost": "CatBoostError"},
    exclude_modules=TESTS,
    # What draws, watches folders, or reads data by a path that it is given.
    exclude=(r".*\.(Pool|.*Widget|.*Plot.*|BatchMetricCalcer)",),
)

TOKENIZERS = Review(
    modules=("tokenizers",),
    exclude_modules=TESTS + (r"\.tools(\.|$)",),
    include={"tokenizers": "Tokenizer AddedToken Encoding Regex NormalizedString PreTokenizedString"},
)

TIMM = Review(
    modules=("timm.models", "timm.layers", "timm.optim", "timm.scheduler", "timm.loss"),
    functions=(r"timm\.layers\.(activations(_jit|_me)?|pool\w*)",),
    exclude_modules=TESTS + (r"\._(hub|factory|builder|helpers|pretrained|prune)$",),
)

DIFFUSERS = Review(
    modules=("diffusers.models", "diffusers.schedulers", "diffusers.configuration_utils!", "diffusers.utils.outputs!"),
    exclude_modules=TESTS + (r"flax", r"_onnx"),
    exclude=(r".*\.ConfigMixin",),
)

#: Models of transformers that write texts, of which an adapted model keeps methods, by module.
GENERATES = {
    "bart": "BartForConditionalGeneration", "bloom": "BloomForCausalLM", "cohere": "CohereForCausalLM",
    "falcon": "FalconForCausalLM", "gemma": "GemmaForCausalLM", "gemma2": "Gemma2ForCausalLM", "gpt2": "GPT2LMHeadModel",
    "gpt_bigcode": "GPTBigCodeForCausalLM", "gpt_neo": "GPTNeoForCausalLM", "gpt_neox": "GPTNeoXForCausalLM",
    "gptj": "GPTJForCausalLM", "granite": "GraniteForCausalLM", "llama": "LlamaForCausalLM",
    "mbart": "MBartForConditionalGeneration", "mistral": "MistralForCausalLM", "mixtral": "MixtralForCausalLM",
    "mpt": "MptForCausalLM", "mt5": "MT5ForConditionalGeneration", "opt": "OPTForCausalLM", "phi": "PhiForCausalLM",
    "phi3": "Phi3ForCausalLM", "qwen2": "Qwen2ForCausalLM", "stablelm": "StableLmForCausalLM",
    "starcoder2": "Starcoder2ForCausalLM", "t5": "T5ForConditionalGeneration", "whisper": "WhisperForConditionalGeneration",
}

PEFT = Review(
    modules=("peft.tuners", "peft.peft_model!", "peft.config!", "peft.mixed_model!", "peft.utils.peft_types!"),
    functions=(r"peft\.tuners\.shira\.mask_functions",),
    exclude_modules=TESTS + (r"\.osf\.layer$",),
    include={f"transformers.models.{module}.modeling_{module}": f"{name}.prepare_inputs_for_generation" + (
        f" {name}._prepare_encoder_decoder_kwargs_for_generation" if "Conditional" in name else "")
        for module, name in GENERATES.items()},
    named=(r"transformers\..*",),
)

SENTENCE_TRANSFORMERS = Review(
    modules=("sentence_transformers",),
    exclude_modules=TESTS + (r"\.(backend|datasets|model_card|cross_encoder\.trainer|trainer|hf_argparser)",),
)

LIGHTNING = Review(
    modules=("pytorch_lightning.callbacks", "pytorch_lightning.utilities", "pytorch_lightning.trainer.states!",
             "pytorch_lightning.loops.progress!", "pytorch_lightning.core.module!", "pytorch_lightning.demos",
             "pytorch_lightning.strategies", "pytorch_lightning.loggers.csv_logs!"),
    functions=(r"pytorch_lightning\.callbacks\.finetuning",),
    exclude_modules=TESTS + (r"\.(migration|testing|utilities\.model_summary|combined_loader|upgrade_checkpoint)(\.|$)",),
    include={"pytorch_lightning.callbacks.stochastic_weight_avg": "StochasticWeightAveraging.avg_fn"},
    named=(r".*\.avg_fn",),
    # A thread, and data of demonstrations.
    exclude=(r".*\._RefreshThread", r".*Boring\w*DataModule\w*"),
)

SKORCH = Review(
    modules=("skorch.classifier!", "skorch.regressor!", "skorch.net!", "skorch.callbacks", "skorch.dataset!",
             "skorch.history!", "skorch.probabilistic!", "skorch.scoring!"),
    exclude_modules=TESTS,
    # One writes to a store of processes.
    exclude=(r".*\.DistributedHistory",),
    # What nets and callbacks keep by name.
    include={"skorch.setter": "optimizer_setter",
             "skorch.utils": "to_numpy to_tensor noop freeze_parameter unfreeze_parameter _indexing_other _indexing_list "
             "_indexing_none _indexing_dict _indexing_ndframe _identity _infer_predict_nonlinearity",
             "skorch.callbacks.logging": "rename_tensorboard_key"},
    named=(r"skorch\.(setter|utils|callbacks\.logging)\.[a-z_]+",),
)

PYTORCH_TABNET = Review(modules=("pytorch_tabnet",), exclude_modules=TESTS)

GYMNASIUM = Review(
    modules=("gymnasium.spaces", "gymnasium.envs.classic_control", "gymnasium.envs.toy_text", "gymnasium.wrappers.utils!",
             "gymnasium.utils.seeding!"),
    exclude_modules=TESTS,
)

LEARNING: "dict[str, Review]" = {
    "shapely": SHAPELY,
    "hdbscan": HDBSCAN,
    "umap": UMAP,
    "pynndescent": PYNNDESCENT,
    "hmmlearn": HMMLEARN,
    "mlxtend": MLXTEND,
    "feature_engine": FEATURE_ENGINE,
    "sklearn_pandas": SKLEARN_PANDAS,
    "sklearn2pmml": SKLEARN2PMML,
    "lifelines": LIFELINES,
    "formulaic": FORMULAIC,
    "sksurv": SKSURV,
    "catboost": CATBOOST,
    "tokenizers": TOKENIZERS,
    "timm": TIMM,
    "diffusers": DIFFUSERS,
    "peft": PEFT,
    "sentence_transformers": SENTENCE_TRANSFORMERS,
    "pytorch_lightning": LIGHTNING,
    "skorch": SKORCH,
    "pytorch_tabnet": PYTORCH_TABNET,
    "gymnasium": GYMNASIUM,
}
