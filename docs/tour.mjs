import { Svix } from "svix";

const serverUrl = process.env.HOOKWRIGHT_URL ?? "http://127.0.0.1:8071";
const token = process.env.HOOKWRIGHT_TOKEN ?? "dev_token_not_for_production";
const svix = new Svix(token, { serverUrl });
// svix 2 says "upsert" and "eventTypes" where svix 1 says "update" and "filterTypes".
const upsert = (things, ...values) => (things.upsert ?? things.update).apply(things, values);

const app = await svix.application.getOrCreate({ name: "Acme Books", uid: "acme" });
await upsert(svix.eventType, "invoice.paid", { description: "An invoice was paid" });
const url = process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/";
const eventTypes = ["invoice.paid"];
await upsert(svix.endpoint, app.id, "acme-main", { url, eventTypes, filterTypes: eventTypes });

const message = await svix.message.create(app.id, { eventType: "invoice.paid", payload: { invoice: 42 } });
let attempts = [];
while (attempts.length === 0) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  attempts = (await svix.messageAttempt.listByMsg(app.id, message.id)).data;
}
for (const attempt of attempts) {
  console.log(message.id, attempt.url, attempt.statusText, attempt.responseStatusCode);
}
