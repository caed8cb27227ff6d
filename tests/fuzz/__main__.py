"""``python -m tests.fuzz``: looks for a record that breaks a law of redaction, guided by the code's coverage."""

import argparse
import hashlib
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_HOME = _ROOT / ".cache" / "fuzz"
_LONGEST = 8192
"""Bytes of an input: longer ones find nothing that these do not, and take their time."""


def main() -> None:
    """Look for so many seconds, or repeat a finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long to look; 0 looks until it is interrupted")
    parser.add_argument("--repeat", type=Path, metavar="FILE", help="run one input again, which needs no fuzzer")
    words = parser.parse_args()
    if words.repeat:
        from tests.fuzz.target import one_input

        one_input(words.repeat.read_bytes())
        return
    _look(words.seconds)


def _look(seconds: int) -> None:
    import atheris

    # What is imported here is watched; the judges are not, or the fuzzer would learn how to please them.
    with atheris.instrument_imports(
        include=["signalman.relay", "signalman.redaction", "signalman.net", "signalman.addresses"]
    ):
        import signalman.addresses
        import signalman.net
        import signalman.redaction
        import signalman.relay.encode
        import signalman.relay.redact
        import signalman.relay.route
        import signalman.relay.rows  # noqa: F401 # imported for being watched
    from tests.fuzz.target import one_input, seeds

    corpus = _HOME / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed[:_LONGEST])

    def watched(data: bytes) -> None:
        try:
            one_input(data)
        except BaseException:
            _keep(data)
            raise

    options = [f"-max_total_time={seconds}", f"-max_len={_LONGEST}", f"-artifact_prefix={_HOME}/", "-timeout=25"]
    atheris.Setup([sys.argv[0], str(corpus), f"-dict={_dictionary()}", *options, "-print_final_stats=1"], watched)
    atheris.Fuzz()


def _keep(data: bytes) -> None:
    finding = _HOME / f"finding-{hashlib.sha256(data).hexdigest()[:16]}"
    finding.write_bytes(data)
    command = f"python -m tests.fuzz --repeat {finding.relative_to(_ROOT)}"
    sys.stderr.write(f"\nA finding. To see it again: {command}\n")


def _dictionary() -> Path:
    """Writings of an address, and keys under which none may stay: words that chance would never find."""
    from tests.fuzz.values import HOST_LIKE
    from tests.writings import corpus

    words = {text for _, text in corpus()[:200]} | set(HOST_LIKE)
    path = _HOME / "words.dict"
    escaped = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in sorted(words))
    path.write_text("".join(f'"{word}"\n' for word in escaped if len(word) <= 4 * 60))
    return path


if __name__ == "__main__":
    main()
