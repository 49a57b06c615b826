"""ONNX Runtime through its C interface, by ctypes: graphs as they are, without any optimization."""
import ctypes

import numpy as np

# Places in the function table, which the interface never changes.
ERROR_MESSAGE, CREATE_ENVIRONMENT, CREATE_SESSION, RUN, CREATE_OPTIONS, SET_OPTIMIZATION, SET_INTRA_THREADS = 2, 3, 7, 9, 10, 23, 24
INPUT_COUNT, OUTPUT_COUNT, INPUT_NAME, OUTPUT_NAME, CREATE_TENSOR, TENSOR_DATA = 30, 31, 36, 37, 49, 51
ELEMENT_TYPE, DIMS_COUNT, DIMS, TENSOR_INFO, CREATE_MEMORY_INFO, DEFAULT_ALLOCATOR = 60, 61, 62, 65, 69, 78
RELEASE_STATUS, RELEASE_SESSION, RELEASE_VALUE, RELEASE_TENSOR_INFO, RELEASE_OPTIONS = 93, 95, 96, 99, 100
API_VERSION = 16
TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16, 11: np.float64,
         12: np.uint32, 13: np.uint64}
NUMBERS = {np.dtype(t): n for n, t in TYPES.items()}


class Api:
    def __init__(self, path):
        library = ctypes.CDLL(path)
        library.OrtGetApiBase.restype = ctypes.POINTER(ctypes.c_void_p)
        get_api = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_void_p), ctypes.c_uint32)(library.OrtGetApiBase()[0])
        self.table = get_api(API_VERSION)
        if not self.table:
            raise OSError(f"{path}: not an ONNX Runtime of version 1.16 or later")
        self.environment, self.allocator, self.memory = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        self.call(CREATE_ENVIRONMENT, 3, b"qcc", ctypes.byref(self.environment))
        self.call(DEFAULT_ALLOCATOR, ctypes.byref(self.allocator))
        self.call(CREATE_MEMORY_INFO, 1, 0, ctypes.byref(self.memory))

    def plain(self, slot, *arguments):
        """A function that cannot fail."""
        ctypes.CFUNCTYPE(None, *[type(a) for a in arguments])(self.table[slot])(*arguments)

    def call(self, slot, *arguments):
        arguments = [ctypes.c_int(a) if isinstance(a, int) else ctypes.c_char_p(a) if isinstance(a, bytes) else a for a in arguments]
        kinds = [ctypes.c_void_p if type(a).__name__ == "CArgObject" else type(a) for a in arguments]
        status = ctypes.CFUNCTYPE(ctypes.c_void_p, *kinds)(self.table[slot])(*arguments)
        if status:
            message = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)(self.table[ERROR_MESSAGE])(status).decode()
            self.plain(RELEASE_STATUS, ctypes.c_void_p(status))
            raise RuntimeError(f"ONNX Runtime: {message}")


class Session:
    """One network on one thread."""

    def __init__(self, api, path):
        self.api, self.session = api, ctypes.c_void_p()
        options = ctypes.c_void_p()
        api.call(CREATE_OPTIONS, ctypes.byref(options))
        api.call(SET_OPTIMIZATION, options, 0)
        api.call(SET_INTRA_THREADS, options, 1)
        api.call(CREATE_SESSION, api.environment, str(path).encode(), options, ctypes.byref(self.session))
        api.plain(RELEASE_OPTIONS, options)
        self.inputs, self.outputs = self.names(INPUT_COUNT, INPUT_NAME), self.names(OUTPUT_COUNT, OUTPUT_NAME)

    def names(self, count_slot, name_slot):
        count = ctypes.c_size_t()
        self.api.call(count_slot, self.session, ctypes.byref(count))
        names = []
        for i in range(count.value):
            name = ctypes.c_char_p()
            self.api.call(name_slot, self.session, ctypes.c_size_t(i), self.api.allocator, ctypes.byref(name))
            names.append(name.value.decode())
        return names

    def run(self, values):
        """Arrays by name to arrays by name."""
        api, held = self.api, [np.ascontiguousarray(values[name]) for name in self.inputs]
        tensors = (ctypes.c_void_p * len(held))()
        for i, array in enumerate(held):
            shape, value = (ctypes.c_int64 * array.ndim)(*array.shape), ctypes.c_void_p()
            api.call(CREATE_TENSOR, api.memory, array.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(array.nbytes), shape,
                     ctypes.c_size_t(array.ndim), NUMBERS[array.dtype], ctypes.byref(value))
            tensors[i] = value
        strings = lambda names: (ctypes.c_char_p * len(names))(*[n.encode() for n in names])
        results = (ctypes.c_void_p * len(self.outputs))()
        api.call(RUN, self.session, ctypes.c_void_p(), strings(self.inputs), tensors, ctypes.c_size_t(len(held)), strings(self.outputs),
                 ctypes.c_size_t(len(self.outputs)), results)
        arrays = {name: self.read(ctypes.c_void_p(value)) for name, value in zip(self.outputs, results)}
        for value in list(tensors) + list(results):
            api.plain(RELEASE_VALUE, ctypes.c_void_p(value))
        return arrays

    def read(self, value):
        api, info, kind, rank, data = self.api, ctypes.c_void_p(), ctypes.c_int(), ctypes.c_size_t(), ctypes.c_void_p()
        api.call(TENSOR_INFO, value, ctypes.byref(info))
        api.call(ELEMENT_TYPE, info, ctypes.byref(kind))
        api.call(DIMS_COUNT, info, ctypes.byref(rank))
        dims = (ctypes.c_int64 * rank.value)()
        api.call(DIMS, info, dims, rank)
        api.plain(RELEASE_TENSOR_INFO, info)
        api.call(TENSOR_DATA, value, ctypes.byref(data))
        dtype = np.dtype(TYPES[kind.value])
        count = int(np.prod(list(dims), dtype=np.int64))
        text = ctypes.string_at(data, count * dtype.itemsize) if count else b""
        return np.frombuffer(text, dtype).reshape(list(dims)).copy()

    def close(self):
        self.api.plain(RELEASE_SESSION, self.session)
