//! Reads a stream of server-sent events as it comes (WHATWG HTML, section 9.2).

use hookwright_testkit::DEADLINE;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An open stream.
pub(crate) struct Events {
    lines: BufReader<TcpStream>,
    /// The answer's status code.
    pub(crate) status: u16,
}

/// One event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: String,
}

impl Events {
    /// Asks for the stream of the server at `base`.
    pub(crate) async fn open(base: &str, cookie: &str) -> Events {
        let address = base.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET /live HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut events = Events { lines: BufReader::new(stream), status: 0 };
        let status = events.line().await.unwrap();
        events.status = status.split(' ').nth(1).unwrap().parse().unwrap();
        events
    }

    /// The next event; `None` once the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        // Heartbeats come in any case, so it is the event that is bounded, not the silence.
        timeout(DEADLINE, self.event()).await.expect("no event came")
    }

    async fn event(&mut self) -> Option<Event> {
        let mut name = None;
        let mut data = Vec::new();
        loop {
            let line = self.line().await?;
            if let Some(text) = line.strip_prefix("event: ") {
                name = Some(text.to_owned());
            } else if let Some(text) = line.strip_prefix("data: ") {
                data.push(text.to_owned());
            } else if line.is_empty()
                && let Some(name) = name.take()
            {
                return Some(Event { name, data: data.join("\n") });
            }
        }
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).await.unwrap_or(0);
        (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
