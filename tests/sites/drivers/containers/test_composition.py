"""A Compose file is read strictly: what is not known has no effect, and so is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sites.drivers.containers.composition import read
from sites.errors import PlanError

GOOD = """
services:
  gateway:
    image: "desk:${TAG:-1}"
    command: [serve, "$$HOME"]
    networks: [north]
    ports: ["127.0.0.1:${PORT}:8080"]
networks: {north: {}}
"""


def written(folder: Path, text: str) -> Path:
    (folder / "compose.yaml").write_text(text)
    return folder / "compose.yaml"


def test_variables_are_replaced_and_ports_are_known(tmp_path: Path) -> None:
    service = read(written(tmp_path, GOOD), {"PORT": "9000"}).services["gateway"]

    assert service.image == "desk:1"
    assert service.command == ["serve", "$HOME"]
    assert service.published == {8080: ("127.0.0.1", 9000)}


@pytest.mark.parametrize("port", ["9000:8080", "0.0.0.0:9000:8080", "8080", "127.0.0.1::8080"])
def test_a_port_that_others_could_reach_is_refused(tmp_path: Path, port: str) -> None:
    with pytest.raises(PlanError, match=r"services.gateway.ports.0: .* on the loopback alone"):
        read(written(tmp_path, GOOD.replace("127.0.0.1:${PORT}:8080", port)), {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "secrets: {}\n", "secrets: Extra inputs are not permitted"),
        (GOOD.replace("networks: [north]", "privileged: true"), "services.gateway.privileged: Extra inputs"),
        (GOOD.replace("networks: [north]", "networks: [south]"), "no network is named 'south'"),
        ("services: {}", "services: "),
        ("services: [", "cannot read"),
        (GOOD, "variable PORT is not set"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PlanError) as raised:
        read(written(tmp_path, text), {} if text == GOOD else {"PORT": "9000"})
    assert said in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"cannot read .*compose.yaml"):
        read(tmp_path / "compose.yaml", {})
