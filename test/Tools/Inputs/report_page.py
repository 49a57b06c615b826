"""Opens a report page in headless Chromium, clicks through it and compares what it shows with its JSON: report_page.py PAGE.html REPORT.json SHOT.png

With PAGE.html for REPORT.json, too, the JSON inside it is taken: times are in no other file. Speaks WebDriver with chromedriver, over HTTP on this machine. The last line of the output counts what was compared.
"""
import base64
import decimal
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zlib

WIDTH, HEIGHT = 1400, 900
compared = 0


def equal(what, shown, expected):
    global compared
    compared += 1
    if shown != expected:
        sys.exit(f"{what}: the page shows {repr(shown):.2000}, the report says {repr(expected):.2000}")


class Browser:
    """One session of chromedriver, with a profile of its own that goes away with it."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        environment = {**os.environ, "HOME": self.folder.name, "TMPDIR": self.folder.name}
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        for line in self.driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                break
        else:
            sys.exit("chromedriver did not start")
        self.base = f"http://127.0.0.1:{found[1]}/session"
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                     "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}", f"--user-data-dir={self.folder.name}/profile"]
        options = {"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}, "timeouts": {"pageLoad": 120000, "script": 60000}}
        self.base += "/" + self.call("POST", "", {"capabilities": {"alwaysMatch": options}})["sessionId"]
        self.cdp("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False)
        return self

    def __exit__(self, *_):
        try:
            if not self.base.endswith("/session"):
                self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.folder.cleanup()

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        # No proxy of the environment stands between this machine and itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=180) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise SystemExit(f"chromedriver: {method} {path}: {error.read().decode()[:600]}")

    def cdp(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, selector):
        element = self.call("POST", "/element", {"using": "css selector", "value": selector})
        self.call("POST", f"/element/{next(iter(element.values()))}/click", {})

    def type(self, selector, text):
        element = self.call("POST", "/element", {"using": "css selector", "value": selector})
        self.call("POST", f"/element/{next(iter(element.values()))}/value", {"text": text})

    def column(self, table, name):
        """The texts of a column of a table, from top to bottom; a header's unit and arrow are not part of its name."""
        return self.run("""
            const table = document.getElementById(arguments[0]), headers = [...table.tHead.rows[0].cells];
            const at = headers.findIndex(header => header.firstChild.textContent === arguments[1]);
            if (at < 0) return null;
            return [...table.tBodies[0].rows].map(row => row.cells[at].firstChild ? row.cells[at].firstChild.textContent : "");""", table, name)

    def header(self, table, name):
        """A selector of that column's header."""
        at = self.run("return [...document.getElementById(arguments[0]).tHead.rows[0].cells].findIndex(h => h.firstChild.textContent === arguments[1])", table, name)
        return f"#{table} th:nth-child({at + 1})"


def thousands(value):
    return "" if value is None else f"{value:,}"


def fixed(value, digits):
    # As JavaScript's toFixed: exact middles go away from zero.
    return "" if value is None else f"{decimal.Decimal(value).quantize(decimal.Decimal(1).scaleb(-digits), decimal.ROUND_HALF_UP)}"


def ratio(tensor, key):
    """Of no error, the report says null; of what has none of its own, nothing."""
    return "exact" if key in tensor and tensor[key] is None else fixed(tensor.get(key), 1)


def check_layers(browser, report):
    layers = report["layers"]
    equal("layers", browser.column("layers-table", "layer"), [layer["name"] for layer in layers])
    for name, key in (("MACs", "macs"), ("ACE", "ace"), ("BOPs", "bops"), ("constants", "constant_bytes"), ("outputs", "output_bytes"), ("weights", "weight_bits")):
        equal(name, browser.column("layers-table", name) or [""] * len(layers), [thousands(layer.get(key)) for layer in layers])
    # Largest first, then smallest first; layers without the number come last, and equal ones keep their order.
    having = [layer for layer in layers if layer.get("macs") is not None]
    rest = [layer["name"] for layer in layers if layer.get("macs") is None]
    if having:
        for sign in (-1, 1):
            browser.click(browser.header("layers-table", "MACs"))
            order = sorted(having, key=lambda layer: sign * layer["macs"])
            equal("sorted layers", browser.column("layers-table", "layer"), [layer["name"] for layer in order] + rest)
        browser.click(browser.header("layers-table", "layer"))
        equal("direction", browser.run("return document.querySelector(arguments[0]).getAttribute('aria-sort')", browser.header("layers-table", "layer")), "ascending")
    kernels = (report.get("run") or report["run_f32"])["kernels"]
    equal("kernels", browser.column("kernels-table", "form"), [kernel["form"] for kernel in kernels])
    equal("cycles", browser.column("kernels-table", "cycles"), [thousands(kernel.get("cycles")) for kernel in kernels])
    equal("predicted", browser.column("kernels-table", "predicted"), [fixed(kernel.get("predicted_us"), 3) for kernel in kernels])
    if "profile" in report:
        times = {row["at"]: row for row in report["profile"]["kernels"]}
        equal("measured calls", len(times), len(kernels))
        equal("times", browser.column("kernels-table", "measured"), [fixed(times.get(i, {}).get("p10_us"), 2) for i in range(len(kernels))])


def check_accuracy(browser, report):
    accuracy = report.get("accuracy")
    if not accuracy:
        equal("accuracy", browser.run("return document.querySelector('#tab-accuracy p').textContent.slice(0, 12)"), "Not measured")
        return
    tensors = accuracy["tensors"]
    equal("tensors", browser.column("tensors-table", "tensor"), [tensor["name"] for tensor in tensors])
    for name, key in (("own", "own_db"), ("cumulative", "cumulative_db")):
        equal(name, browser.column("tensors-table", name), [ratio(tensor, key) for tensor in tensors])
    hinted = [tensor for tensor in tensors if tensor.get("hints")]
    if hinted:
        worst = sorted(hinted, key=lambda tensor: tensor["own_db"])
        equal("worst layers", browser.column("hints-table", "layer"), [tensor["name"] for tensor in worst])
        texts = browser.run("return [...document.querySelectorAll('#hints-table tbody tr')].map(row => [...row.querySelectorAll('.hint')].map(p => p.textContent))")
        equal("hints", texts, [tensor["hints"] for tensor in worst])
    last = len(tensors) - 1
    browser.click(f"#tensors-table tr[data-row='{last}'] td:nth-child(2)")
    title = browser.run("return document.querySelector('#histogram text.title').textContent")
    equal("histogram", title, tensors[last]["name"] + ": share of values per bin, %")
    histogram = tensors[last]["histogram"]
    equal("bars", browser.run("return document.querySelectorAll('#histogram rect:not(.axis)').length"), sum(count > 0 for count in histogram["float"]))
    inside = sum(histogram["low"] <= limit <= histogram["high"] for limit in tensors[last]["range"])
    equal("clip lines", browser.run("return document.querySelectorAll('#histogram line.clip').length"), inside)


def check_activations(browser, report):
    rows = report["activations"]
    drawn = [row for row in rows if "curve" in row]
    equal("curves", browser.run("return document.querySelectorAll('svg.curve').length"), len(drawn))
    if not rows:
        return
    equal("functions", browser.column("activations-table", "function"), [row["function"] for row in rows])
    equal("mean errors", browser.column("activations-table", "mean error"), [fixed(row["mean_error"], 4) for row in rows])
    knots = browser.run("return [...document.querySelectorAll('svg.curve')].map(svg => svg.querySelectorAll('.knot').length)")
    equal("knots", knots, [len(row["curve"]["knots"]) for row in drawn])


def check_memory(browser, report):
    arena = report["arena"]
    equal("buffers", browser.run("return document.querySelectorAll('#arena-map rect.buffer').length"), len(arena))
    equal("offsets", browser.column("arena-table", "offset"), [thousands(buffer["offset"]) for buffer in arena])
    equal("sizes", browser.column("arena-table", "size"), [thousands(buffer["bytes"]) for buffer in arena])
    equal("last calls", browser.column("arena-table", "last"), [thousands(buffer["last"] + 1) for buffer in arena])


def check_precision(browser, report):
    precision = report["precision"]
    rows = [row for layer in precision["layers"] for row in layer.get("slices", [layer])]
    equal("bits", browser.column("bits-table", "weights"), [str(row["bits"]) for row in rows])
    equal("bytes", browser.column("bits-table", "size"), [thousands(row["bytes"]) for row in rows])
    equal("reasons", browser.column("bits-table", "why"), [row["reason"] for row in rows])
    if "activations" in precision:
        equal("bits of activations", browser.column("activation-bits-table", "codes"), [str(row["bits"]) for row in precision["activations"]])
        equal("reasons of activations", browser.column("activation-bits-table", "why"), [row["reason"] for row in precision["activations"]])
    if "pareto" in precision:
        equal("points", browser.run("return document.querySelectorAll('#front circle').length"), len(precision["pareto"]) + 1)
        equal("chosen", browser.run("return document.querySelectorAll('#front-chosen').length"), 1)
        equal("weights of points", browser.column("front-table", "weights"), [thousands(point["weight_bytes"]) for point in precision["pareto"]])


def check_decisions(browser, report):
    for table, key in (("rounding-table", "rounding"), ("equalization-table", "equalization"), ("migration-table", "migration")):
        if report[key]:
            equal(key, browser.column(table, "layer"), [row["name"] for row in report[key]])
        else:
            equal(key, browser.run("return document.getElementById(arguments[0])", table), None)
    if report["rounding"]:
        equal("chosen", browser.column("rounding-table", "chosen"), [ratio(row, "sqnr_after") for row in report["rounding"]])
        equal("methods", browser.column("rounding-table", "method"), [row["method"] for row in report["rounding"]])
    rows = report["decisions"]
    equal("decisions", browser.column("decisions-table", "what"), [row["what"] for row in rows])
    browser.type("#decision-filter", "accumulator")
    left = [row["name"] for row in rows if any("accumulator" in row[key].lower() for key in ("stage", "name", "what", "why"))]
    equal("filtered", browser.run("return [...document.querySelectorAll('#decisions-table tbody tr')].filter(row => !row.hidden).map(row => row.cells[1].textContent)"), left)


def check_overview(browser, report):
    card = "return document.querySelector(`[data-card='${arguments[0]}']`).title"
    equal("MACs", browser.run(card, "MACs"), thousands(report["macs"]))
    equal("constants", browser.run(card, "Constants"), thousands(report["constant_bytes"]) + " B")
    equal("arena", browser.run(card, "Arena"), thousands((report.get("run") or report["run_f32"])["arena_bytes"]) + " B")
    equal("inputs", browser.column("inputs-table", "name"), [port["name"] for port in report["inputs"]])


def check_shot(png):
    """A picture of the size that was asked for, and not blank: of an empty one, nearly all filtered lines are the same."""
    equal("signature", png[:8], b"\x89PNG\r\n\x1a\n")
    width, height, depth, color = struct.unpack(">IIBB", png[16:26])
    equal("picture", (width, height, depth), (WIDTH, HEIGHT, 8))
    data, at = b"", 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        data += png[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    pixels, line = zlib.decompress(data), 1 + WIDTH * {2: 3, 6: 4}[color]
    equal("bytes of the picture", len(pixels), line * HEIGHT)
    lines = {pixels[i:i + line] for i in range(0, len(pixels), line)}
    if len(lines) < 30:
        sys.exit(f"the picture is nearly blank: {len(lines)} different lines")


def main(page, report_path, shot):
    with open(report_path) as file:
        text = file.read()
    if report_path == page:
        text = re.search('<script type="application/json" id="report">(.*?)</script>', text, re.S)[1]
    report = json.loads(text)
    checks = {"overview": check_overview, "layers": check_layers, "accuracy": check_accuracy, "activations": check_activations, "memory": check_memory,
              "decisions": check_decisions}
    if "precision" in report:
        order = list(checks.items())
        checks = dict(order[:2] + [("precision", check_precision)] + order[2:])
    with Browser() as browser:
        browser.call("POST", "/url", {"url": "file://" + os.path.abspath(page)})
        equal("title", browser.call("GET", "/title"), report["name"] + ": qcc report")
        equal("embedded report", browser.run("return JSON.parse(document.getElementById('report').textContent)"), report)
        tabs = browser.run("return [...document.querySelectorAll('nav button')].map(button => button.dataset.tab)")
        equal("tabs", tabs, list(checks))
        for tab, check in checks.items():
            browser.click(f"button[data-tab={tab}]")
            equal("shown", browser.run("return [...document.querySelectorAll('section')].filter(s => s.offsetHeight > 0).map(s => s.id)"), ["tab-" + tab])
            check(browser, report)
            png = base64.b64decode(browser.call("GET", "/screenshot"))
            check_shot(png)
            with open(shot if tab == "overview" else f"{os.path.splitext(shot)[0]}-{tab}.png", "wb") as file:
                file.write(png)
        # Colors follow the system.
        color = "return getComputedStyle(document.body).backgroundColor"
        light = browser.run(color)
        browser.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        equal("dark and light differ", browser.run(color) != light, True)
        equal("resources from elsewhere", browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)"), [])
        # Hostile names are nothing but text: theirs would be elements of other kinds, and would set this.
        equal("scripts that ran", browser.run("return [document.querySelectorAll('main script, main img, main iframe').length, typeof window.hostile]"), [0, "undefined"])
        errors = [entry["message"] for entry in browser.call("POST", "/se/log", {"type": "browser"}) if entry["level"] in ("SEVERE", "WARNING")]
        equal("errors", errors, [])
    print(f"{len(checks)} tabs, {compared} comparisons")


if __name__ == "__main__":
    main(*sys.argv[1:])
