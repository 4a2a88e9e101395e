#!/usr/bin/env bash
# Runs the two commands of the README in a new minimal Debian root with its own mounts
# and processes, so that a missing install step shows. Needs root and mmdebstrap.
#
#   tests/fresh.sh                 quickstart, quickstart again, tests/run.sh
#   tests/fresh.sh STEP...         some of: install quickstart tests
#   tests/fresh.sh -- COMMAND...   any command, in the copy of the repository
#
# FRESH_SUITE   bookworm (default) or trixie
# FRESH_DIR     where the root is made (default /var/tmp); about 6 GB
# FRESH_KEEP    1: the root is left there
#
# The root uses the network as this machine does: its apt proxy settings, name server,
# certificate bundle, and the settings of pip and go in the environment.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
suite=${FRESH_SUITE:-bookworm}

say() { printf 'fresh: %s\n' "$*"; }
die() { printf 'fresh: error: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || die "run as root: it mounts and changes root"
command -v mmdebstrap >/dev/null || die "mmdebstrap not found; apt-get install mmdebstrap"

root=$(mktemp -d "${FRESH_DIR:-/var/tmp}/tune-fresh.XXXXXX")
cleanup() { if [ "${FRESH_KEEP-}" = 1 ]; then say "left $root"; else rm -rf "$root"; fi; }
trap cleanup EXIT
trap 'exit 130' INT TERM

bootstrap() {
  apt-config dump | grep -E '^Acquire::(http|https|Retries)' >"$root.apt" || true
  mmdebstrap --quiet --variant=minbase --mode=root --aptopt="$root.apt" "$suite" "$root"
  rm -f "$root.apt"
  cp --remove-destination /etc/resolv.conf /etc/hosts "$root/etc/"
  if [ -n "${PIP_CERT-}" ]; then cp "$PIP_CERT" "$root/etc/host-certificates.pem"; fi
  if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$root/etc/"; fi
}

# A clone, with what is not committed yet laid over it.
copy_repository() {
  git clone --quiet --depth 1 "file://$repository" "$root/root/tune"
  git -C "$repository" ls-files -z --deleted | (cd "$root/root/tune" && xargs -0r rm -f)
  git -C "$repository" ls-files -z --modified --others --exclude-standard |
    tar -C "$repository" --null --files-from=- --ignore-failed-read -cf - 2>/dev/null |
    tar -C "$root/root/tune" -xf -
}

# Settings of pip and go that say where packages come from; nothing else is inherited.
passed_environment() {
  env | grep -E '^(https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY|PIP_(INDEX_URL|EXTRA_INDEX_URL|DEFAULT_TIMEOUT)|GOPROXY|GONOSUMDB|GOFLAGS|GOSUMDB)=' || true
  if [ -n "${PIP_CERT-}" ]; then
    printf '%s\n' {PIP_CERT,REQUESTS_CA_BUNDLE,SSL_CERT_FILE}=/etc/host-certificates.pem
  fi
}

# Runs a command inside, with a mount and a process namespace of its own.
inside() {
  local environment
  mapfile -t environment < <(passed_environment)
  # shellcheck disable=SC2016  # expanded by the inner shell
  unshare --mount --pid --fork --kill-child --propagation private \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
    "${environment[@]}" ROOT="$root" bash -euc '
      mount --bind "$ROOT" "$ROOT"
      cd "$ROOT"
      mount -t proc proc proc
      mount -t sysfs -o ro sysfs sys
      mount -t tmpfs -o mode=755 dev dev
      for node in null zero full random urandom tty; do
        touch "dev/$node"; mount --bind "/dev/$node" "dev/$node"
      done
      ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
      mkdir dev/shm dev/pts; mount -t tmpfs shm dev/shm; mount -t devpts -o newinstance pts dev/pts
      ln -s pts/ptmx dev/ptmx
      mount -t tmpfs -o mode=1777 tmp tmp
      mkdir -p .old; pivot_root . .old; umount -l /.old; rmdir /.old
      unset ROOT OLDPWD; cd /root/tune; exec "$@"' inside "$@"
}

durations=()
step() {
  local name=$1 start=$SECONDS; shift
  say "$name: $*"
  inside "$@" || die "$name failed after $((SECONDS - start)) s"
  durations+=("$name: $((SECONDS - start)) s")
}

main() {
  local steps=("$@") start=$SECONDS
  case "${1-}" in
    '') steps=(quickstart quickstart tests) ;;
    --) shift; steps=(command) ;;
  esac
  bootstrap
  copy_repository
  say "made a minimal $suite in $((SECONDS - start)) s"
  for name in "${steps[@]}"; do
    case "$name" in
      install) step install bash deploy/install-deps.sh ;;
      quickstart) step quickstart bash deploy/quickstart.sh ;;
      command) step command "$@" ;;
      tests) step tests bash tests/run.sh ;;
      *) die "unknown step '$name': install, quickstart or tests" ;;
    esac
  done
  say "$suite, $(nproc) cores:"
  printf '  %s\n' "${durations[@]}"
}

main "$@"
