"""The bytes of a FEC: one bounded pass that settles encoding and line ends, or refuses the file."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from encours.errors import BadInput

Encoding = Literal["utf-8", "iso-8859-15", "windows-1252"]
LineEnd = Literal["lf", "crlf", "cr", "crcrlf"]

CHUNK_BYTES = 1 << 20
# A legal line is a few hundred bytes. One without end (a binary file, a lost line end) is refused
# before it is held in memory.
LONGEST_LINE = 1 << 20
_NOT_C1 = bytes(code for code in range(256) if not 0x80 <= code < 0xA0)
_NOT_IN_1252 = b"\x81\x8d\x8f\x90\x9d"
_OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
_RE_EXPORT = "export the FEC again as text: UTF-8 or ISO-8859-15, one entry line per line"


@dataclass(frozen=True)
class FileBytes:
    """What the bytes say before any line is read. `head` holds the beginning without its BOM."""

    head: bytes
    size_bytes: int
    is_xml: bool
    encoding: Encoding
    has_bom: bool
    line_end: LineEnd
    broken_utf8: bool


def open_input(path: Path) -> BinaryIO:
    """The file opened, or BadInput that says why it cannot be."""
    where = str(path)
    try:
        if path.is_dir():
            raise BadInput("is a folder", where=where, mend="give the FEC file itself")
        if path.exists() and not path.is_file():
            raise BadInput("is not a regular file", where=where, mend="give the FEC file itself")
        return path.open("rb")
    except FileNotFoundError:
        raise BadInput("no such file", where=where, mend="check the path") from None
    except PermissionError:
        mend = "give this user the right to read it"
        raise BadInput("cannot be read, permission denied", where=where, mend=mend) from None
    except OSError as error:
        reason = error.strerror or "read error"
        raise BadInput(f"cannot be read, {reason}", where=where) from None


def scan(path: Path) -> FileBytes:
    """Reads the whole file once, a chunk at a time."""
    with open_input(path) as stream:
        head = stream.read(CHUNK_BYTES)
        _refuse_other_formats(path, head)
        has_bom = head.startswith(codecs.BOM_UTF8)
        text = head.removeprefix(codecs.BOM_UTF8)
        is_xml = text.lstrip().startswith(b"<")
        size, is_utf8 = _walk(path, stream, head, bounded=not is_xml)
    if not text.strip(b"\0\r\n\t |\x1a"):
        raise BadInput("the file is empty", where=str(path), mend=_RE_EXPORT)
    encoding: Encoding = "utf-8"
    if not is_utf8 and not is_xml:
        if has_bom:
            raise _broken_bom_file(path)
        encoding = _single_byte_encoding(path)
    return FileBytes(
        head=text,
        size_bytes=size,
        is_xml=is_xml,
        encoding=encoding,
        has_bom=has_bom,
        line_end=_line_end(text),
        broken_utf8=encoding != "utf-8" and _looks_like_utf8(text),
    )


def unified_line_ends(data: bytes) -> bytes:
    """CR CR LF, CR LF and CR alone as LF, so that a line number is what an editor shows."""
    if b"\r" not in data:
        return data
    data = data.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n")
    return data.replace(b"\r", b"\n")


def _refuse_other_formats(path: Path, head: bytes) -> None:
    where = str(path)
    if not head:
        raise BadInput("the file is empty", where=where, mend=_RE_EXPORT)
    for magic, name in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise BadInput(f"this is {name}, not a FEC", where=where, mend=_RE_EXPORT)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadInput(
            "the file is in UTF-16, which a FEC may not be", where=where, mend=_RE_EXPORT
        )
    if head.count(0) * 5 > len(head):
        what = "one byte in five or more is NUL: UTF-16 without its mark, or not a text"
        raise BadInput(what, where=where, mend=_RE_EXPORT)


def _walk(path: Path, stream: BinaryIO, head: bytes, *, bounded: bool) -> tuple[int, bool]:
    """Size, and whether the bytes are strict UTF-8; refuses an endless line on the way."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, size, open_line = True, 0, 0
    chunk = head
    while chunk:
        if bounded:
            open_line = _open_line(path, chunk, open_line, size)
        size += len(chunk)
        if is_utf8:
            is_utf8 = _decodes(decoder, chunk)
        chunk = stream.read(CHUNK_BYTES)
    return size, is_utf8 and _decodes(decoder, b"", final=True)


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    if chunk.isascii() and not final and decoder.getstate()[0] == b"":
        return True
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _open_line(path: Path, chunk: bytes, open_line: int, offset: int) -> int:
    """Length of the line left open at the end of the chunk. Chunks are no longer than a line may
    be, so only a line that crosses chunks can be too long."""
    breaks = [at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0]
    first = min(breaks) if breaks else len(chunk)
    if open_line + first > LONGEST_LINE:
        line = line_at(path, offset - open_line)
        raise BadInput(
            f"the line is longer than {LONGEST_LINE:,} bytes",
            where=f"{path}, line {line}",
            mend="line ends are missing, or this is not a FEC; export it again",
        )
    if not breaks:
        return open_line + len(chunk)
    return len(chunk) - 1 - max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))


def line_at(path: Path, offset: int) -> int:
    """Number of the line that holds the byte at `offset`."""
    line, rest = 1, b""
    with open_input(path) as stream:
        while offset > 0 and (chunk := stream.read(min(CHUNK_BYTES, offset))):
            offset -= len(chunk)
            data = rest + chunk
            kept = data.rstrip(b"\r") if offset else data
            rest = data[len(kept) :]
            line += unified_line_ends(kept).count(b"\n")
    return line


def _single_byte_encoding(path: Path) -> Encoding:
    """ISO-8859-15 has only control codes at 0x80-0x9F: a letter there means Windows-1252."""
    encoding: Encoding = "iso-8859-15"
    offset = 0
    with open_input(path) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            if not chunk.isascii():
                found = chunk.translate(None, _NOT_C1)
                if found:
                    encoding = "windows-1252"
                for code in set(found) & set(_NOT_IN_1252):
                    raise _unknown_byte(path, code, offset + chunk.index(code))
            offset += len(chunk)
    return encoding


def _unknown_byte(path: Path, code: int, offset: int) -> BadInput:
    return BadInput(
        f"byte 0x{code:02X} is no character in UTF-8, ISO-8859-15 or Windows-1252",
        where=f"{path}, line {line_at(path, offset)}",
        mend=_RE_EXPORT,
    )


def _broken_bom_file(path: Path) -> BadInput:
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = 0
    with open_input(path) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                offset += error.start - held
                break
            offset += len(chunk)
    return BadInput(
        "the file is marked as UTF-8 and this line is not",
        where=f"{path}, line {line_at(path, offset)}",
        mend=_RE_EXPORT,
    )


def _looks_like_utf8(head: bytes) -> bool:
    """Most accented letters are UTF-8 pairs: a byte was cut somewhere, the rest is UTF-8."""
    high = sum(head.count(code) for code in range(0xC0, 0x100))
    pairs = sum(len(piece) > 0 and 0x80 <= piece[0] < 0xC0 for piece in head.split(b"\xc3")[1:])
    return pairs > 0 and pairs * 10 >= high * 9


def _line_end(head: bytes) -> LineEnd:
    first = head.find(b"\n")
    if first < 0:
        return "cr" if b"\r" in head else "lf"
    before = head[max(first - 2, 0) : first]
    if b"\r" in head[: max(first - 2, 0)]:
        return "cr"
    if before == b"\r\r":
        return "crcrlf"
    return "crlf" if before.endswith(b"\r") else "lf"
