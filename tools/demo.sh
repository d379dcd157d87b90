#!/usr/bin/env bash
# Sets the clone up if need be, builds it and runs the demo: a transformer block in PyTorch, in process and isolated,
# then three kernels that fail. Arguments go to tools/demo.py (see --help).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/setup.sh"

tvmffi_setup release
export PYTHONPATH="$TVMFFI_BUILD/python"
exec "$TVMFFI_PYTHON" "$TVMFFI_ROOT/tools/demo.py" --plugins "$TVMFFI_BUILD/plugins" "$@"
