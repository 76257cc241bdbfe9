#!/bin/sh
# Prints .env.example with a new secret wherever one is empty: sh docker/new_env.sh > .env
# Run it once: a server that has its passwords does not take others from a new .env.
set -eu
umask 077
example="$(dirname "$0")/../.env.example"

bytes() {
    head -c "$1" /dev/urandom
}

while IFS= read -r line; do
    case "$line" in
        AIRFLOW_FERNET_KEY=) printf '%s%s\n' "$line" "$(bytes 32 | base64 | tr '+/' '-_')" ;;
        [A-Z]*=) printf '%s%s\n' "$line" "$(bytes 32 | od -An -v -tx1 | tr -d ' \n')" ;;
        *) printf '%s\n' "$line" ;;
    esac
done <"$example"
