"""What a check has called with success, as the server counts it."""

import re
import urllib.request

ANSWERED = re.compile(r'^hookwright_http_requests_total\{(.*class="2xx".*)\} (\d+)$', re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')


class Calls:
    """Tells what was called since it told last."""

    def __init__(self, url, token):
        self._request = urllib.request.Request(f"{url}/metrics", headers={"Authorization": f"Bearer {token}"})
        self._before = self._counted()

    def told(self):
        """Each operation, as its method and path."""
        before, self._before = self._before, self._counted()
        return sorted(call for call, count in self._before.items() if count > before.get(call, 0))

    def _counted(self):
        with urllib.request.urlopen(self._request) as answer:
            text = answer.read().decode()
        counted = {}
        for labels, count in ANSWERED.findall(text):
            labels = dict(LABEL.findall(labels))
            counted[f"{labels['method']} {labels['route']}"] = int(count)
        return counted
