// Every POST of the JavaScript SDK sent twice with one idempotency key: it is done once, and answered alike.

import assert from "node:assert/strict";
import { Svix } from "svix";

import { eventually, refused } from "./expectations.mjs";

const NOWHERE = "http://127.0.0.1:9/";

/** What a call with this key answers, both times, with nothing changed by the second; another body is refused. */
async function twice(key, call, { other, state = async () => null } = {}) {
  const options = { idempotencyKey: `repeated-${key}` };
  const first = await call(options);
  const after = await state();
  assert.deepEqual([await call(options), await state()], [first, after]);
  if (other !== undefined) await refused(409, other(options));
  return first;
}

/** One after the other, each with what would differ if it had been done twice. */
export async function checkRepeated(svix, subscriber, serverUrl) {
  const made = await twice("application", (options) => svix.application.create({ name: "R", uid: "repeated" }, options), {
    other: (options) => svix.application.create({ name: "Other" }, options),
  });
  assert.deepEqual(await svix.application.get("repeated"), made);
  await eventTypes(svix);
  await endpoints(svix, subscriber);
  await manyMessages(svix);
  await tokens(svix, serverUrl);
  await operational(svix);
  await inbound(svix);
  await svix.application.delete("repeated");
}

async function eventTypes({ eventType }) {
  // Without the key the second one would be a conflict.
  await twice("event-type", (options) => eventType.create({ name: "repeated.one", description: "" }, options), {
    other: (options) => eventType.create({ name: "repeated.two", description: "" }, options),
  });
  await refused(404, eventType.get("repeated.two"));
  // Without the key the second one would change nothing, and say so.
  const spec = { openapi: "3.1.0", info: { title: "R", version: "1" }, webhooks: { "repeated.two": { post: {} } } };
  const imported = await twice("import", (options) => eventType.importOpenapi({ spec }, options), {
    other: (options) => eventType.importOpenapi({ spec, dryRun: true }, options),
  });
  assert.deepEqual(imported.data.modified, ["repeated.two"]);
}

async function endpoints({ endpoint, message, messageAttempt }, subscriber) {
  const url = subscriber.url("/repeated");
  const made = await twice("endpoint", (options) => endpoint.create("repeated", { url, uid: "one" }, options), {
    other: (options) => endpoint.create("repeated", { url }, options),
  });
  assert.deepEqual((await endpoint.list("repeated")).data.map((it) => it.id), [made.id]);
  const secret = async () => (await endpoint.getSecret("repeated", "one")).key;
  const before = await secret();
  await twice("rotate", (options) => endpoint.rotateSecret("repeated", "one", {}, options), { state: secret });
  assert.notEqual(await secret(), before);

  const event = (eventType) => ({ eventType, payload: {} });
  const sent = await twice("message", (options) => message.create("repeated", event("repeated.one"), options), {
    other: (options) => message.create("repeated", event("repeated.two"), options),
  });
  const send = (eventType, options) => endpoint.sendExample("repeated", "one", { eventType }, options);
  const example = await twice("example", (options) => send("repeated.one", options), {
    other: (options) => send("repeated.two", options),
  });
  assert.deepEqual((await message.list("repeated")).data.map((it) => it.id), [example.id, sent.id]);
  await subscriber.wait("/repeated", sent.id);
  await twice("resend", (options) => messageAttempt.resend("repeated", sent.id, "one", options));
  await subscriber.wait("/repeated", sent.id, 2);
  // What comes later would have come after a third time.
  await messageAttempt.resend("repeated", example.id, "one");
  await subscriber.wait("/repeated", example.id, 2);
  const attempts = await attempted(messageAttempt, 4);
  assert.deepEqual(attempts.map((it) => it.msgId).sort(), [sent.id, sent.id, example.id, example.id].sort());
}

async function manyMessages({ endpoint, backgroundTask, messageAttempt }) {
  const since = new Date(Date.now() - 5 * 60_000);
  const later = new Date(Date.now() - 4 * 60_000);
  const started = [];
  for (const name of ["recover", "replayMissing", "bulkReplay"]) {
    const start = (body, options) => endpoint[name]("repeated", "one", body, options);
    const filter = name === "bulkReplay" ? { eventTypes: ["repeated.one"] } : {};
    const other = (options) => start({ since: later }, options);
    started.unshift((await twice(name, (options) => start({ since, ...filter }, options), { other })).id);
  }
  assert.deepEqual((await backgroundTask.list()).data.slice(0, 3).map((it) => it.id), started);
  // The message and the example, once more each.
  await attempted(messageAttempt, 6);
  assert.equal((await backgroundTask.get(started[0])).data.messagesSent, 2);
}

async function tokens(svix, serverUrl) {
  const { authentication } = svix;
  const access = await twice("access", (options) => authentication.appPortalAccess("repeated", {}, options), {
    other: (options) => authentication.appPortalAccess("repeated", { expiry: 60 }, options),
  });
  const holding = ({ token }) => new Svix(token, { serverUrl, numRetries: 0 });
  const portal = holding(access);
  assert.equal((await portal.application.get("repeated")).uid, "repeated");
  const expire = () => authentication.expireAll("repeated", {}, { idempotencyKey: "repeated-expire" });
  await expire();
  await refused(401, portal.application.get("repeated"));
  // Done again, it would end this one too.
  const fresh = holding(await authentication.appPortalAccess("repeated", {}));
  await expire();
  assert.equal((await fresh.application.get("repeated")).uid, "repeated");
  // Whose token is ended is nobody any more, so that another try is a 401, as it would be without a key.
  const options = { idempotencyKey: "repeated-logout" };
  await fresh.authentication.logout(options);
  await refused(401, fresh.authentication.logout(options));
}

async function operational({ operationalWebhook }) {
  const own = operationalWebhook.endpoint;
  const off = { url: NOWHERE, disabled: true };
  const made = await twice("operational", (options) => own.create({ ...off, uid: "repeated" }, options), {
    other: (options) => own.create(off, options),
  });
  assert.deepEqual((await own.list()).data.map((it) => it.id), [made.id]);
  const secret = async () => (await own.getSecret("repeated")).key;
  const before = await secret();
  await twice("operational-rotate", (options) => own.rotateSecret("repeated", {}, options), { state: secret });
  assert.notEqual(await secret(), before);
  await own.delete("repeated");
}

async function inbound({ ingest: { source, endpoint } }) {
  const anyKind = { name: "Repeated", type: "generic-webhook", config: {} };
  const made = await twice("source", (options) => source.create({ ...anyKind, uid: "repeated" }, options), {
    other: (options) => source.create(anyKind, options),
  });
  assert.deepEqual(await source.get("repeated"), made);
  const rotated = await twice("token", (options) => source.rotateToken("repeated", options));
  assert.notEqual(rotated.ingestUrl, made.ingestUrl);
  assert.equal((await source.get("repeated")).ingestUrl, rotated.ingestUrl);
  const make = (uid, options) => endpoint.create("repeated", { url: NOWHERE, uid }, options);
  const first = await twice("source-endpoint", (options) => make("one", options), {
    other: (options) => make("two", options),
  });
  assert.deepEqual((await endpoint.list("repeated")).data.map((it) => it.id), [first.id]);
  const secret = async () => (await endpoint.getSecret("repeated", "one")).key;
  const before = await secret();
  await twice("source-rotate", (options) => endpoint.rotateSecret("repeated", "one", {}, options), { state: secret });
  assert.notEqual(await secret(), before);
  await source.delete("repeated");
}

/** The attempts at the endpoint, once they are so many. */
function attempted(messageAttempt, count) {
  const read = async () => (await messageAttempt.listByEndpoint("repeated", "one")).data;
  return eventually(read, (found) => found.length === count);
}
