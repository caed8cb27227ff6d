"""How to reach Kafka: the same words for consumers and producers."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """Brokers, and who we are to them."""

    brokers: Sequence[str]
    """``host:port`` of brokers to begin with; the others are learned from them."""
    client_id: str = "signalman"
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """None: no encryption."""
    sasl_mechanism: SaslMechanism | None = None
    """None: no authentication."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """As aiokafka's classes take them."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.brokers),
            "client_id": self.client_id,
            "security_protocol": f"SASL_{self._transport}" if self.sasl_mechanism else self._transport,
            "ssl_context": self.tls,
        }
        if self.sasl_mechanism:
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options

    @property
    def _transport(self) -> str:
        return "SSL" if self.tls else "PLAINTEXT"
