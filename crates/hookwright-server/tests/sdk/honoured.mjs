// What the JavaScript SDK sends and the open-source server ignores: which applications, which example, whose event types; and raw
// payloads.

import assert from "node:assert/strict";
import { Svix, messageInRaw } from "svix";

import { invalid, refused } from "./expectations.mjs";

/** Each of them, and what would be seen if it were ignored. */
export async function checkHonoured(svix, subscriber, serverUrl) {
  await whichApplications(svix, subscriber);
  await whichExample(svix, subscriber);
  await whoseEventTypes(svix, serverUrl);
  await asItIs(svix, subscriber);
}

async function whichApplications(svix, subscriber) {
  const [off, play, on] = [
    { url: subscriber.url("/"), disabled: true },
    { url: "https://play.svix.com/in/e_x/" },
    { url: subscriber.url("/") },
  ];
  const endpoints = { none: [], disabled: [off], play: [play], plain: [on], mixed: [off, play, on] };
  const names = new Map();
  for (const [name, each] of Object.entries(endpoints)) {
    const { id } = await svix.application.create({ name });
    names.set(id, name);
    for (const endpoint of each) await svix.endpoint.create(id, endpoint);
  }
  const listed = async (...filters) => {
    const found = await svix.application.list({ limit: 250, ...Object.fromEntries(filters) });
    assert.ok(found.done);
    return found.data.map((it) => names.get(it.id)).filter((name) => name !== undefined);
  };
  const without = ["excludeAppsWithNoEndpoints", "excludeAppsWithDisabledEndpoints", "excludeAppsWithSvixPlayEndpoints"];
  const [noEndpoints, disabled, atPlay] = without.map((name) => [name, true]);
  assert.deepEqual(await listed(), ["none", "disabled", "play", "plain", "mixed"]);
  assert.deepEqual(await listed(noEndpoints), ["disabled", "play", "plain", "mixed"]);
  assert.deepEqual(await listed(disabled), ["none", "play", "plain", "mixed"]);
  assert.deepEqual(await listed(atPlay), ["none", "disabled", "plain", "mixed"]);
  assert.deepEqual(await listed(noEndpoints, disabled, atPlay), ["plain", "mixed"]);
  assert.deepEqual(await listed(...without.map((name) => [name, false])), [...names.values()]);
  for (const id of names.keys()) await svix.application.delete(id);
}

async function whichExample(svix, subscriber) {
  const schemas = { 1: { examples: [{ n: "older" }] }, 2: { examples: [{ n: 0 }, { n: 1 }, { n: 2 }] } };
  await svix.eventType.create({ name: "example.of", description: "", schemas });
  await svix.application.create({ name: "Examples", uid: "examples" });
  await svix.endpoint.create("examples", { url: subscriber.url("/examples"), uid: "tried" });
  const send = (options) => svix.endpoint.sendExample("examples", "tried", { eventType: "example.of", ...options });
  for (const [options, n] of [[{}, 0], [{ exampleIndex: 2 }, 2], [{ exampleIndex: 1 }, 1], [{ exampleIndex: 0 }, 0]]) {
    const [{ body }] = await subscriber.wait("/examples", (await send(options)).id);
    assert.deepEqual(JSON.parse(body), { n });
  }
  await invalid("exampleIndex", send({ exampleIndex: 3 }));
  await svix.application.delete("examples");
  await svix.eventType.delete("example.of");
}

async function whoseEventTypes(svix, serverUrl) {
  // What the two versions call by different names.
  const upsert = (...values) => (svix.eventType.upsert ?? svix.eventType.update).call(svix.eventType, ...values);
  for (const [name, featureFlags] of [["flag.open"], ["flag.beta", ["beta"]], ["flag.both", ["gold", "beta"]]]) {
    const made = await svix.eventType.create({ name, description: "", featureFlags });
    assert.deepEqual(made.featureFlags ?? undefined, featureFlags);
    assert.deepEqual(await svix.eventType.get(name), made);
  }
  await svix.application.create({ name: "Flags", uid: "flags" });
  const holding = async (...featureFlags) => {
    const { token } = await svix.authentication.appPortalAccess("flags", { featureFlags });
    return new Svix(token, { serverUrl, numRetries: 0 });
  };
  const filter = svix.endpoint.upsert === undefined ? "filterTypes" : "eventTypes";
  const sees = async (portal) => {
    const names = (await portal.eventType.list({ limit: 250 })).data.map((it) => it.name);
    for (const name of ["flag.open", "flag.beta", "flag.both"]) {
      const filtering = { url: "http://127.0.0.1:9/", [filter]: [name] };
      if (names.includes(name)) {
        assert.equal((await portal.eventType.get(name)).name, name);
        await portal.endpoint.delete("flags", (await portal.endpoint.create("flags", filtering)).id);
      } else {
        await refused(404, portal.eventType.get(name));
        await invalid("eventTypes", portal.endpoint.create("flags", filtering));
      }
    }
    return names.filter((name) => name.startsWith("flag."));
  };
  assert.deepEqual(await sees(svix), ["flag.beta", "flag.both", "flag.open"]);
  assert.deepEqual(await sees(await holding("beta")), ["flag.beta", "flag.both", "flag.open"]);
  assert.deepEqual(await sees(await holding("gold", "other")), ["flag.both", "flag.open"]);
  const none = await holding();
  assert.deepEqual(await sees(none), ["flag.open"]);

  // Who may see it is changed for tokens that are there already; what is left out stays.
  const patched = await svix.eventType.patch("flag.open", { featureFlags: ["late"] });
  assert.deepEqual([patched.featureFlags, await sees(none)], [["late"], []]);
  assert.deepEqual((await svix.eventType.patch("flag.open", { description: "x" })).featureFlags, ["late"]);
  assert.deepEqual((await upsert("flag.beta", { description: "", featureFlags: ["late"] })).featureFlags, ["late"]);
  assert.deepEqual(await sees(await holding("late")), ["flag.beta", "flag.open"]);
  assert.equal((await upsert("flag.open", { description: "" })).featureFlags ?? null, null);
  assert.deepEqual(await sees(none), ["flag.open"]);

  const webhook = { post: { summary: "", "x-feature-flags": ["beta"] } };
  const spec = { openapi: "3.1.0", info: { title: "Flags", version: "1" }, webhooks: { "flag.open": webhook } };
  const tried = (await svix.eventType.importOpenapi({ spec, dryRun: true })).data.toModify;
  assert.deepEqual(tried.map((it) => [it.name, it.featureFlags]), [["flag.open", ["beta"]]]);
  assert.deepEqual(await sees(none), ["flag.open"]);
  await svix.eventType.importOpenapi({ spec });
  assert.deepEqual(await sees(none), []);
  assert.deepEqual(await sees(await holding("beta")), ["flag.both", "flag.open"]);

  await theOlderName(svix, holding);
  for (const name of ["flag.open", "flag.beta", "flag.both"]) await svix.eventType.delete(name);
  await svix.application.delete("flags");
}

/** `featureFlag`, for one, which the older version still has. Nothing of it is sent by the newer one. */
async function theOlderName(svix, holding) {
  if (svix.endpoint.upsert !== undefined) return;
  const made = await svix.eventType.create({ name: "flag.older", description: "", featureFlag: "beta" });
  assert.deepEqual([made.featureFlag, made.featureFlags], ["beta", ["beta"]]);
  await refused(404, (await holding()).eventType.get("flag.older"));
  assert.deepEqual((await (await holding("beta")).eventType.get("flag.older")).featureFlag, "beta");
  const patched = await svix.eventType.patch("flag.older", { featureFlag: "gold" });
  assert.deepEqual(patched.featureFlags, ["gold"]);
  await refused(404, (await holding("beta")).eventType.get("flag.older"));
  await svix.eventType.delete("flag.older");
}

async function asItIs(svix, subscriber) {
  await svix.application.create({ name: "Raw", uid: "raw" });
  await svix.endpoint.create("raw", { url: subscriber.url("/raw") });
  const text = ' {"b" : 1.50,\n"a":"\\u00fc" }';
  for (const contentType of [undefined, "application/json"]) {
    const sent = await svix.message.create("raw", messageInRaw("book.added", text, contentType));
    const [{ headers, body }] = await subscriber.wait("/raw", sent.id);
    assert.deepEqual([body, headers["content-type"]], [text, "application/json"]);
  }
  await invalid("transformationsParams", svix.message.create("raw", messageInRaw("book.added", "<a/>", "text/xml")));
  await svix.application.delete("raw");
}
