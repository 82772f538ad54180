// Operational webhooks with the JavaScript SDK: an endpoint of one's own is told what becomes of the others.

import assert from "node:assert/strict";
import { Webhook } from "svix";

import { forthAndBack, invalid, refused } from "./expectations.mjs";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/** Each operation once, and a webhook that tells of a disabled endpoint. */
export async function checkOperational(svix, subscriber) {
  const own = svix.operationalWebhook.endpoint;
  // What the two versions call by different names.
  const isOld = own.upsert === undefined;
  const types = isOld ? "filterTypes" : "eventTypes";
  const upsert = (...values) => (isOld ? own.update(...values) : own.upsert(...values));
  const setHeaders = (...values) => (isOld ? own.updateHeaders(...values) : own.setHeaders(...values));

  const made = await own.create({
    url: subscriber.url("/ops"), uid: "ops", description: "On call", throttleRate: 9, secret: SECRET,
    [types]: ["endpoint.created"], metadata: { team: "ops" },
  });
  assert.match(made.id, /^ep_/);
  assert.deepEqual([made.uid, made.throttleRate, made[types]], ["ops", 9, ["endpoint.created"]]);
  assert.deepEqual(await own.get("ops"), made);
  await refused(409, own.create({ url: subscriber.url("/"), uid: "ops" }));
  await invalid(types, own.create({ url: subscriber.url("/"), [types]: ["no spaces"] }));
  await invalid("eventTypes", own.create({ url: subscriber.url("/"), [types]: ["endpoint.burned"] }));

  const replaced = await upsert("ops", { url: subscriber.url("/ops"), [types]: ["endpoint.disabled"] });
  assert.deepEqual([replaced.id, replaced.uid, replaced.description], [made.id, "ops", ""]);
  assert.equal((await own.getSecret("ops")).key, SECRET);
  await own.rotateSecret("ops", {});
  const rotated = (await own.getSecret("ops")).key;
  assert.notEqual(rotated, SECRET);
  await setHeaders("ops", { headers: { "X-Team": "ops", Authorization: "x" } });
  const shown = await own.getHeaders("ops");
  assert.deepEqual([shown.headers, shown.sensitive], [{ "X-Team": "ops" }, ["Authorization"]]);

  await svix.application.create({ name: "Told", uid: "told" });
  const endpoint = await svix.endpoint.create("told", { url: subscriber.url("/told") });
  await svix.endpoint.patch("told", endpoint.id, { disabled: true });
  const [{ headers, body }] = await subscriber.wait("/ops");
  for (const secret of [SECRET, rotated]) new Webhook(secret).verify(body, headers);
  assert.deepEqual([headers["x-team"], headers.authorization], ["ops", "x"]);
  await own.rotateSecret("ops", { key: SECRET, gracePeriodSeconds: 0 });
  assert.equal((await own.getSecret("ops")).key, SECRET);
  const event = JSON.parse(body);
  assert.deepEqual([event.type, event.data.owner], ["endpoint.disabled", "told"]);
  assert.deepEqual([event.data.endpointId, event.data.trigger], [endpoint.id, "manual"]);

  const ids = [made.id];
  for (let n = 0; n < 6; n += 1) {
    ids.push((await own.create({ url: subscriber.url("/"), disabled: true })).id);
  }
  await forthAndBack("v1.operational-webhook.endpoint.list", (options) => own.list(options), ids);
  for (const id of ids) {
    await own.delete(id);
    await refused(404, own.get(id));
  }
}
