#!/usr/bin/env bash
# Installs, builds and runs every test. Last line: "N passed, N failed"; exit code 1 if a test failed. Arguments go to lit (for example -Dquick=1).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
results="$QCC_BUILD/test-results"
rm -rf "$results"
mkdir -p "$results"
lit=/usr/lib/llvm-22/bin/lit

# The second run repeats the tests that call qopt with a printing round trip in each call.
status=0
for run in all roundtrip; do
  arguments=(-s --xunit-xml-output "$results/$run.xml" "$@")
  [ $run = roundtrip ] && arguments+=(-Droundtrip=1)
  say "tests: $run"
  "$lit" "${arguments[@]}" "$QCC_BUILD/test" >"$results/$run.log" 2>&1 || true
  grep -E 'warning:' "$results/$run.log" || true
done
/usr/bin/python3 "$QCC_ROOT/test/summary.py" "$results/all.xml" "$results/roundtrip.xml" || status=1
exit $status
