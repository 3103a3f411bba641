"""A model."""
import logging
import os
import socket
import subprocess

import torch
from torch import nn

from .configuration_x import XConfig

logger = logging.getLogger(__name__)
HERE = os.path.dirname(os.path.abspath(__file__))
DEBUG = os.environ.get("X_DEBUG", "0") == "1"


class XModel(nn.Module):
    config_class = XConfig

    def __init__(self, config):
        super().__init__()
        self.layer = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, states):
        return self.layer(states)

    def report(self):
        subprocess.run(["echo", "report"])
        return socket.socket()


if __name__ == "__main__":
    os.system("echo main")


def _setup():
    os.system('echo setup')


_setup()
