//! The one door to randomness, and with it to new ids.

use letterhead_domain::arrival::ArrivalCode;
use uuid::Uuid;

/// A new time-ordered id.
pub fn id<T: From<Uuid>>() -> T {
    Uuid::now_v7().into()
}

/// A new id that tells nothing, not even when it was made.
pub fn token<T: From<Uuid>>() -> T {
    Uuid::new_v4().into()
}

/// Bytes from the operating system's generator.
///
/// # Panics
///
/// If the operating system has no randomness to give.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness there are no keys: nothing sensible can follow.
    #[expect(clippy::expect_used, reason = "an operating system without randomness cannot serve")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A code for a test mail, each as likely as any other.
pub fn arrival_code() -> ArrivalCode {
    // What lies above the last whole multiple would make small codes likelier.
    const WHOLE: u32 = u32::MAX - u32::MAX % ArrivalCode::COUNT;
    loop {
        let number = u32::from_le_bytes(bytes());
        if number < WHOLE {
            return ArrivalCode::from_number(number);
        }
    }
}

/// A number from 0 to 1 that spreads retries.
pub fn jitter() -> f64 {
    f64::from(u32::from_le_bytes(bytes())) / f64::from(u32::MAX)
}
