"""From Kafka to feeds: decode, route, redact, publish. `signalman.relay.relay` reads as that list."""
