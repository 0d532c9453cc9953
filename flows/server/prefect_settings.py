"""Prefect's settings for a server of our own: apart from anybody else's, on loopback, telling nobody."""

from __future__ import annotations

from pathlib import Path

# Between two looks of a worker for work. Prefect's own 10 s would be most of a short run's time; but each
# look costs the server 50 ms of a processor that it shares with a drill.
LOOK_SECONDS = 1.5


def settings(home: Path, api_url: str, *, schedules: bool = False) -> dict[str, str]:
    """Environment variables for the server, its workers and its clients."""
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_API_URL": api_url,
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": str(schedules).lower(),
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_LOGGING_COLORS": "false",
        "PREFECT_WORKER_QUERY_SECONDS": str(LOOK_SECONDS),
    }
