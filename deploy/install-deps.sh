#!/usr/bin/env bash
# Installs what a build of Tune needs on Debian 12 or 13 (x86-64): packages of the
# distribution, LibTorch and Arrow from the wheels pinned in deploy/wheels.txt, and a Jinja engine
# from the source distribution pinned in deploy/sources.txt. What is already there is left alone,
# so a second run takes well under a second.
#
#   deploy/install-deps.sh            to build and run
#   deploy/install-deps.sh --tests    also what tests/run.sh uses
#   deploy/install-deps.sh --cuda     also NVIDIA's libraries for a GPU, from the wheels pinned in
#                                     deploy/wheels-cuda.txt: 2.0 GB to download, 2.6 GB on disk
#
# TUNE_DEPS_DIR   where what is no package goes (default ~/.cache/tune/deps)
# PIP_INDEX_URL   another index than PyPI, as pip has it
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
deps=${TUNE_DEPS_DIR:-$HOME/.cache/tune/deps}
wheels=$here/wheels.txt
wheels_cuda=$here/wheels-cuda.txt
sources=$here/sources.txt

build_packages=(
  ca-certificates ccache cmake g++ git mold ninja-build pkg-config
  protobuf-compiler protobuf-compiler-grpc libprotobuf-dev libgrpc++-dev libabsl-dev
  libgloo-dev libsqlite3-dev libsqlitecpp-dev libspdlog-dev prometheus-cpp-dev libcli11-dev
  libyaml-cpp-dev libutf8proc-dev libicu-dev nlohmann-json3-dev libssl-dev zlib1g-dev libzstd-dev
  libgtest-dev libgmock-dev
)
download_packages=(curl python3-pip unzip)
test_packages=(curl jq openssl python3-venv)

say() { printf 'install-deps: %s\n' "$*"; }
die() { printf 'install-deps: error: %s\n' "$*" >&2; exit 1; }

scratch=
trap '[ -z "$scratch" ] || rm -rf "$scratch"' EXIT

check_machine() {
  [ "$(uname -m)" = x86_64 ] || die "this needs an x86-64 machine, not $(uname -m)"
  command -v apt-get >/dev/null || die "apt-get not found; this script is for Debian 12 and 13"
}

# Runs apt-get quietly; what it wrote is shown where it fails.
apt() {
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "packages are missing; run as root, or install sudo"
    sudo=(sudo)
  fi
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
    "$@" >"$scratch/apt.log" 2>&1 </dev/null 9>&- && return
  cat "$scratch/apt.log" >&2
  die "apt-get $1 failed (its output is above)"
}

missing_packages() {
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  for package; do
    grep -qxF "installed $package" <<<"$installed" || printf '%s\n' "$package"
  done
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${#missing[@]} packages: ${missing[*]}"
  apt update
  apt install --yes --no-install-recommends "${missing[@]}"
}

# download_wheels PINS FOLDER. The wheels are built for glibc 2.5 to 2.28; Debian 12 has 2.36.
download_wheels() {
  local platforms=()
  for tag in _2_28 _2_27 _2_25 _2_18 _2_17 2014 _2_12 2010 _2_5 1; do
    platforms+=(--platform "manylinux${tag}_x86_64")
  done
  python3 -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps \
    --require-hashes --only-binary=:all: --python-version 3.11 --implementation cp \
    "${platforms[@]}" --dest "$2" --requirement "$1" ||
    die "the wheels in $1 could not be downloaded (pip's message is above)"
}

unpack_wheels() {
  mkdir -p "$2"
  unzip -q "$1"/torch-*.whl 'torch/lib/*' 'torch/include/*' -d "$2"
  for wheel in "$1"/nvidia_*.whl; do unzip -q "$wheel" 'nvidia/*' -d "$2"; done
  unzip -q "$1"/pyarrow-*.whl 'pyarrow/include/*' 'pyarrow/libarrow.so.*' \
    'pyarrow/libparquet.so.*' -d "$2"
  unzip -q "$1"/googleapis_*.whl 'google/*' -d "$2"
}

# A stamp names the pins that are unpacked. It goes first and comes back last, so a
# folder that an interrupted run left half done is never taken for whole.
pins() { sha256sum <"$1"; }
installed() { [ "$(cat "$deps/.$1" 2>/dev/null)" = "$(pins "$here/$1.txt")" ]; }

# need_room MB
need_room() {
  local free
  free=$(df --output=avail -BM "$deps" | tail -1 | tr -dc 0-9)
  [ "$free" -gt "$1" ] || die "$deps has $free MB free, $1 are needed; set TUNE_DEPS_DIR"
}

install_wheels() {
  need_room 2500
  say "downloading LibTorch and Arrow (590 MB) into $deps"
  mkdir "$scratch/wheels"
  download_wheels "$wheels" "$scratch/wheels"
  unpack_wheels "$scratch/wheels" "$scratch/unpacked"
  rm -f "$deps/.wheels-cuda"  # its libraries lie in nvidia/ too
  put_in_place wheels torch nvidia pyarrow google
}

# The libraries lie beside torch/ as in site-packages, where LibTorch's RPATH looks. One wheel at
# a time, so that no more room is needed than for the libraries and the largest wheel.
install_cuda() {
  local pin unpacked=$scratch/unpacked-cuda
  need_room 3600
  say "downloading NVIDIA's libraries for CUDA 13 (2.0 GB, on disk 2.6 GB) into $deps"
  mkdir "$scratch/cuda"
  grep -v '^#' "$wheels_cuda" | while read -r pin; do
    say "  ${pin%% *}"
    echo "$pin" >"$scratch/pin.txt"
    download_wheels "$scratch/pin.txt" "$scratch/cuda"
    unzip -q "$scratch"/cuda/*.whl 'nvidia/*/lib/*' -d "$unpacked"
    rm "$scratch"/cuda/*.whl
  done
  find "$unpacked" \( -name '*.a' -o -name '*.bc' -o -name '*.py' \) -delete
  rm -f "$deps/.wheels-cuda"
  cp --recursive --link --force "$unpacked/nvidia" "$deps/"
  pins "$wheels_cuda" >"$deps/.wheels-cuda"
}

put_in_place() {
  local list=$1
  shift
  rm -f "$deps/.$list"
  for folder; do
    rm -rf "${deps:?}/$folder"
    mv "$scratch/unpacked/$folder" "$deps/$folder"
  done
  pins "$here/$list.txt" >"$deps/.$list"
}

# pip has no way to fetch a source distribution without running its build: this reads the index's
# page of the project, as pip does (PEP 503).
download_source() {
  local file=$1 project=${1%-*} index page link
  index=${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null ||
    echo https://pypi.org/simple)}
  page=${index%/}/${project//_/-}/
  link=$(curl -fsSL --retry 3 "$page" | grep -oE "href=\"[^\"#]*$file" | head -1) ||
    die "$page does not have $file"
  link=${link#href=\"}
  case $link in
    *://*) ;;
    /*) link=$(grep -oE '^[a-z]+://[^/]+' <<<"$page")$link ;;
    *) link=$page$link ;;
  esac
  curl -fsSL --retry 3 -o "$scratch/$file" "$link" || die "$link could not be downloaded"
}

install_sources() {
  local hash file unpacked=$scratch/unpacked/llama.cpp
  read -r hash file < <(grep -v '^#' "$sources")
  say "downloading $file (76 MB) for its Jinja engine"
  download_source "$file"
  sha256sum --quiet -c <<<"$hash  $scratch/$file" >&2 || die "$file is not the one pinned"
  mkdir -p "$unpacked"
  tar -xzf "$scratch/$file" -C "$unpacked" --strip-components=3 --wildcards \
    '*/vendor/llama.cpp/LICENSE' '*/vendor/llama.cpp/common/jinja' \
    '*/vendor/llama.cpp/common/json.*' '*/vendor/llama.cpp/common/unicode.*' \
    '*/vendor/llama.cpp/models/templates'
  put_in_place sources llama.cpp
}

# What of the lists is not unpacked yet.
missing_lists() {
  local list
  for list; do installed "$list" || echo "$list"; done
}

main() {
  local packages=("${build_packages[@]}") lists=(wheels sources) missing
  for argument; do
    case "$argument" in
      --tests) packages+=("${test_packages[@]}") ;;
      --cuda) lists+=(wheels-cuda) ;;
      *) die "unknown argument '$argument'; usage: deploy/install-deps.sh [--tests] [--cuda]" ;;
    esac
  done
  check_machine
  mkdir -p "$deps" || die "cannot make $deps; set TUNE_DEPS_DIR to a folder you can write"
  exec 9>"$deps/.lock"
  flock -n 9 || { say "waiting for another run of this script"; flock 9; }
  rm -rf "$deps"/.scratch.*  # of interrupted runs
  scratch=$(mktemp -d "$deps/.scratch.XXXXXX")
  missing=$(missing_lists "${lists[@]}")
  [ -z "$missing" ] || packages+=("${download_packages[@]}")
  install_packages "${packages[@]}"
  # The wheels first: they begin nvidia/ anew, and with it what is there of CUDA.
  installed wheels || install_wheels
  installed sources || install_sources
  [[ " ${lists[*]} " != *" wheels-cuda "* ]] || installed wheels-cuda || install_cuda
}

main "$@"
