"""Runs the examples of pass descriptions: pass_examples.py PASSES.td FOLDER. An example is an mlir block, the line "becomes" and the block that the
pass makes of it. Prints the passes that were run; fails if one makes something else."""
import re
import subprocess
import sys
from pathlib import Path

text, folder = Path(sys.argv[1]).read_text(), Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
failed = False


def lines(block):
    return [" ".join(line.split()) for line in block.strip().splitlines()]


for name, body in re.findall(r'^def \w+ : Pass<"([\w-]+)"(.*?)^}', text, re.M | re.S):
    for before, after in re.findall(r"```mlir\n(.*?)```\s*becomes\s*```mlir\n(.*?)```", body, re.S):
        source = folder / f"{name}.mlir"
        source.write_text(before)
        output = subprocess.run(["qopt", source, f"--{name}"], check=True, capture_output=True, text=True).stdout
        made = lines(output)[1:-1]  # without the module around it
        if made != lines(after):
            failed = True
            print(f"{name} makes\n" + "\n".join(made) + "\nbut its description says\n" + "\n".join(lines(after)))
        print(name)
sys.exit(failed)
