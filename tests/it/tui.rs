//! The screen, in a real terminal: keys in, what it shows out.

mod chair;
mod everywhere;
mod leaving;
mod sizes;
mod story;
mod troubles;
