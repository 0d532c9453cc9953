"""A small plan on real folders: two sites, three datasets of files, one repository and its copy."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.sites.repositories import PASSWORD

PLAN = """\
name: small
environment: test
sites:
  here:  {{kind: processes, path: "{root}/here"}}
  there: {{kind: processes, path: "{root}/there"}}
repositories:
  near: {{site: here, url: "{root}/here/repository", password: {{file: "{root}/secret"}}}}
  far:  {{site: there, url: "{root}/there/repository", password: {{file: "{root}/secret"}}, copy_of: near}}
datasets:
  documents: {documents}
  pictures:  {pictures}
  scratch:   {{kind: files, site: here, path: "{root}/here/scratch"}}
"""
DATASET = (
    '{{kind: files, site: here, path: "{root}/here/{name}", backup: {{to: near, every: 1h}}, rpo: 2h, '
    'restore: {{site: there, path: "{root}/there/{name}"}}}}'
)


SECRET = PASSWORD


def small_plan(root: Path, repository: Path | None = None) -> Path:
    """Write the plan, its secret and a few files below `root`; the path of the plan.

    Both repositories are copies of `repository`, or are not made yet.
    """
    for name in ("documents", "pictures", "scratch"):
        (root / "here" / name).mkdir(parents=True)
        for number in range(3):
            (root / "here" / name / f"{number}.txt").write_text(f"{name} {number}\n" * 100)
    (root / "there").mkdir()
    if repository is not None:
        for site in ("here", "there"):
            shutil.copytree(repository, root / site / "repository")
    (root / "secret").write_text(SECRET + "\n")
    (root / "secret").chmod(0o600)
    datasets = {name: DATASET.format(root=root, name=name) for name in ("documents", "pictures")}
    path = root / "plan.yaml"
    path.write_text(PLAN.format(root=root, **datasets))
    return path
