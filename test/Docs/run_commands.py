"""Runs the `sh` blocks of a documentation page, in order, as one shell script in an empty folder: run_commands.py PAGE FOLDER"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

page, folder = Path(sys.argv[1]), Path(sys.argv[2])
blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.M | re.S)
if not blocks:
    sys.exit(f"{page}: no sh block")
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
# The page's `python3` is the one that runs this: it has numpy.
path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
result = subprocess.run(["bash", "-euo", "pipefail", "-x"], input="".join(blocks), text=True, cwd=folder, env={**os.environ, "PATH": path})
sys.exit(result.returncode)
