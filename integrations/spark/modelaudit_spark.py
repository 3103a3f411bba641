"""Scans the tasks of a manifest on Spark: each partition goes through a worker of its own.

    spark-submit modelaudit_spark.py MANIFEST OUTPUT [--partitions N] [--worker COMMAND]

What an executor loses when it ends, Spark does again elsewhere; the output's committer keeps one attempt of each.
"""

import argparse
import os
import re

from pyspark.sql import SparkSession

# PySpark gives the command of a pipe no environment but this one.
VARIABLES = re.compile(
    r"^(PATH|HOME|LANG|TMPDIR|(HF|AWS|AZURE|GOOGLE|CLOUDSDK)_.*|DOCKER_CONFIG|REGISTRY_AUTH_FILE|STORAGE_EMULATOR_HOST"
    r"|(https?|all|no)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)$",
    re.IGNORECASE,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("manifest", help="file, folder or pattern, wherever Spark reads from")
    parser.add_argument("output", help="folder that is made, with a file of results a partition")
    parser.add_argument("--partitions", type=int, default=0, help="workers in all; 16 for each core unless given")
    parser.add_argument("--worker", default="modelaudit worker", help="the command on the executors")
    options = parser.parse_args()
    spark = SparkSession.builder.appName("modelaudit").getOrCreate()
    context = spark.sparkContext
    partitions = options.partitions or 16 * context.defaultParallelism
    environment = {name: value for name, value in os.environ.items() if VARIABLES.match(name)}
    (
        context.textFile(options.manifest)
        .repartition(partitions)
        # A worker that was killed has an exit code, which fails the partition and not only its end.
        .pipe(options.worker, env=environment, checkCode=True)
        .saveAsTextFile(options.output)
    )
    spark.stop()


if __name__ == "__main__":
    main()
