//! What `policy-init` writes.

use super::node::Format;
use super::schema::Policy;

/// The text of a new policy file: the defaults as JSON, or TOML in which every key is explained and commented out.
pub fn template(format: Format) -> String {
    match format {
        Format::Json => {
            let mut text = serde_json::to_string_pretty(&Policy::default())
                .expect("policies hold texts, numbers and lists only, which always serialize");
            text.push('\n');
            text
        }
        Format::Toml => include_str!("template.toml").to_owned(),
    }
}
