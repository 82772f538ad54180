"""What the checks of the Python SDK expect: refusals, states that come about, lists."""

import time

from svix.api import Ordering
from svix.api.errors.http_error import HttpError
from svix.api.errors.http_validation_error import HTTPValidationError

DEADLINE = 30.0


def refused(status, call):
    """The call fails with the SDK's own exception of this status."""
    try:
        call()
    except HttpError as error:
        assert error.status_code == status and error.code and error.detail, (error.status_code, error)
        return
    raise AssertionError(f"expected {status}")


def invalid(field, call):
    """The call fails with the SDK's exception for a value that cannot be used, which names the field."""
    try:
        call()
    except HTTPValidationError as error:
        assert any(field in item.loc for item in error.detail), error
        return
    raise AssertionError(f"expected 422 for {field}")


def eventually(read, holds):
    """What is read, once this holds for it: what is recorded after a webhook came announces itself to nobody."""
    end = time.monotonic() + DEADLINE
    while not holds(found := read()):
        assert time.monotonic() < end, found
        # Paces: the looks at what nothing announces.
        time.sleep(0.02)
    return found


def forth_and_back(operation, page, expected, name_of=lambda item: item.id, newest_first=False):
    """A list gives each item once, walked to its end and back: as it comes, and in either order that can be asked for."""
    order, other = (Ordering.DESCENDING, Ordering.ASCENDING) if newest_first else (Ordering.ASCENDING, Ordering.DESCENDING)
    for asked, wanted in ((None, expected), (order, expected), (other, expected[::-1])):
        walk(lambda iterator: page(iterator, asked), wanted, name_of)
    print(f"{operation}: walked in both orders")


def back_and_forth(operation, page, expected, name_of=lambda item: item.id):
    """The same for a list whose order cannot be asked for."""
    walk(page, expected, name_of)
    print(f"{operation}: walked")


def walk(page, expected, name_of):
    def names(answer):
        return [name_of(item) for item in answer.data]

    pages = [page(None)]
    while not pages[-1].done:
        pages.append(page(pages[-1].iterator))
    assert sum(map(names, pages), []) == expected and len(pages) > 2, (pages, expected)
    assert page(pages[-1].iterator).data == []
    current = pages[-1]
    for before, after in reversed(list(zip(pages, pages[1:]))):
        current = page(current.prev_iterator)
        assert names(current) == names(before), (current, before)
        assert current.done == (before is pages[0]), current
        # Whoever has turned back can turn round again.
        assert names(page(current.iterator)) == names(after), (current, after)
    assert page(current.prev_iterator).data == []
