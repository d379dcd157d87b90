#!/usr/bin/env bash
# Builds what the GPU tests need into one folder that runs on another machine: both packages for one Python version, the
# plug-ins with their CUDA twins, the daemon with its libraries inside, and the tests.
#
#   tools/gpu_bundle.sh PYTHON OUT        # PYTHON: an interpreter of the target's version, with headers
#   OUT/run.sh [pytest options]           # there, with a python3 that has torch and pytest
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
python="${1:?which Python}" out="${2:?where to}"
build="$root/build/gpu"

cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTVMFFI_STATIC_DEPS=ON \
  -DTVMFFI_BUILD_TESTS=OFF -DTVMFFI_BUILD_BENCH=OFF -DPython_EXECUTABLE="$python"
cmake --build "$build" -j2
[[ -f "$build/plugins/llm_ops_cuda.so" ]] || { echo "no CUDA plug-in was built: is nvcc on the PATH?" >&2; exit 1; }

rm -rf "$out"
mkdir -p "$out"/{lib,bin,plugins,python,tests}
cp "$build"/lib/*.so "$out/lib/"
cp "$build"/bin/tvmffi-* "$out/bin/"
cp "$build"/plugins/*.so "$out/plugins/"
cp -rL "$root/python/tvm_ffi" "$root/python/tvmffi_host" "$out/python/"
cp "$build"/python/tvm_ffi/{core.*.so,_build_info.py} "$out/python/tvm_ffi/"
cp "$build"/python/tvmffi_host/_build_info.py "$out/python/tvmffi_host/"
ln -s ../../lib "$out/python/tvm_ffi/lib"
ln -s ../../lib "$out/python/tvmffi_host/lib"
ln -s ../../bin "$out/python/tvmffi_host/bin"
cp -r "$root/tests/gpu" "$root/tests/e2e" "$out/tests/"
find "$out" -name __pycache__ -prune -exec rm -r {} +
cat > "$out/run.sh" <<'RUN'
#!/usr/bin/env bash
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
export PYTHONPATH="$here/python" TVMFFI_BUILD_DIR="$here" TVMFFI_PLUGIN_DIR="$here/plugins"
cd "$here"
exec python3 -m pytest -p no:cacheprovider -rs "$@"
RUN
chmod +x "$out/run.sh"
echo "$out: $(du -sh "$out" | cut -f1)"
