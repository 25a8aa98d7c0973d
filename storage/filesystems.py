"""Which file system a path lies on: SQLite's locks cannot be trusted on a network one, so we refuse it."""

import os
import sys
from pathlib import Path

from storage.errors import UnsafeFilesystem

NETWORK_FILESYSTEMS = frozenset(
    [
        "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "davfs", "drvfs", "fuse.davfs2", "fuse.gcsfuse",
        "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs",
        "nfs", "nfs4", "smb3", "smbfs", "webdav",
    ]
)  # fmt: skip


def _mount_table() -> str:
    return Path("/proc/self/mountinfo").read_text(errors="surrogateescape")


def _linux_mounts() -> list[tuple[str, str]]:
    mounts = []
    for line in _mount_table().splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")  # spaces are written as \040
        mounts.append((point, after.split()[0]))
    return mounts


def _other_mounts() -> list[tuple[str, str]]:
    import psutil

    return [(each.mountpoint, each.fstype) for each in psutil.disk_partitions(all=True)]


def filesystem_type(path: Path) -> str:
    """The type of the file system that holds `path` (which need not exist), `unknown` where it cannot be told."""
    try:
        mounts = _linux_mounts() if sys.platform == "linux" else _other_mounts()
    except OSError:
        return "unknown"
    real = os.path.realpath(path)
    best = ("", "unknown")
    for point, kind in mounts:
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best[0]):  # the later of two mounts on one point hides the earlier
            best = (point, kind)
    return best[1]


def require_local_filesystem(path: Path) -> None:
    """Refuse a path on a network file system.

    Raises:
        UnsafeFilesystem: names the path and the file system.
    """
    kind = filesystem_type(path)
    if kind.lower() in NETWORK_FILESYSTEMS:
        raise UnsafeFilesystem(
            f"{path} lies on a network file system ({kind}), where SQLite can lose acknowledged changes.",
            "Set WEZTERM_PARALLEL_HOME to a directory on a local disk.",
            filesystem=kind,
        )
