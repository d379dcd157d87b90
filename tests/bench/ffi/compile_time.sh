#!/usr/bin/env bash
# Time to compile add_one.cc into a library, ours beside the published headers: processor time, medians of interleaved rounds.
# Fails when a limit is exceeded. nvcc is left out where there is none.
#
#     tests/bench/ffi/compile_time.sh [BUILD_TREE] [ROUNDS]
set -euo pipefail
build_tree=${1:-build/release}
rounds=${2:-7}
out=$build_tree/bench_ffi
source "$(dirname "$0")/build.sh"
package=$(published_package "$out/download")
mkdir -p "$out"

seconds() {  # user + system, children included
  local TIMEFORMAT='%U %S'
  { time "$@" >/dev/null; } 2>&1 | tail -1 | awk '{ print $1 + $2 }'
}
compile() {
  case $1 in
    g++) seconds g++ -std=c++17 -O2 -fPIC -shared -I"$2" "$here/add_one.cc" -o "$out/add_one.so" ;;
    nvcc) seconds nvcc -std=c++17 -O2 -Xcompiler -fPIC -shared -I"$2" -x cu "$here/add_one.cc" -o "$out/add_one.so" ;;
  esac
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

failed=0
printf '%-10s %12s %10s %8s %8s\n' "seconds" published ours ratio limit
for compiler_and_limit in "g++ 0.6" "nvcc 0.7"; do
  read -r compiler limit <<<"$compiler_and_limit"
  command -v "$compiler" >/dev/null || { echo "$compiler: not here" && continue; }
  rm -f "$out"/times.*
  for ((i = 0; i < rounds; ++i)); do
    compile "$compiler" "$package/include" >>"$out/times.published"
    compile "$compiler" "$here/../../../abi/include" >>"$out/times.ours"
  done
  published=$(median <"$out/times.published") ours=$(median <"$out/times.ours")
  ratio=$(awk -v a="$ours" -v b="$published" 'BEGIN { printf "%.3f", a / b }')
  printf '%-10s %12s %10s %8s %8s\n' "$compiler" "$published" "$ours" "$ratio" "$limit"
  awk -v r="$ratio" -v l="$limit" 'BEGIN { exit !(r > l) }' && failed=1
done
exit $failed
