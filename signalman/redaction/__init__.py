"""What is done to kept values before the net: the operators that a pack names under ``redact``."""

from signalman.redaction.keep import Keep
from signalman.redaction.operators import Operators
from signalman.redaction.pseudonyms import Pseudonyms

__all__ = ["Keep", "Operators", "Pseudonyms"]
