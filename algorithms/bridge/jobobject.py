"""Windows: a program and all that it will ever start, ended together, by us or by the system once we are gone.

Windows keeps no tree of processes: when a parent is gone, its children are nobody's; and an environment's python.exe is
itself only the parent of the true one. A job object holds them all. Its only handle is ours, so the system ends them
also when QGIS is killed. Standard library only; loads anywhere, works on Windows.
"""
from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

# Flags of CreateProcess (winbase.h): no console window, hears no Ctrl+C of ours, does not run yet.
CREATE_NO_WINDOW, CREATE_NEW_PROCESS_GROUP, CREATE_SUSPENDED = 0x08000000, 0x00000200, 0x00000004
# SetInformationJobObject (winnt.h): which of its structures, and the limit that makes closing the handle an end.
EXTENDED_LIMIT_INFORMATION = 9
KILL_ON_JOB_CLOSE = 0x2000
EXIT_STATUS = 1


class _BasicLimits(ctypes.Structure):
    _fields_ = [("process_time", ctypes.c_int64), ("job_time", ctypes.c_int64), ("flags", ctypes.c_uint32),
                ("least_working_set", ctypes.c_size_t), ("most_working_set", ctypes.c_size_t),
                ("processes", ctypes.c_uint32), ("affinity", ctypes.c_size_t), ("priority", ctypes.c_uint32),
                ("scheduling", ctypes.c_uint32)]


class _Limits(ctypes.Structure):
    _fields_ = [("basic", _BasicLimits), ("counters", ctypes.c_uint64 * 6), ("process_memory", ctypes.c_size_t),
                ("job_memory", ctypes.c_size_t), ("peak_process_memory", ctypes.c_size_t), ("peak_job_memory", ctypes.c_size_t)]


def start(command, **options) -> subprocess.Popen:
    """Start a program without a window, inside a job object of its own (where the system grants one).

    It is held until it lies in the job object: what it starts before that would never belong to it.
    """
    job = _new()
    flags = CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP | (CREATE_SUSPENDED if job else 0)
    try:
        process = subprocess.Popen(command, creationflags=flags, **options)
    except BaseException:
        _close(job)
        raise
    process.job_object = job
    if job:
        if not _kernel().AssignProcessToJobObject(job, int(process._handle)):
            process.job_object = _close(job)
        if _system().NtResumeProcess(int(process._handle)):  # anything but 0 is a failure
            kill(process)
            raise OSError(0, "it was started but could not be set going")
    return process


def kill(process) -> None:
    """End a program that `start` started, with all it started; nothing happens where all of it has ended."""
    if process.job_object:
        _kernel().TerminateJobObject(process.job_object, EXIT_STATUS)
        process.job_object = _close(process.job_object)
    elif process.poll() is None:
        taskkill = Path(os.environ.get("SystemRoot", r"C:\Windows"), "System32", "taskkill.exe")
        subprocess.run([str(taskkill), "/F", "/T", "/PID", str(process.pid)], creationflags=CREATE_NO_WINDOW,
                       stdin=subprocess.DEVNULL, capture_output=True, check=False)
        process.kill()


def _new():
    """A job object that ends what is in it when its handle is closed; None where there is none to be had."""
    kernel = _kernel()
    job = kernel.CreateJobObjectW(None, None)
    if not job:
        return None
    limits = _Limits()
    limits.basic.flags = KILL_ON_JOB_CLOSE
    if kernel.SetInformationJobObject(job, EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)):
        return job
    return _close(job)


def _close(job) -> None:
    if job:
        _kernel().CloseHandle(job)


def _kernel():
    """The functions of Windows that are used here, told which of their arguments are handles (wider than an int)."""
    kernel = ctypes.WinDLL("kernel32")
    handle, number = ctypes.c_void_p, ctypes.c_uint32
    kernel.CreateJobObjectW.argtypes, kernel.CreateJobObjectW.restype = (handle, handle), handle
    kernel.SetInformationJobObject.argtypes = (handle, ctypes.c_int, handle, number)
    kernel.AssignProcessToJobObject.argtypes = (handle, handle)
    kernel.TerminateJobObject.argtypes = (handle, number)
    kernel.CloseHandle.argtypes = (handle,)
    return kernel


def _system():
    system = ctypes.WinDLL("ntdll")
    system.NtResumeProcess.argtypes = (ctypes.c_void_p,)
    return system
