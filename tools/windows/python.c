/* python.exe: what CPython's own does, with the DLL beside it, whose name DLL holds. */
#include <windows.h>
typedef int (*Main)(int, wchar_t **);
int wmain(int argc, wchar_t **argv) {
    HMODULE dll = LoadLibraryW(DLL);
    if (!dll) return 103; /* what CPython's launchers return when there is no Python */
    return ((Main)GetProcAddress(dll, "Py_Main"))(argc, argv);
}
