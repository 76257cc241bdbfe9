"""Channels on which people are told: e-mail, Slack, Microsoft Teams, webhooks, by apprise.

A channel is a URL of apprise, which bears its secrets: `mailtos://user:password@host?to=…`, the
address that Slack or Teams gives for an incoming webhook, `jsons://host/path` for any other
receiver. A secret shows in no message, error, log or table: channels are known by their names.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from encours.alerts.notices import KINDS, Message
from encours.errors import BadInput
from encours.settings import LANGUAGES, Settings

FILE = "alerts.yml"
# A channel that does not answer must not hold up a run for long.
SERVICE_SECONDS = 20.0
_FIELDS = frozenset({"url", "kinds", "language"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_LONGEST_ERROR = 200


class ChannelFailed(Exception):
    """The message was not taken; the text says why, without secrets."""


@dataclass(frozen=True)
class Channel:
    """Where messages of these kinds go; in the language of the home where it names none."""

    name: str
    url: str = field(repr=False)
    kinds: frozenset[str] = KINDS
    language: str | None = None


@dataclass(frozen=True)
class Choices:
    """What `<home>/alerts.yml` says."""

    channels: tuple[Channel, ...] = ()
    with_customers: bool = False


def read_file(settings: Settings) -> Choices:
    """The home's own channels; none without the file. BadInput names the entry, never its value."""
    path = settings.home / FILE
    if not path.exists():
        return Choices()
    if path.stat().st_mode & 0o077:
        raise BadInput(
            "holds secrets and others may read it", where=str(path), mend=f"chmod 600 {path}"
        )
    try:
        content = yaml.safe_load(path.read_bytes()) or {}
    except yaml.YAMLError:
        # The parser's own words would quote the line, secrets included.
        raise BadInput("is not valid YAML", where=str(path), mend="see README.md") from None
    known = {"channels", "with_customers"}
    if not isinstance(content, dict) or not content.keys() <= known:
        raise BadInput("takes channels and with_customers", where=str(path), mend="see README.md")
    with_customers = content.get("with_customers", False)
    if not isinstance(with_customers, bool):
        raise BadInput("with_customers is true or false", where=str(path), mend="see README.md")
    return Choices(tuple(_channels(path, content.get("channels") or {})), with_customers)


def _channels(path: Path, entries: object) -> Iterator[Channel]:
    if not isinstance(entries, dict):
        raise BadInput("channels must map names to URLs", where=str(path), mend="see README.md")
    for name, entry in entries.items():
        fields = {"url": entry} if isinstance(entry, str) else entry
        if not isinstance(fields, dict) or not fields.keys() <= _FIELDS:
            raise BadInput(
                f"channel {name} takes a URL, or url, kinds and language",
                where=str(path),
                mend="see README.md",
            )
        yield make_channel(
            str(name),
            fields.get("url"),
            kinds=fields.get("kinds"),
            language=fields.get("language"),
            where=str(path),
        )


def make_channel(
    name: str, url: object, *, kinds: object = None, language: object = None, where: str
) -> Channel:
    """A channel whose entries were looked at; whether its URL works shows when it is used."""
    if not _NAME.fullmatch(name):
        raise BadInput(f"'{name}' cannot name a channel", where=where, mend="letters and digits")
    if not isinstance(url, str) or "://" not in url:
        raise BadInput(f"channel {name} has no URL", where=where, mend="see README.md")
    wanted = KINDS if kinds is None else _wanted(name, kinds, where)
    if language is not None and language not in LANGUAGES:
        raise BadInput(
            f"channel {name}: language is one of {', '.join(LANGUAGES)}",
            where=where,
            mend="see README.md",
        )
    return Channel(name, url.strip(), wanted, None if language is None else str(language))


def _wanted(name: str, kinds: object, where: str) -> frozenset[str]:
    listed = [str(kind) for kind in kinds] if isinstance(kinds, list) else []
    if not listed or not KINDS.issuperset(listed):
        raise BadInput(
            f"channel {name}: kinds lists some of {', '.join(sorted(KINDS))}",
            where=where,
            mend="see README.md",
        )
    return frozenset(listed)


def send(channel: Channel, message: Message) -> None:
    """Hand the message over, in the format that the channel shows best. ChannelFailed if it was
    not taken."""
    import apprise

    with _told(channel) as reasons:
        service = apprise.Apprise.instantiate(channel.url, asset=_asset(apprise))
        if service is None:
            raise ChannelFailed(_why(reasons, "its URL is not understood"))
        bodies: Mapping[str, str] = {
            apprise.NotifyFormat.HTML.value: message.html,
            apprise.NotifyFormat.MARKDOWN.value: message.markdown,
            apprise.NotifyFormat.TEXT.value: message.text,
        }
        shown = service.resolve_format(_first(service.notify_format))
        sender = apprise.Apprise(asset=_asset(apprise))
        sender.add(service)
        taken = sender.notify(
            title=message.subject,
            body=bodies[_value(shown)],
            body_format=_value(shown),
            notify_type=message.notify_type,
        )
        if not taken:
            raise ChannelFailed(_why(reasons, "the message was not taken"))


def _first(formats: Any) -> Any:
    return formats[0] if isinstance(formats, tuple | list) else formats


def _value(shown: Any) -> str:
    return str(getattr(shown, "value", shown))


def _asset(apprise: Any) -> Any:
    """Under our name, without pictures from elsewhere, files of its own or plug-ins."""
    return apprise.AppriseAsset(
        app_id="Encours",
        app_desc="Encours",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        service_timeout=SERVICE_SECONDS,
        allow_templates=False,
    )


@contextmanager
def _told(channel: Channel) -> Iterator[list[str]]:
    """The library's warnings of one sending, cleaned of secrets, and kept out of every log."""
    reasons: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING:
                reasons.append(without_secrets(channel.url, record.getMessage()))

    logger = logging.getLogger("apprise")
    before = logger.handlers, logger.propagate, logger.level
    logger.handlers, logger.propagate = [Kept()], False
    logger.setLevel(logging.WARNING)
    try:
        yield reasons
    finally:
        logger.handlers, logger.propagate = before[:2]
        logger.setLevel(before[2])


def _why(reasons: Sequence[str], otherwise: str) -> str:
    return " ".join((reasons[-1] if reasons else otherwise).split())[:_LONGEST_ERROR]


def without_secrets(url: str, text: str) -> str:
    """The text without any part of the URL but its scheme and its host."""
    place = url.partition("://")[2]
    host = re.split(r"[/?]", place, maxsplit=1)[0].rpartition("@")[2]
    rest = place.replace(host, "/", 1)
    parts = {part for part in re.split(r"[/?&=@:;,]", rest) if len(part) >= 4}
    parts |= {unquote(part) for part in parts}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***")
    return text
