"""The official Python SDK in its other form, for programs that wait for many things at once."""

import asyncio
import os

from subscriber import lowered
from svix import SvixAsync
from svix.api import ApplicationIn, EndpointIn, EventTypeUpsertIn, MessageIn
from svix.api.errors.http_error import HttpError
from svix.webhooks import Webhook


async def asynchronously(server, subscriber):
    client = SvixAsync(os.environ["HOOKWRIGHT_TOKEN"], server)
    await client.health.get()
    app = await client.application.get_or_create(ApplicationIn(name="Async", uid="async"))
    await client.event_type.upsert("async.done", EventTypeUpsertIn(description="It is done"))
    endpoint = EndpointIn(url=subscriber.url("/async"), event_types=["async.done"])
    endpoint = await client.endpoint.create(app.id, endpoint)
    new = MessageIn(event_type="async.done", payload={"n": 1})
    sent = await asyncio.gather(*(client.message.create(app.id, new) for _ in range(8)))
    assert len({message.id for message in sent}) == 8
    secret = Webhook((await client.endpoint.get_secret(app.id, endpoint.id)).key)
    for message in sent:
        headers, body = subscriber.wait("/async", message.id)[0]
        secret.verify(body, headers)
        assert body == b'{"n":1}' and lowered(headers)["content-type"] == "application/json"
    try:
        await client.message.get(app.id, "msg_" + "0" * 27)
        raise AssertionError("there is no such message")
    except HttpError as error:
        assert error.status_code == 404
    await client.application.delete(app.id)
