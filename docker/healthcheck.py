"""Exit 0 when Airflow calls a component healthy: `healthcheck.py scheduler`.

Asks the API server, which knows the heartbeats of all: importing Airflow in each container twice a
minute would cost more than the services do.
"""

from __future__ import annotations

import json
import sys
import urllib.request

URL = "http://api-server:8080/api/v2/monitor/health"
TIMEOUT_SECONDS = 8


def is_healthy(component: str, url: str = URL) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            state = json.load(answer)
    except (OSError, ValueError):
        return False
    return (state.get(component) or {}).get("status") == "healthy"


if __name__ == "__main__":
    sys.exit(0 if is_healthy(sys.argv[1]) else 1)
