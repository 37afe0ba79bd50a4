"""Facts about the engine's Python and its machine. Nothing here raises: a check must outlive what it checks."""
from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Distribution and module of all that the engine may use; the first five are the base.
PACKAGES = {"numpy": "numpy", "scipy": "scipy", "numba": "numba", "rasterio": "rasterio", "matplotlib": "matplotlib",
            "torch": "torch", "safetensors": "safetensors", "earthengine-api": "ee", "dask": "dask",
            "distributed": "distributed", "onnx": "onnx", "onnxruntime": "onnxruntime", "onnxscript": "onnxscript"}
SECONDS_FOR_NVIDIA_SMI = 15.0


def packages() -> dict:
    """Per package its version, or '' where it is not installed, or ``broken: why`` where it does not load."""
    return {name: _version(name, module) for name, module in PACKAGES.items()}


def python() -> dict:
    """The Python that runs the engine."""
    return {"version": platform.python_version(), "path": sys.executable, "bits": 64 if sys.maxsize > 2**32 else 32}


def machine() -> dict:
    """System, processor, cores and memory in MB (0 where unknown)."""
    total, free = memory()
    return {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count() or 1,
            "memory_mb": round(total / 2**20), "free_memory_mb": round(free / 2**20)}


def memory() -> tuple:
    """Total memory and what is free of it, in bytes; 0 where the system does not say."""
    if sys.platform == "win32":
        return _windows_memory()
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        total = os.sysconf("SC_PHYS_PAGES") * page
        free = os.sysconf("SC_AVPHYS_PAGES") * page if "SC_AVPHYS_PAGES" in os.sysconf_names else 0
    except (OSError, ValueError):
        return 0, 0
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:       # counts what caches would give back
            free = next(int(line.split()[1]) * 1024 for line in stream if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        pass
    return total, free


def graphics() -> dict:
    """GPUs as torch sees them and as the driver's own tool does, and why torch cannot use them; empty without."""
    found = {"torch": [], "driver": _nvidia_smi(), "problem": ""}
    try:
        torch = importlib.import_module("torch")
        found["torch"] = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        if torch.cuda.is_available():
            found["problem"] = importlib.import_module("..learning", __package__).gpu_problem()
    except Exception:  # torch is missing, or its driver is broken: `packages` and `driver` tell which
        return found
    return found


def rasters() -> dict:
    """GDAL's version in rasterio, and whether its build reads NetCDF."""
    try:
        rasterio = importlib.import_module("rasterio")
        with rasterio.Env() as env:
            drivers = env.drivers()
        return {"gdal": rasterio.__gdal_version__, "netcdf": "netCDF" in drivers}
    except Exception as problem:
        return {"gdal": "", "netcdf": False, "problem": _one_line(problem)}


def compiling() -> dict:
    """Whether numba compiles, how long one small function takes, and whether its cache can be written."""
    cache = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(__file__).parent)
    found = {"cache": str(cache), "cache_writable": writable(cache), "works": False, "seconds": 0.0}
    try:
        numba = importlib.import_module("numba")
        started = time.perf_counter()
        found["works"] = numba.njit(_one_more)(1) == 2
        found["seconds"] = round(time.perf_counter() - started, 2)
    except Exception as problem:
        found["problem"] = _one_line(problem)
    return found


def earth_engine() -> dict:
    """Whether credentials of Earth Engine are there. They are never read."""
    files = [Path.home() / ".config" / "earthengine" / "credentials"]
    named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if named:
        files.append(Path(named))
    return {"credentials": any(file.is_file() for file in files)}


def writable(folder) -> bool:
    """Whether a file can be made in a folder (which is made when it is missing)."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _version(name: str, module: str) -> str:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    try:
        importlib.import_module(module)
    except Exception as problem:  # whatever a broken package does
        return f"broken: {_one_line(problem)}"
    return version


def _one_more(x):
    return x + 1


def _one_line(problem: Exception) -> str:
    text = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {text[0] if text else ''}"[:200]


def _nvidia_smi() -> list:
    tool = shutil.which("nvidia-smi")
    if not tool:
        return []
    try:
        ended = subprocess.run([tool, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"],
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                               timeout=SECONDS_FOR_NVIDIA_SMI)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in ended.stdout.splitlines() if line.strip()] if ended.returncode == 0 else []


def _windows_memory() -> tuple:
    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong),
                    *((name, ctypes.c_ulonglong) for name in ("total", "free", "page_total", "page_free",
                                                              "virtual_total", "virtual_free", "extended_free"))]

    status = Status()
    status.length = ctypes.sizeof(Status)
    fine = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return (status.total, status.free) if fine else (0, 0)
