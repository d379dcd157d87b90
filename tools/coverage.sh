#!/usr/bin/env bash
# Line coverage of libffi_core by the C++ tests of the library and its headers: one line per file, then the total.
#
#   tools/coverage.sh [MINIMUM]      fails when fewer than MINIMUM percent of the lines run; default: 90
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

minimum="${1:-90}"
build="$TVMFFI_ROOT/build/coverage"
gcovr="$TVMFFI_ROOT/build/gcovr/bin/gcovr"
if [[ ! -x "$gcovr" ]]; then
  "$(tvmffi_find_python)" -m venv "$TVMFFI_ROOT/build/gcovr"
  "$TVMFFI_ROOT/build/gcovr/bin/pip" install --quiet gcovr==8.8
fi

cd "$TVMFFI_ROOT"
cmake --preset coverage -DTVMFFI_BUILD_HOST=OFF -DTVMFFI_BUILD_PLUGINS=OFF >/dev/null
# Those of the CUDA headers run nothing of the library, and want a driver.
mapfile -t tests < <(ninja -C "$build" -t targets all | sed -nE '/^bin\/abi_cuda/d; s/^bin\/((abi|libffi_core)[a-z0-9_]*_tests): .*/\1/p')
((${#tests[@]} > 0)) || tvmffi_die "the coverage build has no test programs"
# Counts of an earlier build do not fit this one, and the build itself runs the programs to list their tests.
find "$build" -name '*.gcda' -delete
cmake --build "$build" --parallel "$TVMFFI_JOBS" --target "${tests[@]}"
for program in "${tests[@]}"; do
  tvmffi_say "$program"
  "$build/bin/$program" --gtest_brief=1
done
# Lines of a template count once, whichever instance ran them.
"$gcovr" --root . --filter 'libffi_core/' --merge-lines --fail-under-line "$minimum" "$build/libffi_core"
