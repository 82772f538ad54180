"""Tokens for an application's customers, with the official Python SDK."""

from expectations import invalid, refused
from svix import Svix
from svix.api import (
    AppPortalAccessIn,
    ApplicationIn,
    ApplicationTokenExpireIn,
    EndpointIn,
    EndpointPatch,
    EventExampleIn,
)


def authentication(svix, server):
    svix.application.create(ApplicationIn(name="Portal", uid="portal"))

    def access(**options):
        return svix.authentication.app_portal_access("portal", AppPortalAccessIn(**options))

    first, second = access(), access(expiry=3600)
    assert "/app-portal/app_" in first.url and first.token != second.token, first.url
    one, two = Svix(first.token, server), Svix(second.token, server)
    assert one.application.get("portal").uid == "portal" == two.application.get("portal").uid
    refused(403, lambda: one.application.list())
    one.authentication.logout()
    refused(401, lambda: one.application.get("portal"))
    assert two.endpoint.list("portal").data == []
    svix.authentication.expire_all("portal", ApplicationTokenExpireIn())
    refused(401, lambda: two.endpoint.list("portal"))
    refused(400, lambda: svix.authentication.logout())
    refused(404, lambda: svix.authentication.expire_all("nobody", ApplicationTokenExpireIn()))
    invalid("expiry", lambda: access(expiry=0))

    endpoint = svix.endpoint.create("portal", EndpointIn(url="http://127.0.0.1:9/"))
    looking = Svix(access(read_only=True).token, server)
    assert looking.endpoint.get("portal", endpoint.id).url == endpoint.url
    refused(403, lambda: looking.endpoint.delete("portal", endpoint.id))
    refused(403, lambda: looking.endpoint.get_secret("portal", endpoint.id))
    managing = Svix(access(capabilities=["ViewBase", "ManageEndpoint"]).token, server)
    managing.endpoint.patch("portal", endpoint.id, EndpointPatch(description="changed"))
    refused(403, lambda: managing.endpoint.send_example("portal", endpoint.id, EventExampleIn(event_type="a.b")))
