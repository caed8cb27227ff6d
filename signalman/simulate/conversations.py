"""Conversations of tenants with support, and what the platform's assistant finds out."""

from typing import Any

from signalman.simulate.identity import hexadecimal, uuid4
from signalman.simulate.scene import Scene
from signalman.simulate.tenants import Tenant
from signalman.simulate.timeline import Life

_SUBJECTS = ("Stream drops at night", "Question about our invoice", "Clips are late", "A second ingest point")
_SENTENCES = (
    "It began yesterday evening.",
    "Could you look at it?",
    "We see the same on all devices.",
    "Solved, thanks!",
)


def support(scene: Scene, tenant: Tenant) -> Life:
    """One conversation after the other."""
    while True:
        yield scene.dice.uniform(1.0, 10.0)
        conversation = str(scene.dice.randrange(1, 1_000_000))
        yield from _conversation(scene, tenant, conversation)


def _conversation(scene: Scene, tenant: Tenant, conversation: str) -> Life:
    subject = f"{scene.dice.choice(_SUBJECTS)} ({hexadecimal(scene.dice, 8)})"
    opened = {"conversation_id": conversation, "subject": subject, "status": "open"}
    _emit(scene, tenant, "conversation_created", "CONVERSATION_CREATED", opened)
    for _ in range(scene.dice.randrange(2, 6)):
        yield scene.dice.uniform(2.0, 20.0)
        message = {
            "conversation_id": conversation,
            "message_id": str(scene.dice.randrange(1, 10_000_000)),
            "content": f"{scene.dice.choice(_SENTENCES)} [{hexadecimal(scene.dice, 8)}]",
            "sender": scene.dice.choice(("USER", "AGENT")),
        }
        _emit(scene, tenant, "message_received", "MESSAGE_CREATED", message)
        if scene.dice.random() < 0.4:
            yield scene.dice.uniform(1.0, 4.0)
            edited = {"content": f"{message['content']} (edited)", "status": "read"}
            _emit(scene, tenant, "message_updated", "MESSAGE_UPDATED", message | edited)
    yield scene.dice.uniform(2.0, 10.0)
    _emit(scene, tenant, "conversation_updated", "CONVERSATION_UPDATED", opened | {"status": "resolved"})


def _emit(scene: Scene, tenant: Tenant, event_type: str, kind: str, values: dict[str, Any]) -> None:
    values = values | {
        "event_type": f"EVENT_TYPE_{kind}",
        "timestamp": scene.second,
        "tenant_id": tenant.tenant_id,
        "user_id": tenant.user_id,
    }
    scene.service(
        event_type, source="deckhand", tenant_id=tenant.tenant_id, message="MessageLifecycleData", values=values
    )


def investigations(scene: Scene, tenant: Tenant) -> Life:
    """The assistant looks into something. The event tells no more than where its report is."""
    while True:
        yield scene.dice.uniform(10.0, 120.0)
        resource = ("skipper_investigation", uuid4(scene.dice))
        scene.service("skipper_investigation", source="skipper", tenant_id=tenant.tenant_id, resource=resource)
