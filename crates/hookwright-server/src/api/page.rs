//! Pages of lists: how they are asked for, and how they are answered.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookwright::domain::ids::{ApplicationId, AttemptId, EndpointId, MessageId, TaskId, TokenId};
use hookwright::domain::names::EventTypeName;
use hookwright::domain::page::{self, LIMIT_DEFAULT, LIMIT_MAX, Order, Page, PageRequest, Searched};
use hookwright::domain::short_ids::{InboundId, SourceId};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::api::error::ApiError;
use crate::api::query::{Query, refused};

/// Which page of a list is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// How many items a page holds.
    #[param(minimum = 1, maximum = 250, default = 50)]
    limit: Option<u16>,
    /// The iterator of an earlier answer, to go on (`iterator`) or back (`prevIterator`).
    iterator: Option<String>,
    /// The order of the list.
    #[param(inline)]
    order: Option<Ordering>,
    /// Which list it is of.
    #[param(ignore)]
    list: List,
}

/// Tells lists apart: the beginning of their path's hash.
type List = [u8; 4];

/// The order of a list.
#[derive(Clone, Copy, ToSchema)]
#[schema(rename_all = "lowercase")]
enum Ordering {
    Ascending,
    Descending,
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListResponse<T> {
    /// The items.
    pub(crate) data: Vec<T>,
    /// Goes on after the last item.
    iterator: Option<String>,
    /// Goes back to what is before the first item.
    prev_iterator: Option<String>,
    /// Whether the list ends here, in the direction that was asked for.
    done: bool,
}

/// Where a page began, for its answer.
pub(crate) struct Asked {
    list: List,
    iterator: Option<String>,
    /// Whether it goes back to what is before.
    is_back: bool,
}

impl PageParams {
    pub(crate) fn of(query: &Query) -> Result<PageParams, ApiError> {
        let limit = query.number::<u16>("limit")?;
        if limit.is_some_and(|limit| limit == 0 || limit > LIMIT_MAX) {
            return Err(refused("limit", format!("must be from 1 to {LIMIT_MAX}")));
        }
        let order = query.parsed("order", |word| match word {
            "ascending" => Ok(Ordering::Ascending),
            "descending" => Ok(Ordering::Descending),
            _ => Err("must be ascending or descending"),
        })?;
        // The same list has two paths, with a slash at the end and without.
        let hash = Sha256::digest(query.path().trim_end_matches('/'));
        let list = hash.first_chunk().copied().unwrap_or_default();
        Ok(PageParams { limit, iterator: query.get("iterator").map(str::to_owned), order, list })
    }

    /// The page to read, of a list in `order` unless the caller asks for another.
    pub(crate) fn request<K: Key>(self, order: Order) -> Result<(PageRequest<K>, Asked), ApiError> {
        let from = match &self.iterator {
            None => None,
            Some(text) => Some(decode(text, self.list).ok_or_else(|| {
                refused("iterator", "is not an iterator of this list; leave it out to begin at the start")
            })?),
        };
        let order = match self.order {
            None => order,
            Some(Ordering::Ascending) => Order::Ascending,
            Some(Ordering::Descending) => Order::Descending,
        };
        let request = PageRequest { limit: self.limit.unwrap_or(LIMIT_DEFAULT), order, from };
        let is_back = matches!(request.from, Some(page::From::Before(_)));
        Ok((request, Asked { list: self.list, iterator: self.iterator, is_back }))
    }
}

impl<T> ListResponse<T> {
    /// The answer with this page; `key` is what the list is ordered by.
    pub(crate) fn of<I, K: Key>(
        page: &Page<I>,
        asked: Asked,
        key: impl Fn(&I) -> K,
        data: Vec<T>,
    ) -> ListResponse<T> {
        let after = page.items.last().map(|item| encode(page::From::After(&key(item)), asked.list));
        let before = page.items.first().map(|item| encode(page::From::Before(&key(item)), asked.list));
        // Who has read everything can ask again with the same iterator, for what came meanwhile.
        ListResponse { data, iterator: after.or(asked.iterator), prev_iterator: before, done: page.done }
    }

    /// The answer with what a search found; where it ended early, the iterators go on from there.
    pub(crate) fn searched<I, K: Key>(
        found: &Searched<I, K>,
        asked: Asked,
        key: impl Fn(&I) -> K,
        data: Vec<T>,
    ) -> ListResponse<T> {
        let (is_back, list) = (asked.is_back, asked.list);
        let mut answer = ListResponse::of(&found.page, asked, key, data);
        if let Some(reached) = &found.reached {
            // A page without items leads both ways.
            if is_back || found.page.items.is_empty() {
                answer.prev_iterator = Some(encode(page::From::Before(reached), list));
            }
            if !is_back || found.page.items.is_empty() {
                answer.iterator = Some(encode(page::From::After(reached), list));
            }
        }
        answer
    }
}

/// What a list is ordered by, and an iterator is made of.
pub(crate) trait Key: Sized {
    /// Tells the iterators of different lists apart.
    const KIND: u8;
    fn bytes(&self) -> &[u8];
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

macro_rules! id_key {
    ($($id:ident = $kind:literal),*) => {$(
        impl Key for $id {
            const KIND: u8 = $kind;

            fn bytes(&self) -> &[u8] {
                self.as_bytes()
            }

            fn from_bytes(bytes: &[u8]) -> Option<$id> {
                bytes.try_into().ok().map($id::from_bytes)
            }
        }
    )*};
}

id_key!(
    ApplicationId = b'a',
    EndpointId = b'e',
    MessageId = b'm',
    AttemptId = b't',
    TaskId = b'q',
    TokenId = b'k',
    SourceId = b's',
    InboundId = b'i'
);

impl Key for EventTypeName {
    const KIND: u8 = b'n';

    fn bytes(&self) -> &[u8] {
        self.as_str().as_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<EventTypeName> {
        EventTypeName::parse(std::str::from_utf8(bytes).ok()?).ok()
    }
}

const AFTER: u8 = b'>';
const BEFORE: u8 = b'<';

fn encode<K: Key>(from: page::From<&K>, list: List) -> String {
    let (direction, key) = match from {
        page::From::After(key) => (AFTER, key),
        page::From::Before(key) => (BEFORE, key),
    };
    let mut bytes = vec![K::KIND, direction];
    bytes.extend_from_slice(&list);
    bytes.extend_from_slice(key.bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode<K: Key>(text: &str, list: List) -> Option<page::From<K>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    let key = rest.strip_prefix(&list)?;
    let key = K::from_bytes(key)?;
    match *head {
        [kind, AFTER] if kind == K::KIND => Some(page::From::After(key)),
        [kind, BEFORE] if kind == K::KIND => Some(page::From::Before(key)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iterator_is_read_by_its_own_list_alone() {
        let key = MessageId::from_bytes([7; 20]);
        let text = encode(page::From::Before(&key), *b"list");
        assert_eq!(decode(&text, *b"list"), Some(page::From::Before(key)));
        assert_eq!(decode::<EndpointId>(&text, *b"list"), None);
        assert_eq!(decode::<MessageId>(&text, *b"last"), None, "another list of messages");
        for garbage in ["", "x", "msg_2", "bTw", "\u{e9}", &text[1..]] {
            assert_eq!(decode::<MessageId>(garbage, *b"list"), None, "{garbage}");
        }
    }
}
