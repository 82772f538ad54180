// Keeps the list up to date and counts times on; without it the page shows what was there when it was loaded.
const MESSAGES_MAX = 50;
const list = document.getElementById("messages");
const live = document.getElementById("live");
const news = document.getElementById("news");

// A one-time link is used only when somebody really looks at it, not when a browser loads ahead.
const atOnce = document.querySelector("form[data-at-once]");
if (atOnce) {
  const send = () => atOnce.requestSubmit();
  if (document.prerendering) document.addEventListener("prerenderingchange", send, { once: true });
  else send();
}

if (list) {
  // The server's clock counts: the reader's may be wrong.
  const behind = Date.now() - Date.parse(list.dataset.now);

  const coarse = (seconds) =>
    seconds < 60 ? `${seconds} s`
    : seconds < 3600 ? `${Math.floor(seconds / 60)} min`
    : seconds < 172800 ? `${Math.floor(seconds / 3600)} h`
    : `${Math.floor(seconds / 86400)} days`;

  const tellTime = (time) => {
    const at = Date.parse(time.dateTime);
    const ahead = (at - (Date.now() - behind)) / 1000;
    const words = ahead >= 1 ? `in ${coarse(Math.floor(ahead))}`
      : "due" in time.dataset ? "now"
      : ahead > -1 ? "just now"
      : `${coarse(Math.floor(-ahead))} ago`;
    if (time.textContent !== words) time.textContent = words;
    const local = new Date(at).toLocaleString();
    if (time.title !== local) time.title = local;
  };
  const tellTimes = () => list.querySelectorAll("time").forEach(tellTime);

  let unsaid = 0;
  const say = () => {
    if (unsaid) news.textContent = unsaid === 1 ? "One new message" : `${unsaid} new messages`;
    unsaid = 0;
  };

  const show = (html, whole) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    const rows = [...template.content.children];
    if (whole) {
      const kept = new Set(rows.map((row) => row.id));
      [...list.children].filter((row) => !kept.has(row.id)).forEach((row) => row.remove());
    }
    for (const row of rows) {
      const old = document.getElementById(row.id);
      if (old) {
        if (old.dataset.v !== row.dataset.v) old.replaceWith(row);
        continue;
      }
      // Ids rise with time, and the newest stands first.
      const older = [...list.children].find((other) => other.id < row.id);
      list.insertBefore(row, older ?? null);
      row.classList.add("new");
      unsaid += 1;
    }
    while (list.children.length > MESSAGES_MAX) list.lastElementChild.remove();
    if (!list.children.length) list.textContent = "";
    tellTimes();
  };

  const status = (words, on) => {
    live.hidden = false;
    live.classList.toggle("on", on);
    if (live.textContent !== words) live.textContent = words;
  };

  let source;
  let waiting;
  const close = () => {
    clearTimeout(waiting);
    source?.close();
  };
  const open = () => {
    close();
    source = new EventSource("/live");
    source.addEventListener("list", (event) => show(event.data, true));
    source.addEventListener("rows", (event) => show(event.data, false));
    source.onopen = () => status("Live", true);
    source.onerror = () => {
      status("Reconnecting…", false);
      if (source.readyState === EventSource.CLOSED) waiting = setTimeout(again, 5000);
    };
  };
  // The server refused: either nobody is signed in any more, or it has too many onlookers for now.
  const again = async () => {
    const page = await fetch("/", { method: "HEAD", redirect: "manual" }).catch(() => undefined);
    if (page?.type === "opaqueredirect") location.reload();
    else open();
  };
  // A browser has six connections to a server over HTTP/1.1: pages that nobody sees must not hold them.
  const follow = () => (document.hidden ? close() : open());

  document.addEventListener("visibilitychange", follow);
  addEventListener("pageshow", (event) => event.persisted && follow());
  setInterval(tellTimes, 5000);
  setInterval(say, 3000);
  tellTimes();
  follow();
}
