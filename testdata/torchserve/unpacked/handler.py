"""A handler as the documentation of TorchServe has it."""
import logging
import os

import torch
from ts.torch_handler.base_handler import BaseHandler

import helper

logger = logging.getLogger(__name__)


class ModelHandler(BaseHandler):
    def __init__(self):
        super().__init__()
        self.initialized = False

    def initialize(self, context):
        properties = context.system_properties
        path = os.path.join(properties.get("model_dir"), "weights.pt")
        self.model = torch.load(path, weights_only=True)
        self.initialized = True

    def handle(self, data, context):
        return helper.scale([row.get("data") for row in data])
