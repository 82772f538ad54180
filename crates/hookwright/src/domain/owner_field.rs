//! The owner's name in a payload: one more field of its outermost object, unless that has it already.

use std::collections::HashSet;

use crate::domain::owner::OwnerId;

/// The payload with the owner in `field`. What is not a JSON object stays as it is, and so does an object that has the field.
pub(crate) fn with_owner(payload: Vec<u8>, field: &str, owner: &OwnerId) -> Vec<u8> {
    let Ok(fields) = serde_json::from_slice::<Fields>(&payload) else { return payload };
    if fields.0.contains(field) {
        return payload;
    }
    let Some(end) = payload.iter().rposition(|byte| *byte == b'}') else { return payload };
    // The name is written as JSON writes it, so that no character of it can end the text early.
    let name = serde_json::Value::from(field);
    let comma = if fields.0.is_empty() { "" } else { "," };
    let inserted = format!("{comma}{name}:{}", owner.json());
    let (before, after) = payload.split_at(end);
    [before, inserted.as_bytes(), after].concat()
}

/// The names of an object's fields. What the fields hold is read over.
struct Fields(HashSet<String>);

impl<'de> serde::Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        struct Names;
        impl<'de> serde::de::Visitor<'de> for Names {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut names = HashSet::new();
                while let Some(name) = map.next_key()? {
                    map.next_value::<serde::de::IgnoredAny>()?;
                    names.insert(name);
                }
                Ok(Fields(names))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::owner::AsOwner;

    #[track_caller]
    fn check(payload: &str, expected: &str) {
        let owner = 42.as_owner().unwrap();
        let written = with_owner(payload.as_bytes().to_vec(), "owner", &owner);
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[test]
    fn the_owner_is_one_more_field_of_an_object() {
        check("{}", r#"{"owner":42}"#);
        check(r#"{"a":{"owner":1}}"#, r#"{"a":{"owner":1},"owner":42}"#);
        check("{\"a\": \"}\"} \n", "{\"a\": \"}\",\"owner\":42} \n");
    }

    #[test]
    fn what_has_an_owner_or_is_no_object_stays_as_it_is() {
        for payload in [r#"{"owner":null}"#, r#"{"own\u0065r":1}"#, "[1]", "\"}\"", "7", "null", "no JSON }"]
        {
            check(payload, payload);
        }
    }

    #[test]
    fn the_name_of_the_field_is_escaped() {
        let owner = "a".as_owner().unwrap();
        let written = with_owner(b"{}".to_vec(), "o\"wner", &owner);
        assert_eq!(String::from_utf8(written).unwrap(), r#"{"o\"wner":"a"}"#);
    }
}
