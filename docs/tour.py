import os, time
from svix.api import ApplicationIn, EndpointUpsertIn, EventTypeUpsertIn, MessageIn, Svix, SvixOptions

server = os.environ.get("HOOKWRIGHT_URL", "http://127.0.0.1:8071")
token = os.environ.get("HOOKWRIGHT_TOKEN", "dev_token_not_for_production")
svix = Svix(token, SvixOptions(server_url=server))

app = svix.application.get_or_create(ApplicationIn(name="Acme Books", uid="acme"))
svix.event_type.upsert("invoice.paid", EventTypeUpsertIn(description="An invoice was paid"))
webhook_url = os.environ.get("WEBHOOK_URL", "http://127.0.0.1:9000/")
endpoint = EndpointUpsertIn(url=webhook_url, event_types=["invoice.paid"])
svix.endpoint.upsert(app.id, "acme-main", endpoint)

message = svix.message.create(app.id, MessageIn(event_type="invoice.paid", payload={"invoice": 42}))
while not (attempts := svix.message_attempt.list_by_msg(app.id, message.id).data):
    time.sleep(0.1)
for attempt in attempts:
    print(message.id, attempt.url, attempt.status_text.value, attempt.response_status_code)
