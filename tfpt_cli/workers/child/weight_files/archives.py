"""Zip archives that come from anywhere: what is in one, and which are refused before anything is unpacked."""

from __future__ import annotations

import zipfile

from .entries import DAMAGED, Refused

# Deflate makes at most 1,032 bytes of one.
MOST_RATIO = 1040
# A member that unpacks to more than this must have been packed well below that.
LARGE, LARGE_RATIO = 1 << 28, 200


def checked_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members of an archive in their order. Raises `Refused` for names that stand twice and for sizes that are absurd."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    names: set[str] = set()
    for member in members:
        if member.filename in names:
            raise Refused("it has the entry '{}' twice".format(member.filename), "write it again with each name once")
        names.add(member.filename)
        if member.flag_bits & 1:
            raise Refused("its member '{}' is encrypted".format(member.filename))
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused("its member '{}' is packed by another method than deflate".format(member.filename))
        ratio = member.file_size / max(member.compress_size, 1)
        if ratio > MOST_RATIO or (member.file_size > LARGE and ratio > LARGE_RATIO):
            words = "its member '{}' claims to unpack {:,} bytes to {:,}: it is damaged, or made to fill the memory"
            raise Refused(words.format(member.filename, member.compress_size, member.file_size), DAMAGED)
        if member.compress_type == zipfile.ZIP_STORED and member.file_size != member.compress_size:
            raise Refused("the sizes of its member '{}' contradict each other".format(member.filename), DAMAGED)
    return members
