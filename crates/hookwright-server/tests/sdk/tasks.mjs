// Sending many messages once more with the JavaScript SDK, and the background tasks that do it.

import assert from "node:assert/strict";

import { eventually, forthAndBack, invalid, refused } from "./expectations.mjs";

const MINUTE_MS = 60_000;

/** What an endpoint missed while it was disabled is recovered, a new one gets what came before, all of it once more. */
export async function checkTasks(svix, subscriber) {
  const since = new Date(Date.now() - 5 * MINUTE_MS);
  await svix.application.create({ name: "Tasks", uid: "tasks" });
  await svix.endpoint.create("tasks", { url: subscriber.url("/tasks/first"), uid: "first" });
  const over = async (started) => {
    const task = await eventually(
      () => svix.backgroundTask.get(started.id),
      (task) => task.status !== "running",
    );
    assert.deepEqual([task.status, task.task], ["finished", started.task]);
    return task.data.messagesSent;
  };

  await svix.endpoint.patch("tasks", "first", { disabled: true });
  const missed = await svix.message.create("tasks", { eventType: "book.added", payload: { n: 1 } });
  await refused(409, svix.endpoint.recover("tasks", "first", { since }));
  await svix.endpoint.patch("tasks", "first", { disabled: false });
  const recovery = await svix.endpoint.recover("tasks", "first", { since });
  assert.match(recovery.id, /^qtask_/);
  assert.deepEqual([recovery.task, await over(recovery)], ["endpoint.recover", 1]);
  await subscriber.wait("/tasks/first", missed.id);

  await svix.endpoint.create("tasks", { url: subscriber.url("/tasks/later"), uid: "later" });
  const replay = await svix.endpoint.replayMissing("tasks", "later", { since });
  assert.deepEqual([replay.task, await over(replay)], ["endpoint.replay", 1]);
  await subscriber.wait("/tasks/later", missed.id);
  await eventually(
    async () => (await svix.messageAttempt.listByMsg("tasks", missed.id)).data,
    (found) => found.length === 2,
  );

  const nothing = await svix.endpoint.bulkReplay("tasks", "later", { since, status: 2 });
  assert.deepEqual([nothing.task, await over(nothing)], ["endpoint.bulk-replay", 0]);
  const again = await svix.endpoint.bulkReplay("tasks", "later", { since, eventTypes: ["book.added"], status: 0 });
  assert.equal(await over(again), 1);
  await subscriber.wait("/tasks/later", missed.id, 2);

  const tooOld = new Date(since - 15 * 24 * 60 * MINUTE_MS);
  await invalid("since", svix.endpoint.recover("tasks", "first", { since: tooOld }));
  const backwards = { since, until: new Date(since - MINUTE_MS) };
  await invalid("until", svix.endpoint.recover("tasks", "first", backwards));
  await refused(404, svix.endpoint.recover("tasks", "nobody", { since }));
  await refused(404, svix.backgroundTask.get(`qtask_${"0".repeat(27)}`));

  const listed = async (options) => (await svix.backgroundTask.list(options)).data.map((it) => it.id);
  const ids = [recovery.id, replay.id, nothing.id, again.id];
  assert.deepEqual(await listed({ task: "endpoint.bulk-replay" }), [again.id, nothing.id]);
  assert.deepEqual(await listed({ order: "ascending" }), ids);
  assert.deepEqual(await listed({ status: "failed" }), []);
  const page = (options) => svix.backgroundTask.list({ ...options, limit: 1 });
  await forthAndBack("v1.background-task.list", page, ids.reverse(), { newestFirst: true });
  if (svix.backgroundTask.listByEndpoint !== undefined) {
    assert.deepEqual((await svix.backgroundTask.listByEndpoint({ limit: 1 })).data[0].id, ids[0]);
  }
}
