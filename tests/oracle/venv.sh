#!/bin/sh
# Makes, once, the virtual environment of the oracles, and prints its folder. It holds the
# torch wheel without the 3 GB of CUDA libraries it is linked to: on a CPU none of them is
# called, so empty libraries of their names take their place.
set -eu
export PIP_DISABLE_PIP_VERSION_CHECK=1
here=$(cd "$(dirname "$0")" && pwd)
cache=${TUNE_CACHE_DIR:-$HOME/.cache/tune}
venv=$cache/oracle-venv
stamp=$venv/.complete
want=$(cat "$here/requirements.txt" "$0" | sha256sum | cut -d' ' -f1)

# Every CUDA function torch refers to, in one library of traps, and a library of each
# missing name that leads to it.
make_stubs() {
  torch=$1 cuda=$2 out=$3
  mkdir -p "$out"
  nm -D --undefined-only "$torch"/libtorch_cuda.so "$torch"/libtorch_nvshmem.so \
    "$torch"/libtorch_python.so | awk 'NF == 2 {print $2}' | sed 's/@.*//' |
    grep -E '^(cu|nccl|nvshmem)' | sort -u >"$out/wanted"
  nm -D --defined-only "$cuda"/*.so.* 2>/dev/null | awk 'NF == 3 {print $3}' | sed 's/@.*//' |
    sort -u >"$out/present"
  comm -23 "$out/wanted" "$out/present" |
    sed 's/.*/void &(void) { __builtin_trap(); }/' >"$out/traps.c"
  cc -w -shared -fPIC -Wl,-soname,libcudatraps.so -o "$out/libcudatraps.so" "$out/traps.c"
  for name in $(readelf -d "$torch"/libtorch_cuda.so "$torch"/libtorch_nvshmem.so |
    sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -E '^lib(cu|nccl|nvshmem)' | sort -u); do
    [ -e "$cuda/$name" ] || cc -w -shared -fPIC -x c /dev/null -Wl,-soname,"$name" \
      -Wl,--no-as-needed,-rpath,"\$ORIGIN" -o "$out/$name" -L"$out" -lcudatraps
  done
}

make_venv() {
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --no-deps torch==2.11.0 \
    nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
  # pip names torch's CUDA dependencies, which are missing on purpose, as conflicts.
  "$venv/bin/pip" install --quiet -r "$here/requirements.txt"
  site=$(echo "$venv"/lib/python3*/site-packages)
  make_stubs "$site/torch/lib" "$site/nvidia/cu13/lib" "$venv/stubs"
  mv "$venv/bin/python" "$venv/bin/python-plain"
  cat >"$venv/bin/python" <<END
#!/bin/sh
LD_LIBRARY_PATH=$site/nvidia/cu13/lib:$venv/stubs exec "$venv/bin/python-plain" "\$@"
END
  chmod +x "$venv/bin/python"
  "$venv/bin/python" -c 'import torch, transformers'
  echo "$want" >"$stamp"
}

is_made() { [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; }

if ! is_made; then
  mkdir -p "$cache"
  exec 9>"$cache/oracle-venv.lock"
  flock 9
  is_made || make_venv >&2
fi
echo "$venv"
