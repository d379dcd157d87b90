#!/usr/bin/env bash
# Sets the clone up if need be, builds it and runs every test: C++ under ctest, then Python. A full run writes
# <build>/THREATS.md, the table of threats as this user sees it; the one in tests/hostd is made by tools/threats.py --user.
#
#   tools/test.sh [--quick | --exhaustive] [-k EXPRESSION]
#     --quick         leave out the tests labelled slow
#     --exhaustive    also those that take minutes each: every system call of the host that can fail does so once
#     -k EXPRESSION   only tests whose name matches: a regular expression for ctest, pytest's -k for Python
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

quick=0
exhaustive=0
expression=""
while (($# > 0)); do
  case "$1" in
    --quick) quick=1 ;;
    --exhaustive) exhaustive=1 ;;
    -k)
      (($# > 1)) || tvmffi_die "-k needs an expression"
      expression="$2"
      shift
      ;;
    -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *) tvmffi_die "unknown option '$1'" "usage: tools/test.sh [--quick | --exhaustive] [-k EXPRESSION]" ;;
  esac
  shift
done

tvmffi_setup release
cd "$TVMFFI_ROOT"

# Python tests are registered with ctest too; here pytest runs them itself, with its own progress.
skipped_labels="^python$"
ctest_options=(--preset release --no-tests=error --parallel "$TVMFFI_JOBS")
# Slow tests are skipped unless -m names them.
pytest_options=(--timeout=600 -rs -m "slow or not slow")
if ((exhaustive)); then pytest_options=(--timeout=600 -rs -m "slow or exhaustive or not slow"); fi
if ((quick)); then
  skipped_labels="^(python|slow)$"
  pytest_options=(--timeout=600 -rs -m "not slow")
fi
if [[ -n "$expression" ]]; then
  ctest_options=("${ctest_options[@]/--no-tests=error/--no-tests=ignore}" -R "$expression")
  pytest_options+=(-k "$expression")
fi

tvmffi_say "C++ tests"
ctest "${ctest_options[@]}" -LE "$skipped_labels"

export PYTHONPATH="$TVMFFI_BUILD/python" TVMFFI_BUILD_DIR="$TVMFFI_BUILD"
failed=()
results="$TVMFFI_BUILD/test_results"
rm -rf "$results"
mkdir -p "$results"
# One run per folder: each has its own conftest.py and helper modules.
for suite in tools python plugins e2e faults compat gpu; do
  tvmffi_say "Python tests: tests/$suite"
  status=0
  TVMFFI_TEST_RESULTS="" # of the end-to-end tests, for the table of threats
  if [[ "$suite" == e2e ]]; then TVMFFI_TEST_RESULTS="$results"; fi
  export TVMFFI_TEST_RESULTS
  "$TVMFFI_PYTHON" -m pytest "${pytest_options[@]}" "tests/$suite" || status=$?
  # 5: nothing collected, which an expression may well ask for.
  if [[ "$status" == 5 && -n "$expression" ]]; then status=0; fi
  ((status == 0)) || failed+=("tests/$suite")
done
if [[ -z "$expression" ]] && ((!quick)); then
  tvmffi_say "Threats: $TVMFFI_BUILD/THREATS.md"
  "$TVMFFI_PYTHON" tools/threats.py --build "$TVMFFI_BUILD" --end-to-end "$results" --out "$TVMFFI_BUILD/THREATS.md" ||
    failed+=("tools/threats.py")
fi
((${#failed[@]} == 0)) || tvmffi_die "failed: ${failed[*]}"
tvmffi_say "all tests passed"
