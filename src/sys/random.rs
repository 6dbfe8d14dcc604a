//! Random words.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// `length` random lower-case base32 characters.
///
/// # Panics
/// Where the kernel gives no random bytes.
pub fn base32(length: usize) -> String {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect()
}

/// A random number below `bound`, for jitter; 0 where `bound` is 0.
pub fn below(bound: u64) -> u64 {
    let mut bytes = [0; 8];
    if bound == 0 || getrandom::fill(&mut bytes).is_err() {
        return 0;
    }
    u64::from_le_bytes(bytes) % bound
}
