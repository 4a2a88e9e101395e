#!/bin/sh
# Runs a script of this folder in the oracles' environment. 77, which ctest calls skipped:
# there is none.
if [ -z "${TUNE_ORACLE_PYTHON-}" ]; then
  echo "skipped: TUNE_ORACLE_PYTHON is not set; tests/run.sh oracle makes the environment"
  exit 77
fi
exec "$TUNE_ORACLE_PYTHON" "$@"
