//! What goes over a connection to PostgreSQL, cut into the protocol's messages.
//!
//! <https://www.postgresql.org/docs/15/protocol-message-formats.html>: a letter, and a length that counts itself. A client's
//! first message has no letter, nor has the one byte that answers whether there is TLS.

use std::collections::HashSet;

/// What a client asks first if it would have TLS.
const ASKS_FOR_TLS: &[u8] = b"\x00\x00\x00\x08\x04\xd2\x16\x2f";

/// The messages of one direction.
pub(super) struct Messages {
    bytes: Vec<u8>,
    begins: Begins,
}

/// What comes before messages with a letter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// A client's first messages, until one is no question for TLS.
    Client,
    Nothing,
}

impl Messages {
    /// Those of a client from its first on.
    pub(super) fn of_client() -> Messages {
        Messages { bytes: Vec::new(), begins: Begins::Client }
    }

    /// Those of a server, which refuses TLS in one byte if it is asked for it.
    pub(super) fn of_server() -> Messages {
        Messages { bytes: Vec::new(), begins: Begins::Nothing }
    }

    /// Takes what was read, and gives the messages that are whole now.
    pub(super) fn take(&mut self, read: &[u8]) -> Vec<Vec<u8>> {
        self.bytes.extend_from_slice(read);
        let mut whole = Vec::new();
        while let Some(length) = self.next_length() {
            let rest = self.bytes.split_off(length);
            let message = std::mem::replace(&mut self.bytes, rest);
            if self.begins == Begins::Client && message != ASKS_FOR_TLS {
                self.begins = Begins::Nothing;
            }
            whole.push(message);
        }
        whole
    }

    fn next_length(&self) -> Option<usize> {
        if self.begins == Begins::Nothing && self.bytes.first() == Some(&b'N') && self.bytes.len() == 1 {
            // That there is no TLS. A notice begins alike, and comes with its length at once.
            return Some(1);
        }
        let letter = usize::from(self.begins == Begins::Nothing);
        let length = self.bytes.get(letter..letter + 4)?.try_into().expect("it is four bytes long");
        let whole = letter + usize::try_from(u32::from_be_bytes(length)).expect("it fits");
        (self.bytes.len() >= whole).then_some(whole)
    }
}

/// Whether this is the simple query that begins a batch; those of reads say more.
pub(super) fn is_begin(message: &[u8]) -> bool {
    message == b"Q\x00\x00\x00\x0aBEGIN\x00"
}

/// Whether this is the simple query that commits one.
pub(super) fn is_commit(message: &[u8]) -> bool {
    message == b"Q\x00\x00\x00\x0bCOMMIT\x00"
}

/// Whether this says that a batch is committed.
pub(super) fn is_committed(message: &[u8]) -> bool {
    message == b"C\x00\x00\x00\x0bCOMMIT\x00"
}

/// Whether this says that the server is done, and that no transaction is open.
pub(super) fn is_idle(message: &[u8]) -> bool {
    message == b"Z\x00\x00\x00\x05I"
}

/// Whether this asks the server to do what was sent: outside of a transaction, to commit it.
pub(super) fn is_sync(message: &[u8]) -> bool {
    message == b"S\x00\x00\x00\x04"
}

/// What a connection's client has sent so far, as far as it tells which statement is a transaction of its own.
#[derive(Default)]
pub(super) struct Sent {
    /// The names of the prepared statements that write.
    writing: HashSet<Vec<u8>>,
    is_in_transaction: bool,
}

impl Sent {
    /// Notes a message of the client; whether it runs a statement that writes in a transaction of its own.
    pub(super) fn note(&mut self, message: &[u8]) -> bool {
        let Some((kind, rest)) = message.split_first() else { return false };
        let rest = rest.get(4..).unwrap_or_default();
        match kind {
            b'Q' if rest.starts_with(b"BEGIN") => self.is_in_transaction = true,
            b'Q' if rest.starts_with(b"COMMIT") || rest.starts_with(b"ROLLBACK") => {
                self.is_in_transaction = false
            }
            b'P' if contains(rest, b"INSERT INTO") => {
                self.writing.insert(until_zero(rest).to_vec());
            }
            b'B' if !self.is_in_transaction => {
                let portal = until_zero(rest);
                return self.writing.contains(until_zero(rest.get(portal.len() + 1..).unwrap_or_default()));
            }
            _ => {}
        }
        false
    }
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Whether some bytes are in it.
pub(super) fn contains(message: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || message.windows(wanted.len()).any(|window| window == wanted)
}
