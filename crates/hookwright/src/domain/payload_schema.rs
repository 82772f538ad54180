//! What payloads of an event type must be like: its newest JSON Schema, compiled once.
//!
//! A schema refers to nothing outside itself: no reference is ever fetched or read from a file.

use std::fmt;

use serde_json::Value;

use crate::domain::schema_cost::looks_at_a_value;

/// A schema may have at most so many bytes if payloads are checked against it.
pub const SCHEMA_BYTES_MAX: usize = 256 * 1024;
/// So many things that are wrong with a payload are told at most.
const VIOLATIONS_MAX: usize = 10;
/// What one pattern of a schema may take when it is compiled, in bytes.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;
/// A payload is checked if its values, each as often as the schema looks at one, come to no more than this: about a second.
const LOOKS_MAX: usize = 20_000_000;
/// The longest text that is told of a payload's violation, in bytes.
const MESSAGE_BYTES_MAX: usize = 300;

/// A compiled schema.
pub struct PayloadSchema {
    version: String,
    validator: jsonschema::Validator,
    /// How many subschemas look at one value at most.
    looks: usize,
}

impl fmt::Debug for PayloadSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadSchema").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Schemas cannot be used to check payloads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// There are none.
    #[error("there is no schema to check payloads against")]
    Missing,
    /// They are no JSON object with a schema for each version.
    #[error("the schemas are not a JSON object with a schema for each version")]
    Shape,
    /// The newest one is too large.
    #[error("the schema of version {version} is larger than {SCHEMA_BYTES_MAX} bytes")]
    TooLarge {
        /// Its version.
        version: String,
    },
    /// The newest one is no JSON Schema, or refers to something outside itself.
    #[error("the schema of version {version} cannot be used: {message}")]
    Unusable {
        /// Its version.
        version: String,
        /// What is wrong with it.
        message: String,
    },
}

/// One thing that is wrong with a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where in the payload: names and indices from its root.
    pub path: Vec<String>,
    /// What is wrong; without the value that is wrong, which may be a secret.
    pub message: String,
}

impl PayloadSchema {
    /// Compiles the newest of `schemas`, a JSON object with a schema for each version. Versions that are whole numbers are
    /// compared as such, and are newer than all others.
    pub fn compile(schemas: Option<&str>) -> Result<PayloadSchema, SchemaError> {
        let schemas = schemas.ok_or(SchemaError::Missing)?;
        let schemas: serde_json::Map<String, Value> =
            serde_json::from_str(schemas).map_err(|_| SchemaError::Shape)?;
        let age = |version: &String| (version.parse::<u64>().ok(), version.clone());
        let (version, schema) =
            schemas.into_iter().max_by_key(|(version, _)| age(version)).ok_or(SchemaError::Missing)?;
        if schema.to_string().len() > SCHEMA_BYTES_MAX {
            return Err(SchemaError::TooLarge { version });
        }
        // The linear-time engine: a pattern cannot be made to take for ever.
        let patterns = jsonschema::PatternOptions::regex()
            .size_limit(PATTERN_BYTES_MAX)
            .dfa_size_limit(PATTERN_BYTES_MAX);
        match jsonschema::options().offline().with_pattern_options(patterns).build(&schema) {
            Ok(validator) => match looks_at_a_value(&schema) {
                Ok(looks) => Ok(PayloadSchema { version, validator, looks }),
                Err(why) => Err(SchemaError::Unusable { version, message: why.to_owned() }),
            },
            Err(error) => {
                let mut message = shortened(error.to_string());
                let at = error.instance_path().as_str();
                if !at.is_empty() {
                    message.push_str(&format!(" (at {})", shortened(at.to_owned())));
                }
                Err(SchemaError::Unusable { version, message })
            }
        }
    }

    /// The version of the schema.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What is wrong with a payload, the first few; empty if it is as the schema wants it.
    pub fn violations(&self, payload: &[u8]) -> Vec<Violation> {
        let payload: Value = match serde_json::from_slice(payload) {
            Ok(payload) => payload,
            Err(error) => {
                return vec![Violation { path: Vec::new(), message: format!("cannot be read: {error}") }];
            }
        };
        if values(&payload).saturating_mul(self.looks) > LOOKS_MAX {
            let message = "has too many values to be checked against this schema".to_owned();
            return vec![Violation { path: Vec::new(), message }];
        }
        if self.validator.is_valid(&payload) {
            return Vec::new();
        }
        let errors = self.validator.iter_errors(&payload).take(VIOLATIONS_MAX);
        errors
            .map(|error| Violation {
                path: path(error.instance_path().as_str()),
                message: shortened(error.masked().to_string()),
            })
            .collect()
    }
}

/// How many values a value consists of, itself among them.
fn values(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(values).sum::<usize>(),
        _ => 1,
    }
}

/// The parts of a JSON pointer (RFC 6901, section 4).
fn path(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

fn shortened(mut text: String) -> String {
    if text.len() > MESSAGE_BYTES_MAX {
        let end = (0..=MESSAGE_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = r#"{"type": "object", "required": ["title"], "properties": {
        "title": {"type": "string"}, "isbn": {"type": "string", "pattern": "^[0-9]{13}$"},
        "authors": {"type": "array", "items": {"type": "string"}}}}"#;

    fn compile(schemas: &str) -> Result<PayloadSchema, SchemaError> {
        PayloadSchema::compile(Some(schemas))
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_without_its_value() {
        let schema = compile(&format!(r#"{{"1": {BOOK}}}"#)).unwrap();
        assert_eq!(schema.violations(br#"{"title": "Emma", "more": 1e400}"#).len(), 1, "no number of ours");
        assert_eq!(schema.violations(br#"{"title": "Emma", "isbn": "9780141439587"}"#), []);
        let violations = schema.violations(br#"{"isbn": "hunter2", "authors": ["Jane", 7]}"#);
        let mut places: Vec<_> = violations.iter().map(|violation| violation.path.join(".")).collect();
        places.sort();
        assert_eq!(places, ["", "authors.1", "isbn"]);
        assert!(violations.iter().any(|violation| violation.message.contains("required")), "{violations:?}");
        assert!(!violations.iter().any(|violation| violation.message.contains("hunter2")), "{violations:?}");
    }

    #[test]
    fn the_newest_version_counts() {
        let never = r#"{"not": {}}"#;
        assert_eq!(compile(&format!(r#"{{"9": {never}, "10": {BOOK}}}"#)).unwrap().version(), "10");
        assert_eq!(compile(&format!(r#"{{"draft": {never}, "1": {BOOK}}}"#)).unwrap().version(), "1");
    }

    #[test]
    fn few_violations_are_told_of_many() {
        let schema = compile(r#"{"1": {"items": {"type": "string"}}}"#).unwrap();
        let payload = format!("[{}0]", "0,".repeat(1_000));
        assert_eq!(schema.violations(payload.as_bytes()).len(), VIOLATIONS_MAX);
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let unusable = |schemas: &str| compile(schemas).unwrap_err();
        assert_eq!(PayloadSchema::compile(None).unwrap_err(), SchemaError::Missing);
        assert_eq!(unusable("{}"), SchemaError::Missing);
        assert_eq!(unusable("[1]"), SchemaError::Shape);
        for schema in [
            r#"{"type": "strings"}"#,
            r#"{"pattern": "(a"}"#,
            r#"{"pattern": "(?=a)b"}"#,
            r#"{"pattern": "((a{1000}){1000}){1000}"}"#,
            r#"{"$ref": "https://example.com/schema.json"}"#,
            r#"{"$ref": "file:///etc/passwd"}"#,
            "7",
        ] {
            let told = unusable(&format!(r#"{{"3": {schema}}}"#));
            assert!(
                matches!(&told, SchemaError::Unusable { version, .. } if version == "3"),
                "{schema}: {told}"
            );
        }
        let large = format!(r#"{{"1": {{"description": "{}"}}}}"#, "x".repeat(SCHEMA_BYTES_MAX));
        assert!(matches!(unusable(&large), SchemaError::TooLarge { .. }));
    }

    #[test]
    fn what_a_check_may_cost_is_bounded() {
        let told = compile(r##"{"1": {"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}}"##)
            .unwrap_err();
        assert!(told.to_string().contains("double with each step"), "{told}");
        let all = vec![r#"{"type": "integer"}"#; 1_000].join(",");
        let schema = compile(&format!(r#"{{"1": {{"items": {{"allOf": [{all}]}}}}}}"#)).unwrap();
        assert_eq!(schema.violations(b"[1, 2]"), []);
        let payload = format!("[{}0]", "0,".repeat(30_000));
        let told = schema.violations(payload.as_bytes());
        assert_eq!(told[0].message, "has too many values to be checked against this schema");
    }

    #[test]
    fn a_reference_within_the_schema_is_followed() {
        let schema =
            r##"{"1": {"$defs": {"n": {"type": "integer"}}, "properties": {"x": {"$ref": "#/$defs/n"}}}}"##;
        assert_eq!(compile(schema).unwrap().violations(br#"{"x": "1"}"#)[0].path, ["x"]);
    }
}
