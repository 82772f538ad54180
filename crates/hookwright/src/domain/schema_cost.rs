//! What checking a payload against a JSON Schema may cost, seen from the schema alone: one that makes a validator look at the same
//! value again and again, without bounds, is refused before it is ever used.
//!
//! All that the schema says is followed, references included, as a validator follows it
//! (<https://json-schema.org/draft/2020-12/json-schema-core>, sections 8.2 and 10). A reference back to where it came from is a loop:
//! it must lead into the payload, and no two loops may lead along the same way, or the work would double with each step.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// So many subschemas are looked at, each as often as references lead to it.
const VISITS_MAX: usize = 100_000;
/// References lead no deeper than this.
const DEPTH_MAX: usize = 200;

/// Why a schema is refused: what it does, in words that go on where it is named.
pub(crate) type Refusal = &'static str;

const TOO_MUCH: Refusal = "its references make it too large: it comes to more than 100,000 subschemas";
const ENDLESS: Refusal = "a reference in it leads back to itself, or more than 200 deep, without an end";
const DOUBLES: Refusal = "two references in it lead back to the same place for the same value, so that the work would double with each step into a payload";
const UNSEEN: Refusal = "it has a reference other than # and #/…, or an $id inside; use #/$defs/…";

/// A step from a value to a part of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot<'s> {
    Property(&'s str),
    AnyProperty,
    Item(usize),
    AnyItem,
}

impl Slot<'_> {
    /// Whether both can be the same part of some value.
    fn meets(self, other: Slot<'_>) -> bool {
        match (self, other) {
            (Slot::Property(one), Slot::Property(other)) => one == other,
            (Slot::Item(one), Slot::Item(other)) => one == other,
            (Slot::Property(_) | Slot::AnyProperty, Slot::Property(_) | Slot::AnyProperty) => true,
            (Slot::Item(_) | Slot::AnyItem, Slot::Item(_) | Slot::AnyItem) => true,
            _ => false,
        }
    }
}

/// A subschema that is being followed.
struct Open<'s> {
    schema: *const Value,
    /// How many steps into the payload led to it.
    depth: usize,
    /// Ways that lead from it back to itself, or on to where a loop through it begins.
    loops: Vec<Vec<Slot<'s>>>,
}

struct Walk<'s> {
    root: &'s Value,
    open: Vec<Open<'s>>,
    slots: Vec<Slot<'s>>,
    visits: usize,
    /// How many subschemas look at values of the same kind of place: objects and lists on the way to it.
    at: HashMap<Vec<bool>, usize>,
}

/// How many subschemas look at one value of a payload at most.
///
/// # Errors
///
/// What makes it without bounds.
pub(crate) fn looks_at_a_value(schema: &Value) -> Result<usize, Refusal> {
    let mut walk = Walk { root: schema, open: Vec::new(), slots: Vec::new(), visits: 0, at: HashMap::new() };
    walk.follow(schema)?;
    Ok(walk.at.into_values().max().unwrap_or(1))
}

impl<'s> Walk<'s> {
    fn follow(&mut self, schema: &'s Value) -> Result<(), Refusal> {
        let Value::Object(keywords) = schema else { return Ok(()) };
        if let Some(begun) = self.open.iter().position(|open| std::ptr::eq(open.schema, schema)) {
            return self.back_to(begun);
        }
        self.visits += 1;
        if self.visits > VISITS_MAX {
            return Err(TOO_MUCH);
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(ENDLESS);
        }
        if !self.open.is_empty() && keywords.get("$id").is_some_and(Value::is_string) {
            return Err(UNSEEN);
        }
        let place = self.slots.iter().map(|slot| matches!(slot, Slot::Item(_) | Slot::AnyItem)).collect();
        *self.at.entry(place).or_default() += 1;
        self.open.push(Open { schema, depth: self.slots.len(), loops: Vec::new() });
        let followed = self.keywords(keywords);
        self.open.pop();
        followed
    }

    fn keywords(&mut self, keywords: &'s Map<String, Value>) -> Result<(), Refusal> {
        for (keyword, value) in keywords {
            match (keyword.as_str(), value) {
                ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference)) => {
                    let target = self.target(reference).ok_or(UNSEEN)?;
                    self.follow(target)?;
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(all)) => {
                    all.iter().try_for_each(|schema| self.follow(schema))?;
                }
                ("not" | "if" | "then" | "else", schema) => self.follow(schema)?,
                ("dependentSchemas" | "dependencies", Value::Object(all)) => {
                    all.values().try_for_each(|schema| self.follow(schema))?;
                }
                ("properties", Value::Object(all)) => {
                    all.iter().try_for_each(|(name, schema)| self.into(Slot::Property(name), schema))?;
                }
                ("patternProperties", Value::Object(all)) => {
                    all.values().try_for_each(|schema| self.into(Slot::AnyProperty, schema))?;
                }
                ("additionalProperties" | "unevaluatedProperties" | "propertyNames", schema) => {
                    self.into(Slot::AnyProperty, schema)?;
                }
                ("prefixItems" | "items", Value::Array(all)) => {
                    let mut all = all.iter().enumerate();
                    all.try_for_each(|(index, schema)| self.into(Slot::Item(index), schema))?;
                }
                ("items" | "additionalItems" | "contains" | "unevaluatedItems", schema) => {
                    self.into(Slot::AnyItem, schema)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn into(&mut self, slot: Slot<'s>, schema: &'s Value) -> Result<(), Refusal> {
        self.slots.push(slot);
        let followed = self.follow(schema);
        self.slots.pop();
        followed
    }

    /// A reference leads back to a subschema that is being followed.
    fn back_to(&mut self, begun: usize) -> Result<(), Refusal> {
        let start = self.open.get(begun).map_or(0, |open| open.depth);
        if self.slots.len() == start {
            return Err(ENDLESS);
        }
        // It is a loop through all that is open from there on: from each of them to the end, and from the beginning to it again.
        for open in self.open.iter_mut().skip(begun) {
            let to_the_end = self.slots.get(open.depth..).unwrap_or_default();
            let from_the_start = self.slots.get(start..open.depth).unwrap_or_default();
            let way: Vec<Slot<'s>> = to_the_end.iter().chain(from_the_start).copied().collect();
            let doubles =
                |other: &Vec<Slot<'s>>| other.iter().zip(&way).all(|(one, other)| one.meets(*other));
            if open.loops.iter().any(doubles) {
                return Err(DOUBLES);
            }
            open.loops.push(way);
        }
        Ok(())
    }

    /// What a reference within the schema means: a JSON pointer in a fragment (RFC 6901, section 6).
    fn target(&self, reference: &str) -> Option<&'s Value> {
        let fragment = reference.strip_prefix('#')?;
        let pointer = percent_encoding::percent_decode_str(fragment).decode_utf8().ok()?;
        self.root.pointer(&pointer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_chain_of_references_that_multiplies_is_refused() {
        let mut defs = Map::new();
        for level in 0..12 {
            let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
            defs.insert(format!("d{level}"), json!({"allOf": vec![next; 10]}));
        }
        defs.insert("d12".to_owned(), json!({"type": "object"}));
        let schema = json!({"$ref": "#/$defs/d0", "$defs": defs});
        assert_eq!(looks_at_a_value(&schema), Err(TOO_MUCH));
    }

    #[test]
    fn loops_that_lead_nowhere_or_double_are_refused() {
        for schema in [
            json!({"$ref": "#"}),
            json!({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#"}}}}),
        ] {
            assert_eq!(looks_at_a_value(&schema), Err(ENDLESS), "{schema}");
        }
        for schema in [
            json!({"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}),
            json!({"properties": {"a": {"$ref": "#"}}, "patternProperties": {"a": {"$ref": "#"}}}),
            json!({"items": {"$ref": "#"}, "contains": {"$ref": "#"}}),
            // By way of two others, of which each leads to the other and to itself.
            json!({"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"allOf": [
                {"properties": {"a": {"$ref": "#"}}}, {"properties": {"a": {"$ref": "#/$defs/b"}}}]}}}),
        ] {
            assert_eq!(looks_at_a_value(&schema), Err(DOUBLES), "{schema}");
        }
    }

    #[test]
    fn schemas_as_people_write_them_are_taken() {
        let tree = json!({"type": "object", "properties": {
            "value": {"type": "number"}, "left": {"$ref": "#"}, "right": {"$ref": "#"}}});
        let comments =
            json!({"properties": {"text": {"type": "string"}, "answers": {"items": {"$ref": "#"}}}});
        let any = json!({"$ref": "#/$defs/any", "$defs": {"any": {"anyOf": [
            {"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/any"}},
            {"type": "object", "additionalProperties": {"$ref": "#/$defs/any"}}]}}});
        let order = json!({"properties": {"from": {"$ref": "#/$defs/address"}, "to": {"$ref": "#/$defs/address"}},
            "$defs": {"address": {"properties": {"street": {"type": "string"}}}}});
        for schema in [tree, comments, any, order, json!(true), json!({})] {
            let looks = looks_at_a_value(&schema);
            assert!(looks.is_ok_and(|looks| looks <= 5), "{schema}: {looks:?}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        for schema in [
            json!({"$ref": "#name", "$defs": {"a": {"$anchor": "name"}}}),
            json!({"$ref": "#/$defs/missing"}),
            json!({"properties": {"a": {"$id": "https://a.example/b"}}}),
        ] {
            assert_eq!(looks_at_a_value(&schema), Err(UNSEEN), "{schema}");
        }
        assert!(
            looks_at_a_value(
                &json!({"$id": "https://a.example/b", "properties": {"$id": {"type": "string"}}})
            )
            .is_ok()
        );
    }

    #[test]
    fn how_many_look_at_a_value_is_known() {
        let schema = json!({"items": {"allOf": vec![json!({"type": "integer"}); 500]}});
        assert_eq!(looks_at_a_value(&schema), Ok(501));
    }
}
