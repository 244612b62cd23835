"""What the kernel is asked to forbid: limits and flags of a process, and the one list of walls."""
