"""Does what a report advises: follow_hint.py REPORT.json CONSTRAINTS.json writes the file that the first advice of that kind contains; with
BETTER.json, a third argument, it shows that the tensor's own loss became smaller."""
import json
import re
import sys

with open(sys.argv[1]) as file:
    tensors = json.load(file)["accuracy"]["tensors"]
for tensor in tensors:
    found = [match for hint in tensor.get("hints", []) if (match := re.search(r"in a -constraints file (.*)", hint))]
    if found:
        break
else:
    sys.exit("no advice has a constraint")
constraints = json.loads(found[0][1])
assert list(constraints["tensors"]) == [tensor["name"]], constraints
if len(sys.argv) == 3:
    with open(sys.argv[2], "w") as file:
        json.dump(constraints, file)
else:
    with open(sys.argv[3]) as file:
        better = {other["name"]: other for other in json.load(file)["accuracy"]["tensors"]}[tensor["name"]]
    assert better["type"] == "i16" and better["own_db"] > tensor["own_db"] + 3, (tensor, better)
