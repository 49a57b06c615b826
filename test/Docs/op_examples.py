"""Prints the mlir examples of the op definitions: op_examples.py QCOps.td. Fails if an op has no example of its own."""
import re
import sys

text = open(sys.argv[1]).read()
examples = re.findall(r"```mlir\n(.*?)```", text, re.S)
missing = [op for op in re.findall(r'(?:QC_(?:Arithmetic)?Op<|Op<QC_Dialect, )"(\w+)"', text) if not any(f"@{op}(" in e and f"qc.{op} " in e for e in examples)]
if missing:
    sys.exit("ops without an example: " + ", ".join(missing))
print("\n".join(examples))
