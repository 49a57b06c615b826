"""fpfree.py OBJECT FUNCTION: fails if FUNCTION, or anything that it can reach by calls, holds a floating-point instruction.

Such an instruction computes, compares or converts floating point. Loads, stores, bit moves, shuffles and bitwise logic on the same registers
do not count: compilers use them for integers too."""
import collections
import re
import subprocess
import sys

# Per architecture: what counts, and the exceptions of those patterns.
X86_TYPES = "(ss|sd|ps|pd|sh|ph|bf16|nepbf16)"
RULES = {
    "x86_64": (
        rf"v?(add|sub|mul|div|min|max|sqrt|rcp|rsqrt|rcp14|rsqrt14|rcp28|rsqrt28|exp2|round|rndscale|addsub|hadd|hsub|dp|comi|ucomi|comx|ucomx|"
        rf"getexp|getmant|scalef|range|reduce|fixupimm|fpclass|minmax|cmp\w*){X86_TYPES}"
        rf"|vf[cn]?m(add|sub|addsub|subadd|addc|ulc|ul)\w*|v?cvt\w+|vdp(bf16|ph)ps|f(?!emms|xsave|xrstor)\w+",
        None),
    "aarch64": (r"f\w+|[su]cvtf\w*|bf(cvt|dot|mmla|mlal)\w*|j?cvt\w*", r"fmov"),
    "riscv": (r"f\w+(\.\w+)*|c\.f\w+|vm?f\w+\.\w+(\.\w+)*", r"fence(\.\w+)*|(c\.)?f[ls][hwdq](sp)?|fmv\.\w+\.\w+|vfmv\.\w\.\w|vfmerge\.vfm|vfirst\.m"),
    "arm": (r"v\w+\.(f16|f32|f64|bf16)(\.\w+)*|vcvt\w*(\.\w+)*|f\w+", r"vmov\.f(16|32|64)"),
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def get_architecture(path):
    machine = re.search(r"^Arch: (\w+)", run("llvm-readobj", "--file-header", path), re.M).group(1)
    return {"riscv32": "riscv", "riscv64": "riscv", "thumb": "arm"}.get(machine, machine)


def disassemble(path):
    """function -> [(mnemonic, line, symbols and sections that it names)]; and section -> functions."""
    functions, sections = collections.OrderedDict(), collections.defaultdict(list)
    section = name = None
    for line in run("llvm-objdump", "-d", "-r", "--no-show-raw-insn", "--no-print-imm-hex", path).splitlines():
        if match := re.match(r"Disassembly of section (\S+):", line):
            section, name = match.group(1), None
        elif match := re.match(r"[0-9a-f]+ <(.+)>:$", line):
            # Local labels and mapping symbols continue the function before them.
            if not re.match(r"\.L|\$", match.group(1)) or name is None:
                name = match.group(1)
                functions[name] = []
                sections[section].append(name)
        elif match := re.match(r"\s+[0-9a-f]+:\s+R_\w+\s+(\S+)", line):
            if name and functions[name]:
                functions[name][-1][2].add(re.sub(r"[-+]0x[0-9a-f]+$", "", match.group(1)))
        elif re.search(r"\s\.(word|short|byte)\s", line):
            continue  # constants between the instructions
        elif match := re.match(r"\s*[0-9a-f]+:\s+(\S+)(.*)", line):
            named = {re.sub(r"\+0x[0-9a-f]+$", "", target) for target in re.findall(r"<([^>]+)>", match.group(2))}
            functions[name].append((match.group(1), line.strip(), named))
    return functions, sections


def main(path, entry):
    counts, excepted = RULES[get_architecture(path)]
    functions, sections = disassemble(path)
    if entry not in functions:
        sys.exit(f"{path}: no function {entry}; there are {', '.join(functions)}")
    seen, todo, found = set(), [entry], []
    instructions = 0
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for mnemonic, line, named in functions[name]:
            instructions += 1
            if mnemonic == "<unknown>":
                sys.exit(f"{path}: the disassembler does not know the instruction at {name}: {line}")
            if re.fullmatch(counts, mnemonic) and not (excepted and re.fullmatch(excepted, mnemonic)):
                found.append(f"{name}: {line}")
            for target in named:
                # A section stands for all of its functions.
                todo += [target] if target in functions else sections.get(target, [])
    for text in found[:20]:
        print(text)
    if found:
        sys.exit(f"{path}: {len(found)} floating-point instructions in {entry} and what it calls")
    if instructions < 5:
        sys.exit(f"{path}: only {instructions} instructions were found below {entry}: the disassembly was not understood")
    print(f"{path}: no floating-point instruction among {instructions} of {entry} and what it calls")


if __name__ == "__main__":
    main(*sys.argv[1:])
