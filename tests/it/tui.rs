//! The screen, in a real terminal: keys in, what it shows out.

mod chair;
mod leaving;
mod sizes;
mod story;
mod troubles;
