"""Known vulnerabilities of locked versions: `audit.py PIP_AUDIT LOCK_FILE [--all]`.

One that is known fails. A public service is asked: where it does not answer, or knows nothing of a
version, the last line says so, and fails with `--all`: no answer is not a good one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

OPTIONS = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pip_audit")
    parser.add_argument("lock_file")
    parser.add_argument("--all", action="store_true", help="fail unless every version is known")
    arguments = parser.parse_args()
    done = subprocess.run(
        [arguments.pip_audit, *OPTIONS, "-r", arguments.lock_file],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        versions = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        said = done.stderr.strip().splitlines()
        print(f"audit: no version was asked about: {said[-1] if said else 'no answer'}")
        return int(arguments.all)
    known = [
        f"audit: {version['name']} {version['version']}: {found['id']},"
        f" mended in {', '.join(found['fix_versions']) or 'no version'}"
        for version in versions
        for found in version.get("vulns", [])
    ]
    print(*known, sep="\n", end="\n" if known else "")
    asked = sum("vulns" in version for version in versions)
    print(
        f"audit: {len(known)} known vulnerabilities; the service knows {asked} of"
        f" {len(versions)} locked versions"
    )
    return int(bool(known) or (arguments.all and asked < len(versions)))


if __name__ == "__main__":
    sys.exit(main())
