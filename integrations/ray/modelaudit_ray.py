"""Scans the tasks of a manifest on Ray: each actor keeps a worker, and Ray Data gives it tasks.

    python modelaudit_ray.py MANIFEST OUTPUT [--workers N] [--batch N] [--worker COMMAND] [--address ADDRESS]

What a node loses when it ends, Ray does again on another; the output has its name once it is complete.
"""

import argparse
import json
import os
import shlex
import subprocess
import threading

import ray

# Times that a worker which ended is started again for what it has not answered.
STARTS = 3


class Worker:
    """A worker process; a batch of tasks in, their results out."""

    def __init__(self, command):
        self.command = shlex.split(command)
        self.process = None

    def __call__(self, batch):
        waiting = {json.loads(line)["id"]: line for line in batch["task"]}
        results = []
        for _ in range(STARTS):
            self.answer(waiting, results)
            if not waiting:
                return {"result": results}
        raise RuntimeError(f"{self.command[0]} ended {STARTS} times; {len(waiting)} tasks are not answered")

    def answer(self, waiting, results):
        """Moves tasks from those that wait to results; leaves some where the worker ended."""
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process = self.process
        lines = list(waiting.values())

        def send():
            try:
                for line in lines:
                    process.stdin.write(line.encode() + b"\n")
                process.stdin.flush()
            except OSError:
                pass  # It ended: its output ends, too.

        sender = threading.Thread(target=send)
        sender.start()
        while waiting:
            line = process.stdout.readline()
            if not line.endswith(b"\n"):  # Cut off, or nothing: it ended.
                self.process = None
                process.kill()
                process.wait()
                break
            text = line.decode().rstrip("\n")
            # One answer a task, whatever comes.
            if waiting.pop(json.loads(text)["id"], None) is not None:
                results.append(text)
        sender.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("manifest", help="file or folder of tasks")
    parser.add_argument("output", help="file of results")
    parser.add_argument("--workers", type=int, default=2, help="actors, each with a worker and a core")
    parser.add_argument("--batch", type=int, default=64, help="tasks given at a time: what a lost node costs")
    parser.add_argument("--worker", default="modelaudit worker", help="the command on the nodes")
    parser.add_argument("--address", default=None, help="of the cluster; RAY_ADDRESS, or one of this machine")
    options = parser.parse_args()
    ray.init(address=options.address)
    results = (
        ray.data.read_text(options.manifest)
        .rename_columns({"text": "task"})
        .repartition(target_num_rows_per_block=options.batch)
        .map_batches(
            Worker,
            fn_constructor_args=[options.worker],
            batch_size=options.batch,
            batch_format="pandas",
            concurrency=options.workers,
            num_cpus=1,
            max_restarts=-1,
            max_task_retries=-1,
        )
    )
    part = f"{options.output}.part"
    with open(part, "w", encoding="utf-8") as file:
        for row in results.iter_rows():
            file.write(row["result"] + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, options.output)


if __name__ == "__main__":
    main()
