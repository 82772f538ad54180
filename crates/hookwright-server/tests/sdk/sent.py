"""The lists of what was sent with the Python SDK: each walked to its end and back, and with each of its filters."""

from datetime import datetime, timedelta, timezone

from expectations import back_and_forth, eventually
from svix.api import (
    ApplicationIn,
    EndpointGetStatsOptions,
    EndpointIn,
    MessageAttemptListAttemptedDestinationsOptions,
    MessageAttemptListAttemptedMessagesOptions,
    MessageAttemptListByEndpointOptions,
    MessageAttemptListByMsgOptions,
    MessageIn,
    MessageStatus,
    StatusCodeClass,
)

ENDPOINTS = ["/fail/sent", "/sent/1", "/sent/2", "/sent/3", "/sent/4"]
# On the schedule of this server the endpoint that fails gets each message three times.
ATTEMPTS = len(ENDPOINTS) + 2


def check(svix, subscriber):
    """Five messages at five endpoints, one of which fails."""
    started = datetime.now(timezone.utc) - timedelta(seconds=1)
    svix.application.create(ApplicationIn(name="Sent", uid="sent"))
    made = [svix.endpoint.create("sent", EndpointIn(url=subscriber.url(path))) for path in ENDPOINTS]
    endpoints = [it.id for it in made]
    failing, good = endpoints[:2]
    messages = [
        svix.message.create(
            "sent",
            MessageIn(
                event_type=f"sent.n{n % 2}", payload={"n": n}, channels=["eu"] if n < 3 else ["us"], tags=[f"t{n}"]
            ),
        ).id
        for n in range(5)
    ]
    attempts = svix.message_attempt

    def by_message(message, **options):
        return attempts.list_by_msg("sent", message, MessageAttemptListByMsgOptions(**options))

    def by_endpoint(endpoint, **options):
        return attempts.list_by_endpoint("sent", endpoint, MessageAttemptListByEndpointOptions(**options))

    def at_endpoint(endpoint, **options):
        options = MessageAttemptListAttemptedMessagesOptions(**options)
        return attempts.list_attempted_messages("sent", endpoint, options)

    def destinations(message, **options):
        options = MessageAttemptListAttemptedDestinationsOptions(**options)
        return attempts.list_attempted_destinations("sent", message, options)

    all_of = {
        message: eventually(lambda: by_message(message).data, lambda found: len(found) == ATTEMPTS)
        for message in messages
    }
    of_first = [it.id for it in all_of[messages[0]]]
    assert of_first == sorted(of_first, reverse=True) and len(set(of_first)) == ATTEMPTS, of_first
    assert sorted(it.endpoint_id for it in all_of[messages[0]]) == sorted(endpoints + [failing] * 2)
    back_and_forth(
        "v1.message-attempt.list-by-msg",
        lambda iterator: by_message(messages[0], limit=3, iterator=iterator),
        of_first,
    )

    of_good = [it.id for found in all_of.values() for it in found if it.endpoint_id == good]
    of_good.sort(reverse=True)
    back_and_forth(
        "v1.message-attempt.list-by-endpoint",
        lambda iterator: by_endpoint(good, limit=2, iterator=iterator),
        of_good,
    )
    back_and_forth(
        "v1.message-attempt.list-attempted-messages",
        lambda iterator: at_endpoint(good, limit=2, iterator=iterator),
        messages[::-1],
    )
    back_and_forth(
        "v1.message-attempt.list-attempted-destinations",
        lambda iterator: destinations(messages[0], limit=2, iterator=iterator),
        endpoints,
        name_of=lambda destination: destination.id,
    )

    # Which of the five messages each filter leaves, newest first.
    for wanted, options in (
        ([4, 2, 0], {"event_types": ["sent.n0"]}),
        ([4, 3, 2, 1, 0], {"event_types": ["sent.n1", "sent.n0"]}),
        ([], {"event_types": ["sent.n2"]}),
        ([4, 3], {"channel": "us"}),
        ([2], {"tag": "t2"}),
        ([2, 0], {"event_types": ["sent.n0"], "channel": "eu"}),
        ([4, 3, 2, 1, 0], {"after": started}),
        ([], {"before": started}),
        ([4, 3, 2, 1, 0], {"status": MessageStatus.SUCCESS}),
        ([], {"status": MessageStatus.FAIL}),
    ):
        ids = [messages[n] for n in wanted]
        assert [it.id for it in at_endpoint(good, **options).data] == ids, options
        found = by_endpoint(good, **options).data
        assert sorted(it.msg_id for it in found) == sorted(ids), (options, found)
        for message in messages:
            found = by_message(message, endpoint_id=good, **options).data
            assert [it.msg_id for it in found] == [message] * (message in ids), (options, found)
    assert len(by_endpoint(failing, status_code_class=StatusCodeClass.CODE5XX).data) == 15
    assert by_endpoint(failing, status_code_class=StatusCodeClass.CODE2XX).data == []
    assert [it.id for it in at_endpoint(failing, status=MessageStatus.FAIL).data] == messages[::-1]
    assert by_endpoint(good, with_content=True).data[0].response == '{"taken": true}'
    assert by_endpoint(good).data[0].response == "{}" and by_endpoint(good).data[0].msg is None
    assert by_endpoint(good, with_msg=True, tag="t2").data[0].msg.tags == ["t2"]

    def counted(endpoint, **options):
        stats = svix.endpoint.get_stats("sent", endpoint, EndpointGetStatsOptions(**options))
        return stats.success, stats.fail, stats.pending, stats.sending

    long_ago = started - timedelta(days=1)
    assert counted(good) == counted(good, since=started) == (5, 0, 0, 0)
    assert counted(failing) == (0, 15, 0, 0)
    assert counted(good, since=long_ago, until=started) == (0, 0, 0, 0) == counted(failing, until=started)
