"""Fits a random forest on data from a seed and writes it as its users do.

    python forest.py FILE TREES

Many trees of a few hundred nodes each: scikit-learn writes each tree as objects of its own, so that
the pickle has about a hundred opcodes a tree.
"""

import pickle
import sys

import numpy
from sklearn.ensemble import RandomForestClassifier


def main() -> None:
    path, trees = sys.argv[1], int(sys.argv[2])
    generator = numpy.random.default_rng(7)
    samples = generator.normal(size=(400, 8))
    classes = (samples[:, 0] * samples[:, 1] + generator.normal(size=400) > 0).astype(int)
    forest = RandomForestClassifier(n_estimators=trees, random_state=7)
    forest.fit(samples, classes)
    with open(path, "wb") as file:
        pickle.dump(forest, file, protocol=4)


main()
