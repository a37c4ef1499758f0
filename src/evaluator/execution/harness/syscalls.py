"""A seccomp filter for a native interpreter: no new process, no namespace, no tracing, no kernel interfaces that a program of ours needs.

The memory limit is one a process, so there must be one process. It is installed by the worker itself before the program comes,
cannot be taken off, and holds whatever goes round Python. Threads stay allowed. On machines other than x86-64 and AArch64 Linux nothing
is installed, and the walls' limits stand alone.
"""
import ctypes
import platform
import struct

# Audit architecture, then system calls that are refused, `clone` (refused unless it makes a thread) and `clone3` (not there: libc falls back).
# In the order ptrace, unshare, setns, mount, umount2, pivot_root, bpf, keyctl, add_key, request_key, perf_event_open, userfaultfd,
# io_uring_setup, process_vm_readv, process_vm_writev; on x86-64 fork and vfork as well.
TABLES = {
    'x86_64': (0xC000003E, (101, 272, 308, 165, 166, 155, 321, 250, 248, 249, 298, 323, 425, 310, 311, 57, 58), 56, 435),
    'aarch64': (0xC00000B7, (117, 97, 268, 40, 39, 41, 280, 219, 217, 218, 241, 282, 425, 270, 271), 220, 435),
}
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, ERRNO, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050000, 1, 38
CLONE_THREAD = 0x00010000
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2


def instructions(arch, refused, clone, clone3):
    """The filter as (code, jump if true, jump if false, operand)."""
    made = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 1, 0, arch), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    # Numbers from 2^30 on are the x32 calls, another way to the same ones.
    made += [(JUMP_AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, ERRNO | EPERM)]
    for number in refused:
        made += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | EPERM)]
    made += [(JUMP_EQUAL, 0, 1, clone3), (RETURN, 0, 0, ERRNO | ENOSYS)]
    made += [(JUMP_EQUAL, 0, 3, clone), (LOAD, 0, 0, 16), (JUMP_ANY_BIT, 1, 0, CLONE_THREAD), (RETURN, 0, 0, ERRNO | EPERM)]
    return [*made, (RETURN, 0, 0, ALLOW)]


def install():
    """True when the filter is in place."""
    table = TABLES.get(platform.machine())
    if platform.system() != 'Linux' or table is None:
        return False
    steps = instructions(*table)
    code = ctypes.create_string_buffer(b''.join(struct.pack('=HBBI', *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack('@HP', len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None)
    zero = ctypes.c_ulong(0)
    return libc.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero) == 0 and libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(MODE_FILTER), program, zero, zero) == 0
