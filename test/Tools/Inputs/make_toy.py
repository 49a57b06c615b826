"""make_toy.py OUT.o TARGET [clang options]: compiles toy.c and adds the interface section. TARGET is a name of the table below."""
import json
import os
import subprocess
import sys

TARGETS = {
    "x86-64": ("x86_64-unknown-linux-gnu", []),
    "aarch64": ("aarch64-unknown-linux-gnu", []),
    "riscv64": ("riscv64-unknown-linux-gnu", ["-march=rv64gcv"]),
    "armv7a": ("armv7a-unknown-linux-gnueabihf", []),
    "thumbv7em": ("thumbv7em-unknown-none-eabi", ["-DNO_FLOAT"]),
    "riscv32imc": ("riscv32-unknown-elf", ["-march=rv32imc", "-mabi=ilp32", "-DNO_FLOAT"]),
}
out, target, *options = sys.argv[1:]
triple, extra = TARGETS[target]
source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "toy.c")


def port(name):
    return {"name": name, "shape": [1, 4], "type": "i8", "scale": 0.5, "zero_point": 3, "f32": True}


interface = {"version": 1, "name": "toy", "target": {"triple": triple, "cpu": "", "features": ""}, "integer_only": True,
             "inputs": [port("x"), port("h")], "outputs": [port("y"), port("hn")],
             "run": {"symbol": "toy_run", "arena_bytes": 16, "arena_align": 64}}
if "-DNO_FLOAT" not in extra:
    interface["run_f32"] = {"symbol": "toy_run_f32", "arena_bytes": 32, "arena_align": 64}
if "-DKERNELS" in options: # -DOTHER: a list that is not that of the calls
    extra.append("-ffunction-sections")
    names = [("kernel_a", "first"), ("kernel_a", "second"), ("kernel_a" if "-DOTHER" in options else "kernel_b", "third")]
    interface["run"]["kernels"] = [{"symbol": symbol, "name": name, "form": "loops", "input_bytes": 4, "output_bytes": 4} for symbol, name in names]
with open(out + ".json", "w") as file:
    json.dump(interface, file)
subprocess.run(["clang", f"--target={triple}", "-O1", "-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-fno-pic", "-c", source,
                "-o", out, *extra, *options], check=True)
subprocess.run(["llvm-objcopy", "--add-section", f".qc.interface={out}.json", out], check=True)
