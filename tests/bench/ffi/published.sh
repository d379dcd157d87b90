# Sourced: `published_package` prints the folder with the published package's tvm_ffi, fetched by pip once into $1.
# VERSION may be set by the caller.
published_package() {
  local folder=$1 version=${VERSION:-0.1.15.post2}
  if [ ! -d "$folder/package-$version/tvm_ffi" ]; then
    mkdir -p "$folder"
    "${PYTHON:-python3}" -m pip download -q --no-deps --only-binary=:all: --dest "$folder" "apache-tvm-ffi==$version" >&2
    "${PYTHON:-python3}" -m zipfile -e "$folder"/apache_tvm_ffi-"$version"-*.whl "$folder/package-$version.partial"
    mv "$folder/package-$version.partial" "$folder/package-$version"
  fi
  echo "$folder/package-$version/tvm_ffi"
}
