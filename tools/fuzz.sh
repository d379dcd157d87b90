#!/usr/bin/env bash
# Runs fuzz targets, one per processor at a time, each on its committed seeds and on what its earlier runs here found
# worth keeping (build/fuzz/corpus). Fails when one finds something; the input is then in build/fuzz/findings.
#
#   tools/fuzz.sh [--seconds N] [TARGET...]
#     --seconds N   for each target; default: 10
#     TARGET        a folder's name in tests/fuzz/corpus; default: every target
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

seconds=10
targets=()
while (($# > 0)); do
  case "$1" in
    --seconds)
      [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || tvmffi_die "--seconds needs a positive whole number, not '${2:-}'"
      seconds="$2"
      shift
      ;;
    -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    -*) tvmffi_die "unknown option '$1'" "usage: tools/fuzz.sh [--seconds N] [TARGET...]" ;;
    *) targets+=("$1") ;;
  esac
  shift
done

tvmffi_setup fuzz
cd "$TVMFFI_ROOT"
mapfile -t known < <(ninja -C "$TVMFFI_BUILD" -t targets all | sed -nE 's/^bin\/fuzz_([a-z0-9_]+): .*/\1/p' | sort)
((${#known[@]} > 0)) || tvmffi_die "the fuzz build has no fuzz targets"
((${#targets[@]} > 0)) || targets=("${known[@]}")
for target in "${targets[@]}"; do
  [[ " ${known[*]} " == *" $target "* ]] || tvmffi_die "no fuzz target '$target'" "there are: ${known[*]}"
  [[ -d "tests/fuzz/corpus/$target" ]] || tvmffi_die "fuzz target '$target' has no seeds in tests/fuzz/corpus/$target"
done

fuzz_one() {
  local target="$1" corpus="$TVMFFI_BUILD/corpus/$1" findings="$TVMFFI_BUILD/findings/$1" log="$TVMFFI_BUILD/$1.log"
  local verdict=clean runs
  mkdir -p "$corpus" "$findings"
  "$TVMFFI_BUILD/bin/fuzz_$target" -max_total_time="$TVMFFI_FUZZ_SECONDS" -rss_limit_mb=3000 -timeout=25 \
    -artifact_prefix="$findings/" "$corpus" "tests/fuzz/corpus/$target" >"$log" 2>&1 || verdict="FOUND something: $log"
  runs="$(sed -nE 's/^Done ([0-9]+) runs in .*/\1/p' "$log")"
  printf '%-16s %10s runs  %s\n' "$target" "${runs:-?}" "$verdict"
  [[ "$verdict" == clean ]]
}
export -f fuzz_one
export TVMFFI_BUILD TVMFFI_FUZZ_SECONDS="$seconds"

tvmffi_say "fuzzing ${#targets[@]} targets for $seconds s each"
printf '%s\n' "${targets[@]}" | xargs -P "$TVMFFI_JOBS" -I{} bash -c 'fuzz_one {}' ||
  tvmffi_die "a fuzz target found something" "its input is in $TVMFFI_BUILD/findings"
tvmffi_say "no finding"
