#!/usr/bin/env bash
# Formats the C, C++ and CUDA files that git knows, in place. With --check: changes nothing, fails if a file would change.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

formatter=""
for candidate in ${CLANG_FORMAT:-clang-format-14 clang-format}; do
  if command -v "$candidate" >/dev/null; then
    formatter="$candidate"
    break
  fi
done
if [[ -z "$formatter" ]]; then
  echo "error: no clang-format (version 14): apt-get install clang-format-14, or name one in CLANG_FORMAT" >&2
  exit 1
fi

options=(-i)
if [[ "${1:-}" == --check ]]; then options=(--dry-run -Werror); fi
git ls-files -z -- '*.h' '*.c' '*.cc' '*.cu' '*.cuh' | xargs -0 -r "$formatter" "${options[@]}"
