"""Runs a program against a Ray cluster of two nodes of this machine, and kills one of them in the middle.

    python ray_nodes.py PROGRAM ARGUMENTS...
"""

import os
import subprocess
import sys
import time

from ray.cluster_utils import Cluster

# Half seconds that a node has to be in the middle of tasks before it is killed.
BUSY = 6

# Ray gives a node 30 seconds to start, which may not be enough on a machine that does other things.
STARTS = 4

# Runs a program that takes itself to be at the address of the nodes, not at that by which this machine reaches others.
ON_LOOPBACK = """
import runpy, sys
from ray._private import services
services.get_node_ip_address = lambda *_: "127.0.0.1"
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def processes():
    """Parents and command lines by process id."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
            with open(f"/proc/{name}/cmdline", encoding="utf-8", errors="replace") as file:
                found[int(name)] = (parent, file.read().replace("\0", " "))
        except (OSError, ValueError):
            pass
    return found


def has_worker(raylet):
    """Whether a worker of modelaudit runs below a node's daemon."""
    table = processes()
    for pid, (_, command) in table.items():
        if "cli.ts worker" not in command:
            continue
        while pid in table:
            pid = table[pid][0]
            if pid == raylet:
                return True
    return False


def started(start):
    """What a function starts, which is called again where a node takes too long."""
    for left in reversed(range(STARTS)):
        try:
            return start()
        except Exception as error:
            if left == 0 or "timed out during startup" not in str(error):
                raise


def main():
    # Cores for actors and for what reads the manifest; nothing listens outside of this machine.
    args = {"num_cpus": 4, "object_store_memory": 100_000_000, "node_ip_address": "127.0.0.1"}
    head = {**args, "include_dashboard": False}
    cluster = started(lambda: Cluster(initialize_head=True, head_node_args=head))
    node = started(lambda: cluster.add_node(**args))
    cluster.wait_for_nodes()
    [raylet] = [it.process.pid for it in node.all_processes["raylet"]]
    environment = dict(os.environ, RAY_ADDRESS=cluster.address)
    program = subprocess.Popen([sys.executable, "-c", ON_LOOPBACK, *sys.argv[1:]], env=environment)
    busy = 0
    while program.poll() is None:
        time.sleep(0.5)
        if busy >= 0:
            busy += has_worker(raylet)
        if busy >= BUSY:
            cluster.remove_node(node, allow_graceful=False)
            print("killed a node that was in the middle", flush=True)
            busy = -1
    cluster.shutdown()
    sys.exit(program.returncode)


if __name__ == "__main__":
    main()
