# Sourced by the developer commands: brings a fresh clone to a finished build, and does nothing the second time.
#
#   tvmffi_setup <preset>     system packages, .venv, configure, build
#
# Afterwards TVMFFI_BUILD is the build folder and TVMFFI_PYTHON the interpreter of the .venv. Environment:
#   TVMFFI_BASE_PYTHON   the python3 (3.10 or newer) to make the .venv from; default: the first suitable one
#   TVMFFI_JOBS          jobs at a time, of compilers and tests; default: one per processor
# pip's own settings (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, ...) apply, for example to get PyTorch from an index of CPU builds.

TVMFFI_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
TVMFFI_VENV="$TVMFFI_ROOT/.venv"
TVMFFI_PYTHON="$TVMFFI_VENV/bin/python"
TVMFFI_JOBS="${TVMFFI_JOBS:-$(nproc)}"
export PATH="$TVMFFI_VENV/bin:$PATH"

tvmffi_say() { printf '== %s\n' "$*"; }

tvmffi_die() {
  printf 'error: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '       %s\n' "$line" >&2; done
  exit 1
}

# A folder that somebody else made (a run as root, a copied tree) fails later with a stranger's message.
tvmffi_check_owner() {
  local path="$1"
  [[ ! -e "$path" || "$(id -u)" == 0 ]] && return
  if [[ ! -O "$path" ]]; then
    tvmffi_die "$path belongs to $(stat -c %U "$path"), you are $(id -un)" \
      "remove it as its owner (for example: sudo rm -rf '$path'), then run this again"
  fi
}

# The packages that something here needs and this machine lacks. Headers are asked of the compiler, so that libraries
# installed by other means count too.
tvmffi_missing_packages() {
  command -v pkg-config >/dev/null || echo pkg-config
  command -v flatc >/dev/null || echo flatbuffers-compiler
  if ! command -v g++ >/dev/null; then
    echo g++ libuv1-dev libflatbuffers-dev libspdlog-dev libseccomp-dev libtomlplusplus-dev libdw-dev libgtest-dev \
      libbenchmark-dev libcli11-dev nlohmann-json3-dev
    return
  fi
  local header package
  while read -r header package; do
    printf '#if !__has_include(<%s>)\nTVMFFI_MISSING %s\n#endif\n' "$header" "$package"
  done <<'LIST' | g++ -std=c++17 -E -P -x c++ - | sed -n 's/^TVMFFI_MISSING //p' | tr -d ' '
uv.h libuv1-dev
flatbuffers/flatbuffers.h libflatbuffers-dev
spdlog/spdlog.h libspdlog-dev
seccomp.h libseccomp-dev
elfutils/libdwfl.h libdw-dev
toml++/toml.h libtomlplusplus-dev
gtest/gtest.h libgtest-dev
benchmark/benchmark.h libbenchmark-dev
CLI/CLI.hpp libcli11-dev
nlohmann/json.hpp nlohmann-json3-dev
LIST
}

# The fuzz preset's compiler and its libFuzzer.
tvmffi_missing_fuzzer() {
  command -v clang++-14 >/dev/null || echo clang-14
  [[ -e "$(clang++-14 -print-file-name="libclang_rt.fuzzer-$(uname -m).a" 2>/dev/null)" ]] || echo libclang-rt-14-dev
}

# Version, venv with pip, and the headers that an extension module needs.
tvmffi_python_works() {
  "$1" - >/dev/null 2>&1 <<'PROBE'
import ensurepip, os, sys, sysconfig, venv
header = os.path.join(sysconfig.get_path("include"), "Python.h")
sys.exit(not (sys.version_info >= (3, 10) and os.path.exists(header)))
PROBE
}

tvmffi_find_python() {
  local candidate
  for candidate in ${TVMFFI_BASE_PYTHON:-python3 /usr/bin/python3}; do
    if tvmffi_python_works "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
}

tvmffi_install_packages() {
  local as_root=()
  if [[ "$(id -u)" != 0 ]]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo)
    else
      tvmffi_die "this machine lacks: $*" "run this line, then this command again:" \
        "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
    fi
  fi
  command -v apt-get >/dev/null ||
    tvmffi_die "this machine lacks what Debian calls: $*" "install these with its package manager"
  tvmffi_say "installing system packages: $*"
  "${as_root[@]}" apt-get update
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "$@"
}

tvmffi_setup_system() {
  local missing
  read -r -d '' -a missing < <(
    tvmffi_missing_packages
    [[ "$1" != fuzz ]] || tvmffi_missing_fuzzer
    [[ -x "$TVMFFI_PYTHON" || -n "$(tvmffi_find_python)" ]] || echo python3 python3-venv python3-dev
  ) || true
  if ((${#missing[@]} > 0)); then
    # Not needed, but welcome once packages are being installed: it makes every rebuild cheap.
    command -v ccache >/dev/null || missing+=(ccache)
    tvmffi_install_packages "${missing[@]}"
  fi
}

# True when the command exists, runs and is at least the given version.
tvmffi_tool_at_least() {
  local version
  version="$("$1" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n1)" || return 1
  [[ -n "$version" && "$(printf '%s\n%s\n' "$2" "$version" | sort -V | head -n1)" == "$2" ]]
}

tvmffi_setup_venv() {
  local base stamp="$TVMFFI_VENV/tvmffi.stamp" wanted extra=()
  tvmffi_check_owner "$TVMFFI_VENV"
  # A moved or half-made environment, or one whose interpreter is gone, is made anew.
  if [[ -e "$TVMFFI_VENV" ]] &&
    [[ "$("$TVMFFI_PYTHON" -c 'import sys; print(sys.prefix)' 2>/dev/null)" != "$TVMFFI_VENV" ]]; then
    rm -rf "$TVMFFI_VENV"
  fi
  if [[ ! -x "$TVMFFI_PYTHON" ]]; then
    base="$(tvmffi_find_python)"
    [[ -n "$base" ]] || tvmffi_die "no python3 (3.10 or newer) with venv, ensurepip and Python.h" \
      "install one, or name one in TVMFFI_BASE_PYTHON"
    tvmffi_say "making .venv with $base ($("$base" --version))"
    "$base" -m venv "$TVMFFI_VENV"
  fi
  # Build tools come from pip where the system's are missing or too old.
  tvmffi_tool_at_least cmake 3.25 || extra+=('cmake>=3.25')
  tvmffi_tool_at_least ninja 1.10 || extra+=('ninja>=1.10')
  wanted="$(sha256sum <"$TVMFFI_ROOT/tools/requirements.txt")"
  if ((${#extra[@]} > 0)) || [[ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]]; then
    tvmffi_say "installing Python packages into .venv"
    "$TVMFFI_PYTHON" -m pip install -r "$TVMFFI_ROOT/tools/requirements.txt" "${extra[@]}"
    printf '%s\n' "$wanted" >"$stamp"
  fi
}

tvmffi_configure_and_build() {
  local preset="$1"
  shift
  TVMFFI_BUILD="$TVMFFI_ROOT/build/$preset"
  tvmffi_check_owner "$TVMFFI_ROOT/build"
  tvmffi_check_owner "$TVMFFI_BUILD"
  if [[ -f "$TVMFFI_BUILD/CMakeCache.txt" ]] &&
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$TVMFFI_ROOT" "$TVMFFI_BUILD/CMakeCache.txt"; then
    tvmffi_say "build/$preset was configured for another folder; starting over"
    rm -rf "$TVMFFI_BUILD"
  fi
  # Ninja runs CMake again by itself when a CMakeLists.txt changes.
  if [[ ! -f "$TVMFFI_BUILD/build.ninja" ]]; then
    tvmffi_say "configuring build/$preset"
    (cd "$TVMFFI_ROOT" && cmake --preset "$preset" -DPython_EXECUTABLE="$TVMFFI_PYTHON" "$@")
  fi
  tvmffi_say "building build/$preset with $TVMFFI_JOBS jobs"
  (cd "$TVMFFI_ROOT" && cmake --build --preset "$preset" -j "$TVMFFI_JOBS")
}

tvmffi_setup() {
  tvmffi_setup_system "$1"
  tvmffi_setup_venv
  tvmffi_configure_and_build "$@"
}
