"""Writes the files of this folder: `python make_models.py` with catboost, lightgbm, xgboost and onnx installed."""

from __future__ import annotations

import json
from pathlib import Path

import catboost
import lightgbm
import numpy as np
import onnx
import xgboost
from onnx import TensorProto, helper

HERE = Path(__file__).parent
INPUTS = ["points", "minutes", "fatigue", "moon", "pace", "usage", "rest"]
rows = np.random.default_rng(0).normal(size=(40, len(INPUTS)))
target = (rows[:, 0] > 0).astype(int)

pool = catboost.Pool(rows, target, feature_names=INPUTS)
model = catboost.CatBoostClassifier(iterations=2, depth=2, verbose=False, allow_writing_files=False).fit(pool)
model.save_model(str(HERE / "model.catboost.json"), format="json")

data = lightgbm.Dataset(rows, target, feature_name=INPUTS)
booster = lightgbm.train({"verbose": -1, "num_leaves": 3, "min_data_in_leaf": 2}, data, 2)
booster.save_model(HERE / "model.lightgbm.txt")
(HERE / "model.lightgbm.json").write_text(json.dumps(booster.dump_model(), indent=1) + "\n")

matrix = xgboost.DMatrix(rows, target, feature_names=INPUTS)
xgboost.train({"max_depth": 2}, matrix, 2).save_model(HERE / "model.xgboost.json")

given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in INPUTS]
out = helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])
graph = helper.make_graph([helper.make_node("Sum", INPUTS, ["score"])], "sum", given, [out])
onnx.save(helper.make_model(graph), HERE / "model-inputs.onnx")
one = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, len(INPUTS)])
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["score"])], "one", [one], [out])
described = helper.make_model(graph)
helper.set_model_props(described, {"feature_names": json.dumps(INPUTS)})
onnx.save(described, HERE / "model-metadata.onnx")

(HERE / "model.yaml").write_text("feature_names:\n" + "".join(f"  - {name}\n" for name in INPUTS))
