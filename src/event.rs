//! stub
#![allow(missing_docs)]
pub struct Event<'a>(pub serde_json::Map<String, serde_json::Value>, std::marker::PhantomData<&'a ()>);
impl Event<'_> {
    pub fn fields(&self) -> impl Iterator<Item = (&str, &serde_json::Value)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v))
    }
}
