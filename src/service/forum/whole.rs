//! Every thread, looked at once.

use super::super::{Control, ServiceResult};
use super::read::Reader;

/// How many threads there are, and what of them cannot be used, as sentences.
pub fn read_all(control: &Control) -> ServiceResult<(usize, Vec<String>)> {
    let (mut count, mut odd) = (0, Vec::new());
    Reader::new(control)?.each(&mut |_| count += 1, &mut odd)?;
    Ok((count, odd))
}
