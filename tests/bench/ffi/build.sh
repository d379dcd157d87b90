# Sourced: `build_for NAME INCLUDE LIB` compiles the programs of this folder against one implementation into $out/NAME.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/published.sh"

build_for() {
  local folder=$out/$1 include=$2 lib=$3
  shift 3
  mkdir -p "$folder"
  local flags=(-std=c++17 -O2 -DNDEBUG -I"$include" -L"$lib" -Wl,-rpath,"$lib")
  "${CXX:-g++}" "${flags[@]}" -shared -fPIC "$here/bench_module.cc" -ltvm_ffi -o "$folder/bench_module.so"
  for program in "$@"; do
    "${CXX:-g++}" "${flags[@]}" "$here/$program.cc" -ltvm_ffi -lbenchmark -lpthread -o "$folder/$program"
  done
}

# Both implementations, each with its own headers, module and library.
build_both() {
  local package
  package=$(published_package "$out/download")
  build_for published "$package/include" "$package/lib" "$@"
  build_for ours "$here/../../../abi/include" "$(cd "$build_tree/lib" && pwd)" "$@"
}
