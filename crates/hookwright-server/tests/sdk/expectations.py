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


def forth_and_back(page, expected, name_of=lambda item: item.id):
    """A list in either order gives each item once, walked to its end and back."""
    back_and_forth(lambda iterator: page(iterator, None), expected, name_of)
    back_and_forth(lambda iterator: page(iterator, Ordering.DESCENDING), expected[::-1], name_of)


def back_and_forth(page, expected, name_of=lambda item: item.id):
    pages = [page(None)]
    while not pages[-1].done:
        pages.append(page(pages[-1].iterator))
    names = [[name_of(item) for item in it.data] for it in pages]
    assert sum(names, []) == expected and len(pages) > 2, (names, expected)
    back, current = [names[-1]], pages[-1]
    while len(back) < len(pages):
        current = page(current.prev_iterator)
        back.insert(0, [name_of(item) for item in current.data])
    assert back == names, (back, names)
    assert page(current.prev_iterator).data == []
