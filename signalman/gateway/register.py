"""Who is connected as whom, and whom a notice concerns. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Generic, TypeVar

from signalman.notice import EVERYBODY, Notice, concerning
from signalman.principal import Principal

Member = TypeVar("Member")


class Register(Generic[Member]):
    """Members by their principals, and principals by the notices that concern them."""

    def __init__(self) -> None:
        self._principals: dict[Member, Principal] = {}
        self._members: dict[Principal, dict[Member, None]] = {}
        self._concerned: defaultdict[Notice, dict[Principal, None]] = defaultdict(dict)

    def __len__(self) -> int:
        """How many principals there are."""
        return len(self._members)

    def __contains__(self, principal: Principal) -> bool:
        """Whether anybody is connected as *principal*."""
        return principal in self._members

    def __iter__(self) -> Iterator[Principal]:
        """Each principal once, in the order in which they came."""
        return iter(tuple(self._members))

    def enter(self, member: Member, principal: Principal) -> None:
        """*member* is *principal* from now on, and nobody else."""
        self.leave(member)
        self._principals[member] = principal
        if principal not in self._members:
            self._members[principal] = {}
            for notice in concerning(principal):
                self._concerned[notice][principal] = None
        self._members[principal][member] = None

    def leave(self, member: Member) -> None:
        """*member* is gone, if he was there."""
        principal = self._principals.pop(member, None)
        if principal is None:
            return
        members = self._members[principal]
        del members[member]
        if members:
            return
        del self._members[principal]
        for notice in concerning(principal):
            del self._concerned[notice][principal]
            if not self._concerned[notice]:
                del self._concerned[notice]

    def members(self, principal: Principal) -> Collection[Member]:
        """Who is *principal* now."""
        return tuple(self._members.get(principal, ()))

    def knows(self, member: Member, principal: Principal) -> bool:
        """Whether *member* is *principal* now."""
        return self._principals.get(member) == principal

    def concerned(self, notice: Notice) -> Collection[Principal]:
        """Whom *notice* is about."""
        return tuple(self._members if notice == EVERYBODY else self._concerned.get(notice, ()))
