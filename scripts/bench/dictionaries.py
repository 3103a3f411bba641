"""Writes the nested dictionaries of dictionaries.ts as a pickle of any protocol.

    python dictionaries.py FILE COUNT PROTOCOL
"""

import pickle
import sys


def record(index: int) -> dict:
    """What `writeDictionaries` describes."""
    return {
        "id": index,
        "score": index / 7,
        "kind": index % 251,
        "position": {
            "x": -index - 1,
            "y": index + 70000,
            "z": index * 3 + 100000,
            "w": 256 + index % 60000,
            "done": True,
        },
        "extra": {"level": index % 7},
    }


path, count, protocol = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(path, "wb") as file:
    pickle.dump([record(index) for index in range(count)], file, protocol=protocol)
