//! The fields of an object: a plain list while they are few, a hash map that keeps their order once they are many.
//!
//! Nearly all objects are small, and a look through a dozen names is quicker than hashing one, takes a third of the
//! memory and a single allocation; with many fields a list would take quadratic time, which a sender could abuse.

use std::borrow::Cow;

use indexmap::IndexMap;

use super::Value;

/// From how many fields on the map is used. It is never left again.
const MANY: usize = 32;

type Map<'a> = IndexMap<Cow<'a, str>, Value<'a>, foldhash::fast::RandomState>;

#[derive(Debug, Clone)]
pub(super) enum Fields<'a> {
    Few(Vec<(Cow<'a, str>, Value<'a>)>),
    Many(Box<Map<'a>>),
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl<'a> Fields<'a> {
    pub(super) fn with_capacity(fields: usize) -> Self {
        Self::Few(Vec::with_capacity(fields.min(MANY)))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(map) => map.len(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value<'a>> {
        match self {
            Self::Few(list) => list.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            Self::Many(map) => map.get(name),
        }
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Value<'a>> {
        match self {
            Self::Few(list) => list.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value),
            Self::Many(map) => map.get_mut(name),
        }
    }

    pub(super) fn insert(&mut self, name: Cow<'a, str>, value: Value<'a>) -> Option<Value<'a>> {
        match self {
            Self::Few(list) => {
                if let Some((_, slot)) = list.iter_mut().find(|(known, _)| *known == name) {
                    return Some(std::mem::replace(slot, value));
                }
                if list.len() < MANY {
                    list.push((name, value));
                } else {
                    let mut map: Map<'a> = std::mem::take(list).into_iter().collect();
                    map.insert(name, value);
                    *self = Self::Many(Box::new(map));
                }
                None
            }
            Self::Many(map) => map.insert(name, value),
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Value<'a>> {
        match self {
            Self::Few(list) => {
                let index = list.iter().position(|(known, _)| known == name)?;
                Some(list.remove(index).1)
            }
            Self::Many(map) => map.shift_remove(name),
        }
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value<'a>) -> bool) {
        match self {
            Self::Few(list) => list.retain_mut(|(name, value)| keep(name, value)),
            Self::Many(map) => map.retain(|name, value| keep(name, value)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        let (few, many) = match self {
            Self::Few(list) => (Some(list), None),
            Self::Many(map) => (None, Some(map)),
        };
        let few = few.into_iter().flatten().map(|(name, value)| (name.as_ref(), value));
        few.chain(many.into_iter().flat_map(|map| map.iter()).map(|(name, value)| (name.as_ref(), value)))
    }

    pub(super) fn into_pairs(self) -> Vec<(Cow<'a, str>, Value<'a>)> {
        match self {
            Self::Few(list) => list,
            Self::Many(map) => map.into_iter().collect(),
        }
    }
}

/// The same fields with the same values, in whatever order.
impl PartialEq for Fields<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_behave_alike() {
        for count in [0, 1, MANY - 1, MANY, MANY + 1, 100] {
            let mut fields = Fields::default();
            for number in 0..count {
                assert_eq!(fields.insert(format!("f{number}").into(), Value::Int(number as i64)), None);
            }
            assert_eq!(fields.len(), count);
            let names: Vec<String> = fields.iter().map(|(name, _)| name.to_owned()).collect();
            assert_eq!(names, (0..count).map(|number| format!("f{number}")).collect::<Vec<_>>());
            if count > 2 {
                assert_eq!(fields.insert("f1".into(), Value::Null), Some(Value::Int(1)));
                assert_eq!(fields.remove("f0"), Some(Value::Int(0)));
                assert_eq!(fields.remove("f0"), None);
                assert_eq!(fields.iter().next(), Some(("f1", &Value::Null)));
                if let Some(value) = fields.get_mut("f2") {
                    *value = Value::Bool(true);
                }
                assert_eq!(fields.get("f2"), Some(&Value::Bool(true)));
                let copy = fields.clone();
                fields.retain(|name, _| name != "f2");
                assert_eq!((fields.len(), fields.get("f2")), (count - 2, None));
                assert_ne!(fields, copy);
            }
        }
    }

    #[test]
    fn equal_whatever_the_order_and_the_form() {
        let pairs: Vec<(Cow<'_, str>, Value<'_>)> = (0..10).map(|n| (format!("f{n}").into(), Value::Int(n))).collect();
        let few = Fields::Few(pairs.clone());
        let many = Fields::Many(Box::new(pairs.into_iter().rev().collect()));
        assert_eq!(few, many);
    }
}
