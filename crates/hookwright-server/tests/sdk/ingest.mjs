// Sources of inbound webhooks with the JavaScript SDK: what comes at a source's URL is in its log, and is forwarded.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { Webhook } from "svix";

import { forthAndBack, refused } from "./expectations.mjs";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PROVIDERS = "It's a Secret to Everybody";

const github = (more = {}) => ({ name: "GitHub", type: "github", config: { secret: PROVIDERS }, ...more });

/** What GitHub would send. */
async function deliver(url, body) {
  const signature = `sha256=${createHmac("sha256", PROVIDERS).update(body).digest("hex")}`;
  const headers = { "x-hub-signature-256": signature, "x-github-event": "push", "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", body, headers });
  assert.deepEqual([answer.status, await answer.text()], [200, "Message received okay."]);
}

/** Each operation once, and a webhook on its way through. */
export async function checkIngest(svix, subscriber) {
  const sources = svix.ingest.source;
  const own = svix.ingest.endpoint;
  // What the two versions call by different names.
  const isOld = own.upsert === undefined;
  const upsert = (on, ...values) => (isOld ? on.update(...values) : on.upsert(...values));
  const setHeaders = (...values) => (isOld ? own.updateHeaders(...values) : own.setHeaders(...values));

  const made = await sources.create(github({ uid: "code" }));
  assert.match(made.id, /^src_/);
  assert.deepEqual([made.uid, made.type], ["code", "github"]);
  assert.deepEqual(await sources.get("code"), made);
  await refused(409, sources.create(github({ uid: "code" })));
  const renamed = await upsert(sources, "code", github({ name: "Renamed" }));
  assert.deepEqual([renamed.id, renamed.name, renamed.ingestUrl], [made.id, "Renamed", made.ingestUrl]);

  const rate = isOld ? { rateLimit: 9 } : { throttleRate: 9 };
  const endpoint = await own.create("code", { url: subscriber.url("/code"), uid: "main", secret: SECRET, ...rate });
  assert.equal(isOld ? endpoint.rateLimit : endpoint.throttleRate, 9);
  assert.match(endpoint.id, /^ep_/);
  assert.deepEqual(await own.get("code", "main"), endpoint);
  assert.equal((await upsert(own, "code", "main", { url: subscriber.url("/code") })).id, endpoint.id);
  await own.rotateSecret("code", "main", {});
  const fresh = (await own.getSecret("code", "main")).key;
  assert.notEqual(fresh, SECRET);
  await setHeaders("code", "main", { headers: { "X-Team": "ops", Authorization: "x" } });
  const shown = await own.getHeaders("code", "main");
  assert.deepEqual([shown.headers, shown.sensitive], [{ "X-Team": "ops" }, ["Authorization"]]);

  await deliver(made.ingestUrl, '{"zen": "Speak like a human."}');
  const [{ headers, body }] = await subscriber.wait("/code");
  for (const secret of [SECRET, fresh]) new Webhook(secret).verify(body, headers);
  assert.deepEqual([headers["x-team"], headers.authorization], ["ops", "x"]);
  await own.rotateSecret("code", "main", { key: SECRET, gracePeriodSeconds: 0 });
  assert.equal((await own.getSecret("code", "main")).key, SECRET);
  assert.equal(body.toString(), '{"zen": "Speak like a human."}');
  const { ingestUrl } = await sources.rotateToken("code");
  assert.notEqual(ingestUrl, made.ingestUrl);
  await deliver(ingestUrl, "{}");

  // A kind of ours is read as one that the SDK knows.
  const ours = { header: "x-shop-token", token: "abcdefghijklmnop" };
  const answer = await fetch(`${process.env.HOOKWRIGHT_URL}/ingest/api/v1/source`, {
    method: "POST",
    headers: { authorization: `Bearer ${process.env.HOOKWRIGHT_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "Shop", type: "token", config: ours }),
  });
  assert.equal(answer.status, 201);
  const ids = [made.id, (await answer.json()).id];
  assert.equal((await sources.get(ids[1])).type, "generic-webhook");
  for (let n = 0; n < 5; n += 1) {
    ids.push((await sources.create(github())).id);
  }
  await forthAndBack("v1.ingest.source.list", (options) => sources.list(options), ids);
  const ends = [endpoint.id];
  for (let n = 0; n < 6; n += 1) {
    ends.push((await own.create("code", { url: subscriber.url("/"), disabled: true })).id);
  }
  await forthAndBack("v1.ingest.endpoint.list", (options) => own.list("code", options), ends);
  await own.delete("code", "main");
  await refused(404, own.get("code", "main"));
  for (const id of ids) {
    await sources.delete(id);
    await refused(404, sources.get(id));
  }
}
