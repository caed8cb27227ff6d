"""Several faults at once, faults between files, and files that cannot be read at all."""

from pathlib import Path

from tests.unit.catalog.sample import MINIMAL, PACK, STREAMS, faults, replaced, write


def test_typed_wrong_and_so_missing(tmp_path: Path) -> None:
    """A misspelt key is a key too many and, where it is required, one that is not there: both are told."""
    assert faults(write(tmp_path, PACK.replace("title = ", "titel = "))) == [
        'pack.toml: pack.titel: unknown key, did you mean "title"?',
        "pack.toml: pack.title: is required",
    ]


def test_no_topic(tmp_path: Path) -> None:
    """Without a topic for the file, each event type that names none is told of."""
    assert faults(write(tmp_path, streams=replaced(STREAMS, 'topic = "media"\n', ""))) == [
        f"streams.toml: events.{name}.topic: is required, because the file names no topic for all its event types"
        for name in ("batch", "sample", "update")
    ]


def test_sample_has_no_faults(tmp_path: Path) -> None:
    """The unbroken sample loads, so that each fault above is the doing of its one change."""
    assert faults(write(tmp_path)) == []


def test_every_fault_of_every_file_at_once(tmp_path: Path) -> None:
    """Faults of shape and of sense, in several files and in several places of one, come in one report."""
    pack = replaced(PACK, "format = 1", "format = 3")
    pack = replaced(pack, 'kafka = "plain_events"', 'kafka = "media_events"')
    streams = replaced(STREAMS, 'title = "Stream"', "tilte = 5")
    streams = replaced(streams, 'subject = "stream_id"', 'subject = "node"\nkep = []')
    streams = replaced(streams, 'source = "stream_state"', 'source = "stream_state"\nmax_rows = 0')
    other = (
        replaced(MINIMAL, 'title = "Other"', "")
        + '[events.note]\nkeep = ["text", "text"]\n[events.beep]\nkeep = "all"\n[events.bop]\nkeep = ["a", "a.b"]\n'
    )
    assert faults(write(tmp_path, pack, streams=streams, other=other)) == [
        "other.toml: events.beep.keep: must be a list",
        'other.toml: events.bop.keep[1]: "a.b" lies below "a", which is kept whole',
        'other.toml: events.note.keep[1]: "text" is listed twice',
        "other.toml: title: is required",
        "pack.toml: pack.format: this Signalman reads format 1",
        'pack.toml: topics.plain.kafka: "media_events" is already the topic of "media"',
        'streams.toml: events.note: is already routed to channel "other"',
        'streams.toml: events.update.kep: unknown key, did you mean "keep"?',
        'streams.toml: events.update.subject: "node" is not kept as a whole; known here: "status", "stream_id"',
        'streams.toml: filters.stream_id.tilte: unknown key, did you mean "title"?',
        "streams.toml: filters.stream_id.title: is required",
        "streams.toml: tables.streams.max_rows: must be at least 1",
    ]


def test_faulty_entry_does_not_hide_the_others(tmp_path: Path) -> None:
    """An event type whose shape is wrong is told of, and the others of its file are still checked for sense."""
    streams = replaced(STREAMS, 'keep = ["text"]', "keep = 5")
    streams = replaced(streams, 'subject = "stream_id"', 'subject = "node"')
    assert faults(write(tmp_path, streams=streams)) == [
        "streams.toml: events.note.keep: must be a list",
        'streams.toml: events.update.subject: "node" is not kept as a whole; known here: "status", "stream_id"',
    ]


def test_left_out_entry_is_not_said_to_be_missing(tmp_path: Path) -> None:
    """A batch is not blamed for items whose own event type has a fault of shape, nor a filter for its field."""
    streams = replaced(STREAMS, 'keep = ["stream_id", "session_id"]', "keep = 5")
    streams = replaced(streams, "[filters.stream_id]", "[filters.session_id]")
    assert faults(write(tmp_path, streams=streams)) == ["streams.toml: events.sample.keep: must be a list"]


def test_event_type_routed_twice(tmp_path: Path) -> None:
    """An event type of a topic belongs to one channel; the same name on another topic is another event type."""
    folder = write(
        tmp_path, streams=STREAMS, zoo=MINIMAL + '[events.note]\nkeep = ["a"]\n[events.update]\nkeep = ["a"]\n'
    )
    assert faults(folder) == ['zoo.toml: events.note: is already routed to channel "streams"']


def test_aliases_of_others(tmp_path: Path) -> None:
    """An alias that is another event type's name or alias, of the same topic, is at fault; names go before aliases."""
    streams = replaced(STREAMS, "[events.update]", '[events.update]\naliases = ["sample", "other", "text"]')
    streams = replaced(streams, "[events.batch]", '[events.batch]\naliases = ["other", "note", "noise"]')
    taken = 'of channel "streams" already'
    assert faults(write(tmp_path, streams=streams)) == [
        'pack.toml: pack.ignore: event type "noise" is ignored here and routed by a channel',
        f'streams.toml: events.batch.aliases[0]: "other" is a name of event type "update" {taken}',
        f'streams.toml: events.update.aliases[0]: "sample" is a name of event type "sample" {taken}',
    ]


def test_same_table_twice(tmp_path: Path) -> None:
    """Two tables may share a source, but not source, key and rows."""
    table = '[tables.{name}]\ntitle = "T"\nsource = "stream_state"\nkey = ["stream_id"]\ncolumns = ["stream_id"]\n'
    folder = write(tmp_path, streams=STREAMS, zoo=MINIMAL + table.format(name="all") + table.format(name="again"))
    assert faults(folder) == ['zoo.toml: tables.again.source: the same rows as table "all" of channel "zoo"']


def test_empty_channel(tmp_path: Path) -> None:
    """A channel that could never deliver anything is a mistake."""
    assert faults(write(tmp_path, empty=MINIMAL)) == ["empty.toml: has neither events nor tables"]


def test_file_that_is_not_toml(tmp_path: Path) -> None:
    """Line and column of the first mistake are told, for each file."""
    folder = write(tmp_path, "[pack", streams='title = "a\n')
    assert faults(folder) == [
        "pack.toml: is not TOML: Expected ']' at the end of a table declaration (at end of document)",
        "streams.toml: is not TOML: Illegal character '\\n' (at line 1, column 11)",
    ]


def test_file_that_is_not_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are told of as such."""
    write(tmp_path)
    (tmp_path / "streams.toml").write_bytes(b'title = "\xff"')
    assert faults(tmp_path) == ["streams.toml: is not UTF-8 text"]


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """The operating system's reason is passed on."""
    write(tmp_path)
    (tmp_path / "odd.toml").mkdir()
    assert faults(tmp_path) == ["odd.toml: cannot be read: Is a directory"]


def test_missing_files(tmp_path: Path) -> None:
    """Neither pack.toml nor a channel file: both are asked for."""
    assert faults(tmp_path) == [
        f"{tmp_path}: there is no channel file (*.toml) beside pack.toml",
        "pack.toml: there is no such file",
    ]


def test_missing_folder(tmp_path: Path) -> None:
    """A wrong path is one fault, not one for each file that is not there."""
    assert faults(tmp_path / "nowhere") == [f"{tmp_path}/nowhere: there is no such folder"]


def test_channel_name(tmp_path: Path) -> None:
    """A channel's name reaches URLs, Redis keys and metric labels, so it is a plain word."""
    write(tmp_path, **{"My Streams": STREAMS})
    assert faults(tmp_path) == [
        "My Streams.toml: a channel's file name must be lower-case letters, digits, _ and -, beginning with a letter"
    ]
