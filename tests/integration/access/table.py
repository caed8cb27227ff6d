# ruff: noqa: E501 # a table is read line by line
"""What is expected of each kind of credential in each state, whatever way it is handed over."""

AT_THE_DOOR = """
state               jwt            jwt alone      fw token       split key      own token      ticket         account
good                all            all            all            all            all            all            all
expired             token_expired  token_expired  token_invalid  token_invalid  token_invalid  token_invalid  -
used before         -              -              -              -              -              token_invalid  -
revoked             -              -              token_invalid  token_invalid  token_invalid  token_invalid  -
secret replaced     -              -              -              token_invalid  -              -              -
wrong secret        -              -              -              token_invalid  -              -              -
wrong audience      token_invalid  token_invalid  -              -              -              -              -
no audience         token_invalid  token_invalid  -              -              -              -              -
wrong issuer        token_invalid  token_invalid  -              -              -              -              -
wrong algorithm     token_invalid  token_invalid  -              -              -              -              -
unsigned            token_invalid  token_invalid  -              -              -              -              -
public key as HMAC  token_invalid  token_invalid  -              -              -              -              -
another's key       token_invalid  token_invalid  -              -              -              -              -
no expiry           token_invalid  token_invalid  -              -              -              -              -
lives too long      token_invalid  token_invalid  -              -              -              -              -
not good yet        token_invalid  token_invalid  -              -              -              -              -
no tenant           token_invalid  token_invalid  -              -              -              -              -
tampered            token_invalid  token_invalid  token_invalid  token_invalid  token_invalid  token_invalid  token_invalid
unknown             token_invalid  all            token_invalid  token_invalid  token_invalid  token_invalid  -
other tenant        token_invalid  all            token_invalid  token_invalid  -              token_invalid  -
suspended tenant    token_invalid  token_invalid  token_invalid  token_invalid  token_invalid  token_invalid  -
inactive tenant     token_invalid  all            token_invalid  token_invalid  -              token_invalid  -
inactive user       token_invalid  all            token_invalid  token_invalid  -              token_invalid  -
shrunk grant        less           less           less           less           less           less           less
no grant            nothing        nothing        nothing        nothing        nothing        nothing        -
"""
"""``all``: both channels that are asked for. ``less``: only the one. ``nothing``: nothing_granted. Else the code of the
refusal. ``-``: this kind has no such state.

``jwt`` stands for each algorithm and source of keys, where the directory knows users; ``jwt alone`` for HS256 where nobody does,
so that the claims count; of what the platform's accounts say only whether the tenant is suspended does.
"""

WHILE_OPEN = """
state               jwt            jwt alone      fw token       split key      own token
expired             -              -              ended          ended          ended
revoked             -              -              ended          ended          ended
secret replaced     -              -              -              ended          -
unknown             ended          all            ended          ended          ended
other tenant        ended          all            ended          ended          ended
suspended tenant    ended          ended          ended          ended          ended
inactive tenant     ended          all            ended          ended          -
inactive user       ended          all            ended          ended          -
shrunk grant        less           all            less           less           less
no grant            ended          all            ended          ended          ended
"""
"""What becomes of somebody who is connected when this happens to him. ``all``: nothing."""

SIGNERS = ("HS256", "RS256 file", "ES256 file", "EdDSA file", "RS256 JWKS")
"""What stands behind ``jwt``."""

WAYS = ("header", "first message", "subprotocol", "ticket", "cookie", "query")


def expected(text: str) -> dict[tuple[str, str], str]:
    """Kind and state → what is expected, with each of `SIGNERS` as a kind of its own."""
    head, *lines = [line for line in text.splitlines() if line.strip()]
    starts = [at for at in range(len(head)) if head[at] != " " and (at == 0 or head[at - 2 : at] == "  ")]
    cells = [[line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)] for line in (head, *lines)]
    kinds = cells[0][1:]
    found = {(kind, state): cell for state, *row in cells[1:] for kind, cell in zip(kinds, row, strict=True)}
    return {
        (each, state): cell
        for (kind, state), cell in found.items()
        if cell != "-"
        for each in (SIGNERS if kind == "jwt" else (kind,))
    }
