"""Sending many messages once more with the Python SDK, and the background tasks that do it."""

from datetime import datetime, timedelta, timezone

from expectations import eventually, forth_and_back, invalid, refused
from svix.api import (
    ApplicationIn,
    BackgroundTaskListOptions,
    BackgroundTaskStatus,
    BackgroundTaskType,
    BulkReplayIn,
    EndpointIn,
    EndpointPatch,
    MessageIn,
    MessageStatus,
    Ordering,
    RecoverIn,
    ReplayIn,
)


def check(svix, subscriber):
    """What an endpoint missed while it was disabled is recovered, a new one gets what came before, all of it once more."""
    since = datetime.now(timezone.utc) - timedelta(minutes=5)
    svix.application.create(ApplicationIn(name="Tasks", uid="tasks"))
    svix.endpoint.create("tasks", EndpointIn(url=subscriber.url("/tasks/first"), uid="first"))

    def over(started):
        task = eventually(
            lambda: svix.background_task.get(started.id),
            lambda task: task.status is not BackgroundTaskStatus.RUNNING,
        )
        assert task.status is BackgroundTaskStatus.FINISHED and task.task is started.task, task
        return task.data["messagesSent"]

    svix.endpoint.patch("tasks", "first", EndpointPatch(disabled=True))
    missed = svix.message.create("tasks", MessageIn(event_type="book.added", payload={"n": 1}))
    refused(409, lambda: svix.endpoint.recover("tasks", "first", RecoverIn(since=since)))
    svix.endpoint.patch("tasks", "first", EndpointPatch(disabled=False))
    recovery = svix.endpoint.recover("tasks", "first", RecoverIn(since=since))
    assert recovery.id.startswith("qtask_") and recovery.task is BackgroundTaskType.ENDPOINT_RECOVER
    assert over(recovery) == 1
    subscriber.wait("/tasks/first", missed.id)

    svix.endpoint.create("tasks", EndpointIn(url=subscriber.url("/tasks/later"), uid="later"))
    replay = svix.endpoint.replay_missing("tasks", "later", ReplayIn(since=since))
    assert replay.task is BackgroundTaskType.ENDPOINT_REPLAY and over(replay) == 1
    subscriber.wait("/tasks/later", missed.id)
    eventually(
        lambda: svix.message_attempt.list_by_msg("tasks", missed.id).data,
        lambda found: len(found) == 2,
    )

    failed = BulkReplayIn(since=since, status=MessageStatus.FAIL)
    nothing = svix.endpoint.bulk_replay("tasks", "later", failed)
    assert nothing.task is BackgroundTaskType.ENDPOINT_BULK_REPLAY and over(nothing) == 0
    all_of_it = BulkReplayIn(since=since, event_types=["book.added"], status=MessageStatus.SUCCESS)
    again = svix.endpoint.bulk_replay("tasks", "later", all_of_it)
    assert over(again) == 1
    subscriber.wait("/tasks/later", missed.id, count=2)

    too_old = RecoverIn(since=since - timedelta(days=15))
    invalid("since", lambda: svix.endpoint.recover("tasks", "first", too_old))
    backwards = RecoverIn(since=since, until=since - timedelta(minutes=1))
    invalid("until", lambda: svix.endpoint.recover("tasks", "first", backwards))
    refused(404, lambda: svix.endpoint.recover("tasks", "nobody", RecoverIn(since=since)))
    refused(404, lambda: svix.background_task.get("qtask_" + "0" * 27))

    def listed(**options):
        return svix.background_task.list(BackgroundTaskListOptions(**options))

    ids = [recovery.id, replay.id, nothing.id, again.id]
    assert [it.id for it in listed(task=BackgroundTaskType.ENDPOINT_BULK_REPLAY).data] == ids[:1:-1]
    assert [it.id for it in listed(order=Ordering.ASCENDING).data] == ids
    assert listed(status=BackgroundTaskStatus.FAILED).data == []
    forth_and_back(
        "v1.background-task.list",
        lambda iterator, order: listed(iterator=iterator, order=order, limit=1),
        ids[::-1],
        newest_first=True,
    )
