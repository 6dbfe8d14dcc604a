//! Writing events down: the one way by which an event of ours gets into the forum.

use super::super::{Control, ServiceResult};
use super::travel;
use crate::model::{FiledEvent, ForumEvent};
use crate::sys::random;

/// Writes an event of a thread; durable when this returns. `month` is where the thread lies, `None` for a new one. The
/// caller holds the thread's lock unless the event opens it.
pub(in super::super) fn write(
    control: &Control,
    month: Option<&str>,
    event: &mut ForumEvent,
) -> ServiceResult<FiledEvent> {
    if event.nonce.is_empty() {
        event.nonce = random::base32(16);
    }
    travel::write_and_send(control, month, event)
}
