//! What an endpoint gets of a message: the bare payload, or the payload in the envelope of REST Hooks.

/// How a message is written for an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PayloadFormat {
    /// The payload as it came, as `application/json`.
    #[default]
    Bare,
    /// `{"hook": {"id", "event", "target"}, "data": <the payload>}`, as django-rest-hooks has it, as `application/json`.
    Hook,
    /// The same envelope as the one field `payload` of a form, `application/x-www-form-urlencoded`, as GitHub has it.
    HookForm,
}

impl PayloadFormat {
    /// All of them.
    const ALL: [PayloadFormat; 3] = [PayloadFormat::Bare, PayloadFormat::Hook, PayloadFormat::HookForm];

    /// The word it is stored as.
    pub fn as_str(self) -> &'static str {
        match self {
            PayloadFormat::Bare => "bare",
            PayloadFormat::Hook => "hook",
            PayloadFormat::HookForm => "hook_form",
        }
    }

    /// The format stored as `word`, if it is one.
    pub fn from_word(word: &str) -> Option<PayloadFormat> {
        PayloadFormat::ALL.into_iter().find(|format| format.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_word_is_read_back_and_an_unknown_one_is_not() {
        for format in PayloadFormat::ALL {
            assert_eq!(PayloadFormat::from_word(format.as_str()), Some(format));
        }
        assert_eq!(PayloadFormat::from_word("xml"), None);
    }
}
