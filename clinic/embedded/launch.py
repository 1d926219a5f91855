"""Become another program: one that dies with its parent and that, for root, runs as an ordinary user.

Run as a file, never imported: `python -I -S launch.py PARENT_PID SIGNAL UID GID PROGRAM ARGUMENT…`. A program of its
own rather than a `preexec_fn`, because code between fork and exec is not safe in a process that has threads.

PostgreSQL refuses to run as root. An ordinary user may be unable to reach the repository (a checkout under /root, a
umask of 077), so where the kernel allows it the one capability that helps, looking into directories, is handed down.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3, see capget(2)


def become(uid: int, gid: int, libc: ctypes.CDLL | None) -> None:
    """Give up root for `uid`, keeping only the right to look into directories."""
    if libc is not None:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if libc is None:
        return
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    data = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
    libc.capget(header, data)
    # The reading right alone suffices; the wider one stands in where a container withholds it.
    wanted = next((cap for cap in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if data[1] >> cap & 1), None)
    if wanted is None:
        return
    data[0] = data[1] = data[2] = 1 << wanted
    data[3] = data[4] = data[5] = 0
    if libc.capset(header, data) == 0:
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, wanted, 0, 0)


def main(parent: int, death_signal: int, uid: int, gid: int, command: list[str]) -> None:
    """Take the user, tie this process to its parent, and become `command`."""
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if os.getuid() == 0 and uid != 0:
        become(uid, gid, libc)
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)  # after the change of user, which clears it
    if os.getppid() != parent:
        sys.exit(1)  # the parent died while this process was starting
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
