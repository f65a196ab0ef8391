"""The inputs of a model, read out of its own file where that is safe: JSON, YAML, LightGBM's text, ONNX; no pickle.

CatBoost: https://catboost.ai/docs/en/concepts/python-reference_catboost_save_model (format json).
XGBoost: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html.
LightGBM: https://lightgbm.readthedocs.io/en/stable/pythonapi/lightgbm.Booster.html (save_model, dump_model).
ONNX: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from fqtool.commands.models.feature_list import FeatureList, read_feature_list
from fqtool.errors import InputError
from fqtool.registry.yaml.document import LOADER

_LIGHTGBM = re.compile(r"^feature_names=(.*)$", re.MULTILINE)
_PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".sav"})
_AS_JSON = 'Save the model as JSON, or write its names as JSON: {"feature_names": ["a", "b"]}.'
_GRAPH, _METADATA, _INPUT, _INITIALIZER = 7, 14, 11, 5  # fields of ONNX's ModelProto and GraphProto
_NAMES = ("feature_names", "features", "input_names")


def read_model_file(raw: bytes, place: str) -> FeatureList:
    """Return the inputs that a model's file names, in its order.

    Raises InputError for a pickle, for a binary format that holds no names, and for a file without names.
    """
    suffix = Path(place).suffix.lower()
    if suffix in _PICKLES or raw[:1] == b"\x80" or raw[:2] == b"PK":
        raise InputError(f"{place} is a pickle or an archive, which runs code when it is read.", remedy=_AS_JSON)
    if suffix == ".onnx":
        return FeatureList(place, tuple(_onnx_names(raw, place)))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{place} is not text, so its names cannot be read.", remedy=_AS_JSON) from None
    if text.startswith(("tree\n", "tree\r\n")):
        return _lightgbm(text, place)
    if suffix in (".yaml", ".yml"):
        text = _yaml_as_json(text, place)
    return read_feature_list(_simplified(text), place)


def _lightgbm(text: str, place: str) -> FeatureList:
    names = _LIGHTGBM.search(text)
    if names is None:
        raise InputError(f"{place} is a LightGBM model without a line feature_names.", remedy=_AS_JSON)
    return FeatureList(place, tuple(names[1].split()))


def _yaml_as_json(text: str, place: str) -> str:
    try:
        return json.dumps(yaml.load(text, Loader=LOADER))  # noqa: S506  a safe loader
    except (yaml.YAMLError, TypeError, ValueError, RecursionError):
        raise InputError(f"{place} is not YAML of names.", remedy=_AS_JSON) from None


def _simplified(text: str) -> str:
    """Return the list of names of a dump by CatBoost or XGBoost as JSON; any other text as it is."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text
    names = _catboost(data) or _xgboost(data)
    return json.dumps(names) if names else text


def _catboost(data: Any) -> list[str]:
    info = data.get("features_info") if isinstance(data, dict) else None
    if not isinstance(info, dict):
        return []
    kinds = ("float_features", "categorical_features", "text_features", "embedding_features")
    features = [one for kind in kinds for one in info.get(kind) or () if isinstance(one, dict)]
    placed = sorted((one.get("flat_feature_index", 0), str(one.get("feature_id", ""))) for one in features)
    return [name for _, name in placed]


def _xgboost(data: Any) -> list[str]:
    learner = data.get("learner") if isinstance(data, dict) else None
    names = learner.get("feature_names") if isinstance(learner, dict) else None
    return names if isinstance(names, list) else []


def _onnx_names(raw: bytes, place: str) -> list[str]:
    """Return the names in an ONNX model's metadata, else the inputs of its graph where it has several."""
    try:
        fields = list(_fields(raw))
        metadata = dict(_entry(value) for number, value in fields if number == _METADATA)
        graph = [field for number, value in fields if number == _GRAPH for field in _fields(value)]
        fixed = {_text(value, 8) for number, value in graph if number == _INITIALIZER}
        inputs = [name for number, value in graph if number == _INPUT if (name := _text(value, 1)) not in fixed]
    except (IndexError, UnicodeDecodeError, ValueError):
        raise InputError(f"{place} cannot be read as ONNX.", remedy=_AS_JSON) from None
    for key in _NAMES:
        if text := metadata.get(key, ""):
            return _split(text)
    if len(inputs) > 1:
        return inputs
    raise InputError(
        f"{place} names no features: its metadata has none of {', '.join(_NAMES)}, and its graph one input.",
        remedy="Add feature_names to metadata_props when the model is exported.",
    )


def _split(text: str) -> list[str]:
    try:
        listed = json.loads(text)
    except ValueError:
        return [name.strip() for name in text.split(",")]
    return [str(name) for name in listed] if isinstance(listed, list) else [text]


def _entry(raw: bytes) -> tuple[str, str]:
    return _text(raw, 1), _text(raw, 2)


def _text(raw: bytes, wanted: int) -> str:
    return next((value.decode() for number, value in _fields(raw) if number == wanted), "")


def _fields(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and bytes of each field of a message of protocol buffers that has a length; others are skipped.

    https://protobuf.dev/programming-guides/encoding/
    """
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        match key & 7:
            case 0:
                _, at = _varint(raw, at)
            case 1:
                at += 8
            case 2:
                size, at = _varint(raw, at)
                if at + size > len(raw):
                    raise ValueError(size)
                yield key >> 3, raw[at : at + size]
                at += size
            case 5:
                at += 4
            case kind:
                raise ValueError(kind)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
