"""The columns that a row change sets, compiled. This is done for every event that changes a row: each kind of column
has a list of its own, so that the usual value of each takes the shortest way.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from signalman.event import Json
from signalman.relay.sources import Read, constant, event_time, field, reader
from signalman.relay.values import AS_IT_IS, CONVERT, ZERO, Convert
from signalman.table import Setting

Row = dict[str, Json]

_NO_ZERO: Final = object()
_ABSENT: Final = object()


class _Settle:
    """A field's value, whatever it is, to its column's."""

    def __init__(self, convert: Convert | None, absent: Json, unsaid: Json, zero: Json, otherwise: Json) -> None:
        """The column has *absent* where nothing is said, *unsaid* where the conversion finds that nothing is said, and
        *otherwise* for *zero*.
        """
        self._convert = convert
        self._absent = absent
        self._unsaid = unsaid
        self._zero = zero
        self._otherwise = otherwise

    def of(self, value: Json) -> Json:
        """The column's value. Raises `Unreadable`."""
        convert = self._convert
        if value is None or (convert is not None and type(value) is str and not value):
            return self._absent
        settled = value if convert is None else convert(value)
        if settled is None:
            return self._unsaid
        return self._otherwise if settled == self._zero else settled


class Columns:
    """Columns that are set whatever the event says: to null or zero where it says nothing."""

    def __init__(self, settings: Sequence[Setting], fixed: Mapping[str, Json], *, ids: Sequence[str] = ()) -> None:
        """Compile *settings*; *fixed* columns always have the value there, and *ids* are null where nothing is said."""
        self._fixed: Row = dict(fixed)
        self._times: list[tuple[str, Callable[[str], str], Json, Json]] = []
        self._plain: list[tuple[str, str, type, _Settle]] = []
        self._integers64: list[tuple[str, str, _Settle]] = []
        self._converted: list[tuple[str, str, _Settle]] = []
        self._others: list[tuple[str, Read, _Settle]] = []
        for each in settings:
            self._add(each, None if each.nullable or each.column in ids else ZERO[each.type])

    def _add(self, setting: Setting, otherwise: Json) -> None:
        column, kind, zero = setting.column, setting.type, _zero(setting)
        read, always, stamp = field(setting), constant(setting), event_time(setting)
        if not setting.sources or always is not None:
            self._fixed[column] = otherwise if always in {None, zero} else always
        elif stamp is not None:
            self._times.append((column, stamp, zero, otherwise))
        elif read is None:
            self._others.append((column, reader(setting), _Settle(None, otherwise, None, zero, otherwise)))
        else:
            absent = otherwise if read.instead is None else read.instead
            settle = _Settle(read.convert, absent, None if read.is_plain else absent, zero, otherwise)
            if kind in AS_IT_IS and read.convert is CONVERT[kind]:
                self._plain.append((column, read.key, AS_IT_IS[kind], settle))
            elif kind == "integer64" and read.convert is CONVERT[kind]:
                self._integers64.append((column, read.key, settle))
            else:
                self._converted.append((column, read.key, settle))

    def values(self, data: dict[str, Json], time: str) -> Row:
        """Column → value, of an event with *data* and *time*.

        Raises:
            Unreadable: A value of the event does not fit its column.
        """
        row = self._fixed.copy()
        for column, key, kind, settle in self._plain:
            value = data.get(key)
            row[column] = value if value and type(value) is kind else settle.of(value)
        for column, key, settle in self._integers64:
            value = data.get(key)
            # As the platform's producers write them, and as they are in the column.
            if type(value) is str and value.isdigit() and "1" <= value < ":" and len(value) < 20 and value.isascii():
                row[column] = value
            else:
                row[column] = settle.of(value)
        for column, key, settle in self._converted:
            row[column] = settle.of(data.get(key))
        for column, stamp, zero, otherwise in self._times:
            value = stamp(time)
            row[column] = otherwise if value == zero else value
        for column, read, settle in self._others:
            row[column] = settle.of(read(data, time))
        return row


class Given:
    """Columns that are set only where a source says something."""

    def __init__(self, settings: Sequence[Setting]) -> None:
        self._fields: list[tuple[str, str, _Settle]] = []
        self._others: list[tuple[str, Read, _Settle]] = []
        for each in settings:
            zero, otherwise, read = _zero(each), None if each.nullable else ZERO[each.type], field(each)
            if read is not None and read.instead is None:
                unsaid = None if read.is_plain else _ABSENT
                settle = _Settle(read.convert, _ABSENT, unsaid, zero, otherwise)
                self._fields.append((each.column, read.key, settle))
            else:
                self._others.append((each.column, reader(each), _Settle(None, _ABSENT, _ABSENT, zero, otherwise)))

    def add_to(self, row: Row, data: dict[str, Json], time: str) -> None:
        """Set them in *row*.

        Raises:
            Unreadable: A value of the event does not fit its column.
        """
        for column, key, settle in self._fields:
            value = settle.of(data.get(key))
            if value is not _ABSENT:
                row[column] = value
        for column, read, settle in self._others:
            value = settle.of(read(data, time))
            if value is not _ABSENT:
                row[column] = value


def _zero(setting: Setting) -> Json:
    """The value that stands for nothing in the setting's column."""
    return _NO_ZERO if setting.keep_zero else ZERO[setting.type]
