#!/usr/bin/env bash
# Installs what is missing on Debian 12, configures and builds. Quick when nothing is to do. Sourced by demo.sh and test.sh.
#   tools/setup.sh            build in ./build
#   QCC_BUILD=dir             another build folder
set -euo pipefail
QCC_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
QCC_BUILD=${QCC_BUILD:-$QCC_ROOT/build}

# The one list of packages: compiler and libraries, importer, build tools, then what the tests and the runner use.
QCC_PACKAGES=(
  clang-22 lld-22 llvm-22 llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools
  libonnx-dev libprotobuf-dev protobuf-compiler zlib1g-dev libeigen3-dev coinor-libcbc-dev
  cmake ninja-build ccache g++
  python3 python3-numpy qemu-user libonnx-testdata chromium chromium-driver
)

say() { printf '%s\n' "== $*"; }

install_packages() {
  local missing=() package
  for package in "${QCC_PACKAGES[@]}"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    say "packages: all ${#QCC_PACKAGES[@]} are installed"
    return
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "error: not root and no sudo; install these packages: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
  fi
  say "packages: installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

build() {
  # The same paths of a precompiled header must not make ccache miss.
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
  if [ ! -f "$QCC_BUILD/build.ninja" ]; then
    say "configure: $QCC_BUILD"
    (cd "$QCC_ROOT" && cmake --preset release -B "$QCC_BUILD" --log-level=WARNING >/dev/null)
  fi
  say "build: $QCC_BUILD"
  local log="$QCC_BUILD/build.log"
  if ! ninja -C "$QCC_BUILD" >"$log" 2>&1; then
    grep -E 'error|FAILED' "$log" | head -40 || tail -40 "$log"
    echo "error: the build failed; the whole log is $log" >&2
    exit 1
  fi
  say "build: done, tools are in $QCC_BUILD/bin"
}

install_packages
build
