// Every operation of the API that is there, called with the official JavaScript SDK, 1.x or 2.x. One function for
// each resource.

import assert from "node:assert/strict";
import { Svix, Webhook } from "svix";

import { Calls } from "./calls.mjs";
import { backAndForth, eventually, forthAndBack, invalid, refused } from "./expectations.mjs";
import { checkHonoured } from "./honoured.mjs";
import { checkIngest } from "./ingest.mjs";
import { checkOperational } from "./operational.mjs";
import { checkRepeated } from "./repeated.mjs";
import { checkSent } from "./sent.mjs";
import { Subscriber } from "./subscriber.mjs";
import { checkTasks } from "./tasks.mjs";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const serverUrl = process.env.HOOKWRIGHT_URL;
const svix = new Svix(process.env.HOOKWRIGHT_TOKEN, { serverUrl, numRetries: 0 });
const subscriber = await Subscriber.start();
const calls = await Calls.start(serverUrl, process.env.HOOKWRIGHT_TOKEN);

// What the two versions call by different names. The older one also shows a payload unless it is told not to.
const isOld = svix.endpoint.upsert === undefined;
const EVENT_TYPES = isOld ? "filterTypes" : "eventTypes";
const upsert = (things, ...values) => (isOld ? things.update(...values) : things.upsert(...values));
const setHeaders = (...values) =>
  isOld ? svix.endpoint.updateHeaders(...values) : svix.endpoint.setHeaders(...values);

async function health() {
  assert.ok(!(await svix.health.get()));
}

async function access() {
  await refused(401, new Svix("another", { serverUrl, numRetries: 0 }).application.list());
}

async function applications() {
  const made = await svix.application.create({
    name: "Books",
    uid: "books",
    throttleRate: 7,
    metadata: { plan: "free" },
  });
  assert.match(made.id, /^app_/);
  assert.deepEqual([made.uid, made.throttleRate, made.metadata.plan], ["books", 7, "free"]);
  assert.ok(made.createdAt instanceof Date && !Number.isNaN(made.createdAt.valueOf()));
  assert.deepEqual(await svix.application.get(made.id), made);
  assert.deepEqual(await svix.application.get("books"), made);
  assert.deepEqual(await svix.application.getOrCreate({ name: "Other", uid: "books" }), made);
  await refused(409, svix.application.create({ name: "Other", uid: "books" }));
  await invalid("name", svix.application.create({ name: "" }));

  const patched = await svix.application.patch("books", { name: "Books and more" });
  assert.deepEqual(patched, { ...made, name: "Books and more", updatedAt: patched.updatedAt });
  assert.deepEqual(await svix.application.get("books"), patched);
  const replaced = await upsert(svix.application, "books", { name: "Books", uid: "books" });
  assert.deepEqual([replaced.id, replaced.metadata, replaced.throttleRate ?? null], [made.id, {}, null]);
  const prints = await upsert(svix.application, "prints", { name: "Prints" });
  assert.deepEqual(await svix.application.get("prints"), prints);

  const key = { idempotencyKey: "applications-1" };
  const once = await svix.application.create({ name: "Once" }, key);
  assert.deepEqual(await svix.application.create({ name: "Once" }, key), once);
  await refused(409, svix.application.create({ name: "Twice" }, key));

  const ids = [made.id, prints.id, once.id];
  for (let n = 0; n < 4; n += 1) ids.push((await svix.application.create({ name: `App ${n}` })).id);
  await forthAndBack("v1.application.list", (options) => svix.application.list(options), ids);
  for (const id of ids) {
    await svix.application.delete(id);
    await refused(404, svix.application.get(id));
    await refused(404, svix.application.delete(id));
  }
}

async function eventTypes() {
  const schemas = { 1: { type: "object", properties: { id: { type: "integer" } } } };
  const made = await svix.eventType.create({
    name: "book.added",
    description: "A book came",
    schemas,
    groupName: "book",
  });
  assert.deepEqual(made.schemas, schemas);
  assert.deepEqual(await svix.eventType.get("book.added"), made);
  await refused(409, svix.eventType.create({ name: "book.added", description: "" }));
  await invalid("name", svix.eventType.create({ name: "no spaces", description: "" }));
  const patched = await svix.eventType.patch("book.added", { description: "A book is here" });
  assert.deepEqual(patched, { ...made, description: "A book is here", updatedAt: patched.updatedAt });
  assert.deepEqual(await svix.eventType.get("book.added"), patched);
  const replaced = await upsert(svix.eventType, "book.added", { description: "New" });
  assert.deepEqual([replaced.description, replaced.schemas ?? null], ["New", null]);
  await upsert(svix.eventType, "book.added", { description: "New", schemas });
  await upsert(svix.eventType, "book.gone", { description: "A book went", deprecated: true });
  assert.equal((await svix.eventType.get("book.gone")).deprecated, true);

  const names = ["book.added", "book.gone"];
  for (let n = 0; n < 5; n += 1) {
    names.push((await svix.eventType.create({ name: `book.n${n}`, description: "" })).name);
  }
  await forthAndBack("v1.event-type.list", (options) => svix.eventType.list(options), names, { nameOf: (it) => it.name });

  const listed = async (name, options) => (await svix.eventType.list(options)).data.find((it) => it.name === name);
  assert.equal((await listed("book.added", {})).schemas ?? null, null);
  assert.deepEqual((await listed("book.added", { withContent: true })).schemas, schemas);
  await svix.eventType.delete("book.gone");
  assert.equal(await listed("book.gone", {}), undefined);
  assert.equal((await listed("book.gone", { includeArchived: true })).archived, true);
  await svix.eventType.delete("book.gone", { expunge: true });
  await refused(404, svix.eventType.get("book.gone"));
  await refused(404, svix.eventType.patch("book.gone", { description: "x" }));

  const book = { type: "object", properties: { title: { type: "string" } } };
  const content = { "application/json": { schema: book } };
  const webhook = { post: { summary: "A book was lent", requestBody: { content } } };
  const spec = { openapi: "3.1.0", info: { title: "Books", version: "1" }, webhooks: { "book.lent": webhook } };
  const run = async (options) => (await svix.eventType.importOpenapi(options)).data;
  assert.deepEqual((await run({ spec, dryRun: true })).toModify.map((it) => it.name), ["book.lent"]);
  await refused(404, svix.eventType.get("book.lent"));
  assert.deepEqual((await run({ specRaw: JSON.stringify(spec) })).modified, ["book.lent"]);
  assert.deepEqual((await svix.eventType.get("book.lent")).schemas, { 1: book });
  await invalid("specRaw", svix.eventType.importOpenapi({ specRaw: "{" }));
  await svix.eventType.delete("book.lent", { expunge: true });
}

async function endpoints() {
  await svix.application.create({ name: "Endpoints", uid: "endpoints" });
  const made = await svix.endpoint.create("endpoints", {
    url: subscriber.url("/endpoints"),
    description: "for tests",
    uid: "first",
    secret: SECRET,
    headers: { "X-Shop": "one", Authorization: "Bearer shop" },
    [EVENT_TYPES]: ["book.added"],
    channels: ["eu"],
    metadata: { team: "a" },
    throttleRate: 100,
  });
  assert.match(made.id, /^ep_/);
  assert.deepEqual([made.uid, made[EVENT_TYPES], made.channels], ["first", ["book.added"], ["eu"]]);
  assert.deepEqual([made.metadata.team, made.throttleRate, made.disabled], ["a", 100, false]);
  assert.deepEqual(await svix.endpoint.get("endpoints", made.id), made);
  assert.deepEqual(await svix.endpoint.get("endpoints", "first"), made);
  assert.equal((await svix.endpoint.getSecret("endpoints", "first")).key, SECRET);
  const url = subscriber.url("/other");
  await refused(409, svix.endpoint.create("endpoints", { url, uid: "first" }));
  await invalid("eventTypes", svix.endpoint.create("endpoints", { url, [EVENT_TYPES]: ["not.registered"] }));
  await invalid("url", svix.endpoint.create("endpoints", { url: "ftp://127.0.0.1/" }));
  await refused(404, svix.endpoint.create("nobody", { url }));

  const patched = await svix.endpoint.patch("endpoints", "first", { description: "patched" });
  assert.deepEqual(patched, { ...made, description: "patched", updatedAt: patched.updatedAt });
  assert.deepEqual(await svix.endpoint.get("endpoints", "first"), patched);
  assert.equal((await svix.endpoint.patch("endpoints", "first", { disabled: true })).disabled, true);
  const replaced = await upsert(svix.endpoint, "endpoints", "first", { url: made.url });
  assert.deepEqual([replaced.id, replaced.uid, replaced.disabled], [made.id, "first", false]);
  assert.deepEqual([replaced[EVENT_TYPES] ?? null, replaced.channels ?? null, replaced.metadata], [null, null, {}]);
  assert.equal((await svix.endpoint.getSecret("endpoints", "first")).key, SECRET);
  const second = await upsert(svix.endpoint, "endpoints", "second", { url: subscriber.url("/second") });
  assert.deepEqual(await svix.endpoint.get("endpoints", "second"), second);

  let headers = await svix.endpoint.getHeaders("endpoints", "first");
  assert.deepEqual([headers.headers, headers.sensitive], [{ "X-Shop": "one" }, ["Authorization"]]);
  await svix.endpoint.patchHeaders("endpoints", "first", {
    headers: { "X-Till": "two" },
    deleteHeaders: ["authorization"],
  });
  headers = await svix.endpoint.getHeaders("endpoints", "first");
  assert.deepEqual([headers.headers, headers.sensitive], [{ "X-Shop": "one", "X-Till": "two" }, []]);
  await setHeaders("endpoints", "first", { headers: { "X-Only": "this" } });
  assert.deepEqual((await svix.endpoint.getHeaders("endpoints", "first")).headers, { "X-Only": "this" });
  await invalid("headers", setHeaders("endpoints", "first", { headers: { "webhook-id": "forged" } }));
  const { rawHeaders } = (await subscriber.wait("/endpoints", (await send("endpoints")).id))[0];
  assert.equal(rawHeaders[rawHeaders.indexOf("X-Only") + 1], "this");

  const example = await svix.endpoint.sendExample("endpoints", "second", { eventType: "book.added" });
  await subscriber.wait("/second", example.id);
  assert.deepEqual([subscriber.pathsOf(example.id), example.eventType], [new Set(["/second"]), "book.added"]);
  await invalid("eventType", svix.endpoint.sendExample("endpoints", "second", { eventType: "x.y" }));

  const ids = [made.id, second.id];
  for (let n = 0; n < 5; n += 1) ids.push((await svix.endpoint.create("endpoints", { url })).id);
  await forthAndBack("v1.endpoint.list", (options) => svix.endpoint.list("endpoints", options), ids);
  await svix.endpoint.delete("endpoints", "first");
  await refused(404, svix.endpoint.get("endpoints", made.id));
  await svix.application.delete("endpoints");
  await refused(404, svix.endpoint.list("endpoints"));
}

async function secrets() {
  await svix.application.create({ name: "Secrets", uid: "secrets" });
  await svix.endpoint.create("secrets", { url: subscriber.url("/secrets"), uid: "only" });
  const old = (await svix.endpoint.getSecret("secrets", "only")).key;
  await svix.endpoint.rotateSecret("secrets", "only");
  const fresh = (await svix.endpoint.getSecret("secrets", "only")).key;
  assert.notEqual(fresh, old);
  const { headers, body } = (await subscriber.wait("/secrets", (await send("secrets")).id))[0];
  for (const secret of [old, fresh]) new Webhook(secret).verify(body, headers);
  assert.throws(() => new Webhook(SECRET).verify(body, headers));
  assert.throws(() => new Webhook(fresh).verify(`${body} `, headers));

  await svix.endpoint.rotateSecret("secrets", "only", { key: SECRET, gracePeriodSeconds: 0 });
  assert.equal((await svix.endpoint.getSecret("secrets", "only")).key, SECRET);
  const later = (await subscriber.wait("/secrets", (await send("secrets")).id))[0];
  new Webhook(SECRET).verify(later.body, later.headers);
  // The first one has still the time that it was given.
  new Webhook(old).verify(later.body, later.headers);
  assert.throws(() => new Webhook(fresh).verify(later.body, later.headers));
  await invalid("key", svix.endpoint.rotateSecret("secrets", "only", { key: "x" }));
}

async function messages() {
  await svix.application.create({ name: "Messages", uid: "messages" });
  const filters = {
    all: {},
    added: { [EVENT_TYPES]: ["book.added"] },
    other: { [EVENT_TYPES]: ["book.n1"] },
    eu: { channels: ["eu"] },
  };
  for (const [uid, filter] of Object.entries(filters)) {
    await svix.endpoint.create("messages", { url: subscriber.url(`/messages/${uid}`), uid, ...filter });
  }

  const before = new Date(Date.now() - 1000);
  const payload = { title: "Über", n: [1, 2.5, null], nested: { a: {} } };
  const event = { eventType: "book.added", eventId: "event-1", payload, channels: ["eu"], tags: ["t"] };
  const first = await svix.message.create("messages", event, { withContent: true });
  assert.deepEqual([first.payload, first.eventId, first.channels], [payload, "event-1", ["eu"]]);
  assert.deepEqual(await svix.message.get("messages", first.id, { withContent: true }), first);
  assert.deepEqual((await svix.message.get("messages", first.id, { withContent: false })).payload, {});
  assert.deepEqual((await svix.message.get("messages", first.id)).payload, isOld ? payload : {});
  assert.deepEqual(await svix.message.get("messages", "event-1", { withContent: true }), first);
  for (const uid of ["all", "added", "eu"]) await subscriber.wait(`/messages/${uid}`, first.id);
  const duplicate = { eventType: "book.added", eventId: "event-1", payload: {} };
  await refused(409, svix.message.create("messages", duplicate));
  const second = await svix.message.create("messages", { eventType: "never.registered", payload: {} });
  await subscriber.wait("/messages/all", second.id);
  assert.deepEqual(subscriber.pathsOf(first.id), new Set(["/messages/all", "/messages/added", "/messages/eu"]));
  assert.deepEqual(subscriber.pathsOf(second.id), new Set(["/messages/all"]));

  const key = { idempotencyKey: "messages-1" };
  const once = { eventType: "book.added", payload: { once: true } };
  const third = await svix.message.create("messages", once, key);
  assert.deepEqual(await svix.message.create("messages", once, key), third);
  await refused(409, svix.message.create("messages", { ...once, payload: {} }, key));
  const application = { name: "New", uid: "newcomer" };
  const onTheWay = await svix.message.create("newcomer", { ...once, application });
  assert.equal((await svix.message.get("newcomer", onTheWay.id)).id, onTheWay.id);
  await refused(404, svix.message.get("messages", onTheWay.id));
  await refused(404, svix.message.create("nobody", once));
  await invalid("eventType", svix.message.create("messages", { eventType: "no no", payload: {} }));

  const listed = async (options) => (await svix.message.list("messages", options)).data.map((it) => it.id);
  const all = [third.id, second.id, first.id];
  assert.deepEqual(await listed(), all);
  assert.deepEqual(await listed({ channel: "eu" }), [first.id]);
  assert.deepEqual(await listed({ tag: "t" }), [first.id]);
  assert.deepEqual(await listed({ eventTypes: ["never.registered", "book.n1"] }), [second.id]);
  assert.deepEqual([await listed({ before }), await listed({ after: before })], [[], all]);
  const shown = await svix.message.list("messages", { withContent: true, tag: "t" });
  assert.deepEqual(shown.data[0].payload, payload);
  for (let n = 0; n < 4; n += 1) all.unshift((await send("messages")).id);
  await backAndForth("v1.message.list", (options) => svix.message.list("messages", options), all);

  await svix.message.expungeContent("messages", first.id);
  const content = async (id, withContent) => (await svix.message.get("messages", id, { withContent })).payload;
  assert.deepEqual([await content(first.id, true), await content(first.id, false)], [{ expired: true }, {}]);
  assert.deepEqual(await content(third.id, true), { once: true });
  await refused(400, svix.messageAttempt.resend("messages", first.id, "all"));
  await refused(404, svix.message.expungeContent("messages", onTheWay.id));
}

async function attempts() {
  await svix.application.create({ name: "Attempts", uid: "attempts" });
  const good = await svix.endpoint.create("attempts", { url: subscriber.url("/good"), uid: "good" });
  const bad = await svix.endpoint.create("attempts", { url: subscriber.url("/fail"), uid: "bad" });
  const message = await send("attempts");
  const byMessage = async (options) =>
    (await svix.messageAttempt.listByMsg("attempts", message.id, { withContent: false, ...options })).data;

  // The schedule of this server: at once and two more.
  const all = await eventually(byMessage, (found) => found.length === 4);
  const failed = all.filter((it) => it.endpointId === bad.id);
  assert.equal(failed.length, 3);
  for (const attempt of failed) {
    assert.deepEqual([attempt.status, attempt.statusText, attempt.responseStatusCode], [2, "fail", 500]);
    assert.deepEqual([attempt.msgId, attempt.url, attempt.triggerType], [message.id, bad.url, 0]);
  }
  assert.deepEqual(await byMessage({ status: 2 }), failed);
  assert.deepEqual(await byMessage({ endpointId: "bad" }), failed);
  assert.deepEqual(await byMessage({ statusCodeClass: 500 }), failed);
  const [delivered] = await byMessage({ status: 0 });
  assert.deepEqual([delivered.endpointId, delivered.response], [good.id, "{}"]);
  const [withContent] = await byMessage({ status: 0, withContent: true });
  assert.equal(withContent.response, '{"taken": true}');
  assert.deepEqual(await svix.messageAttempt.get("attempts", message.id, delivered.id), withContent);
  await refused(404, svix.messageAttempt.get("attempts", (await send("attempts")).id, delivered.id));
  await refused(404, svix.messageAttempt.listByMsg("attempts", `msg_${"0".repeat(27)}`));

  const destinations = async () => (await svix.messageAttempt.listAttemptedDestinations("attempts", message.id)).data;
  const ended = await eventually(destinations, haveEnded);
  assert.deepEqual(ended.map((it) => [it.id, it.statusText]), [[good.id, "success"], [bad.id, "fail"]]);
  assert.deepEqual([ended[0].nextAttempt ?? null, ended[0].url], [null, good.url]);

  await svix.messageAttempt.resend("attempts", message.id, "good");
  await subscriber.wait("/good", message.id, 2);
  const manual = await eventually(
    () => byMessage({ endpointId: "good" }),
    (found) => found.length === 2,
  );
  assert.deepEqual(manual.map((it) => it.triggerType), [1, 0]);
  await refused(404, svix.messageAttempt.resend("attempts", message.id, "nobody"));

  for (let n = 0; n < 4; n += 1) await subscriber.wait("/good", (await send("attempts")).id);
  const found = await eventually(
    async () => (await svix.messageAttempt.listByEndpoint("attempts", "good", { withMsg: true })).data,
    (found) => found.length === 7,
  );
  assert.equal(found[0].msg.id, found[0].msgId);

  const attempted = async (options) =>
    (await svix.messageAttempt.listAttemptedMessages("attempts", "bad", { withContent: false, ...options })).data;
  const sent = await eventually(attempted, haveEnded);
  assert.deepEqual([sent.length, sent[5].id, sent[5].payload], [6, message.id, {}]);
  assert.deepEqual((await attempted({ withContent: true }))[5].payload, { n: 1 });
  assert.deepEqual(await attempted({ status: 2 }), sent);
  assert.deepEqual(await attempted({ status: 0 }), []);

  const { success, fail, pending, sending } = await svix.endpoint.getStats("attempts", "good");
  assert.deepEqual([success, fail, pending, sending], [7, 0, 0, 0]);
  assert.equal((await svix.endpoint.getStats("attempts", "bad")).fail, 18);
  await svix.messageAttempt.expungeContent("attempts", message.id, delivered.id);
  assert.equal((await svix.messageAttempt.get("attempts", message.id, delivered.id)).response, "EXPUNGED");
  await refused(404, svix.messageAttempt.expungeContent("attempts", message.id, `atmpt_${"0".repeat(27)}`));
}

async function portal() {
  await svix.application.create({ name: "Portal", uid: "portal" });
  const access = (options) => svix.authentication.appPortalAccess("portal", options);
  const [first, second] = [await access({}), await access({ expiry: 3600 })];
  assert.match(first.url, /\/app-portal\/app_/);
  assert.notEqual(first.token, second.token);
  const [one, two] = [first, second].map((it) => new Svix(it.token, { serverUrl, numRetries: 0 }));
  assert.equal((await one.application.get("portal")).uid, "portal");
  if (isOld) {
    const { url, token } = await svix.authentication.dashboardAccess("portal");
    const older = new Svix(token, { serverUrl, numRetries: 0 });
    assert.deepEqual([(await older.application.get("portal")).uid, url], ["portal", first.url]);
    await refused(403, older.application.list());
  }
  await refused(403, one.application.list());
  await one.authentication.logout();
  await refused(401, one.application.get("portal"));
  assert.deepEqual((await two.endpoint.list("portal")).data, []);
  await svix.authentication.expireAll("portal", {});
  await refused(401, two.endpoint.list("portal"));
  await refused(400, svix.authentication.logout());
  await refused(404, svix.authentication.expireAll("nobody", {}));
  await invalid("expiry", access({ expiry: 0 }));

  const endpoint = await svix.endpoint.create("portal", { url: "http://127.0.0.1:9/" });
  const holding = async (options) => new Svix((await access(options)).token, { serverUrl, numRetries: 0 });
  const looking = await holding({ readOnly: true });
  assert.equal((await looking.endpoint.get("portal", endpoint.id)).url, endpoint.url);
  await refused(403, looking.endpoint.delete("portal", endpoint.id));
  await refused(403, looking.endpoint.getSecret("portal", endpoint.id));
  const managing = await holding({ capabilities: ["ViewBase", "ManageEndpoint"] });
  await managing.endpoint.patch("portal", endpoint.id, { description: "changed" });
  await refused(403, managing.endpoint.sendExample("portal", endpoint.id, { eventType: "a.b" }));
}

async function tasks() {
  await checkTasks(svix, subscriber);
}

async function operationalWebhooks() {
  await checkOperational(svix, subscriber);
}

async function ingesting() {
  await checkIngest(svix, subscriber);
}

async function listsOfWhatWasSent() {
  await checkSent(svix, subscriber);
}

async function honouredHere() {
  await checkHonoured(svix, subscriber, serverUrl);
}

async function repeatedPosts() {
  await checkRepeated(svix, subscriber, serverUrl);
}

function send(app) {
  return svix.message.create(app, { eventType: "book.added", payload: { n: 1 } });
}

function haveEnded(found) {
  return found.every((it) => it.statusText === "success" || it.statusText === "fail");
}

const checks = [
  health, access, applications, eventTypes, endpoints, secrets, messages, attempts, tasks, portal,
  operationalWebhooks, ingesting, listsOfWhatWasSent, honouredHere, repeatedPosts,
];
for (const check of checks) {
  await check();
  const name = check.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  for (const call of await calls.told()) console.log(`${name}: called ${call}`);
  console.log(`${name}: good`);
}
subscriber.stop();
