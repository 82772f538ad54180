// What a check has called with success, as the server counts it.

const ANSWERED = /^hookwright_http_requests_total\{(.*class="2xx".*)\} (\d+)$/gm;
const label = (labels, name) => labels.match(`${name}="([^"]*)"`)[1];

/** Tells what was called since it told last. */
export class Calls {
  #before;

  static async start(url, token) {
    const calls = new Calls();
    calls.counted = async () => {
      const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
      const lines = (await answer.text()).matchAll(ANSWERED);
      const counted = ([, labels, count]) => [`${label(labels, "method")} ${label(labels, "route")}`, Number(count)];
      return new Map([...lines].map(counted));
    };
    calls.#before = await calls.counted();
    return calls;
  }

  /** Each operation, as its method and path. */
  async told() {
    const [before, now] = [this.#before, await this.counted()];
    this.#before = now;
    return [...now].filter(([call, count]) => count > (before.get(call) ?? 0)).map(([call]) => call);
  }
}
