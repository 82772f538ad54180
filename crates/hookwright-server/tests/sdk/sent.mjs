// The lists of what was sent with the JavaScript SDK: each walked to its end and back, and with each of its filters.

import assert from "node:assert/strict";

import { backAndForth, eventually } from "./expectations.mjs";

const ENDPOINTS = ["/fail/sent", "/sent/1", "/sent/2", "/sent/3", "/sent/4"];
// On the schedule of this server the endpoint that fails gets each message three times.
const ATTEMPTS = ENDPOINTS.length + 2;

/** Five messages at five endpoints, one of which fails. */
export async function checkSent(svix, subscriber) {
  const started = new Date(Date.now() - 1000);
  await svix.application.create({ name: "Sent", uid: "sent" });
  const endpoints = [];
  for (const path of ENDPOINTS) {
    endpoints.push((await svix.endpoint.create("sent", { url: subscriber.url(path) })).id);
  }
  const [failing, good] = endpoints;
  const messages = [];
  for (let n = 0; n < 5; n += 1) {
    const about = { eventType: `sent.n${n % 2}`, channels: n < 3 ? ["eu"] : ["us"], tags: [`t${n}`] };
    messages.push((await svix.message.create("sent", { ...about, payload: { n } })).id);
  }
  // The older version shows what was answered unless it is told not to.
  const short = { withContent: false };
  const attempts = svix.messageAttempt;
  const byMessage = (message, options) => attempts.listByMsg("sent", message, { ...short, ...options });
  const byEndpoint = (endpoint, options) => attempts.listByEndpoint("sent", endpoint, { ...short, ...options });
  const atEndpoint = (endpoint, options) => attempts.listAttemptedMessages("sent", endpoint, { ...short, ...options });
  const destinations = (message, options) => attempts.listAttemptedDestinations("sent", message, options);
  const ids = (answer) => answer.data.map((it) => it.id);

  const all = [];
  for (const message of messages) {
    const read = async () => (await byMessage(message)).data;
    all.push(await eventually(read, (found) => found.length === ATTEMPTS));
  }
  const ofFirst = all[0].map((it) => it.id);
  assert.deepEqual(ofFirst, ofFirst.toSorted().reverse());
  assert.equal(new Set(ofFirst).size, ATTEMPTS);
  assert.deepEqual(all[0].map((it) => it.endpointId).sort(), [...endpoints, failing, failing].sort());
  await backAndForth("v1.message-attempt.list-by-msg", (options) => byMessage(messages[0], options), ofFirst);

  const two = (options) => ({ ...options, limit: 2 });
  const ofGood = all.flat().filter((it) => it.endpointId === good).map((it) => it.id).sort().reverse();
  await backAndForth("v1.message-attempt.list-by-endpoint", (options) => byEndpoint(good, two(options)), ofGood);
  await backAndForth(
    "v1.message-attempt.list-attempted-messages",
    (options) => atEndpoint(good, two(options)),
    messages.toReversed(),
  );
  await backAndForth(
    "v1.message-attempt.list-attempted-destinations",
    (options) => destinations(messages[0], two(options)),
    endpoints,
  );

  // Which of the five messages each filter leaves, newest first.
  const filters = [
    [[4, 2, 0], { eventTypes: ["sent.n0"] }],
    [[4, 3, 2, 1, 0], { eventTypes: ["sent.n1", "sent.n0"] }],
    [[], { eventTypes: ["sent.n2"] }],
    [[4, 3], { channel: "us" }],
    [[2], { tag: "t2" }],
    [[2, 0], { eventTypes: ["sent.n0"], channel: "eu" }],
    [[4, 3, 2, 1, 0], { after: started }],
    [[], { before: started }],
    [[4, 3, 2, 1, 0], { status: 0 }],
    [[], { status: 2 }],
  ];
  for (const [numbers, filter] of filters) {
    const wanted = numbers.map((n) => messages[n]);
    assert.deepEqual(ids(await atEndpoint(good, filter)), wanted, JSON.stringify(filter));
    const found = (await byEndpoint(good, filter)).data.map((it) => it.msgId);
    assert.deepEqual(found.sort(), wanted.toSorted(), JSON.stringify(filter));
    for (const message of messages) {
      const found = (await byMessage(message, { endpointId: good, ...filter })).data.map((it) => it.msgId);
      assert.deepEqual(found, wanted.includes(message) ? [message] : [], JSON.stringify(filter));
    }
  }
  assert.equal((await byEndpoint(failing, { statusCodeClass: 500 })).data.length, 15);
  assert.deepEqual((await byEndpoint(failing, { statusCodeClass: 200 })).data, []);
  assert.deepEqual(ids(await atEndpoint(failing, { status: 2 })), messages.toReversed());
  assert.equal((await byEndpoint(good, { withContent: true })).data[0].response, '{"taken": true}');
  const [newest] = (await byEndpoint(good)).data;
  assert.deepEqual([newest.response, newest.msg ?? null], ["{}", null]);
  assert.deepEqual((await byEndpoint(good, { withMsg: true, tag: "t2" })).data[0].msg.tags, ["t2"]);

  const counted = async (endpoint, options) => {
    const stats = await svix.endpoint.getStats("sent", endpoint, options);
    return [stats.success, stats.fail, stats.pending, stats.sending];
  };
  const longAgo = new Date(started - 24 * 3_600_000);
  assert.deepEqual(await counted(good), [5, 0, 0, 0]);
  assert.deepEqual(await counted(good, { since: started }), [5, 0, 0, 0]);
  assert.deepEqual(await counted(failing), [0, 15, 0, 0]);
  assert.deepEqual(await counted(good, { since: longAgo, until: started }), [0, 0, 0, 0]);
  assert.deepEqual(await counted(failing, { until: started }), [0, 0, 0, 0]);
}
