"""The compiled GoogleSQL service of the `zetasql` package, loaded once a process.

The package ships one WebAssembly module whose compilation takes about 11 s. The machine code is kept under
XDG_CACHE_HOME, so only the first process on a machine pays for it; a lock keeps others from paying as well.
"""

from __future__ import annotations

import ctypes
import fcntl
import functools
import hashlib
import importlib.metadata
import os
import platform
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import wasmtime
from zetasql.core import wasm_client
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service_pb
from zetasql.wasi._pb2.zetasql.proto import options_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as language_pb

ServerError = wasm_client.ServerError

# What BigQuery understands beyond the analyser's "maximum features", and what that set has and BigQuery lacks.
_MORE = ("ALTER_COLUMN_SET_DATA_TYPE", "CREATE_VIEWS_WITH_COLUMN_OPTIONS", "CREATE_TABLE_CLONE",
         "COLLATION_SUPPORT")  # fmt: skip
_LESS = (
    "UUID_TYPE", "MULTILEVEL_AGGREGATION", "MULTILEVEL_AGGREGATION_ON_UDAS", "CHAINED_FUNCTION_CALLS",
    "LATERAL_JOIN", "FOR_UPDATE", "GENERATED_COLUMNS", "INSERT_ON_CONFLICT_CLAUSE", "TIMESTAMP_NANOS",
    "TIMESTAMP_PICOS", "AGGREGATE_FILTERING", "MATCH_RECOGNIZE", "DML_RETURNING", "WITH_EXPRESSION",
    "PIPE_DESCRIBE",
)  # fmt: skip
_CATALOGS_KEPT = 64
_STACK = 2 << 20  # the most wasmtime grants; its default of 512 KiB ends at sums of 200 terms


def cache_dir() -> Path:
    """Where the compiled module is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "fqtool-bed"


def _cache_file(wasm: Path) -> Path:
    # Machine code is good for one module, one wasmtime and one kind of processor.
    size = wasm.stat().st_size
    versions = [importlib.metadata.version(p) for p in ("zetasql", "wasmtime")]
    key = repr((*versions, size, platform.machine(), platform.system()))
    return cache_dir() / f"zetasql-{hashlib.sha256(key.encode()).hexdigest()[:16]}.cwasm"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _from_cache(engine: Any, cached: Path) -> Any:
    try:
        return wasmtime.Module.deserialize_file(engine, str(cached))
    except wasmtime.WasmtimeError:  # absent, cut short, or made by another processor
        return None


def _load(engine: Any, path: str) -> Any:
    """The module from the cache; the first process compiles it while the others wait for the lock."""
    cached = _cache_file(Path(path))
    if (module := _from_cache(engine, cached)) is not None:
        return module
    with _locked(cached.with_suffix(".lock")):
        if (module := _from_cache(engine, cached)) is not None:
            return module
        module = wasmtime.Module.from_file(engine, path)
        half = cached.with_suffix(f".{os.getpid()}")
        half.write_bytes(module.serialize())
        half.replace(cached)  # atomic: no reader sees half a file
        return module


def _config() -> Any:
    config = wasmtime.Config()
    config.max_wasm_stack = _STACK
    return config


class TooDeepError(Exception):
    """The expression nests deeper than the analyser's stack."""


class _Client(wasm_client.WasmClient):  # type: ignore[misc]
    """The package's client with the compiled module cached and memory copied in bulk instead of by byte."""

    def __init__(self) -> None:
        module = mock.patch.object(wasm_client, "Module", SimpleNamespace(from_file=_load))
        config = mock.patch.object(wasm_client, "Config", _config)
        with module, config:
            super().__init__(str(get_wasm_path()))

    def _address(self, pointer: int) -> int:
        return ctypes.addressof(self.memory.data_ptr().contents) + pointer

    def write_bytes(self, ptr: int, data: bytes) -> None:
        ctypes.memmove(self._address(ptr), data, len(data))

    def read_bytes(self, ptr: int, size: int) -> bytes:
        return ctypes.string_at(self._address(ptr), size)


class Service:
    """Calls into the analyser, one at a time."""

    def __init__(self) -> None:
        self._client = _Client()
        self._lock = threading.RLock()
        self._catalogs: OrderedDict[str, int] = OrderedDict()
        asked = service_pb.LanguageOptionsRequest(maximum_features=True)
        self.language = options_pb2.LanguageOptionsProto.FromString(self.call("GetLanguageOptions", asked))
        wanted = set(self.language.enabled_language_features) - _features(_LESS) | _features(_MORE)
        self.language.enabled_language_features[:] = sorted(wanted)
        self.language.product_mode = language_pb.PRODUCT_EXTERNAL
        self.language.name_resolution_mode = language_pb.NAME_RESOLUTION_DEFAULT
        del self.language.supported_statement_kinds[:]  # none listed means every kind

    def call(self, method: str, request: Any) -> bytes:
        """The raw answer; refusals raise ServerError."""
        with self._lock:
            name = f"ZetaSqlLocalService_{method}"
            try:
                return bytes(self._client._call_grpc_method(name, request.SerializeToString()))
            except wasmtime.Trap as trap:  # the instance is in no state to go on
                self._client = _Client()
                self._catalogs.clear()
                raise TooDeepError(str(trap).rpartition("Caused by:")[2].strip()) from None

    def catalog(self, key: str, build: Callable[[], Any]) -> int:
        """The id of a registered catalog; old ones are given back, as the module's memory only grows."""
        with self._lock:
            if key in self._catalogs:
                self._catalogs.move_to_end(key)
                return self._catalogs[key]
            request = service_pb.RegisterCatalogRequest(simple_catalog=build())
            answer = service_pb.RegisterResponse.FromString(self.call("RegisterCatalog", request))
            self._catalogs[key] = answer.registered_id
            if len(self._catalogs) > _CATALOGS_KEPT:
                _, old = self._catalogs.popitem(last=False)
                self.call("UnregisterCatalog", service_pb.UnregisterRequest(registered_id=old))
            return int(answer.registered_id)


def _features(names: tuple[str, ...]) -> set[int]:
    return {language_pb.LanguageFeature.Value(f"FEATURE_{name}") for name in names}


@functools.cache
def service() -> Service:
    """The one service of this process."""
    return Service()


def message_of(error: Exception) -> str:
    """The analyser's sentence without the transport's prefix."""
    raw = getattr(error, "raw_error", str(error))
    return raw.partition("Message: ")[2] or raw
