//! What a use case says while it works.

/// Something worth telling while a long command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A step or phase has begun.
    Began(String),
    /// It holds.
    Done(String),
    /// It failed, for this reason.
    Failed(String, String),
    /// A sentence of the story.
    Note(String),
}

/// The one way out for progress.
pub type Progress<'a> = &'a mut dyn FnMut(Event);
