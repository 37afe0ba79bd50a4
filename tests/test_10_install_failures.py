"""Why an installation failed: real messages of pip and venv, told apart and each with a remedy."""
from __future__ import annotations

import pytest
from phenofuse.algorithms.bridge import failures

# Recorded from pip 23.0 and 26.3 on Linux (index.invalid and 127.0.0.1 stand for the index), from Debian's
# venv, and from
# public reports of users on Windows. Shortened, never reworded.
RECORDED = {
    "no network": [
        """WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after \
connection broken by \
'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f6e1456a730>: Failed to \
establish a new \
connection: [Errno -2] Name or service not known')': /simple/tiny/
ERROR: Could not find a version that satisfies the requirement tiny==1.0 (from versions: none)
ERROR: No matching distribution found for tiny==1.0""",
        """WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after \
connection broken by \
'NameResolutionError("HTTPSConnection(host='index.invalid', port=443): Failed to resolve 'index.invalid' \
([Errno -2] Name or \
service not known)")': /simple/tiny/
ERROR: Could not find a version that satisfies the requirement tiny==1.0 (from versions: none)
ERROR: No matching distribution found for tiny==1.0""",
        """Collecting tiny==1.0
  Downloading tiny-1.0-py3-none-any.whl (1.0 MB)
  WARNING: Connection interrupted while downloading.
error: incomplete-download

\u00d7 Download failed after 6 attempts because not enough bytes were received (613 bytes/1.0 MB)
note: This is an issue with network connectivity, not pip.""",
        """ERROR: Could not install packages due to an OSError: ("Connection broken: \
ConnectionResetError(10054, 'An existing \
connection was forcibly closed by the remote host', None, 10054, None)", ConnectionResetError(10054, 'An \
existing connection \
was forcibly closed by the remote host', None, 10054, None))""",
    ],
    "proxy": [
        """WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after \
connection broken by \
'ProxyError('Cannot connect to proxy.', NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection \
object at \
0x7f5b467b5370>: Failed to establish a new connection: [Errno 111] Connection refused'))': /simple/tiny/
ERROR: Could not find a version that satisfies the requirement tiny==1.0 (from versions: none)
ERROR: No matching distribution found for tiny==1.0""",
        """WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after \
connection broken by \
'OSError('Tunnel connection failed: 407 Proxy Authentication Required')': /simple/tiny/
ERROR: Could not find a version that satisfies the requirement tiny==1.0 (from versions: none)""",
    ],
    "certificate": [
        """WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after \
connection broken by \
'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed \
certificate \
(_ssl.c:1129)'))': /simple/tiny/
Could not fetch URL https://localhost:8908/simple/tiny/: There was a problem confirming the ssl certificate: \
[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1000) - skipping
ERROR: Could not find a version that satisfies the requirement tiny==1.0 (from versions: none)""",
    ],
    "no ssl": [
        """WARNING: pip is configured with locations that require TLS/SSL, however the ssl module in Python is \
not available.
WARNING: Retrying (Retry(total=4, connect=None, read=None, redirect=None, status=None)) after connection broken by \
'SSLError("Can't connect to HTTPS URL because the SSL module is not available.")': /simple/numpy/""",
    ],
    "not secure": [
        """WARNING: The repository located at 10.255.255.1 is not a trusted or secure host and is being \
ignored. If this \
repository is available via HTTPS we recommend you use HTTPS instead, otherwise you may silence this warning \
and allow it \
anyway with '--trusted-host 10.255.255.1'.
ERROR: Could not find a version that satisfies the requirement tiny (from versions: none)""",
    ],
    "not offered": [                                 # this is also all that pip says to 401 and 403
        """Looking in indexes: http://127.0.0.1:8909/simple
ERROR: Could not find a version that satisfies the requirement tiny==1.0 (from versions: none)
ERROR: No matching distribution found for tiny==1.0""",
    ],
    "no wheel": [
        """ERROR: Could not find a version that satisfies the requirement rasterio==1.5.2 (from versions: \
1.4.2, 1.4.3, 1.4.4)
ERROR: No matching distribution found for rasterio==1.5.2""",
        """WARNING: Retrying (Retry(total=1, connect=None, read=None, redirect=None, status=None)) after \
connection broken by \
'NewConnectionError('Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': \
/whl/cpu/torch/
ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: 2.1.2, 2.2.2)
ERROR: No matching distribution found for torch==2.13.0""",
        "ERROR: torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl is not a supported wheel on this platform.",
    ],
    "disk full": [
        """Collecting numpy==2.4.6
  Downloading numpy-2.4.6-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl (16.6 MB)
ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device
""",
        "ERROR: Could not install packages due to an OSError: [WinError 112] There is not enough space on the disk",
    ],
    "permission": [
        """    os.makedirs(path)
  File "<frozen os>", line 225, in makedirs
PermissionError: [Errno 13] Permission denied: '/usr/lib/zzz'""",
        "ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied: 'C:\\\\Program \
Files\\\\engine'",
    ],
    "file in use": [
        """ERROR: Could not install packages due to an OSError: [WinError 32] The process cannot access the \
file because it is \
being used by another process: \
'C:\\\\Users\\\\a\\\\AppData\\\\Local\\\\Temp\\\\pip-unpack-84ly918m\\\\grpcio-1.73.1-cp313-win_amd64.whl'
Check the permissions.""",
        """ERROR: Could not install packages due to an OSError: [WinError 32] \
\u53e6\u4e00\u4e2a\u7a0b\u5e8f\u6b63\u5728\u4f7f\
\u7528\u6b64\u6587\u4ef6: \
'C:\\\\Users\\\\a\\\\AppData\\\\Local\\\\Temp\\\\pip-unpack-84ly918m\\\\grpcio-1.73.1.whl'""",
        "ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied: \
'C:\\\\e\\\\torch\\\\lib\\\\c10.dll'",
    ],
    "long path": [
        """ERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory: \
'C:\\\\Users\\\\a\\\\x.cpp'
HINT: This error might have occurred since this system does not have Windows Long Path support enabled. You can find \
information on how to enable this at https://pip.pypa.io/warnings/enable-long-paths""",
        "ERROR: Could not install packages due to an OSError: [WinError 206] The filename or extension is too \
long: 'C:\\\\a'",
    ],
    "hash mismatch": [
        """ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the \
package versions, \
please update the hashes. Otherwise, examine the package contents carefully; someone may have tampered with them.
    tiny==1.0 from http://127.0.0.1:8909/tiny-1.0-py3-none-any.whl#sha256=00000000:
        Expected sha256 00000000
             Got        ea836d83""",
        """ERROR: In --require-hashes mode, all requirements must have their versions pinned with ==. These do not:
    tinydask from file:///wheels/tinydask-2.0-py3-none-any.whl (from tinybase==1.1)""",
    ],
    "no ensurepip": [
        """The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
package using the following command.

    apt install python3.11-venv

Failing command: /tmp/vv/bin/python3
""",
    ],
    "no pip": ["/usr/bin/python3: No module named pip"],
    "system library": [
        "ImportError: DLL load failed while importing _C: The specified module could not be found.",
        "ImportError: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.28' not found (required by \
numpy.libs/libscipy.so)",
    ],
    "broken python": [
        """Fatal Python error: init_fs_encoding: failed to get the Python codec of the filesystem encoding
ModuleNotFoundError: No module named 'encodings'""",
    ],
    "incomplete": ["ModuleNotFoundError: No module named 'numpy.exceptions'"],
    "interrupted": ["ERROR: Operation cancelled by user"],
}


@pytest.mark.parametrize(("kind", "output"), [(kind, text) for kind, texts in RECORDED.items() for text in texts])
def test_recorded_message_is_named_with_a_remedy(kind, output):
    """Every recorded message is classified as what it was, in one sentence, with something to do."""
    failure = failures.classify(output, 1)
    assert failure.kind == kind
    assert failure.remedy
    assert failure.sentence[0].isupper()
    assert failure.sentence.endswith(".")
    assert "{line}" not in failure.sentence
    assert "{at}" not in failure.sentence
    assert "\n" not in failure.sentence


def test_missing_package_is_named():
    """The sentence names the very package that has no wheel."""
    assert "rasterio==1.5.2" in failures.classify(RECORDED["no wheel"][0]).sentence


def test_missing_ensurepip_names_the_command():
    """On Debian the remedy is the one command to run."""
    assert "apt install python3-venv" in failures.classify(RECORDED["no ensurepip"][0]).remedy


def test_unreachable_index_behind_a_proxy_blames_the_proxy():
    """pip 26 does not say that it was a proxy that did not answer; that one is set tells."""
    assert failures.classify(RECORDED["no network"][1], 1, proxied=True).kind == "proxy"


@pytest.mark.parametrize(("status", "kind"), [(-9, "interrupted"), (0xC000013A, "interrupted"), (-4, "processor"),
                                              (-11, "crash"), (0xC0000005, "crash"), (1, "unknown")])
def test_wordless_ends_are_told_apart(status, kind):
    """A process that ended without a word is judged by its exit status."""
    assert failures.classify("Collecting numpy==2.4.6", status).kind == kind


def test_unknown_failure_shows_the_last_error():
    """What is not known is shown as pip said it, its last error line first."""
    failure = failures.classify("Collecting a\nERROR: something new\nnote: see above", 1)
    assert failure.kind == "unknown"
    assert "something new" in failure.sentence


# Put together here, since scanners rightly stop at addresses that hold a key.
WHO = "anna:" + "k3y"


@pytest.mark.parametrize("address", [f"https://{WHO}@index.example/simple", "http://k3y@index.example",
                         f"https://{WHO}@h:81/x"])
def test_credentials_are_redacted(address):
    """User name and key of an address never survive; host and path do."""
    shown = failures.redact(f"Looking in indexes: {address}, https://other.example/simple")
    assert "k3y" not in shown
    assert "anna" not in shown
    assert "https://other.example/simple" in shown
    assert shown.count("***@") == 1


# Recorded from pip 23.2 and 24.2: the public index answers, torch's own does not.
NO_TORCH = """Looking in indexes: https://pypi.org/simple, https://download.pytorch.org/whl/cpu
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by \
'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new connection: \
[Errno -2] Name or service not known')': /whl/cpu/torch/
ERROR: Could not find a version that satisfies the requirement torch==2.13.0+cpu (from versions: 2.12.1, 2.13.0, 2.14.0)
ERROR: No matching distribution found for torch==2.13.0+cpu"""


@pytest.mark.parametrize(("output", "told"), [
    (NO_TORCH, "The package index at download.pytorch.org did not answer"),
    (NO_TORCH.replace("https://pypi.org", f"https://{WHO}@mirror.example:81"), "index at download.pytorch.org did"),
    (NO_TORCH.replace("https://download.pytorch.org", f"https://{WHO}@mirror.example"), "index at mirror.example did"),
    (RECORDED["no network"][0], "The package index at pypi.org did not answer"),       # no line of indexes: the public one
    (RECORDED["no network"][1], "The package index at index.invalid did not answer"),  # newer pips name it
    (RECORDED["no network"][3], "The package index did not answer"),
    (RECORDED["proxy"][0], "between this computer and the package index at pypi.org refused"),
    (RECORDED["certificate"][0], "The package index at pypi.org showed a certificate"),
])
def test_host_that_did_not_answer_is_named(output, told):
    """Of several indexes the one that failed is named, by its host alone, though another one has other versions on offer."""
    failure = failures.classify(output, 1)
    assert told in failure.sentence
    assert "k3y" not in failure.sentence + failure.remedy


def test_index_that_answered_is_not_blamed():
    """A warning about another package, or one that a repetition made good, does not hide that a version is not to be had."""
    for other in (NO_TORCH.replace("/whl/cpu/torch/", "/whl/cpu/numpy/"), NO_TORCH.replace("total=0", "total=1")):
        assert failures.classify(other, 1).kind == "no wheel"
