"""Tables from the results of a benchmark run: `report.py results.json` prints Markdown. Pure formatting: needs nothing but Python."""
import json
import sys

# Which of the peer's variants count as what: "fast" is its best int8 of all, "exact" its best whose weights keep eight bits and whose
# sums do not saturate.
EXACT = {"u8u8", "dyn-u8"}


def table(header, rows):
    if not rows:
        return ""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def number(value, digits=3):
    """So many significant digits, plainly written."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    before_point = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return "%.*f" % (max(digits - before_point, 0), value)


def ratio(value, goal=None, paired=None):
    """A ratio, that of neighbouring turns, and, where there is a goal, whether it is reached."""
    if value is None:
        return "-"
    text = "%.2f" % value
    if paired is not None:
        text += " · %.2f" % paired
    if goal is not None:
        text += " (%s %.2f)" % ("✓" if value <= goal else "✗", goal)
    return text


def best(times, wanted):
    """(label, p10) of the quickest variant."""
    found = [(t["p10_us"], label) for label, t in times.items() if label in wanted]
    return (min(found)[1], min(found)[0]) if found else (None, None)


def bound_us(row, peaks, rate):
    """The least time that the arithmetic and reading the weights allow."""
    if "macs" not in row or not peaks:
        return None
    weights = row["weights"]
    for limit, name in ((24 << 10, "read_l1"), (768 << 10, "read_l2"), (6 << 20, "read_4m"), (24 << 20, "read_16m"), (1 << 62, "read_dram")):
        if weights <= limit:
            break
    return max(row["macs"] / rate, weights / peaks[name]) / 1000


def time_row(row, peaks):
    times = row["times"]
    ours, goals = times["ours"]["p10_us"], row.get("goals", {})
    variants = set(times) - {"ours", "ours_f32", "ours_float", "fp32"}
    fast_label, fast = best(times, variants)
    exact_label, exact = best(times, variants & EXACT)
    over = lambda label, goal: ratio(ours / times[label]["p10_us"], goals.get(goal), times[label].get("ours_over")) if label in times else "-"
    level = row["level"]
    probes = dict(peaks, **row.get("probes", {})) # those of the same moments first
    rate8 = probes.get("u8s8_vpdpbusd_512") if level == "native" else None
    rate8 = rate8 or probes.get("u8s8_vpmaddubsw")
    bound8, bound16 = (bound_us(row, peaks, r) if r else None for r in (rate8, probes.get("i16_vpmaddwd")))
    both = lambda label: "%s / %s" % (number(times[label]["p10_us"]), number(times[label]["median_us"])) if label in times else "-"
    return [row["title"], number(row["macs"] / 1e6) if "macs" in row else "-", both("ours"), number(times.get("ours_f32", {}).get("p10_us")), both("fp32"),
            "%s %s" % (both(fast_label), fast_label) if fast else "-", "%s %s" % (both(exact_label), exact_label) if exact else "-",
            over("fp32", "goal_fp32"), over(fast_label, "goal_fast"), over(exact_label, "goal_exact"),
            number(row["macs"] / ours / 1000) if "macs" in row else "-", ratio(bound8 / ours if bound8 else None), ratio(bound16 / ours if bound16 else None)]


def detail_row(row):
    times = row["times"]
    decibel = lambda label: "%.1f" % times[label]["sqnr_db"] if "sqnr_db" in times.get(label, {}) else "-"
    kib = lambda n: number(n / 1024)
    return [row["title"], kib(row["text_bytes"]), kib(row["constant_bytes"]), kib(row["arena_bytes"]),
            ratio(row["arena_bytes"] / row["arena_lower_bytes"] if row["arena_lower_bytes"] else None), "%.2f" % row["compile_s"], number(row["compile_mib"]),
            decibel("ours_f32"), decibel("u8s8"), decibel("u8u8")]


def float_row(row):
    times = row["times"]
    ours, peer = times["ours_float"]["p10_us"], times["fp32"]["p10_us"]
    return [row["title"], number(ours), number(peer), "%.2f" % (peer / ours)]


def layer_rows(row):
    """A row a kernel, as `qrun -profile` found it."""
    whole = row["layers"]["p10_us"]
    rows = []
    for layer in row["layers"]["kernels"]:
        time, macs, bound = layer["p10_us"], layer["macs"], layer["predicted_us"]
        form = " ".join(layer[key] for key in ("form", "dot", "tile") if layer[key]) + (" permuted" if layer["permuted"] else "")
        rows.append([layer["name"], form, "x".join(map(str, layer["output_shape"])), number(macs / 1e6) if macs else "-", number(time),
                     "%.1f %%" % (100 * layer["share"]), number(layer.get("gmacs")), number(bound),
                     ratio(bound / time if time else None), number(layer.get("peer_fp32_us")),
                     ratio(time / layer["peer_fp32_us"], 1) if "peer_fp32_us" in layer else "-"])
    total = sum(layer["p10_us"] for layer in row["layers"]["kernels"])
    return rows + [["*sum*", "", "", "", number(total)] + [""] * 6, ["*whole*", "", "", "", number(whole)] + [""] * 6]


def kernel_row(kernel):
    counted = "instructions" in kernel
    return [kernel["row"], kernel["chosen"] if kernel["chosen"] != kernel["row"] else "yes", kernel["network"],
            "-" if counted else number(kernel["us"]), "-" if counted else number(kernel["gmacs"]),
            "-" if counted else "%.2f of %s" % (kernel["gmacs"] / kernel["probe_gmacs"], kernel["probe"]),
            number(kernel["instructions"], 4) if counted else "-", number(kernel["macs_per_instruction"]) if counted else "-"]


def count_row(row, columns):
    counts, peer, goals = row["counts"], row["peer"], row.get("goals", {})
    cells = [row["title"]]
    for column in columns:
        cells.append(number(counts.get(column), 4))
        if column in ("n1", "i8mm"):
            cells.append(number(peer.get(column), 4))
            value = counts[column] / peer[column] if column in counts and column in peer else None
            cells.append(ratio(value, goals.get("goal_" + column)))
        elif column == "rvv256":
            cells.append(ratio(counts[column] / counts["n1"] if "n1" in counts and column in counts else None))
    return cells


def make(results):
    peaks = results.get("peaks", {})
    text = "# Benchmarks\n\n%s" % results["date"]
    if results.get("qcc_options"):
        text += ", options of qcc: `%s`" % " ".join(results["qcc_options"])
    text += ".\n"
    for level in ("avx2", "native"):
        rows = [row for row in results["times"] if row["level"] == level]
        if not rows:
            continue
        widest = peaks.get("level", "")
        what = "AVX2 on both sides" if level == "avx2" else "all that the core has (%s)" % widest
        text += "\n## Times, %s\n\nMicroseconds, p10 / median of interleaved turns, one thread, one core" % what
        versions = sorted({row["runtime"] for row in rows if "runtime" in row})
        if versions:
            text += ", ONNX Runtime %s" % ", ".join(versions)
        text += (". Ratios are of p10 · the median over neighbouring turns (✓ or ✗ for p10, and the goal). *Ours* takes and gives integers; the peer quantizes its float inputs, as *f32 entry* does. "
                 "*Of bound* is the least time that the measured peak rates allow over ours, at the rates of u8 x s8 and of i16 products that loops on registers reached in the same turns.\n\n")
        text += table(["network", "MMAC", "ours", "f32 entry p10", "peer fp32", "peer int8 fast", "peer int8 exact", "ours / fp32", "ours / fast", "ours / exact", "GMAC/s",
                       "of bound u8s8", "of bound i16"], [time_row(row, peaks) for row in rows])
        text += ("\nKiB; seconds and MiB of qcc with given ranges; signal to noise in dB of the float results of one sample against the peer's fp32 "
                 "(the peer's u8s8 saturates without VNNI).\n\n")
        text += table(["network", ".text", "constants", "arena", "arena / bound", "qcc s", "qcc MiB", "ours dB", "u8s8 dB", "u8u8 dB"], [detail_row(row) for row in rows])
        floats = [row for row in rows if "ours_float" in row["times"] and "fp32" in row["times"]]
        if floats:
            text += "\nFloat code (`-mode=f32`), p10 in microseconds:\n\n" + table(["network", "ours", "peer", "speed over the peer's"], [float_row(row) for row in floats])
        rows = [row for row in rows if "goal_float" in row.get("goals", {}) and "ours_float" in row["times"]]
        if rows:
            text += "\nScales found at run time (`-mode=dynamic`) and float code (`-mode=f32`), f32 in and out, p10 in microseconds:\n\n"
            text += table(["network", "dynamic", "f32", "dynamic / f32"],
                          [[row["title"], number(row["times"]["ours"]["p10_us"]), number(row["times"]["ours_float"]["p10_us"]),
                            ratio(row["times"]["ours"]["p10_us"] / row["times"]["ours_float"]["p10_us"], row["goals"]["goal_float"])] for row in rows])
    for row in results["times"]:
        if row.get("layers"):
            text += "\n## Kernels of %s, %s\n\nIn their place in the network (`qrun -profile`); p10 in microseconds. The peer's times are from its own profile.\n\n" % (row["title"], row["level"])
            text += table(["kernel", "form", "output", "MMAC", "us", "of the whole", "GMAC/s", "bound us", "bound / us", "peer fp32 us", "ours / fp32"], layer_rows(row))
    if peaks:
        text += "\n## Peak rates of this run\n\n" + table(["test", "rate"], [[key, "%s %s" % (number(value), "GB/s" if key.startswith("read") else "GMAC/s")]
                                                                           for key, value in peaks.items() if key != "level"])
    rows = [row for row in results["instructions"] if row["counts"]]
    if rows:
        columns = [column for column in ("n1", "i8mm", "rvv256") if any(column in row["counts"] for row in rows)]
        titles = {"n1": ["AArch64 dotprod", "peer", "ours / peer"], "i8mm": ["AArch64 i8mm", "peer", "ours / peer"], "rvv256": ["RISC-V VLEN 256", "over dotprod"]}
        text += "\n## Instructions per inference under qemu, thousands\n\nThe peer: %s\n\n" % results.get("peer_arm_provenance", "")
        text += table(["network"] + sum((titles[column] for column in columns), []), [count_row(row, columns) for row in rows])
    if results.get("kernels"):
        text += "\n## Rows of the kernel table\n\nEach by itself: time and part of its instruction's peak here, instructions (thousands) and products an instruction under qemu.\n\n"
        text += table(["row", "chosen", "network", "us", "GMAC/s", "of the peak", "instructions", "MAC / instruction"], [kernel_row(k) for k in results["kernels"]])
    if results["failures"]:
        text += "\n## Not measured\n\n" + "".join("- %s (%s): %s\n" % (f["name"], f["what"], " ".join(f["why"].split())) for f in results["failures"])
    return text


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        print(make(json.load(file)), end="")
