"""The review (see review.py) of libraries that everyday models and the data beside them are made with."""

from __future__ import annotations

from review_types import TESTS, Review

IMBLEARN = Review(
    modules=("imblearn",),
    exclude_modules=TESTS + (r"^imblearn\.(datasets|keras|tensorflow|utils\.(testing|estimator_checks|_test_common))",),
)

CATEGORY_ENCODERS = Review(modules=("category_encoders",), exclude_modules=TESTS + (r"\.datasets(\.|$)",))

NETWORKX = Review(
    modules=("networkx.classes", "networkx.exception!", "networkx.algorithms.tree.branchings!",
             "networkx.algorithms.planarity!"),
    functions=(r"networkx\.classes\.filters",),
    exclude_modules=TESTS,
    # What a frozen graph, and an embedding, has in place of its methods: it raises.
    include={"networkx.classes.function": "frozen"},
    bound={r"networkx\.algorithms\.planarity\.PlanarEmbedding": "_forbidden"},
    named=(r"networkx\.classes\.function\.frozen", r".*\._forbidden"),
)

PYTZ = Review(
    called=(r"pytz\..*",),
    include={
        # `_p` looks a zone up in the library's own folder; a name that leaves it is refused.
        "pytz": "_p _UTC UTC FixedOffset _FixedOffset",
        "pytz.exceptions": "AmbiguousTimeError InvalidTimeError NonExistentTimeError UnknownTimeZoneError",
    },
)

DATEUTIL = Review(
    modules=("dateutil.tz", "dateutil.relativedelta!", "dateutil.rrule!", "dateutil._common!", "dateutil.parser"),
    exclude_modules=TESTS + (r"\.win$", r"\._factories$"),
    # They read a file that is named by their arguments.
    exclude=(r".*\.(tzical|tzwin.*|_timelex)",),
    # Makes an instance of the class that it is given: rules/callables.toml.
    include={"dateutil.tz._tzfile": "_unpickle"},
    called=(r"dateutil\.tz\._tzfile\._unpickle",),
)

STATSMODELS = Review(
    modules=("statsmodels",),
    exclude_modules=TESTS + (
        r"^statsmodels\.(datasets|sandbox|graphics|compat|conftest|examples|interface|resampling|iolib|formula)(\.|$)",
        r"\.x13$",
    ),
)

# Classes with hooks, which are run; the sources of all others are read.
STATSMODELS_HOOKS = Review(
    modules=STATSMODELS.modules,
    include={
        "statsmodels.tsa.exponential_smoothing._ets_smooth":
            "_ets_smooth_add_add _ets_smooth_add_mul _ets_smooth_mul_add _ets_smooth_mul_mul",
        **{
            f"statsmodels.tsa.statespace._{module}":
                " ".join(letter + name for letter in "dszc" for name in names.split())
            for module, names in {
                "representation": "Statespace", "initialization": "Initialization", "kalman_filter": "KalmanFilter",
                "kalman_smoother": "KalmanSmoother", "simulation_smoother": "SimulationSmoother",
            }.items()
        },
    },
    exclude_modules=STATSMODELS.exclude_modules,
    exclude=(r"(?!.*Wrapper$)(?!.*\.Bunch$)statsmodels\.(?!base\.data\.|discrete\.discrete_model\.NegativeBinomial|tsa\.(deterministic|ar_model|vector_ar\.var_model|statespace|arima|exponential_smoothing|innovations)\.).*",),
    # Compiled ones are called with their arrays, and functions of smoothing are kept by name.
    called=(r".*\.statespace\._.*",),
    named=(r".*\._ets_smooth_\w+", r".*\.loglike"),
    bound={r"statsmodels\.tsa\.exponential_smoothing\.ets\.ETSModel": "loglike"},
)

NLTK = Review(
    modules=("nltk.probability", "nltk.tree", "nltk.tag", "nltk.classify", "nltk.tokenize", "nltk.stem", "nltk.lm",
             "nltk.metrics", "nltk.collocations", "nltk.text", "nltk.grammar", "nltk.cluster", "nltk.chunk",
             "nltk.featstruct", "nltk.sentiment.vader", "nltk.redos!"),
    functions=(r"nltk\.metrics\.distance",),
    include={"nltk.collections": "Trie"},
    # What SnowballStemmer keeps of the stemmer of a language.
    bound={r"nltk\.stem\.snowball\.\w+Stemmer": "stem"},
    named=(r"nltk\.stem\..*\.stem",),
    exclude_modules=TESTS + (
        # They start programs of others.
        r"\.(stanford|stanford_segmenter|hunpos|senna|megam|tadm|weka|repp|nist|crf|segment)$", r"\.(corpus|data|app)\b",
        # Views, scores and pictures, which no model keeps.
        r"^nltk\.(collections|chunk\.util|tree\.prettyprinter|metrics\.confusionmatrix)$",
    ),
)

REGEX = Review(
    include={"regex._regex": "compile", "regex._regex_core": "RegexFlag", "regex": "RegexFlag",
             "_regex": "compile", "_regex_core": "RegexFlag"},
)

GENSIM = Review(
    modules=("gensim.models", "gensim.corpora", "gensim.similarities", "gensim.matutils!", "gensim.utils!",
             "gensim.interfaces!", "gensim.topic_coherence"),
    exclude_modules=TESTS + (r"\.(wrappers|deprecated|downloader|scripts)(\.|$)", r"dispatcher$"),
    # Compiled code opens a file that its state names: a rule has it.
    exclude=(r".*\.CythonLineSentence", r"gensim\.utils\.(?!SaveLoad|FakeDict|NoCM|InputQueue|ClippedCorpus|SlicedCorpus|RepeatCorpus"
             r"|identity$|call_on_class_only$).*", r".*\.NormModel"),
    # What models keep by name: how they weigh and score, and what stands for a method of the class.
    include={
        "gensim.models.phrases": "npmi_scorer original_scorer",
        "gensim.models.tfidfmodel": "df2idf smartirs_normalize smartirs_wglobal smartirs_wlocal",
        "gensim.utils": "call_on_class_only identity",
    },
    named=(r"gensim\.(models\.(phrases|tfidfmodel)|utils)\.[a-z_0-9]+",),
)

TORCHVISION = Review(
    modules=("torchvision.models", "torchvision.ops", "torchvision.transforms", "torchvision.tv_tensors!"),
    functions=(r"torchvision\.transforms\.(v2\.)?functional",),
    exclude_modules=TESTS + (r"^torchvision\.ops\._register", r"_triton"),
)

# Enumerations, tensors and transforms, which have hooks, are run; the sources of all others are read.
TORCHVISION_HOOKS = Review(
    modules=TORCHVISION.modules,
    functions=TORCHVISION.functions,
    exclude_modules=TORCHVISION.exclude_modules,
    exclude=(r"torchvision\.(?!transforms\.|tv_tensors\.|ops\.boxes\.box_iou$)(?!.*(_Weights|Weights|WeightsEnum)$).*",),
    # What detectors keep by name.
    include={"torchvision.ops.boxes": "box_iou"},
    named=(r".*\.box_iou",),
)

TORCHMETRICS = Review(
    modules=("torchmetrics",),
    exclude_modules=TESTS + (r"\.(functional|__about__|plot)(\.|$)",),
    # What metrics keep by name, or as parts of them.
    include={
        "torchmetrics.metric": "jit_distributed_available",
        "torchmetrics.utilities.data": "dim_zero_cat dim_zero_max dim_zero_mean dim_zero_min dim_zero_sum",
        "torchmetrics.functional.text.ter": "_TercomTokenizer",
        "torchmetrics.functional.text.sacre_bleu": "_SacreBLEUTokenizer _SacreBLEUTokenizer._tokenize_13a",
        "torchmetrics.functional.image.dists": "L2pooling",
        "torchmetrics.functional.image.lpips": "ScalingLayer",
        "torchmetrics.functional.regression.kendall": "_MetricVariant",
    },
    named=(r"torchmetrics\.(metric|utilities\.data)\.[a-z_]+", r".*\._tokenize_13a"),
)

PIL = Review(
    modules=("PIL",),
    exclude_modules=TESTS + (r"^PIL\.(Image(Tk|Qt|Show|Grab|Win|Cms|Math|Font)|_tkinter_finder|__main__|SpiderImagePlugin|"
                             r"(Gd|Eps|Wal|.*Stub).*|PSDraw|features|report)",),
)

POLARS = Review(
    modules=("polars.dataframe", "polars.series", "polars.datatypes", "polars.exceptions!", "polars.schema!"),
    exclude_modules=TESTS + (r"\.plotting$",),
    exclude=(r".*NameSpace",),
    include={"polars.polars": "PySeries PyDataFrame", "polars._plr": "PySeries PyDataFrame"},
)

EVERYDAY: dict[str, Review] = {
    "imblearn": IMBLEARN,
    "category_encoders": CATEGORY_ENCODERS,
    "networkx": NETWORKX,
    "pytz": PYTZ,
    "dateutil": DATEUTIL,
    "statsmodels_hooks": STATSMODELS_HOOKS,
    "statsmodels": STATSMODELS,
    "nltk": NLTK,
    "regex": REGEX,
    "gensim": GENSIM,
    "torchvision_hooks": TORCHVISION_HOOKS,
    "torchvision": TORCHVISION,
    "torchmetrics": TORCHMETRICS,
    "PIL": PIL,
    "polars": POLARS,
}
