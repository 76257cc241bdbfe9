"""What the other services need, made once and safe to repeat: roles, Airflow's metadata database
and its tables, and the passwords of Airflow's UI.

It is the code that `encours up` runs on one machine.
"""

from __future__ import annotations

import os
import sys

from encours.errors import EncoursError
from encours.orchestration.airflow_home import prepare_airflow, ui_passwords, ui_users
from encours.settings import load_settings
from encours.warehouse.connections import open_warehouse


def main() -> int:
    settings = load_settings()
    try:
        warehouse = open_warehouse(settings)
        # Made here, or Airflow would make them and write them to its log.
        ui_passwords(settings, ui_users(os.environ))
        prepare_airflow(settings, warehouse)
    except EncoursError as error:
        print(f"encours: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
