// What the checks of the JavaScript SDK expect: refusals, states that come about, lists.

import assert from "node:assert/strict";
import { ApiException } from "svix";

const DEADLINE_MS = 30_000;

/** The call fails with the SDK's own exception of this status. */
export async function refused(status, call) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ApiException, error);
    assert.equal(error.code, status);
    assert.ok(error.body.code && error.body.detail, error.body);
    return true;
  });
}

/** The call fails with the SDK's exception for a value that cannot be used, which names the field. */
export async function invalid(field, call) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ApiException, error);
    assert.equal(error.code, 422);
    assert.ok(error.body.detail.some((item) => item.loc.includes(field)), JSON.stringify(error.body));
    return true;
  });
}

/** What is read, once this holds for it: what is recorded after a webhook came announces itself to nobody. */
export async function eventually(read, holds) {
  for (const end = Date.now() + DEADLINE_MS; ; ) {
    const found = await read();
    if (holds(found)) return found;
    assert.ok(Date.now() < end, JSON.stringify(found));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A list in either order gives each item once, walked to its end and back. */
export async function forthAndBack(list, expected, nameOf) {
  await backAndForth(list, expected, nameOf);
  const descending = (options) => list({ ...options, order: "descending" });
  await backAndForth(descending, expected.toReversed(), nameOf);
}

export async function backAndForth(list, expected, nameOf = (item) => item.id) {
  const page = (iterator) => list({ limit: 3, iterator });
  const names = (answer) => answer.data.map(nameOf);
  const forth = [];
  let answer = { done: false };
  while (!answer.done) {
    answer = await page(answer.iterator);
    forth.push(names(answer));
  }
  assert.deepEqual(forth.flat(), expected);
  assert.ok(forth.length > 2);
  const back = [forth.at(-1)];
  while (back.length < forth.length) {
    answer = await page(answer.prevIterator);
    back.unshift(names(answer));
  }
  assert.deepEqual(back, forth);
  assert.deepEqual((await page(answer.prevIterator)).data, []);
}
