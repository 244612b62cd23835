"""Mount something.

Tries: the old and the new calls to mount, to unmount, and to move its root.
Expect: contained
"""

attempt("mount", syscall, "mount", b"x", b"/tmp", b"tmpfs", 0, 0)
attempt("remount", syscall, "mount", b"x", b"/", b"", 0x20, 0)
attempt("bind", syscall, "mount", b"/etc", b"/tmp", b"", 0x1000, 0)
attempt("umount", syscall, "umount2", b"/tmp", 2)
attempt("fsopen", syscall, "fsopen", b"tmpfs", 0)
attempt("open_tree", syscall, "open_tree", -100, b"/tmp", 1)
attempt("pivot_root", syscall, "pivot_root", b"/tmp", b"/tmp")
attempt("chroot", os.chroot, "/tmp")
