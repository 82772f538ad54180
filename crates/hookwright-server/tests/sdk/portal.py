"""Tokens for an application's customers, with the official Python SDK."""

from expectations import invalid, refused
from svix import Svix
from svix.api import AppPortalAccessIn, ApplicationIn, ApplicationTokenExpireIn


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
