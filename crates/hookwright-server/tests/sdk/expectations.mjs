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

/** A list gives each item once, walked to its end and back: as it comes, and in either order that can be asked for. */
export async function forthAndBack(operation, list, expected, { nameOf = (item) => item.id, newestFirst = false } = {}) {
  const orders = newestFirst ? ["descending", "ascending"] : ["ascending", "descending"];
  await walk(list, expected, nameOf);
  await walk((options) => list({ ...options, order: orders[0] }), expected, nameOf);
  await walk((options) => list({ ...options, order: orders[1] }), expected.toReversed(), nameOf);
  console.log(`${operation}: walked in both orders`);
}

/** The same for a list whose order cannot be asked for. */
export async function backAndForth(operation, list, expected, nameOf = (item) => item.id) {
  await walk(list, expected, nameOf);
  console.log(`${operation}: walked`);
}

async function walk(list, expected, nameOf) {
  const page = (iterator) => list({ limit: 3, iterator });
  const names = (answer) => answer.data.map(nameOf);
  const pages = [await page()];
  while (!pages.at(-1).done) pages.push(await page(pages.at(-1).iterator));
  assert.deepEqual(pages.flatMap(names), expected);
  assert.ok(pages.length > 2);
  assert.deepEqual((await page(pages.at(-1).iterator)).data, []);
  let current = pages.at(-1);
  for (let before = pages.length - 2; before >= 0; before -= 1) {
    current = await page(current.prevIterator);
    assert.deepEqual([names(current), current.done], [names(pages[before]), before === 0]);
    // Whoever has turned back can turn round again.
    assert.deepEqual(names(await page(current.iterator)), names(pages[before + 1]));
  }
  assert.deepEqual((await page(current.prevIterator)).data, []);
}
