"""ONNX Runtime through its C interface, with graph optimization disabled: the reference that quantized models are compared with.

The library is one that `benchmarks/run.py` installed, or the one that $QCC_ONNXRUNTIME names; find() gives None without one.
"""
import ctypes

import numpy as np

from runtime_library import find  # noqa: F401

TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_}
FOUR_BITS = (21, 22)  # uint4, int4: two in a byte
# Places in the function table.
SLOTS = dict(error_message=2, create_environment=3, create_session=7, run=9, create_options=10, set_optimization=23, set_intra_threads=24,
             create_tensor=49, tensor_data=51, element_type=60, dims_count=61, dims=62, tensor_info=65, create_memory_info=69,
             release_status=93, release_session=95, release_value=96, release_options=100, release_tensor_info=99)
API_VERSION = 16


class Runtime:
    def __init__(self, path):
        class Base(ctypes.Structure):
            _fields_ = [("get_api", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)), ("version", ctypes.CFUNCTYPE(ctypes.c_char_p))]

        library = ctypes.CDLL(path)
        library.OrtGetApiBase.restype = ctypes.POINTER(Base)
        base = library.OrtGetApiBase().contents
        self.version = base.version().decode()
        self.table = ctypes.cast(base.get_api(API_VERSION), ctypes.POINTER(ctypes.c_void_p))
        self.environment, self.memory = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("create_environment", 4, b"test", ctypes.byref(self.environment))
        self.call("create_memory_info", 1, 0, ctypes.byref(self.memory))

    def raw(self, slot, result, *arguments):
        return ctypes.CFUNCTYPE(result, *[type(a) if isinstance(a, ctypes._SimpleCData) else ctypes.c_void_p for a in arguments])(self.table[SLOTS[slot]])(*arguments)

    def call(self, slot, *arguments):
        """Functions that can fail return a status, which is null on success."""
        wrapped = [ctypes.c_int(a) if isinstance(a, int) else ctypes.cast(a, ctypes.c_void_p) if not isinstance(a, ctypes._SimpleCData) else a for a in arguments]
        status = self.raw(slot, ctypes.c_void_p, *wrapped)
        if status:
            message = ctypes.string_at(self.raw("error_message", ctypes.c_void_p, ctypes.c_void_p(status))).decode()
            self.raw("release_status", None, ctypes.c_void_p(status))
            raise RuntimeError("ONNX Runtime: " + message)

    def open(self, path):
        """A session of a model, to be closed by close()."""
        options, session = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("create_options", ctypes.byref(options))
        self.call("set_optimization", options, 0)
        self.call("set_intra_threads", options, 1)
        try:
            self.call("create_session", self.environment, path.encode(), options, ctypes.byref(session))
        finally:
            self.raw("release_options", None, options)
        return session

    def close(self, session):
        self.raw("release_session", None, session)

    def run(self, session, inputs, outputs):
        """Arrays of the named outputs; `inputs` are named arrays."""
        arrays = {n: np.ascontiguousarray(a) for n, a in inputs.items()}
        values = (ctypes.c_void_p * len(arrays))()
        results = (ctypes.c_void_p * len(outputs))()
        try:
            for i, array in enumerate(arrays.values()):
                code = next(k for k, t in TYPES.items() if t == array.dtype)
                dims = (ctypes.c_int64 * array.ndim)(*array.shape)
                value = ctypes.c_void_p()
                self.call("create_tensor", self.memory, ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes), dims, ctypes.c_size_t(array.ndim), code,
                          ctypes.byref(value))
                values[i] = value.value
            names = lambda list: (ctypes.c_char_p * len(list))(*[n.encode() for n in list])
            self.call("run", session, ctypes.c_void_p(), names(list(arrays)), values, ctypes.c_size_t(len(arrays)), names(outputs), ctypes.c_size_t(len(outputs)), results)
            return [self.read(ctypes.c_void_p(r)) for r in results]
        finally:
            for value in [*values, *results]:
                if value:
                    self.raw("release_value", None, ctypes.c_void_p(value))

    def read(self, value):
        info, kind, rank, data = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_size_t(), ctypes.c_void_p()
        self.call("tensor_info", value, ctypes.byref(info))
        self.call("element_type", info, ctypes.byref(kind))
        self.call("dims_count", info, ctypes.byref(rank))
        dims = (ctypes.c_int64 * max(rank.value, 1))()
        self.call("dims", info, dims, rank)
        self.raw("release_tensor_info", None, info)
        self.call("tensor_data", value, ctypes.byref(data))
        shape = list(dims)[:rank.value]
        count = int(np.prod(shape, dtype=np.int64))
        if kind.value in FOUR_BITS:
            pairs = np.frombuffer(ctypes.string_at(data, (count + 1) // 2), np.uint8)
            codes = np.stack([pairs & 15, pairs >> 4], -1).ravel()[:count].reshape(shape)
            return codes if kind.value == 21 else ((codes ^ 8).astype(np.int8) - 8).astype(np.int8)
        return np.frombuffer(ctypes.string_at(data, count * np.dtype(TYPES[kind.value]).itemsize), TYPES[kind.value]).reshape(shape).copy()
