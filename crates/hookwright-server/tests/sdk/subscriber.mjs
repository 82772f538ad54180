// A subscriber on loopback that keeps what it gets.

import { createServer } from "node:http";
import { once } from "node:events";

const DEADLINE_MS = 30_000;

/** Answers 200, and under /fail 500. Keeps each webhook as its path, headers and body. */
export class Subscriber {
  received = [];
  #waiting = new Set();

  static async start() {
    const subscriber = new Subscriber();
    subscriber.server = createServer(async (request, response) => {
      const chunks = await request.toArray();
      response.statusCode = request.url.startsWith("/fail") ? 500 : 200;
      response.end('{"taken": true}');
      const { url: path, headers, rawHeaders } = request;
      subscriber.received.push({ path, headers, rawHeaders, body: Buffer.concat(chunks).toString() });
      for (const check of [...subscriber.#waiting]) check();
    });
    subscriber.server.listen(0, "127.0.0.1");
    await once(subscriber.server, "listening");
    return subscriber;
  }

  url(path) {
    return `http://127.0.0.1:${this.server.address().port}${path}`;
  }

  /** The webhooks with which a message, or any, came to a path, once they are so many. */
  wait(path, messageId, count = 1) {
    const isIt = (webhook) => messageId === undefined || webhook.headers["webhook-id"] === messageId;
    const found = () => this.received.filter((webhook) => webhook.path === path && isIt(webhook));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`${messageId} did not come ${count} times to ${path}, but ${found().length}`));
      }, DEADLINE_MS);
      const check = () => {
        if (found().length < count) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(found());
      };
      this.#waiting.add(check);
      check();
    });
  }

  pathsOf(messageId) {
    const mine = this.received.filter((webhook) => webhook.headers["webhook-id"] === messageId);
    return new Set(mine.map((webhook) => webhook.path));
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }
}
