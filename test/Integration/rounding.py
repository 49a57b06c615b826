"""Compiles a collected model with few-bit weights and checks what post-training methods promise: an integer-only object of at least some quality.

rounding.py MODEL.onnx FOLDER EVALUATE.py NAME SET [--state] [--run KEY LEAST OPTIONS]... [--recover KEY LEAST OPTIONS]...

KEY is a metric of EVALUATE.py for the set SET (minus_nll counts up, like the others), OPTIONS are qcc's, in one word. --run asks for the metric itself; --recover for the part
of what -rounding=nearest loses against the float network, for a metric that is 1 for the float network. With --state EVALUATE.py names states.
"""
import argparse
import json
import os
import shutil
import sys

from network import check, demand, evaluate, run


def measure(arguments, options, name):
    run("qcc", arguments.model, "-target=x86-64", "-calib=calib.npz", "-integer-only", "-o", f"{name}.o", *arguments.states, *options)
    with open(f"{name}.json") as file:
        report = json.load(file)
    check(report["integer_only"] and not report["float_ops"], f"{name}: not integer-only: {report['float_ops']}")
    run("qrun", f"{name}.o", "-f32", "-inputs=samples.npz", f"-outputs={name}.npz", *arguments.states)
    return evaluate(arguments, f"{name}.npz", arguments.samples, "float.npz")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("evaluate", nargs=2)
    parser.add_argument("samples")
    parser.add_argument("--state", action="store_true")
    parser.add_argument("--run", nargs=3, action="append", default=[], metavar=("KEY", "LEAST", "OPTIONS"))
    parser.add_argument("--recover", nargs=3, action="append", default=[], metavar=("KEY", "LEAST", "OPTIONS"))
    arguments = parser.parse_args()
    arguments.model = os.path.abspath(arguments.model)
    arguments.score = None
    shutil.rmtree(arguments.folder, ignore_errors=True)
    os.makedirs(arguments.folder)
    os.chdir(arguments.folder)
    script, name = arguments.evaluate
    for samples, file in (("calib", "calib.npz"), (arguments.samples, "samples.npz")):
        run(sys.executable, script, "inputs", name, samples, file)
    arguments.states = []
    if arguments.state:
        states = json.loads(run(sys.executable, script, "state", name))
        arguments.states = [f"-state={states['state']}", f"-reset-every={states['reset_every']}"]
    run("qcc", arguments.model, "-target=x86-64", "-mode=f32", "-o", "float.o")
    run("qrun", "float.o", "-f32", "-inputs=samples.npz", "-outputs=float.npz", *arguments.states)
    for key, least, options in arguments.run:
        demand(options, measure(arguments, options.split(), "net"), [(key, least)])
    for key, least, options in arguments.recover:
        words = options.split()
        nearest = measure(arguments, [word for word in words if word.startswith(("-weights=", "-constraints=", "-activations="))], "nearest")[key]
        better = measure(arguments, words, "net")[key]
        part = (better - nearest) / (1 - nearest)
        print(f"{options}: {key} {nearest:.4f} -> {better:.4f}, {part:.2f} of the loss recovered, at least {least}")
        check(part >= float(least), f"{options}: only {part:.2f} of the loss in {key} is recovered, but must be {least}")
    shutil.rmtree(os.getcwd())


if __name__ == "__main__":
    main()
