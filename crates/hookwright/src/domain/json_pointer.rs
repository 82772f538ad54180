//! JSON pointers (RFC 6901): which value of a JSON document is meant.

use serde_json::Value;

/// The longest pointer, in bytes.
const BYTES_MAX: usize = 1_024;

/// Where in a JSON document a value is, such as `/card/number`. Never the whole document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPointer {
    text: String,
    tokens: Vec<String>,
}

/// A text is no pointer to a value inside a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonPointerError {
    /// It does not begin as pointers do.
    #[error("must begin with a slash, as in /data/type")]
    NoSlash,
    /// A tilde does not stand for anything.
    #[error("has a ~ that is followed by neither 0 nor 1 (~0 stands for ~ itself, ~1 for a slash in a name)")]
    Escape,
    /// It is too long.
    #[error("must have at most {BYTES_MAX} bytes")]
    TooLong,
}

impl JsonPointer {
    /// Reads a pointer, such as `/data/0/type`.
    ///
    /// # Errors
    ///
    /// [`JsonPointerError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<JsonPointer, JsonPointerError> {
        if text.len() > BYTES_MAX {
            return Err(JsonPointerError::TooLong);
        }
        let rest = text.strip_prefix('/').ok_or(JsonPointerError::NoSlash)?;
        let tokens = rest.split('/').map(unescaped).collect::<Option<_>>().ok_or(JsonPointerError::Escape)?;
        Ok(JsonPointer { text: text.to_owned(), tokens })
    }

    /// The pointer as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names on the way to the value, the outermost first.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// The value in this document.
    pub fn find<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        document.pointer(&self.text)
    }

    /// Whether one of the two leads to a part of what the other leads to.
    pub fn overlaps(&self, other: &JsonPointer) -> bool {
        self.tokens.iter().zip(&other.tokens).all(|(one, other)| one == other)
    }
}

fn unescaped(token: &str) -> Option<String> {
    let mut read = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(next) = chars.next() {
        read.push(match next {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_read_as_the_standard_has_it() {
        let pointer = JsonPointer::parse("/a~1b/m~0n/0").unwrap();
        assert_eq!(pointer.tokens(), ["a/b", "m~n", "0"]);
        assert_eq!(pointer.find(&serde_json::json!({"a/b": {"m~n": [7]}})), Some(&Value::from(7)));
        for (text, error) in [
            ("", JsonPointerError::NoSlash),
            ("type", JsonPointerError::NoSlash),
            ("/a~2", JsonPointerError::Escape),
            ("/a~", JsonPointerError::Escape),
        ] {
            assert_eq!(JsonPointer::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn what_leads_into_another_overlaps_it() {
        let pointer = |text| JsonPointer::parse(text).unwrap();
        assert!(pointer("/card").overlaps(&pointer("/card/number")));
        assert!(pointer("/card/number").overlaps(&pointer("/card")));
        assert!(!pointer("/card/number").overlaps(&pointer("/card/expiry")));
        assert!(!pointer("/car").overlaps(&pointer("/card")));
    }
}
