"""Packages written by hand, and the lists that pin them: what an environment is made of where no network is."""
from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

from phenofuse.algorithms.bridge import requirements


def write_wheel(folder: Path, name: str, version: str, files: dict, needs: str = "") -> None:
    """Write a wheel by hand: a zip file with the package's files, its metadata and a RECORD of digests."""
    info = f"{name}-{version}.dist-info"
    files = {**files, f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
                                  + (f"Requires-Dist: {needs}\n" if needs else ""),
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(text.encode())}")
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


def write_list(store: Path, name: str, package: str, version: str) -> None:
    """Write a list of one package, and the locked one with the hash of its wheel, when there is one."""
    wheel = store / "wheels" / f"{package}-{version}-py3-none-any.whl"
    digest = hashlib.sha256(wheel.read_bytes() if wheel.exists() else b"").hexdigest()
    (store / "lists" / "locked").mkdir(parents=True, exist_ok=True)
    (store / "lists" / f"{name}.txt").write_text(f"# Size: 1 MB to fetch, 2 MB on disk\n{package}=={version}\n", encoding="utf-8")
    requirements.locked(name, store / "lists").write_text(f"{package}=={version} --hash=sha256:{digest}\n", encoding="utf-8")
