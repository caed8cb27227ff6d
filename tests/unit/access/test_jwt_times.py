"""JWTs: from when on they are good, and until when."""

from tests.unit.access.make import NOW, USER
from tests.unit.access.tokens import claims, hmac_verifier, refusal, sign, verified

HOUR = 3600


def test_time_is_the_callers() -> None:
    """A token is good until its expiry and the leeway, to the moment; then it has expired, which is told apart."""
    verifier = hmac_verifier(leeway=10)
    token = sign(claims(exp=1000, iat=900, nbf=900, auth_time=1))
    assert verified(token, verifier, 890).expires_at == 1010
    assert verified(token, verifier, 1009.9).expires_at == 1010
    assert refusal(token, verifier, 1010).code == "token_expired"
    assert refusal(token, verifier, NOW).code == "token_expired"
    assert refusal(token, verifier, 889.9).code == "token_invalid"


def test_a_lifetime_has_a_bound() -> None:
    """A token that would be good for years is not taken: it could never be taken back."""
    verifier = hmac_verifier(leeway=0, max_lifetime=HOUR)
    assert verified(sign(claims(exp=1000 + HOUR, iat=1000)), verifier, 1000).expires_at == 1000 + HOUR
    refused = refusal(sign(claims(exp=1001 + HOUR, iat=1000)), verifier, 1000)
    assert (refused.code, str(refused)) == ("token_invalid", "The token is good for longer than 1 hours.")


def test_times_are_taken_from_the_first_moment_to_the_last() -> None:
    """1970 has been, so that a token of then has expired and is not malformed; no time is later than RFC 3339 knows."""
    assert refusal(sign(claims(exp=0, iat=...))).code == "token_expired"
    patient = hmac_verifier(max_lifetime=1e12)
    latest = 253_402_300_799
    assert verified(sign(claims(exp=latest)), patient).expires_at == latest + 10
    assert refusal(sign(claims(exp=latest + 1)), patient).code == "token_invalid"
    assert verified(sign(claims(exp=60, iat=...)), hmac_verifier(leeway=0.5), 0.0).expires_at == 60.5


def test_a_lifetime_may_be_as_long_as_that() -> None:
    """Counted from now, with the leeway for clocks that differ, and not a second more."""
    verifier = hmac_verifier(leeway=5, max_lifetime=60)
    assert verified(sign(claims(exp=int(NOW) + 65)), verifier, int(NOW)).id == USER
    assert refusal(sign(claims(exp=int(NOW) + 66)), verifier, int(NOW)).code == "token_invalid"


def test_times_are_judged_by_the_clock_that_is_given() -> None:
    """And never by this machine's: tokens of another century are good then, and at no other time."""
    then = 4_102_444_800
    token = sign(claims(iat=then - 60, nbf=then - 60, exp=then + 60))
    assert verified(token, now=then).id == USER
    assert refusal(token).code == "token_invalid"
    assert verified(sign(claims(exp=int(NOW) + 1)), hmac_verifier(leeway=0, max_lifetime=1), int(NOW)).id == USER
