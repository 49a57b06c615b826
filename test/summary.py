"""Sums up lit's xunit files: what failed (with its output), what was skipped and why, then the last line "N passed, N failed"."""
import collections
import sys
import xml.etree.ElementTree as ET


def main(paths):
    passed, failed, skipped = 0, [], collections.defaultdict(list)
    for path in paths:
        try:
            cases = list(ET.parse(path).getroot().iter("testcase"))
        except (OSError, ET.ParseError) as error:
            failed.append((f"{path}: no test results", str(error)))
            continue
        for case in cases:
            name = f"{case.get('classname')}/{case.get('name')}"
            failure, skip = case.find("failure"), case.find("skipped")
            if failure is not None:
                failed.append((name, failure.text or failure.get("message") or ""))
            elif skip is not None:
                skipped[skip.get("message") or skip.text or "no reason given"].append(name)
            else:
                passed += 1
    for name, output in failed:
        lines = output.strip().splitlines()
        print(f"FAILED {name}")
        for line in lines[-40:]:
            print(f"    {line}")
    for name, _ in failed:
        print(f"FAILED {name}")
    for reason, names in sorted(skipped.items()):
        print(f"SKIPPED {len(names)} tests: {reason}")
    if passed == 0 and not failed:
        failed.append(("no test ran", ""))
        print("FAILED: no test ran")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
