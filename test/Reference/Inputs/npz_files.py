"""Makes .npz files, good and damaged, for npz.test and npz-errors.test."""
import os
import struct
import sys
import zipfile

import numpy as np

out = sys.argv[1]
os.makedirs(out, exist_ok=True)


def path(name):
    return os.path.join(out, name)


x = np.arange(-6, 6).reshape(3, 4)
np.savez(path("f32.npz"), x=x.astype(np.float32) / 4)
np.savez_compressed(path("deflate.npz"), x=x.astype(np.float32) / 4)
for dtype in ("float16", "float64", "int8", "int16", "int32", "int64"):
    np.savez(path(f"{dtype}.npz"), x=x.astype(dtype))
for dtype in ("uint8", "uint16", "uint32", "uint64", "bool"):
    np.savez(path(f"{dtype}.npz"), x=abs(x).astype(dtype))

# A .npy of version 2 and of version 3, a Fortran-ordered column, a data descriptor (written to a stream that cannot seek).
for version in ((2, 0), (3, 0)):
    with zipfile.ZipFile(path(f"version{version[0]}.npz"), "w") as z, z.open("x.npy", "w") as f:
        np.lib.format.write_array(f, x.astype(np.float32) / 4, version=version)
np.savez(path("column.npz"), x=np.asfortranarray(np.arange(3, dtype=np.float32).reshape(3, 1)))


class Pipe:
    def __init__(self, file):
        self.file = file

    def write(self, data):
        return self.file.write(data)

    def flush(self):
        self.file.flush()


with open(path("descriptor.npz"), "wb") as file:
    with zipfile.ZipFile(Pipe(file), "w", zipfile.ZIP_DEFLATED) as z:
        with z.open("x.npy", "w") as f:
            np.lib.format.write_array(f, x.astype(np.float32) / 4)

# Every size and offset in zip64 fields, as in archives beyond 4 GB.
limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 10
np.savez(path("zip64.npz"), a=np.zeros(5), x=x.astype(np.float32) / 4)
zipfile.ZIP64_LIMIT = limit

# Many samples, well beyond one chunk of the reader, compressed.
np.savez_compressed(path("many.npz"), x=(np.arange(200000) ** 2 % 201 - 90).reshape(50000, 4).astype(np.float32))

# Damaged files.
with open(path("f32.npz"), "rb") as f:
    good = f.read()


def write(name, data):
    with open(path(name), "wb") as f:
        f.write(data)


write("empty.npz", b"")
write("text.npz", b"this is no archive\n" * 100)
write("truncated.npz", good[: len(good) // 2])
write("cut_front.npz", good[40:])
flipped = bytearray(good)
flipped[good.index(b"\x93NUMPY") + 128 + 5] ^= 1
write("flipped.npz", bytes(flipped))
encrypted = bytearray(good)
encrypted[good.index(b"PK\x01\x02") + 8] |= 1
write("encrypted.npz", bytes(encrypted))
method = bytearray(good)
method[good.index(b"PK\x01\x02") + 10] = 12
write("method.npz", bytes(method))


def raw(name, npy, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path(name), "w", compression) as z:
        z.writestr("x.npy", npy)


def npy(header, data=b""):
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


raw("magic.npz", b"nothing of the kind")
raw("short.npz", b"\x93NU")
raw("version9.npz", b"\x93NUMPY\x09\x00" + bytes(100))
raw("no_shape.npz", npy("{'descr': '<f4', 'fortran_order': False}"))
raw("long_header.npz", b"\x93NUMPY\x02\x00" + struct.pack("<I", 10**9) + bytes(100))
raw("overflow.npz", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 16)}"))
raw("huge.npz", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 4)}", bytes(16)))
raw("negative.npz", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 4)}"))
raw("object.npz", npy("{'descr': '|O', 'fortran_order': False, 'shape': (3, 4)}", bytes(96)))
raw("record.npz", npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 4)}", bytes(48)))
np.savez(path("big_endian.npz"), x=x.astype(">f4"))
np.savez(path("fortran.npz"), x=np.asfortranarray(x.astype(np.float32)))
np.savez(path("wrong_shape.npz"), x=np.zeros((3, 5), np.float32))
np.savez(path("no_batch.npz"), x=np.zeros((4,), np.float32))
np.savez(path("no_samples.npz"), x=np.zeros((0, 4), np.float32))
np.savez(path("wrong_name.npz"), y=np.zeros((3, 4), np.float32), z=np.zeros(1))
np.savez(path("inexact.npz"), x=np.full((3, 4), 0.1))
np.savez(path("inexact_int.npz"), x=np.full((3, 4), 16777217))
np.savez(path("fraction.npz"), x=np.full((3, 4), 0.5, np.float32))
np.savez(path("out_of_range.npz"), x=np.full((3, 4), 200))
bomb = bytearray()
with zipfile.ZipFile(path("bomb.npz"), "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("x.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}", bytes(48)))
with open(path("bomb.npz"), "rb") as f:
    data = bytearray(f.read())
at = data.index(b"PK\x01\x02")
struct.pack_into("<I", data, at + 24, 0xFFFFFFF0)  # claims 4 GB
write("bomb.npz", bytes(data))
deflated = bytearray(open(path("deflate.npz"), "rb").read())
start = deflated.index(b"x.npy") + 5 + 20
deflated[start : start + 4] = b"\xff\xff\xff\xff"
write("deflate_damaged.npz", bytes(deflated))
