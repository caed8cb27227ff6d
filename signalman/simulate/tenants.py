"""The tenants of the pretend platform and their clusters. The first is FrameWorks' own demo tenant."""

from dataclasses import dataclass

from signalman.simulate.wire import Owner

_NAMES = ("demo", "aurora", "borealis", "cobalt", "dune", "ember", "fjord", "grove")
_TENANT = 0x5EED517E_BA5E_DA7A_517E_BA5EDA7A0000
_USER = 0x5EEDFACE_5E1F_DA7A_FACE_5E1FDA7A0000


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization that streams, and that owns clusters."""

    number: int
    """From 1."""
    tenant_id: str
    user_id: str
    """The person who set its streams up."""
    name: str

    @property
    def owner(self) -> Owner:
        """The tenant as owner of a cluster or of anything that is no stream's."""
        return Owner(self.tenant_id)


def tenant_ids(count: int) -> tuple[str, ...]:
    """Ids of the first *count* tenants of every world: always the same."""
    return tuple(_uuid(_TENANT + number) for number in range(1, count + 1))


def founded(count: int) -> tuple[Tenant, ...]:
    """The first *count* tenants."""
    ids = tenant_ids(count)
    return tuple(
        Tenant(number, ids[number - 1], _uuid(_USER + number), _name(number)) for number in range(1, count + 1)
    )


def _name(number: int) -> str:
    return _NAMES[number - 1] if number <= len(_NAMES) else f"tenant{number}"


def _uuid(number: int) -> str:
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
