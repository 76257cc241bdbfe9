"""Channels: what may be written down, and what really arrives."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alert_receivers import (
    Mailbox,
    Receiver,
    free_port,
    mail_server,
    web_receiver,
    write_certificate,
)
from encours.alerts.channels import (
    Channel,
    ChannelFailed,
    make_channel,
    read_file,
    send,
    without_secrets,
)
from encours.alerts.notices import Finding, Notice, Quantity, render
from encours.errors import BadInput
from encours.settings import Settings

# The library imports all its services at the first message, which takes seconds.
pytestmark = pytest.mark.slow

CANARY = "cAnArY42token"
MESSAGE = render(
    Notice(
        "hold",
        run_id="run-1",
        findings=(
            Finding("mart_dso / dso_is_plausible", Quantity("3", "rows"), Quantity("0", "rows")),
        ),
    ),
    language="fr",
    time_zone="Europe/Paris",
    link="http://127.0.0.1:8080/encours/gate?run=run-1",
)


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with web_receiver() as receiver:
        yield receiver


def file_of(tmp_path: Path, text: str, mode: int = 0o600) -> Settings:
    path = tmp_path / "alerts.yml"
    path.write_text(text)
    path.chmod(mode)
    return Settings(home=tmp_path)


# --- what arrives ------------------------------------------------------------------------------


def test_mail_arrives_as_html_with_a_plain_text_beside_it(mailbox: Mailbox) -> None:
    send(Channel("finance", mailbox.url), MESSAGE)

    mail = mailbox.mails[-1]
    assert mail["subject"].replace("\u00a0", " ") == "[Encours] Publication retenue, 1 contrôle"
    assert mail["to"] == "controller@example.com"
    plain, shown = mailbox.bodies("plain")[-1], mailbox.bodies("html")[-1]
    assert '<a href="http://127.0.0.1:8080/encours/gate?run=run-1">' in shown
    for text in (plain, shown):
        assert "constaté : 3" in text.replace("\u00a0", " ")
        assert "Que faire" in text
    assert "<" not in plain


def test_slack_is_given_its_own_markdown(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apprise.plugins.slack import NotifySlack

    monkeypatch.setattr(NotifySlack, "webhook_url", f"{receiver.origin}/services")
    address = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7abc"

    send(Channel("team", address), MESSAGE)

    path, content = receiver.posts[0]
    assert path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7abc"
    assert "Publication retenue" in str(content)
    assert "constaté" in str(content)


def test_teams_is_given_a_card(tmp_path: Path) -> None:
    with web_receiver(write_certificate(tmp_path / "receiver.pem")) as receiver:
        url = f"workflows://{receiver.place}/WORKFLOW1234/SIGNATURE5678?verify=no"
        send(Channel("teams", url), MESSAGE)

        path, content = receiver.posts[0]

    assert "WORKFLOW1234" in path
    assert content["attachments"][0]["content"]["type"] == "AdaptiveCard"
    assert "constaté" in str(content)


def test_any_receiver_is_given_title_message_and_severity(receiver: Receiver) -> None:
    send(Channel("hook", f"json://{receiver.place}/alerts"), MESSAGE)

    content = receiver.contents[0]
    assert content["title"] == MESSAGE.subject
    assert content["message"] == MESSAGE.text
    assert content["type"] == "failure"


def test_slack_compatible_receiver_is_given_one_text(receiver: Receiver) -> None:
    url = f"json://{receiver.place}/hook?:message=text&:title=&:version=&:attachments=&:type="

    send(Channel("chat", url), MESSAGE)

    assert receiver.contents == [{"text": MESSAGE.text}]


# --- what goes wrong ---------------------------------------------------------------------------


def failure(channel: Channel) -> str:
    with pytest.raises(ChannelFailed) as failed:
        send(channel, MESSAGE)
    return str(failed.value)


def test_receiver_that_answers_an_error_has_not_taken_the_message(receiver: Receiver) -> None:
    receiver.status = 503

    assert "503" in failure(Channel("hook", f"json://{receiver.place}/{CANARY}"))


@pytest.mark.parametrize(
    "url",
    [
        f"json://user:{CANARY}@127.0.0.1:PORT/{CANARY}",
        f"mailto://user:{CANARY}@127.0.0.1:PORT?from=a@example.com&to=b@example.com&mode=insecure",
        f"workflows://127.0.0.1:PORT/WORKFLOW1234/{CANARY}",
        f"nonsense://{CANARY}",
        f"mailto://{CANARY}",
    ],
)
def test_broken_channel_tells_no_secret(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    told = failure(Channel("down", url.replace("PORT", str(free_port()))))

    assert told
    assert CANARY not in told
    assert CANARY not in caplog.text
    assert CANARY not in "".join(capfd.readouterr())


def test_channel_does_not_show_its_url() -> None:
    assert CANARY not in repr(Channel("team", f"jsons://host/{CANARY}"))


def test_secret_parts_of_a_url_are_taken_out_of_a_text() -> None:
    url = f"jsons://user:p%40ssword@example.com:8443/hooks/{CANARY}?key=value99"

    cleaned = without_secrets(url, f"example.com refused {CANARY}, p@ssword and value99")

    assert cleaned == "example.com refused ***, *** and ***"


# --- what may be written -----------------------------------------------------------------------


def test_home_without_the_file_tells_nobody(tmp_path: Path) -> None:
    assert read_file(Settings(home=tmp_path)).channels == ()


def test_file_names_channels_with_what_each_wants(tmp_path: Path) -> None:
    settings = file_of(
        tmp_path,
        "channels:\n"
        "  team: json://host/a\n"
        "  finance: {url: json://host/b, kinds: [business, hold], language: en}\n"
        "with_customers: true\n",
    )

    choices = read_file(settings)

    assert choices.with_customers
    assert choices.channels == (
        Channel("team", "json://host/a"),
        Channel("finance", "json://host/b", frozenset({"business", "hold"}), "en"),
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"channels: {{team: '{CANARY}'}}", "has no URL"),
        (f"channels: [json://host/{CANARY}]", "must map names"),
        (f"channels: {{team: json://h/{CANARY}", "not valid YAML"),
        (f"chanels: {{team: json://h/{CANARY}}}", "takes channels"),
        (f"channels: {{team: {{url: json://h/{CANARY}, kinds: [all]}}}}", "kinds lists"),
        (f"channels: {{team: {{url: json://h/{CANARY}, language: de}}}}", "language is one of"),
        (f"channels: {{team: {{adress: json://h/{CANARY}}}}}", "takes a URL"),
        (f"with_customers: json://h/{CANARY}", "true or false"),
    ],
)
def test_entry_that_cannot_be_used_is_named_without_its_value(
    tmp_path: Path, text: str, what: str
) -> None:
    with pytest.raises(BadInput, match=what) as refused:
        read_file(file_of(tmp_path, text))

    assert CANARY not in str(refused.value)


def test_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="others may read it"):
        read_file(file_of(tmp_path, "channels: {team: json://host/a}", mode=0o644))


def test_name_of_a_channel_is_plain() -> None:
    with pytest.raises(BadInput, match="cannot name a channel"):
        make_channel("a b", "json://host", where="here")


def test_wait_for_a_channel_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    import apprise

    given: dict[str, Any] = {}
    real = apprise.AppriseAsset
    monkeypatch.setattr(
        apprise, "AppriseAsset", lambda **options: given.update(options) or real(**options)
    )
    failure(Channel("down", f"json://127.0.0.1:{free_port()}/x"))

    assert 0 < given["service_timeout"] <= 30
